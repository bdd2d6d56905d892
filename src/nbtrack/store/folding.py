"""Folding as a store does it: under the lock, until nothing is left, what is done goes away."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from nbtrack.errors import NbtrackError, StoreLockedError, StoreReadOnlyError
from nbtrack.store.journal import RECORD_SIZE, SUFFIXES
from nbtrack.store.reader import Reader

if TYPE_CHECKING:
    from nbtrack.store.fold import FoldReport

MIRROR_MARKER = "remote.json"


class Folding:
    """The part of a store that folds its journals into its database."""

    folder: Path
    journals: Path
    _folded: dict[str, tuple[int, int]]

    def _attach(self, stack: contextlib.ExitStack, *, read_only: bool = True) -> Reader:
        raise NotImplementedError

    def _locked(self, timeout_s: float = 30.0) -> contextlib.AbstractContextManager[bool]:
        raise NotImplementedError

    def say(self, message: str) -> None:
        """Warn the user once about something that happened in the background."""
        raise NotImplementedError

    def _fold_now(self, writable: bool) -> int:
        """Fold under the lock until nothing is left; journals that are done go away."""
        if not writable:
            raise StoreReadOnlyError(
                f"The folder {self.folder} cannot be written. Make it writable, or choose another "
                "place with nbtrack.set_tracking_uri(...) or NBTRACK_URI."
            )
        from nbtrack.store import tails

        total = 0
        while True:
            with contextlib.ExitStack() as stack:
                report = self._fold_into(self._attach(stack, read_only=False))
            self._folded = dict(report.offsets)
            for name, offset in report.offsets.items():
                if tails.is_spent(self.journals, name, offset) and self._is_sent(name, offset):
                    for suffix in SUFFIXES:
                        (self.journals / (name + suffix)).unlink(missing_ok=True)
                    self._folded.pop(name, None)
            for problem in report.problems:
                self.say(problem)
            total += report.points
            if not report.more:
                return total

    def _fold_into(self, reader: Reader) -> FoldReport:
        from nbtrack.store.fold import fold

        reader.connection.execute("BEGIN")
        report = fold(reader, self.journals)
        reader.connection.execute("COMMIT")
        return report

    def _is_behind(self) -> bool:
        from nbtrack.store import tails

        for name, (events, points) in tails.sizes(self.journals).items():
            done = self._folded.get(name)
            if done is None or events > done[0] or points - done[1] >= RECORD_SIZE:
                return True
        return False

    def _has_dead(self, reader: Reader) -> bool:
        from nbtrack.store.fold import dead_runs

        return bool(dead_runs(reader.named("fold.running"), self.journals))

    def _is_sent(self, name: str, offset: tuple[int, int]) -> bool:
        """Return whether nobody needs a journal any more: that of a mirror is to be sent first."""
        if not (self.folder / MIRROR_MARKER).exists():
            return True
        from nbtrack.store import tails
        from nbtrack.store.remote.spool import Spool

        closed = tails.state(self.journals, name).closed
        return Spool(self.folder).may_go(name, offset, closed=closed)

    def fold_quietly(self) -> None:
        """Fold what there is; what stands in the way is said once and tried again later."""
        try:
            if self._is_behind():
                with self._locked(timeout_s=5.0) as writable:
                    if self._is_behind():  # nobody has done it meanwhile
                        self._fold_now(writable)
        except StoreLockedError:
            pass  # someone looks at the file: the journals wait
        except NbtrackError as error:
            self.say(f"nbtrack cannot fold the journals in for now; nothing is lost. {error}")
