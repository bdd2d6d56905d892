"""What a run logs, as it logs it: from the tap of its journal, no file is read on the way."""

from __future__ import annotations

from collections import deque

from nbtrack.entities.run_data import CELL_PEAKS
from nbtrack.store import Points, decode_points
from nbtrack.tracking.run import ActiveRun
from nbtrack.views.chart.curves import Curve

WINDOW_S = 10.0


class LivePoints:
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
            if key not in CELL_PEAKS
        ]

    def close(self) -> None:
        """Take nothing more."""
        self.journal.untap(self._tap)

    def _curve(self, key: str, points: Points) -> Curve:
        return Curve(self.run.info.run_id, key, points.step, points.time, points.value)


class StepRate:
    """Steps per second, over the last ten seconds and over all.

    Attributes
    ----------
    step : int or None
        The greatest step so far.
    """

    def __init__(self) -> None:
        self.step: int | None = None
        self._marks: deque[tuple[float, int]] = deque()
        self._first: tuple[float, int] | None = None

    def add(self, step: int, moment: float) -> None:
        """Note when a step was logged, in seconds of any clock."""
        if self.step is not None and step <= self.step:
            return
        self.step = step
        if self._first is None:
            self._first = (moment, step)
        self._marks.append((moment, step))
        while len(self._marks) > 2 and moment - self._marks[0][0] > WINDOW_S:
            self._marks.popleft()

    def per_second(self) -> float | None:
        """Return the present rate; None while it is not known."""
        return _rate(self._marks[0], self._marks[-1]) if len(self._marks) > 1 else None

    def overall(self) -> float | None:
        """Return the rate from the first step to the last."""
        if self._first is None or not self._marks:
            return None
        return _rate(self._first, self._marks[-1])


def _rate(start: tuple[float, int], end: tuple[float, int]) -> float | None:
    seconds = end[0] - start[0]
    return round((end[1] - start[1]) / seconds, 3) if seconds > 0.05 else None
