"""When a checkpoint is kept: MLflow's ``checkpoint*`` arguments, for whatever library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Checkpoints:
    """Says of each epoch and step whether a checkpoint is kept now.

    By default one is, at the end of an epoch, if ``val_loss`` is the lowest so far.

    Attributes
    ----------
    best_only : bool
        Whether only the best one is kept.
    weights_only : bool
        Whether the state of optimizers is left out.
    by_step : bool
        Whether steps are to be asked for; else epochs are.

    Parameters
    ----------
    given : mapping
        The arguments of ``autolog``; without ``checkpoint`` none is kept.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.best_only = bool(given.get("checkpoint_save_best_only", True))
        self.weights_only = bool(given.get("checkpoint_save_weights_only", False))
        self._wanted = bool(given.get("checkpoint", False))
        self.by_step = self._wanted and isinstance(given.get("checkpoint_save_freq"), int)
        self._monitor = str(given.get("checkpoint_monitor", "val_loss"))
        self._sign = -1 if given.get("checkpoint_mode", "min") == "max" else 1
        self._frequency = given.get("checkpoint_save_freq", "epoch")
        self._best: float | None = None

    def after_epoch(self, metrics: Mapping[str, Any]) -> bool:
        """Return whether a checkpoint is kept at the end of an epoch.

        Parameters
        ----------
        metrics : mapping of str to number
            What the epoch has measured.
        """
        return self._wanted and self._frequency == "epoch" and self._is_better(metrics)

    def after_step(self, step: int, metrics: Mapping[str, Any]) -> bool:
        """Return whether a checkpoint is kept after a step.

        Parameters
        ----------
        step : int
            Its number; the first is 1.
        metrics : mapping of str to number
            What is known by then.
        """
        return self.by_step and step % self._frequency == 0 and self._is_better(metrics)

    def _is_better(self, metrics: Mapping[str, Any]) -> bool:
        if not self.best_only:
            return True
        value = self._sign * float(metrics.get(self._monitor, "nan"))
        if value != value or (self._best is not None and value >= self._best):
            return False  # not measured, or no better
        self._best = value
        return True
