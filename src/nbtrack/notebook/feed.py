"""What a run logs, as it logs it: from the tap of its journal, no file is read on the way."""

from __future__ import annotations

from nbtrack.notebook.memory import MEMORY_KEYS
from nbtrack.store.points import Points, decode_points
from nbtrack.tracking.run import ActiveRun
from nbtrack.views.chart.curves import Curve


class Feed:
    """The points that a run has logged since they were last taken.

    Parameters
    ----------
    run : ActiveRun

    Attributes
    ----------
    run : ActiveRun
    journal : Journal
    """

    def __init__(self, run: ActiveRun) -> None:
        self.run = run
        self.journal = run.writer.journal
        self._tap = self.journal.tap()

    def take(self) -> list[Curve]:
        """Return what is new, one curve for each metric and batch."""
        batches: list[tuple[list[bytes], dict[str, int]]] = []
        while self._tap:
            records, names = self._tap.popleft()
            if not batches or batches[-1][1] is not names:
                batches.append(([], names))
            batches[-1][0].append(records)
        return [
            self._curve(key, points)
            for parts, names in batches
            for key, points in decode_points(b"".join(parts), dict(names)).items()
            if key not in MEMORY_KEYS
        ]

    def close(self) -> None:
        """Take nothing more."""
        self.journal.untap(self._tap)

    def _curve(self, key: str, points: Points) -> Curve:
        return Curve(self.run.info.run_id, key, points.step, points.time, points.value)
