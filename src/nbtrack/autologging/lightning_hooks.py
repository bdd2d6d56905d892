"""The callback that logs a training with Lightning; it is there for one call of ``fit``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrack.autologging.checkpoints import Checkpoints
from nbtrack.autologging.lightning_facts import base_class, early_end, params_of, stopping_of
from nbtrack.autologging.training import Training, attempt, mute_for_good
from nbtrack.store import open_store
from nbtrack.tracking import context
from nbtrack.tracking.new_runs import resume
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.start import start_run

_Callback: Any = base_class("callbacks.Callback")
_NO_EPOCH = -1


class TrainingHooks(_Callback):  # type: ignore[misc]
    """Logs params, metrics and checkpoints of one call of ``fit``.

    Parameters
    ----------
    session : Training
        Where they go.
    metrics : bool
        Whether metrics are logged; not where a logger of nbtrack's does.
    """

    def __init__(self, session: Training, *, metrics: bool = True) -> None:
        self.session: Any = session
        self.first_input: Any = None
        self._logs_metrics = metrics
        self._spawned = False
        self._epoch = _NO_EPOCH  # one that has ended and is not logged yet
        self._logged: dict[str, Any] = {}
        self._step_names: set[str] = set()
        self._epoch_names: set[str] = set()
        self._last_step = 0
        self._best: float | None = None
        self._best_epoch: int | None = None
        self._checkpoints = Checkpoints({"checkpoint": True, **session.settings.more})

    def __getstate__(self) -> dict[str, Any]:
        """Let processes that the trainer spawns log to the same run."""
        return {
            **vars(self),
            "session": self.session.as_data(),
            "_logged": {},
            "_spawned": True,
        }

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Find the run again in a process that was spawned; leave checkpoints to who keeps them."""
        if any(isinstance(each, MlflowModelCheckpointCallback) for each in trainer.callbacks):
            self._checkpoints = Checkpoints({})
        if self._spawned:
            mute_for_good()
            if trainer.is_global_zero:
                self.session = _rejoined(self.session)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Log what the training is made of; optimizers are there now."""
        if trainer.is_global_zero:
            self.session.attempt("The params", self._log_facts, trainer, pl_module)

    def _log_facts(self, trainer: Any, module: Any) -> None:
        self.session.log_params(params_of(trainer, module))
        summary = base_class("utilities.model_summary.ModelSummary", module)
        self.session.log_text(str(summary(module, max_depth=-1)), "model_summary.txt")

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, index: int) -> None:
        """Keep some rows, to know what the model takes."""
        if self.first_input is None and trainer.is_global_zero:
            found = batch[0] if isinstance(batch, list | tuple) and batch else batch
            self.first_input = found[:3].detach().clone() if hasattr(found, "detach") else False

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, index: int
    ) -> None:
        """Log what is measured per step, where that was asked for."""
        if not trainer.is_global_zero:
            return
        step = trainer.global_step // max(len(trainer.optimizers), 1)
        if step == self._last_step:  # gradients are still accumulated
            return
        self._last_step = step
        every = self.session.settings.more.get("log_every_n_step")
        if every and step % every == 0 and self._logs_metrics:
            self.session.attempt("A metric", self._log_step, trainer, step)
        plan = self._checkpoints  # to read the metrics costs time
        if plan.by_step and plan.after_step(step, trainer.callback_metrics):
            self.session.attempt("A checkpoint", self._keep, trainer, pl_module, None)

    def _log_step(self, trainer: Any, step: int) -> None:
        found = trainer.callback_metrics
        fresh = {
            name: value.detach().clone()
            for name, value in found.items()
            if value is not self._logged.get(name)
            and name not in self._epoch_names
            and f"{name}_step" not in found
        }
        self._step_names |= set(fresh)
        self._logged |= {name: found[name] for name in fresh}
        self.session.run.writer.log_metrics(fresh, step)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Take note of the epoch: the module's own hook may still log something."""
        self._epoch = trainer.current_epoch

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Log the epoch before."""
        self._log_epoch(trainer, pl_module)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the last epoch, and how the training was stopped."""
        self._log_epoch(trainer, pl_module)
        if trainer.is_global_zero:
            found = early_end(trainer, self._best_epoch)
            self.session.log_metrics(found, int(found.get("stopped_epoch", 0)))

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Log the epoch that was complete."""
        self._log_epoch(trainer, pl_module)

    def _log_epoch(self, trainer: Any, module: Any) -> None:
        epoch, self._epoch = self._epoch, _NO_EPOCH
        if epoch == _NO_EPOCH or not trainer.is_global_zero:
            return
        more = self.session.settings.more
        wanted = self._logs_metrics and (epoch + 1) % (more.get("log_every_n_epoch") or 1) == 0
        self.session.attempt("A metric", self._log_epoch_metrics, trainer, epoch, wanted)
        self.session.attempt("Early stopping", self._follow_stopping, trainer, epoch)
        if self._checkpoints.after_epoch(trainer.callback_metrics):
            self.session.attempt("A checkpoint", self._keep, trainer, module, epoch)

    def _log_epoch_metrics(self, trainer: Any, epoch: int, wanted: bool) -> None:
        found = trainer.callback_metrics
        fresh = {
            name: value.detach().clone()
            for name, value in found.items()
            # one that is the same object was measured in an earlier epoch
            if value is not self._logged.get(name)
            and name not in self._step_names
            and not (name.endswith("_step") and name.removesuffix("_step") in found)
        }
        self._epoch_names |= set(fresh)
        self._logged |= {name: found[name] for name in fresh}
        if wanted:
            self.session.run.writer.log_metrics(fresh, epoch)

    def _follow_stopping(self, trainer: Any, epoch: int) -> None:
        callback = stopping_of(trainer)
        if callback is not None and (score := float(callback.best_score)) != self._best:
            self._best, self._best_epoch = score, epoch

    def _keep(self, trainer: Any, module: Any, epoch: int | None) -> None:
        keep(self._checkpoints, trainer, module, epoch, self.session.run.info.run_id)


class MlflowModelCheckpointCallback(_Callback):  # type: ignore[misc]
    """Keeps checkpoints of a training in the open run, where nothing else is to be logged.

    With autologging it says which ones are kept, instead of the arguments of ``autolog``.
    ``nbtrack.pytorch.load_checkpoint`` reads them.

    Parameters
    ----------
    monitor : str, optional
        The metric that says whether a checkpoint is better than the one before.
    mode : {"min", "max"}, optional
        Which values of it are better.
    save_best_only : bool, optional
        Whether only the best one is kept.
    save_weights_only : bool, optional
        Whether the state of optimizers and schedulers is left out.
    save_freq : "epoch" or int, optional
        When one is saved: each epoch, or after so many steps.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "min",
        save_best_only: bool = True,
        save_weights_only: bool = False,
        save_freq: str | int = "epoch",
    ) -> None:
        self._checkpoints = Checkpoints(
            {
                "checkpoint": True,
                "checkpoint_monitor": monitor,
                "checkpoint_mode": mode,
                "checkpoint_save_best_only": save_best_only,
                "checkpoint_save_weights_only": save_weights_only,
                "checkpoint_save_freq": save_freq,
            }
        )
        self._last_step = 0

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, index: int
    ) -> None:
        """Keep a checkpoint, if it is time to.

        Parameters
        ----------
        trainer, pl_module, outputs, batch, index : object
            Of Lightning.
        """
        plan, step = self._checkpoints, trainer.global_step
        if not plan.by_step or step == self._last_step:  # gradients are still accumulated
            return
        self._last_step = step
        if plan.after_step(step, trainer.callback_metrics):
            self._keep(trainer, pl_module, None)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Keep a checkpoint, if it is time to.

        Parameters
        ----------
        trainer, pl_module : object
            Of Lightning.
        """
        if self._checkpoints.after_epoch(trainer.callback_metrics):
            self._keep(trainer, pl_module, trainer.current_epoch)

    def _keep(self, trainer: Any, module: Any, epoch: int | None) -> None:
        if trainer.is_global_zero:
            run = context.current() or start_run()
            attempt(
                "pytorch",
                "A checkpoint",
                keep,
                self._checkpoints,
                trainer,
                module,
                epoch,
                run.info.run_id,
            )


def keep(plan: Checkpoints, trainer: Any, module: Any, epoch: int | None, run_id: str) -> None:
    """Keep a checkpoint of nbtrack's: no pickle, and ``load_checkpoint`` reads it.

    Parameters
    ----------
    plan : Checkpoints
        What is in it, and whether it takes the place of the one before.
    trainer, module : object
        Of Lightning.
    epoch : int or None
        None for the one that goes on.
    run_id : str
        Where it is kept.
    """
    from nbtrack.models.flavors.torch.checkpoints import log_checkpoint

    log_checkpoint(
        module,
        None if plan.weights_only else list(trainer.optimizers),
        None if plan.weights_only else [each.scheduler for each in trainer.lr_scheduler_configs],
        epoch=trainer.current_epoch if epoch is None else epoch,
        step=trainer.global_step,
        metrics={name: float(value) for name, value in trainer.callback_metrics.items()},
        keep=1 if plan.best_only else None,
        run_id=run_id,
    )


def _rejoined(data: Mapping[str, Any]) -> Training:
    """Return the training of the process that has started this one; its run is active here."""
    store = open_store(data["uri"])
    info, writer, joined = resume(store, data["run_id"])
    run = ActiveRun(store, info, writer, joined=joined)
    context.push(run)
    return Training(data["integration"], data["settings"], run, opened=False)
