"""Whether a store has changed: looked at from outside, without opening it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from nbtrack.errors import NbtrackError
from nbtrack.store import Store, file_state

LOOK_EVERY_S = 1.0
MIN_REST_S = 2.0
REST = 20  # after a change, wait so many times what it took


class StoreWatch(threading.Thread):
    """Looks once a second whether a store has changed, and calls back when it has.

    Parameters
    ----------
    store : Store
    changed : callable
        What it raises ends the watch, but for a store that is busy: that is asked again.
    failed : callable
        Takes the error that has ended the watch.
    name : str
        Of the thread.
    rest_s : float
        The least time from one change to the next look.
    at_once : bool
        Whether to call back once before anything has changed.
    wanted : callable, optional
        The watch ends where it returns False.
    """

    def __init__(
        self,
        store: Store,
        changed: Callable[[], None],
        failed: Callable[[Exception], None],
        *,
        name: str = "nbtrack-watch",
        rest_s: float = MIN_REST_S,
        at_once: bool = False,
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._store = store
        self._changed = changed
        self._failed = failed
        self._rest_s = rest_s
        self._at_once = at_once
        self._wanted = wanted
        self._ended = threading.Event()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()

    def run(self) -> None:
        """Look until the end."""
        seen = None if self._at_once else file_state(self._store)
        rest = LOOK_EVERY_S
        while not self._ended.wait(rest) and self._wanted():
            rest = LOOK_EVERY_S
            state = file_state(self._store)
            if state == seen:
                continue
            begin = time.thread_time()
            try:
                self._changed()
            except NbtrackError:
                continue  # a store that is busy now is asked again
            except Exception as error:  # noqa: BLE001  a thread has no caller: it is said, by name
                self._failed(error)
                return
            # the state from before: what was logged meanwhile is a change once more
            seen = state
            rest = max(self._rest_s, REST * (time.thread_time() - begin))
