"""``NbtrackCallback``: for ``model.fit(callbacks=[...])`` of Keras, without autologging."""

from __future__ import annotations

from typing import Any

import keras

from nbtrack.autologging.keras import frequency
from nbtrack.autologging.keras_facts import optimizer_params
from nbtrack.autologging.keras_hooks import FitHooks, hooks_for
from nbtrack.autologging.settings import Settings
from nbtrack.autologging.training import Training, is_first_process, is_muted
from nbtrack.tracking import context
from nbtrack.tracking.start import start_run

NAME = "keras"


class NbtrackCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Logs what is fitted: params of the optimizer, metrics, and the summary of the model.

    It logs to the open run; without one it starts one, which stays open as after ``log_metric``.
    Where autologging logs the ``fit`` already, it logs nothing. MLflow calls it
    ``MlflowCallback``, and so may you.

    Parameters
    ----------
    log_every_epoch : bool, optional
        Whether metrics are logged at the end of each epoch; then not by steps.
    log_every_n_steps : int, optional
        How many steps there are between two points, with ``log_every_epoch=False``.

    Raises
    ------
    InvalidParameterError
        If metrics are to be logged both by epochs and by steps, or by neither.
    """

    def __init__(self, log_every_epoch: bool = True, log_every_n_steps: int | None = None) -> None:
        super().__init__()
        self._settings = Settings(more=frequency(log_every_epoch, log_every_n_steps))
        self._hooks: FitHooks | None = None
        if log_every_n_steps:  # who listens to batches makes Keras wait for the GPU
            self.on_train_batch_end = self._after_batch

    def on_train_begin(self, logs: Any = None) -> None:
        """Find the run, and log what is trained."""
        self._hooks = None
        if is_muted() or not is_first_process():
            return
        run = context.current() or start_run()
        session = Training(NAME, self._settings, run, opened=False)
        session.log_params(optimizer_params(self.model.optimizer))
        self._hooks = hooks_for(session, None, again=False)
        self._hooks.set_model(self.model)
        self._hooks.on_train_begin(logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Log the metrics of the epoch."""
        if self._hooks is not None:
            self._hooks.on_epoch_end(epoch, logs)

    def _after_batch(self, batch: int, logs: Any = None) -> None:
        if self._hooks is not None:
            self._hooks.on_train_batch_end(batch, logs)


MlflowCallback = NbtrackCallback
