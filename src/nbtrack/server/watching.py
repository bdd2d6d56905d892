"""Who looks at which store: while somebody does, its changes are announced."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from nbtrack.store.file_watch import FileWatch
from nbtrack.store.store import Store

LOOK_EVERY_S = 1.0
SLOWEST_S = 3.0
QUIET_S = 30.0  # after so long without a change it looks less often


@dataclass
class _Lease:
    changes: FileWatch
    until: float


class Leases:
    """The stores that are watched; a thread looks at them, and there is none without a lease.

    Parameters
    ----------
    announce : callable
        Called in that thread with the id of a store that has changed.
    """

    def __init__(self, announce: Callable[[str], None]) -> None:
        self._announce = announce
        self._leases: dict[str, _Lease] = {}
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def extend(self, store: Store, seconds: float) -> None:
        """Watch a store for some seconds from now on; with 0 no longer."""
        until = time.monotonic() + seconds
        with self._guard:
            lease = self._leases.get(store.id)
            if seconds <= 0:
                self._leases.pop(store.id, None)
            elif lease is None:
                self._leases[store.id] = _Lease(FileWatch(store), until)
            else:
                lease.until = max(lease.until, until)
            if self._leases and self._thread is None:
                self._thread = threading.Thread(
                    target=self._follow, name="nbtrack-watch", daemon=True
                )
                self._thread.start()
        self._wake.set()

    @property
    def watched(self) -> list[str]:
        """The ids of the stores that are watched now."""
        with self._guard:
            return list(self._leases)

    def close(self) -> None:
        """End all leases."""
        with self._guard:
            self._leases.clear()
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
                self._leases = {k: v for k, v in self._leases.items() if v.until > now}
                if not self._leases:
                    self._thread = None
                    return
                current = list(self._leases.items())
            for store_id, lease in current:
                if lease.changes.look():
                    quiet_since = time.monotonic()
                    self._announce(store_id)
