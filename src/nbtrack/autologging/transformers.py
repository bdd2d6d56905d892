"""``nbtrack.transformers.autolog``: what the trainer of Hugging Face transformers trains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Unpack
from weakref import WeakKeyDictionary

from nbtrack.autologging.patches import Patches
from nbtrack.autologging.settings import DEFAULTS, AutologOptions
from nbtrack.autologging.switches import switch
from nbtrack.autologging.training import Training, training
from nbtrack.models.options import spelled_out
from nbtrack.tracking.run import ActiveRun

NAME = "transformers"
_OFF = {"log_models": False, "log_model_signatures": False, "log_datasets": False}
_runs: WeakKeyDictionary[Any, ActiveRun] = WeakKeyDictionary()


@spelled_out(AutologOptions, {**DEFAULTS, **_OFF})
def autolog(**options: Unpack[AutologOptions]) -> None:
    """Log what each ``transformers.Trainer`` trains and evaluates, to one run.

    Models and data are not logged unless that is asked for here: models are often large, and
    :func:`nbtrack.autolog` leaves them out as well.

    Parameters
    ----------
    **options
        What every ``autolog`` takes, see :func:`nbtrack.autolog`.

    Examples
    --------
    >>> import nbtrack
    >>> nbtrack.transformers.autolog()
    >>> nbtrack.transformers.autolog(disable=True)
    """
    asked = {key: options.get(key, False) for key in ("log_models", "log_datasets")}
    # the name says that the user has asked; nbtrack.autolog() has both on by default
    chosen = {"log_trained": asked["log_models"], "log_data": asked["log_datasets"]}
    switch(NAME, {**_OFF, **chosen, **options})


def install(patches: Patches) -> None:
    """Wrap the trainer.

    Parameters
    ----------
    patches : Patches
        Of the integration.
    """
    from transformers.trainer import Trainer

    patches.around(Trainer, "train", _train)
    patches.around(Trainer, "evaluate", _evaluate)
    patches.around(Trainer, "predict", _predict)


def _train(original: Any, trainer: Any, *args: Any, **kwargs: Any) -> Any:
    # from a checkpoint it is the same training, which goes on; each trial of a search is another
    goes_on = bool(args[0] if args else kwargs.get("resume_from_checkpoint"))
    with _session(trainer, goes_on) as session:
        result = original(trainer, *args, **kwargs)
        if session is not None:
            more = session.settings.more
            if more.get("log_data"):
                session.attempt("The data", _log_data, session, trainer)
            if more.get("log_trained"):
                session.attempt("The model", _log_model, session, trainer)
        return result


def _evaluate(original: Any, trainer: Any, *args: Any, **kwargs: Any) -> Any:
    with _session(trainer):
        return original(trainer, *args, **kwargs)


def _predict(original: Any, trainer: Any, *args: Any, **kwargs: Any) -> Any:
    if trainer not in _runs:  # there is nothing that the numbers belong to
        return original(trainer, *args, **kwargs)
    with _session(trainer) as session:
        result = original(trainer, *args, **kwargs)
        if session is not None and result.metrics:
            session.log_metrics(result.metrics, trainer.state.global_step)
        return result


@contextmanager
def _session(trainer: Any, goes_on: bool = True) -> Iterator[Training | None]:
    """Let a call of a trainer be logged, with a callback that is there for this call alone."""
    from nbtrack.autologging.trainer_callback import NbtrackCallback

    callbacks = trainer.callback_handler.callbacks
    own = next((each for each in callbacks if isinstance(each, NbtrackCallback)), None)
    again = _runs.get(trainer) if own is None or own.run is None else own.run
    again = again if goes_on else None
    with training(NAME, type(trainer.model).__name__, again) as session:
        if session is None:
            yield None
            return
        _runs[trainer] = session.run
        if _logs_here(callbacks):
            yield session
            return
        callback = own or NbtrackCallback()
        if own is None:
            callbacks.insert(0, callback)  # others take away some of what is logged
        try:
            with callback.joined(session):
                yield session
        finally:
            if own is None:
                callbacks[:] = [each for each in callbacks if each is not callback]


def _logs_here(callbacks: list[Any]) -> bool:
    """Return whether ``report_to="mlflow"`` leads to nbtrack: ``install_as_mlflow`` is active."""
    found = (getattr(each, "_ml_flow", None) for each in callbacks)
    starts = (getattr(module, "start_run", None) for module in found)
    return any(getattr(start, "__module__", "").startswith("nbtrack") for start in starts)


def _log_model(session: Training, trainer: Any) -> None:
    from nbtrack.models.flavors.transformers import log_model

    log_model(
        trainer.model,
        processor=getattr(trainer, "processing_class", None),
        name="model",
        registered_model_name=session.settings.registered_model_name,
    )


def _log_data(session: Training, trainer: Any) -> None:
    from nbtrack.tracking.datasets import from_huggingface

    for data, what in ((trainer.train_dataset, "train"), (trainer.eval_dataset, "eval")):
        if type(data).__module__.startswith("datasets."):
            session.log_dataset(from_huggingface(data), what)
