"""Watches each cell of a notebook, so that its effects are known and not guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter  # a cell may put something else into ``time``
from typing import Protocol

from nbtrack.errors import warn
from nbtrack.notebook.executed import Executed
from nbtrack.notebook.observation import Observation

MOST_FAILURES = 3


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
        Where one fails the cell counts as not watched: code of the notebook may have put something
        into a module that raises. One that fails three times in succession is left out from then
        on.
    """

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = list(watchers)
        self._wanted = len(watchers)
        self._looking: list[Watcher] = []  # those that have seen the state before the cell
        self._failures: Counter[int] = Counter()
        self._seen: Observation | None = None
        self._cell: Executed | None = None
        self._follows = False

    def before(self, cell: Executed) -> None:
        """Look at the state before a cell."""
        self._cell, self._seen = cell, Observation(follows=self._follows)
        self._follows = False
        cell.seen = None
        self._looking = self._each(self._watchers, "before", cell, self._seen)

    def after(self, cell: Executed) -> None:
        """Look at the state after a cell: from now on it has an observation."""
        seen, self._seen = self._seen, None
        if seen is None or self._cell is not cell:
            return
        looked = self._each(self._looking, "after", cell, seen)
        for watcher in looked:
            self._failures.pop(id(watcher), None)
        if len(looked) == self._wanted:
            cell.seen = seen
            # what went on beside the cell may have changed what it does not name
            self._follows = not seen.beside_work

    def forget(self) -> None:
        """Take the cell that runs now as not watched."""
        self._seen = None
        self._follows = False

    def _each(
        self, watchers: Sequence[Watcher], moment: str, cell: Executed, seen: Observation
    ) -> list[Watcher]:
        """Let watchers look; return those that could."""
        begin = perf_counter()
        found = []
        for watcher in list(watchers):
            try:
                getattr(watcher, moment)(cell, seen)
                found.append(watcher)
            except Exception as error:  # noqa: BLE001  a cell is none the worse for being watched
                self._failed(watcher, error)
        seen.milliseconds += (perf_counter() - begin) * 1000
        return found

    def _failed(self, watcher: Watcher, error: Exception) -> None:
        self._failures[id(watcher)] += 1
        count, name = self._failures[id(watcher)], type(watcher).__name__
        if count == MOST_FAILURES:
            self._watchers.remove(watcher)
            text = f"nbtrack stops watching cells ({name}): {error!r}. Runs keep all of them."
        else:
            text = f"A cell could not be watched ({name}): {error!r}. Runs keep it for safety."
        with suppress(Exception):  # what warns may be replaced, too
            warn(text)
