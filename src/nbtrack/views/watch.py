"""Whether a store has changed: looked at from outside, without opening it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from nbtrack.errors import NbtrackError
from nbtrack.store import tails
from nbtrack.store.store import Store

LOOK_EVERY_S = 1.0
MIN_REST_S = 2.0
REST = 20  # after a change, wait so many times what it took


def store_state(store: Store) -> object:
    """Return what changes whenever the store does."""
    try:
        stat = store.path.stat()
        database = (stat.st_mtime_ns, stat.st_size)
    except OSError:
        database = (0, 0)
    return database, sorted(tails.sizes(store.journals).items())


class StoreWatch:
    """Calls back in a thread of its own when a store has changed.

    Parameters
    ----------
    store : Store
    changed : callable
        What it raises ends the watch, but for a store that is busy: that is asked again.
    """

    def __init__(self, store: Store, changed: Callable[[], None]) -> None:
        self._store = store
        self._changed = changed
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin to look, once a second."""
        threading.Thread(target=self._follow, name="nbtrack-watch", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()

    def _follow(self) -> None:
        seen = store_state(self._store)
        rest = LOOK_EVERY_S
        while not self._ended.wait(rest):
            rest = LOOK_EVERY_S
            state = store_state(self._store)
            if state == seen:
                continue
            begin = time.thread_time()
            try:
                self._changed()
            except NbtrackError:
                continue
            except Exception as error:  # noqa: BLE001  a thread has no caller: it is said, by name
                self._store.say(f"The comparison no longer follows its runs: {error!r}")
                return
            seen = state
            rest = max(MIN_REST_S, REST * (time.thread_time() - begin))
