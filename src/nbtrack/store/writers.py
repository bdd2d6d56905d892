"""The runs that this process has open for writing in one store."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbtrack.store.writer import Journals, RunWriter

MAX_LOOSE = 64


class Writers:
    """One writer for each run; of those that no active run holds, the latest stay open.

    Attributes
    ----------
    max_loose : int
        How many that no active run holds stay open; each has two files.
    """

    def __init__(self, store: Journals) -> None:
        self.max_loose = MAX_LOOSE
        self._store = store
        self._by_run: dict[str, RunWriter] = {}
        self._guard = threading.Lock()

    def get(self, run_id: str) -> RunWriter:
        """Return the writer of a run that exists, opened where it is not.

        Raises
        ------
        NotFoundError
            If there is no such run.
        InvalidParameterError
            If it is deleted.
        """
        writer = self._by_run.get(run_id)
        if writer is None:
            from nbtrack.store.writer import open_writer

            writer = self.add(open_writer(self._store, run_id))
        return writer

    def new(self, run_id: str, artifact_uri: str) -> RunWriter:
        """Return a writer of a run that is about to be made; ``add`` keeps it."""
        from nbtrack.store.writer import RunWriter

        return RunWriter(self._store, run_id, {}, artifact_uri)

    def is_open(self, run_id: object) -> bool:
        """Return whether the run's writer is open: then nothing is looked up to log to it."""
        return run_id in self._by_run

    def add(self, writer: RunWriter) -> RunWriter:
        """Keep a writer, or return the one that another thread has made meanwhile."""
        with self._guard:
            writer = self._by_run.setdefault(writer.run_id, writer)
            loose = [run_id for run_id, w in self._by_run.items() if not w.pinned]
        for run_id in loose[: -self.max_loose]:
            self.forget(run_id)
        return writer

    def forget(self, run_id: str) -> None:
        """Close the writer and the journal of a run; the next use opens them again."""
        with self._guard:
            writer = self._by_run.get(run_id)
        if writer is not None:
            writer.flush()
        self._store.close_journal(run_id)
        with self._guard:
            self._by_run.pop(run_id, None)

    def forget_param(self, run_id: str, key: str) -> None:
        """Let a param be logged anew that the run has no more."""
        with self._guard:
            writer = self._by_run.get(run_id)
        if writer is not None:
            writer.forget_param(key)

    def set_deleted(self, run_ids: Iterable[str], *, deleted: bool) -> None:
        """Let active runs that are deleted refuse what is logged, or take it again."""
        for run_id in run_ids:
            writer = self._by_run.get(run_id)
            if writer is not None and writer.pinned:
                writer.deleted = deleted
                self._store.close_journal(run_id)
            else:
                self.forget(run_id)

    def settle(self) -> None:
        """Write the values that have arrived from a GPU meanwhile; waits for none."""
        for writer in self._all():
            writer.settle()

    def flush(self) -> None:
        """Wait for the values that are still on a GPU, and write them."""
        for writer in self._all():
            writer.flush()

    def _all(self) -> list[RunWriter]:
        with self._guard:
            return list(self._by_run.values())

    def after_fork(self) -> None:
        """Leave locks, and what the parent waits for, to the parent."""
        self._guard = threading.Lock()
        for writer in self._by_run.values():
            writer.after_fork()
