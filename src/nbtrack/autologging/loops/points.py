"""The points of a loop on their way to the run: what the user logs under the same name wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from nbtrack.autologging.training import attempt, logged
from nbtrack.store import now_ms
from nbtrack.tracking.run import ActiveRun

MAX_HELD = 5000


class Points:
    """Logs points to a run, each a step late.

    In between the user's code may log a metric of the same name; then it is its own. Where its
    text has such a name in it, all points of it wait, to the second epoch at the longest.

    Parameters
    ----------
    run : ActiveRun
    """

    def __init__(self, run: ActiveRun) -> None:
        self._run = run
        own = {each.key for each in logged(run)}
        self._taken = {key for key in run.writer.journal.keys if key not in own}
        self._named: set[str] = set()
        self._waiting: tuple[Mapping[str, Any], int, int] | None = None
        self._held: list[tuple[str, Any, int, int]] = []
        self.keys: dict[str, None] = {}
        run.writer.heard = self._hear

    def _hear(self, metrics: Iterable[str]) -> None:
        with suppress(TypeError):  # no mapping of names: whoever logs it is told so
            self._taken.update(metrics)

    def hold(self, names: Iterable[str]) -> None:
        """Let points wait whose names the user's code has in it."""
        self._named.update(names)

    def log(self, metrics: Mapping[str, Any], step: int, time: int | None = None) -> None:
        """Log one point of each metric, after those that came before.

        Parameters
        ----------
        metrics : mapping of str to number or torch.Tensor
        step : int
        time : int, optional
            Milliseconds since the epoch; now when it is not given.
        """
        self.settle()
        self._waiting = (metrics, step, now_ms() if time is None else time)

    def settle(self) -> None:
        """Log what waits, but what the user's code has logged meanwhile."""
        if self._waiting is None:
            return
        metrics, step, time = self._waiting
        self._waiting = None
        if self._named or self._taken:
            wanted = {key: value for key, value in metrics.items() if key not in self._taken}
            for key in [key for key in wanted if key in self._named]:
                self._held.append((key, wanted.pop(key), step, time))
            metrics = wanted
            if len(self._held) > MAX_HELD:
                self.release()
        self._write(metrics, step, time)

    def release(self) -> None:
        """Log the points whose names the user's code has, but has not logged."""
        held, self._held = self._held, []
        self._named.clear()
        for key, value, step, time in held:
            if key not in self._taken:
                self._write({key: value}, step, time)

    def close(self) -> None:
        """Log all that waits."""
        self.settle()
        self.release()
        if self._run.writer.heard == self._hear:
            self._run.writer.heard = None

    def _write(self, metrics: Mapping[str, Any], step: int, time: int) -> None:
        if metrics:
            self.keys.update(dict.fromkeys(metrics))
            attempt("pytorch", "A metric", self._run.writer.log_unheard, metrics, step, time)
