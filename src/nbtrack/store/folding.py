"""Runs folds: under the lock, until nothing is left, and removes journals that are done."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nbtrack.errors import NbtrackError, StoreLockedError, StoreReadOnlyError
from nbtrack.store.journal import RECORD_SIZE
from nbtrack.store.journal_files import DAMAGED, SUFFIXES
from nbtrack.store.reader import Reader

if TYPE_CHECKING:
    from nbtrack.store.fold import FoldReport

IsSent = Callable[[Path, str, tuple[int, int]], bool]
"""Whether nobody needs a journal any more: of a folder, its name, and where it ends."""


@dataclass(frozen=True)
class SyncReport:
    """What a sync did for one store.

    Attributes
    ----------
    uri : str
    folded : int
        Points that came into the database, or the mirror.
    sent_points, sent_files : int
        What the server has got; 0 for a store of one's own.
    left : int
        Journals that hold more than the server has got.
    refused : dict of str to int
        Why the server will never take some of it, and how many things; they are kept aside.
    problem : str or None
        Why something is left.
    """

    uri: str
    folded: int
    sent_points: int = 0
    sent_files: int = 0
    left: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    problem: str | None = None


class Folding:
    """The part of a store that folds its journals into its database."""

    folder: Path
    journals: Path
    path: Path
    _folded: dict[str, tuple[int, int]]
    _folded_into: tuple[int, int] | None
    _is_sent: IsSent | None
    _patience_s = 5.0

    def _attach(self, stack: contextlib.ExitStack, *, read_only: bool = True) -> Reader:
        raise NotImplementedError

    def _locked(self, timeout_s: float = 30.0) -> contextlib.AbstractContextManager[bool]:
        raise NotImplementedError

    def warn_once(self, message: str, kind: str | None = None) -> None:
        """Warn the user once about something that happened in the background."""
        raise NotImplementedError

    def _fold_now(self, writable: bool) -> int:
        """Fold under the lock until nothing is left; journals that are done go away."""
        if not writable:
            raise StoreReadOnlyError(
                f"The folder {self.folder} cannot be written. Make it writable, or choose another "
                "place with nbtrack.set_tracking_uri(...) or NBTRACK_URI."
            )
        total = 0
        while True:
            with contextlib.ExitStack() as stack:
                report = self._fold_into(self._attach(stack, read_only=False))
            self._folded = dict(report.offsets)
            self._folded_into = self._file()
            for name, offset in report.offsets.items():
                self._finish(name, offset, damaged=name in report.damaged)
            for problem in report.problems:
                self.warn_once(problem)
            total += report.points
            if not report.more:
                return total

    def _finish(self, name: str, offset: tuple[int, int], *, damaged: bool) -> None:
        """Remove a journal that nobody needs any more; one that is damaged is set aside."""
        from nbtrack.store import journal_reader

        try:
            if not journal_reader.is_fully_folded(self.journals, name, offset):
                return
            if self._is_sent is not None and not self._is_sent(self.folder, name, offset):
                return
            for suffix in SUFFIXES:
                file = self.journals / (name + suffix)
                if damaged and os.path.lexists(file):
                    (self.journals / DAMAGED).mkdir(exist_ok=True)
                    file.replace(self.journals / DAMAGED / file.name)
                else:
                    file.unlink(missing_ok=True)
        except OSError as error:
            self.warn_once(
                f"The journal {name} cannot be removed: {error.strerror}. "
                "The database has its content."
            )
            return
        self._folded.pop(name, None)

    def _fold_into(self, reader: Reader) -> FoldReport:
        from nbtrack.store.fold import fold

        return fold(reader, self.journals)

    def _is_behind(self) -> bool:
        from nbtrack.store import journal_reader

        present = journal_reader.sizes(self.journals)
        for name, (events, points) in present.items():
            done = self._folded.get(name)
            if done is None or events != done[0] or points < done[1]:
                return True
            if points - done[1] >= RECORD_SIZE:
                return True
        return bool(present) and self._file() != self._folded_into

    def _file(self) -> tuple[int, int] | None:
        """Return which file the database is: another one may have been put in its place."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def database_state(self) -> tuple[int, int]:
        """Return what is another one whenever somebody has written to the database."""
        try:
            found = self.path.stat()
        except OSError:
            return 0, 0
        return found.st_mtime_ns, found.st_size

    def _has_dead(self, reader: Reader) -> bool:
        from nbtrack.store.liveness import dead_runs

        return bool(dead_runs(reader))

    def _fold_if_behind(self, timeout_s: float) -> None:
        if self._is_behind():
            with self._locked(timeout_s) as writable:
                if self._is_behind():  # nobody has done it meanwhile
                    self._fold_now(writable)

    def fold_quietly(self) -> None:
        """Fold what there is; what stands in the way is said once and tried again later."""
        try:
            self._fold_if_behind(self._patience_s)
        except StoreLockedError:
            pass  # someone looks at the file: the journals wait
        except Exception as error:  # noqa: BLE001  a thread has no caller: said once, by name
            said = str(error) if isinstance(error, NbtrackError) else repr(error)
            self.warn_once(
                f"nbtrack cannot move journals into the database now; nothing is lost. {said}",
                kind=f"fold {type(error).__name__}",
            )
