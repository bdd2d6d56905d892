"""The callback that logs one ``fit`` of Keras; it is there for this call alone."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import keras

from nbtrack.autologging.checkpoints import Checkpoints
from nbtrack.autologging.training import Training

_STOPPING = ("monitor", "min_delta", "patience", "baseline", "restore_best_weights")


def hooks_for(session: Training, callbacks: Any, *, again: bool) -> FitHooks:
    """Return the callback for one ``fit``.

    Parameters
    ----------
    session : Training
        Where it logs to.
    callbacks : object
        Those of the user.
    again : bool
        Whether the training goes on from an earlier one in the run.
    """
    more = session.settings.more
    by_step = more.get("log_every_n_steps") or isinstance(more.get("checkpoint_save_freq"), int)
    kind = StepHooks if by_step else FitHooks
    return kind(session, callbacks, again=again)


class FitHooks(keras.callbacks.Callback):  # type: ignore[misc]
    """Logs metrics, the summary, checkpoints, and how the training was stopped.

    Parameters
    ----------
    session : Training
        Where they go.
    callbacks : object
        Those of the user.
    again : bool
        Whether the training goes on from an earlier one in the run.
    """

    def __init__(self, session: Training, callbacks: Any, *, again: bool) -> None:
        super().__init__()
        self._session = session
        self._again = again
        self._every = session.settings.more.get("log_every_n_steps")
        self._checkpoints = Checkpoints(session.settings.more)
        listed = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
        kinds = keras.callbacks.EarlyStopping
        self._stopping = next((each for each in listed if isinstance(each, kinds)), None)

    def on_train_begin(self, logs: Any = None) -> None:
        """Log the summary of the model, and the settings of early stopping."""
        if self._again:
            return
        self._session.attempt("The summary", self._log_summary)
        if (callback := self._stopping) is not None:
            found = {key: getattr(callback, key) for key in _STOPPING}
            found["min_delta"] = abs(found["min_delta"])  # Keras has the sign of the mode in it
            self._session.log_params(found)

    def _log_summary(self) -> None:
        lines: list[str] = []
        self.model.summary(print_fn=lambda line, *_, **__: lines.append(line))
        self._session.log_text("\n".join(lines), "model_summary.txt")

    @property
    def _step(self) -> int:
        return int(self.model.optimizer.iterations)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Log the metrics of the epoch; those of validation by step, where all are."""
        found = dict(logs or {})
        if self._every:
            found = {key: value for key, value in found.items() if key.startswith("val_")}
        self._session.log_metrics(found, self._step if self._every else epoch)
        if self._checkpoints.after_epoch(logs or {}):
            facts = {**(logs or {}), "epoch": epoch}
            self._session.attempt("A checkpoint", self._keep, f"epoch_{epoch}", facts)

    def on_train_end(self, logs: Any = None) -> None:
        """Log how early stopping has ended the training."""
        callback = self._stopping
        if callback is None or not callback.stopped_epoch:
            return
        found = {"stopped_epoch": callback.stopped_epoch, "best_epoch": callback.best_epoch}
        if callback.restore_best_weights:
            found["restored_epoch"] = callback.best_epoch
        self._session.log_metrics(found, callback.stopped_epoch)

    def _keep(self, where: str, facts: Any) -> None:
        plan = self._checkpoints
        name = "checkpoint.weights.h5" if plan.weights_only else "checkpoint.keras"
        folder = "checkpoints" if plan.best_only else f"checkpoints/{where}"
        prefix = "latest_" if plan.best_only else ""
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / f"{prefix}{name}"
            save = self.model.save_weights if plan.weights_only else self.model.save
            save(path)
            self._session.run.writer.artifacts.put_file(path, folder)
        numbers = {key: float(value) for key, value in facts.items()}
        self._session.log_dict(numbers, f"{folder}/{prefix}checkpoint_metrics.json")


class StepHooks(FitHooks):
    """Listens to batches as well: for their numbers Keras waits for the GPU."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Log metrics of the epoch so far, where that was asked for."""
        if self._every and logs and self._step % self._every == 0:
            self._session.log_metrics(logs, self._step)
        if self._checkpoints.after_step(self._step, logs or {}):
            where = f"global_step_{self._step}"
            self._session.attempt("A checkpoint", self._keep, where, logs or {})
