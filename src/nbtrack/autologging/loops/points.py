"""The points of a loop on their way to the run: what the user logs under the same name wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from nbtrack.autologging.training import attempt, logged
from nbtrack.store import now_ms
from nbtrack.tracking.run import ActiveRun
from nbtrack.validation import check_key

LATE_MS = 200
MAX_WAITING = 500
MAX_HELD = 20_000

Point = tuple[str, Any, int, int]
Waiting = tuple[Mapping[str, Any], int, int]


class Points:
    """Logs points to a run, a fifth of a second late, many with one write.

    In between the user's code may log a metric of the same name; then it is its own. Where its
    text has such a name in it, all points of it wait, to the second epoch at the longest.

    Parameters
    ----------
    run : ActiveRun

    Attributes
    ----------
    keys : dict of str to None
        The names of what was logged.
    """

    def __init__(self, run: ActiveRun) -> None:
        self._run = run
        own = {each.key for each in logged(run)}
        self._taken = {key for key in run.writer.journal.keys if key not in own}
        self._named: set[str] = set()
        self._waiting: list[Waiting] = []
        self._held: list[Point] = []
        self.keys: dict[str, None] = {}
        run.writer.heard = self._hear

    def _hear(self, metrics: Iterable[str]) -> None:
        with suppress(TypeError):  # no mapping of names: whoever logs it is told so
            self._taken.update(metrics)

    def hold(self, names: Iterable[str]) -> None:
        """Let points wait whose names the user's code has in it."""
        self._named.update(names)

    def log(self, metrics: Mapping[str, Any], step: int, time: int | None = None) -> None:
        """Log one point of each metric.

        Parameters
        ----------
        metrics : mapping of str to number or torch.Tensor
        step : int
        time : int, optional
            Milliseconds since the epoch; now when it is not given.
        """
        now = now_ms()
        waiting = self._waiting
        if waiting and (now - waiting[0][2] >= LATE_MS or len(waiting) >= MAX_WAITING):
            self.settle()
        self._waiting.append((metrics, step, now if time is None else time))

    def settle(self) -> None:
        """Log what waits, but what the user's code has logged meanwhile."""
        waiting, self._waiting = self._waiting, []
        points = [
            (key, value, step, time)
            for metrics, step, time in waiting
            for key, value in metrics.items()
            if key not in self._taken
        ]
        if self._named:
            self._held += [each for each in points if each[0] in self._named]
            points = [each for each in points if each[0] not in self._named]
            if len(self._held) > MAX_HELD:
                self.release()
        self._write(points)

    def release(self) -> None:
        """Log the points whose names the user's code has, but has not logged."""
        held, self._held = self._held, []
        self._named.clear()
        self._write([each for each in held if each[0] not in self._taken])

    def close(self) -> None:
        """Log all that waits."""
        self.settle()
        self.release()
        if self._run.writer.heard == self._hear:
            self._run.writer.heard = None

    def _write(self, points: list[Point]) -> None:
        for key in dict.fromkeys(point[0] for point in points):
            if key not in self.keys:
                attempt("pytorch", f"The metric {key!r}", check_key, key)
                self.keys[key] = None
        numbers = [point for point in points if isinstance(point[1], float | int)]
        if numbers:
            attempt("pytorch", "A metric", self._write_numbers, numbers)
        for key, value, step, time in points:
            if not isinstance(value, float | int):  # on a GPU: fetched later
                write = self._run.writer.log_unheard
                attempt("pytorch", "A metric", write, {key: value}, step, time)

    def _write_numbers(self, numbers: list[Point]) -> None:
        writer = self._run.writer
        heard, writer.heard = writer.heard, None
        try:
            writer.log_points(numbers)
        finally:
            writer.heard = heard
