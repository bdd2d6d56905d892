"""``nbtrack.pytorch.autolog``: loops of one's own, Lightning, and ``SummaryWriter``."""

from __future__ import annotations

from typing import Unpack

from nbtrack.autologging.settings import DEFAULTS, AutologOptions
from nbtrack.autologging.switches import switch
from nbtrack.models.options import spelled_out


@spelled_out(AutologOptions, DEFAULTS)
def autolog(
    *,
    log_every_n_epoch: int = 1,
    log_every_n_step: int | None = None,
    checkpoint: bool = True,
    checkpoint_monitor: str = "val_loss",
    checkpoint_mode: str = "min",
    checkpoint_save_best_only: bool = True,
    checkpoint_save_weights_only: bool = False,
    checkpoint_save_freq: str | int = "epoch",
    log_grad_norm: bool = False,
    log_training_accuracy: bool = False,
    **options: Unpack[AutologOptions],
) -> None:
    """Log what PyTorch trains: in a loop of one's own, with Lightning, or to a ``SummaryWriter``.

    A loop of one's own is logged to the open run, and opens none. The models of such a loop are
    logged only where ``log_models=True`` is given; those of Lightning are by default.

    Parameters
    ----------
    log_every_n_epoch, log_every_n_step : int, optional
        How often metrics of Lightning are logged; without steps, once per epoch.
    checkpoint : bool, optional
        Whether checkpoints of Lightning are kept.
    checkpoint_monitor, checkpoint_mode, checkpoint_save_best_only : optional
        Which of them is the best one.
    checkpoint_save_weights_only, checkpoint_save_freq : optional
        What is in them, and when they are saved: each epoch, or after so many steps.
    log_grad_norm : bool, optional
        Whether the norm of the gradients is logged at each step of a loop of one's own.
    log_training_accuracy : bool, optional
        Whether the accuracy on the batches that are trained with is logged, at each tenth step.
    **options
        What every ``autolog`` takes, see :func:`nbtrack.autolog`.

    Examples
    --------
    >>> import nbtrack
    >>> nbtrack.pytorch.autolog(log_grad_norm=True)
    >>> nbtrack.pytorch.autolog(disable=True)
    """
    switch(
        "pytorch",
        {
            "log_every_n_epoch": log_every_n_epoch,
            "log_every_n_step": log_every_n_step,
            "checkpoint": checkpoint,
            "checkpoint_monitor": checkpoint_monitor,
            "checkpoint_mode": checkpoint_mode,
            "checkpoint_save_best_only": checkpoint_save_best_only,
            "checkpoint_save_weights_only": checkpoint_save_weights_only,
            "checkpoint_save_freq": checkpoint_save_freq,
            "log_grad_norm": log_grad_norm,
            "log_training_accuracy": log_training_accuracy,
            # the signature shows True, as MLflow's does; who has not written it wants no copy
            "log_loop_models": options.get("log_models", False),
            **options,
        },
    )
