"""``nbtrack.keras.autolog`` and ``nbtrack.tensorflow.autolog``, two names for one switch."""

from __future__ import annotations

from typing import Any, Unpack

from nbtrack.autologging.settings import DEFAULTS, AutologOptions
from nbtrack.autologging.switches import switch
from nbtrack.errors import InvalidParameterError, warn
from nbtrack.models.options import spelled_out

NAME = "keras"


@spelled_out(AutologOptions, DEFAULTS)
def autolog(
    log_every_epoch: bool = True,
    log_every_n_steps: int | None = None,
    *,
    save_exported_model: bool = False,
    save_model_kwargs: dict[str, Any] | None = None,
    **options: Unpack[AutologOptions],
) -> None:
    """Log what each ``fit`` of a model of Keras 3 does, on any backend.

    Parameters
    ----------
    log_every_epoch : bool, optional
        Whether metrics are logged at the end of each epoch; then not by steps.
    log_every_n_steps : int, optional
        How many steps of the optimizer there are between two points, with
        ``log_every_epoch=False``.
    save_exported_model : bool, optional
        MLflow's; only False: models are saved as ``.keras`` files.
    save_model_kwargs : dict, optional
        Options of ``model.save``.
    **options
        What every ``autolog`` takes, see :func:`nbtrack.autolog`.

    Raises
    ------
    InvalidParameterError
        If metrics are to be logged both by epochs and by steps, or by neither.

    Examples
    --------
    >>> import nbtrack
    >>> nbtrack.keras.autolog(log_every_epoch=False, log_every_n_steps=10)
    >>> nbtrack.keras.autolog(disable=True)
    """
    if save_exported_model:
        warn("save_exported_model=True has no effect in nbtrack: the model is a .keras file.")
    given = {
        **frequency(log_every_epoch, log_every_n_steps),
        "save_model_kwargs": save_model_kwargs,
    }
    switch(NAME, {**given, **options})


@spelled_out(AutologOptions, DEFAULTS)
def tensorflow_autolog(
    *,
    saved_model_kwargs: dict[str, Any] | None = None,
    keras_model_kwargs: dict[str, Any] | None = None,
    log_every_epoch: bool = True,
    log_every_n_steps: int | None = None,
    checkpoint: bool = True,
    checkpoint_monitor: str = "val_loss",
    checkpoint_mode: str = "min",
    checkpoint_save_best_only: bool = True,
    checkpoint_save_weights_only: bool = False,
    checkpoint_save_freq: str | int = "epoch",
    **options: Unpack[AutologOptions],
) -> None:
    """Log what each ``fit`` of a model of Keras 3 does, with the arguments for TensorFlow.

    Parameters
    ----------
    saved_model_kwargs : dict, optional
        MLflow's; it has no effect: models are saved as ``.keras`` files.
    keras_model_kwargs : dict, optional
        Options of ``model.save``.
    log_every_epoch, log_every_n_steps : optional
        As in :func:`nbtrack.keras.autolog`.
    checkpoint : bool, optional
        Whether the model is kept during the training, as ``checkpoints/latest_checkpoint.keras``.
    checkpoint_monitor, checkpoint_mode, checkpoint_save_best_only : optional
        Only when this metric is better than before; with False, each in a folder of its own.
    checkpoint_save_weights_only, checkpoint_save_freq : optional
        What is in it, and when it is saved: each epoch, or after so many steps.
    **options
        What every ``autolog`` takes, see :func:`nbtrack.autolog`.

    Raises
    ------
    InvalidParameterError
        If metrics are to be logged both by epochs and by steps, or by neither.

    Examples
    --------
    >>> nbtrack.tensorflow.autolog(log_models=False)
    >>> nbtrack.tensorflow.autolog(disable=True)
    """
    if saved_model_kwargs:
        warn("saved_model_kwargs= has no effect in nbtrack: the model is a .keras file.")
    given = {
        **frequency(log_every_epoch, log_every_n_steps),
        "save_model_kwargs": keras_model_kwargs,
        "checkpoint": checkpoint,
        "checkpoint_monitor": checkpoint_monitor,
        "checkpoint_mode": checkpoint_mode,
        "checkpoint_save_best_only": checkpoint_save_best_only,
        "checkpoint_save_weights_only": checkpoint_save_weights_only,
        "checkpoint_save_freq": checkpoint_save_freq,
    }
    switch(NAME, {**given, **options})


def frequency(log_every_epoch: bool, log_every_n_steps: int | None) -> dict[str, Any]:
    """Return how often metrics are logged, as ``Settings.more`` has it; see :func:`autolog`."""
    if log_every_epoch and log_every_n_steps is not None:
        raise InvalidParameterError(
            f"log_every_n_steps={log_every_n_steps} needs log_every_epoch=False: metrics are "
            "logged by epochs or by steps."
        )
    if not log_every_epoch and not log_every_n_steps:
        raise InvalidParameterError(
            "log_every_epoch=False needs log_every_n_steps, such as log_every_n_steps=10."
        )
    return {"log_every_n_steps": log_every_n_steps}
