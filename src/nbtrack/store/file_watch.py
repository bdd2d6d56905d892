"""Whether a store has changed, by looking at its files: nothing is opened for it."""

from __future__ import annotations

from typing import Any

from nbtrack.errors import NbtrackError
from nbtrack.store import journal_reader
from nbtrack.store.owner import Owner
from nbtrack.store.store import Store


def file_state(store: Store) -> tuple[tuple[int, int], list[tuple[str, tuple[int, int]]]]:
    """Return what is another one whenever somebody has written to a store.

    Raises
    ------
    OSError, StoreError
        If its journals cannot be listed.
    """
    return store.database_state(), sorted(journal_reader.sizes(store.journals).items())


class FileWatch:
    """Follows one store.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._owners: dict[str, Owner | None] = {}
        self._seen = self.state()

    def state(self) -> tuple[Any, ...]:
        """Return what is another one whenever the store has changed.

        The database's time and size, the sizes of the journals, and the journals whose
        process is gone: the runs of those are interrupted with the next look at the store.
        """
        database = self.store.database_state()
        try:
            journals = sorted(journal_reader.sizes(self.store.journals).items())
        except (OSError, NbtrackError):  # reading the store says it
            journals = []
        return database, journals, [name for name, _ in journals if self._is_orphan(name)]

    def look(self) -> bool:
        """Return whether the store has changed since the last look."""
        state = self.state()
        changed = state != self._seen
        self._seen = state
        return changed

    def _is_orphan(self, journal: str) -> bool:
        owner = self._owners.get(journal)
        if owner is None:
            owner = self._owners[journal] = journal_reader.state(self.store.journals, journal).owner
        return owner is not None and owner.is_gone()
