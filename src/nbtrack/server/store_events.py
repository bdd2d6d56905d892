"""Which stores have changed: watched while somebody looks, and told to the pages that are open."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from nbtrack.server.messages import STORE
from nbtrack.store import FileWatch, Store

STORE_CHANGED = "https://nbtrack.dev/events/store-changed/v1"
STORE_CHANGED_SCHEMA = {
    "$id": STORE_CHANGED,
    "version": "1",
    "title": "A store of nbtrack has changed",
    "personal-data": False,
    "type": "object",
    "properties": {
        STORE: {"type": "string", "title": "The store", "description": "Its id."},
    },
    "required": [STORE],
}


class EventBroadcaster:
    """Passes on which store has changed, from any thread to those who listen in the loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: set[asyncio.Queue[str | None]] = set()
        self._closed = False

    def listen(self) -> asyncio.Queue[str | None]:
        """Return a queue that the ids of changed stores come into; None is the end."""
        self._loop = asyncio.get_running_loop()
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        if self._closed:
            queue.put_nowait(None)
        self._listeners.add(queue)
        return queue

    def leave(self, queue: asyncio.Queue[str | None]) -> None:
        """Listen no more."""
        self._listeners.discard(queue)

    def tell(self, store_id: str) -> None:
        """Say that a store has changed; may be called in any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._pass_on, store_id)

    def close(self) -> None:
        """End what all listen to; called in the loop."""
        self._closed = True
        self._pass_on(None)

    def _pass_on(self, news: str | None) -> None:
        for queue in self._listeners:
            queue.put_nowait(news)


LOOK_EVERY_S = 1.0
SLOWEST_S = 3.0
QUIET_S = 30.0  # after so long without a change it looks less often


@dataclass
class _Subscription:
    changes: FileWatch
    until: float


class Subscriptions:
    """The stores that somebody watches; a thread looks at them as long as there are any.

    Parameters
    ----------
    announce : callable
        Called in that thread with the id of a store that has changed.
    """

    def __init__(self, announce: Callable[[str], None]) -> None:
        self._announce = announce
        self._subscriptions: dict[str, _Subscription] = {}
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def extend(self, store: Store, seconds: float) -> None:
        """Watch a store for some seconds from now on; with 0 no longer."""
        until = time.monotonic() + seconds
        with self._guard:
            subscription = self._subscriptions.get(store.id)
            if seconds <= 0:
                self._subscriptions.pop(store.id, None)
            elif subscription is None:
                self._subscriptions[store.id] = _Subscription(FileWatch(store), until)
            else:
                subscription.until = max(subscription.until, until)
            if self._subscriptions and self._thread is None:
                self._thread = threading.Thread(
                    target=self._follow, name="nbtrack-watch", daemon=True
                )
                self._thread.start()
        self._wake.set()

    @property
    def watched(self) -> list[str]:
        """The ids of the stores that are watched now."""
        with self._guard:
            return list(self._subscriptions)

    def close(self) -> None:
        """End all subscriptions."""
        with self._guard:
            self._subscriptions.clear()
            thread = self._thread
        self._wake.set()
        if thread is not None:
            thread.join(timeout=5.0)

    def _follow(self) -> None:
        quiet_since = time.monotonic()
        while True:
            quiet = time.monotonic() - quiet_since
            self._wake.wait(LOOK_EVERY_S if quiet < QUIET_S else SLOWEST_S)
            if self._wake.is_set():
                self._wake.clear()
                quiet_since = time.monotonic()
            with self._guard:
                now = time.monotonic()
                for store_id, each in list(self._subscriptions.items()):
                    if each.until <= now:
                        del self._subscriptions[store_id]
                if not self._subscriptions:
                    self._thread = None
                    return
                current = list(self._subscriptions.items())
            for store_id, subscription in current:
                if subscription.changes.look():
                    quiet_since = time.monotonic()
                    self._announce(store_id)
