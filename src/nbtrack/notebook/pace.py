"""How fast a run's steps go by."""

from __future__ import annotations

from collections import deque

WINDOW_S = 10.0


class Pace:
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
        """Return the present pace; None while it is not known."""
        return _rate(self._marks[0], self._marks[-1]) if len(self._marks) > 1 else None

    def overall(self) -> float | None:
        """Return the pace from the first step to the last."""
        if self._first is None or not self._marks:
            return None
        return _rate(self._first, self._marks[-1])


def _rate(start: tuple[float, int], end: tuple[float, int]) -> float | None:
    seconds = end[0] - start[0]
    return round((end[1] - start[1]) / seconds, 3) if seconds > 0.05 else None
