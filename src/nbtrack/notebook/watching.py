"""Watches each cell of a notebook, so that its effects are known and not guessed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

from nbtrack.errors import warn
from nbtrack.notebook.executed import Executed
from nbtrack.notebook.observation import Observation


class Watcher(Protocol):
    """Watches one side of a cell."""

    def before(self, cell: Executed, seen: Observation) -> None:
        """Look at the state before the cell."""

    def after(self, cell: Executed, seen: Observation) -> None:
        """Look again, and note what differs."""


class CellWatch:
    """Lets watchers look before and after each cell.

    Parameters
    ----------
    watchers : list of Watcher
        A watcher that fails is left out from then on, and its cell counts as not watched.
    """

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = list(watchers)
        self._seen: Observation | None = None
        self._cell: Executed | None = None
        self._follows = False

    def before(self, cell: Executed) -> None:
        """Look at the state before a cell."""
        self._cell, self._seen = cell, Observation(follows=self._follows)
        self._follows = False
        cell.seen = None
        self._each("before", cell, self._seen)

    def after(self, cell: Executed) -> None:
        """Look at the state after a cell: from now on it has an observation."""
        seen, self._seen = self._seen, None
        if seen is None or self._cell is not cell:
            return
        if self._each("after", cell, seen):
            cell.seen = seen
            self._follows = True

    def forget(self) -> None:
        """Take the cell that runs now as not watched."""
        self._seen = None
        self._follows = False

    def _each(self, moment: str, cell: Executed, seen: Observation) -> bool:
        begin = time.perf_counter()
        complete = True
        for watcher in list(self._watchers):
            try:
                getattr(watcher, moment)(cell, seen)
            except Exception as error:  # noqa: BLE001  a cell is none the worse for being watched
                self._watchers.remove(watcher)
                complete = False
                what: Any = type(watcher).__name__
                warn(f"nbtrack stops watching cells ({what}): {error!r}. Their runs say so.")
        seen.milliseconds += (time.perf_counter() - begin) * 1000
        return complete
