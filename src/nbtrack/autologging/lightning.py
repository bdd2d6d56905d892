"""Trainings with Lightning: ``Trainer.fit``, and what is validated and tested afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

from nbtrack.autologging.patches import Patches
from nbtrack.autologging.switches import settings_of
from nbtrack.autologging.training import Training, muted, training
from nbtrack.tracking.run import ActiveRun

NAME = "pytorch"
_runs: WeakKeyDictionary[Any, ActiveRun] = WeakKeyDictionary()


def install(patches: Patches) -> None:
    """Wrap the trainer of ``lightning``.

    Parameters
    ----------
    patches : Patches
        Of the integration.
    """
    _wrap(patches, "lightning.pytorch")


def install_classic(patches: Patches) -> None:
    """Wrap the trainer of ``pytorch_lightning``, the older name of the same library.

    Parameters
    ----------
    patches : Patches
        Of the integration.
    """
    _wrap(patches, "pytorch_lightning")


def _wrap(patches: Patches, package: str) -> None:
    trainer = import_module(package).Trainer
    patches.around(trainer, "fit", _fit)
    patches.around(trainer, "predict", _predict)
    for name in ("validate", "test"):
        patches.around(trainer, name, partial(_evaluate, name))


def _fit(original: Any, trainer: Any, *args: Any, **kwargs: Any) -> Any:
    module = args[0] if args else kwargs.get("model")
    module = getattr(module, "_orig_mod", module)
    with _session(trainer, type(module).__name__) as session:
        if session is None:
            return original(trainer, *args, **kwargs)
        from nbtrack.autologging.lightning_hooks import TrainingHooks

        hooks = TrainingHooks(session, metrics=_own_logger(trainer) is None)
        trainer.callbacks.append(hooks)
        try:
            result = original(trainer, *args, **kwargs)
        finally:
            trainer.callbacks[:] = [each for each in trainer.callbacks if each is not hooks]
        if session.settings.log_models:
            session.attempt("The model", _log_model, session, trainer, hooks.first_input)
        return result


def _evaluate(name: str, original: Any, trainer: Any, *args: Any, **kwargs: Any) -> Any:
    with _session(trainer, name) as session:
        result = original(trainer, *args, **kwargs)
        if session is not None and _own_logger(trainer) is None:
            found = {key: value.clone() for key, value in trainer.callback_metrics.items()}
            session.log_metrics(found, max(trainer.current_epoch - 1, 0))
        return result


def _predict(original: Any, trainer: Any, *args: Any, **kwargs: Any) -> Any:
    with muted():
        return original(trainer, *args, **kwargs)


@contextmanager
def _session(trainer: Any, name: str) -> Iterator[Training | None]:
    """Let a call of a trainer be logged; what it trains and tests goes to one run."""
    settings = settings_of(NAME)
    if settings is None or not trainer.is_global_zero or _is_logged_or_tried(trainer):
        with muted():  # also what each process of several would log of the loop inside
            yield None
        return
    logger = _own_logger(trainer)
    if logger is None:
        with training(NAME, name, _runs.get(trainer)) as session:
            if session is not None:
                _runs[trainer] = session.run
            yield session
        return
    with logger.held() as run, training(NAME, name, run) as session:
        yield session


def _own_logger(trainer: Any) -> Any:
    """Return the logger of nbtrack's that a trainer has, None if it has none."""
    return next((each for each in trainer.loggers if hasattr(each, "held")), None)


def _is_logged_or_tried(trainer: Any) -> bool:
    """Return whether ``MLFlowLogger`` logs here already, or a rate or batch size is looked for."""
    if any(getattr(each, "_early_exit", False) for each in trainer.callbacks):
        return True
    clients = (getattr(each, "_mlflow_client", None) for each in trainer.loggers)
    return any(type(client).__module__.startswith("nbtrack") for client in clients)


def _log_model(session: Training, trainer: Any, rows: Any) -> None:
    from nbtrack.models.flavors.pytorch import log_model

    module, settings = trainer.lightning_module, session.settings
    example = getattr(module, "example_input_array", None)
    signature: Any = False
    if settings.log_model_signatures:
        signature = _signature(module, rows if example is None else example)
    log_model(
        module,
        name="model",
        signature=signature,
        registered_model_name=settings.registered_model_name,
    )


def _signature(module: Any, rows: Any) -> Any:
    """Return what the model takes and gives, None where it does not take what the batches have."""
    import torch

    from nbtrack.models import infer_signature

    if not isinstance(rows, torch.Tensor) or not len(rows):
        return None
    modes = {each: each.training for each in module.modules()}
    cards = [module.device] if module.device.type == "cuda" else []
    module.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(cards):
            answer = module(rows.to(module.device))
        return infer_signature(rows.cpu().numpy(), answer.cpu().numpy())
    except Exception:  # noqa: BLE001  a guess: many modules take something else
        return None
    finally:
        for each, mode in modes.items():
            each.training = mode
