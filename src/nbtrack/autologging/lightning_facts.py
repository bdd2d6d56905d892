"""What a training with Lightning is made of: its classes, params, optimizers, early stopping."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from operator import attrgetter
from typing import Any

from nbtrack.autologging.params import flattened, readable

PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def base_class(name: str, owner: Any = None) -> Any:
    """Return a class of Lightning's; of the two, if both are there, one that is both.

    A trainer asks its callbacks and loggers for methods only, so either suits both.

    Parameters
    ----------
    name : str
        Its place in the package, such as ``"callbacks.Callback"``.
    owner : object, optional
        Something of the package that it is to be taken of.

    Raises
    ------
    ImportError
        If Lightning is not installed.
    """
    found = [package for package in PACKAGES if package in sys.modules]
    if owner is not None:
        found = [each for each in found if _is_of(owner, each)][:1]
    if not found:
        found = [each for each in PACKAGES if find_spec(each.partition(".")[0])][:1]
    if not found:
        raise ModuleNotFoundError("This needs Lightning: pip install lightning", name="lightning")
    module, _, attribute = name.rpartition(".")
    classes = [attrgetter(attribute)(import_module(f"{each}.{module}")) for each in found]
    return classes[0] if len(classes) == 1 else type(attribute, tuple(classes), {})


def _is_of(owner: Any, package: str) -> bool:
    return any(each.__module__.startswith(package) for each in type(owner).__mro__)


def params_of(trainer: Any, module: Any) -> dict[str, Any]:
    """Return the params of a training; where names are the same, hyperparameters come first.

    Parameters
    ----------
    trainer : Trainer
        Its optimizers are there.
    module : LightningModule
        What it trains.
    """
    found: dict[str, Any] = {}
    for owner in (module, trainer.datamodule):
        if owner is not None and getattr(owner, "_log_hyperparams", True):
            found |= flattened(getattr(owner, "hparams_initial", None))
    found = {key: value for key, value in found.items() if key != "_class_path"}
    for facts in (_trainer(trainer), _stopping(trainer)):
        found = facts | found
    for number, optimizer in enumerate(trainer.optimizers):
        for key, value in _optimizer(optimizer).items():
            name = key if number == 0 else f"optimizer_{number}_{key.removeprefix('optimizer_')}"
            if name in found and str(found[name]) != str(value):
                name = f"optimizer_{key}"  # a hyperparameter of that name means something else
            found.setdefault(name, value)
    return found


def _trainer(trainer: Any) -> dict[str, Any]:
    found = {
        "epochs": trainer.max_epochs,
        "precision": trainer.precision,
        "accelerator": type(trainer.accelerator).__name__.removesuffix("Accelerator").lower(),
        "strategy": type(trainer.strategy).__name__.removesuffix("Strategy"),
        "devices": trainer.num_devices,
    }
    if trainer.max_steps not in (None, -1):
        found["max_steps"] = trainer.max_steps
    if trainer.accumulate_grad_batches != 1:
        found["accumulate_grad_batches"] = trainer.accumulate_grad_batches
    if trainer.gradient_clip_val:
        found["gradient_clip_val"] = trainer.gradient_clip_val
    batch_size = getattr(trainer.train_dataloader, "batch_size", None)
    if isinstance(batch_size, int):
        found["batch_size"] = batch_size
    return found


def _optimizer(optimizer: Any) -> dict[str, Any]:
    """Return the class and the values of an optimizer, and where further groups differ."""
    found = {"optimizer_name": type(optimizer).__name__}
    defaults = dict(optimizer.defaults)
    first, *others = optimizer.param_groups
    for key in defaults:
        # schedulers have changed the rate of the group already, and keep the first one
        value = first.get("initial_lr", first.get(key)) if key == "lr" else first.get(key)
        found[key] = readable(value)
    for number, group in enumerate(others, 1):
        for key in defaults:
            value = group.get("initial_lr", group.get(key)) if key == "lr" else group.get(key)
            if readable(value) != found[key]:
                found[f"group_{number}_{key}"] = readable(value)
    return found


def _stopping(trainer: Any) -> dict[str, Any]:
    callback = stopping_of(trainer)
    names = ("monitor", "mode", "patience", "min_delta")
    if callback is None:
        return {}
    # Lightning has the sign of the mode in it
    return {name: getattr(callback, name) for name in names} | {
        "min_delta": abs(callback.min_delta)
    }


def stopping_of(trainer: Any) -> Any:
    """Return the callback that may stop a training early, None if there is none.

    Parameters
    ----------
    trainer : Trainer
        With its callbacks.
    """
    return next(iter(trainer.early_stopping_callbacks), None)


def early_end(trainer: Any, best_epoch: int | None) -> dict[str, float]:
    """Return what early stopping has to say of a training that it has ended.

    Parameters
    ----------
    trainer : Trainer
        After the training.
    best_epoch : int or None
        Where its score was the best. MLflow's restored_epoch is not said: nothing is restored.
    """
    callback = stopping_of(trainer)
    if callback is None or not callback.stopped_epoch:
        return {}
    found = {
        "stopped_epoch": float(callback.stopped_epoch),
        "best_score": float(callback.best_score),
        "wait_count": float(callback.wait_count),
    }
    return found if best_epoch is None else {**found, "best_epoch": float(best_epoch)}
