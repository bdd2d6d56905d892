"""News of stores for the pages that are open."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Announcer:
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
