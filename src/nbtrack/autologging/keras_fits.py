"""What one ``fit`` of a model of Keras logs; needs Keras."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import keras

from nbtrack.autologging.keras_facts import dataset_of, fit_params, optimizer_params, rows_of
from nbtrack.autologging.keras_hooks import FitHooks, hooks_for
from nbtrack.autologging.patches import Patches
from nbtrack.autologging.training import Training, training
from nbtrack.callables import signature_of
from nbtrack.tracking.run import ActiveRun

NAME = "keras"
_runs: WeakKeyDictionary[Any, ActiveRun] = WeakKeyDictionary()


def install(patches: Patches) -> None:
    """Wrap ``fit`` and ``evaluate`` of models.

    Parameters
    ----------
    patches : Patches
        Of the integration.
    """
    patches.around(keras.Model, "fit", _fit)
    patches.around(keras.Model, "evaluate", _evaluate)


def _fit(original: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        bound = signature_of(original).bind(model, *args, **kwargs)
    except TypeError:
        return original(model, *args, **kwargs)  # says what is wrong
    bound.apply_defaults()
    given = dict(list(bound.arguments.items())[1:])
    # from a later epoch on it is the same training, which goes on
    goes_on = bool(given.get("initial_epoch")) and model in _runs
    with training(NAME, model.name, _runs[model] if goes_on else None) as session:
        if session is None:
            return original(model, *args, **kwargs)
        goes_on = goes_on and session.run.writer.run_id == _runs[model].info.run_id
        _runs[model] = session.run
        if not goes_on:
            session.attempt("The params", _log_params, session, model, given)
        if session.settings.log_datasets:
            session.attempt("The data", _log_data, session, given)
        hooks = hooks_for(session, given["callbacks"], again=goes_on)
        # a list of ours: the user's is left as it is
        given["callbacks"] = _with(given["callbacks"], hooks)
        history = original(model, **given)
        if session.settings.log_models:
            session.attempt("The model", _log_model, session, model, given["x"])
        return history


def _with(callbacks: Any, hooks: FitHooks) -> Any:
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks
    if callbacks is None:
        return [hooks]
    return [*(callbacks if isinstance(callbacks, list | tuple) else [callbacks]), hooks]


def _evaluate(original: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
    if model not in _runs:  # there is no training that the numbers belong to
        return original(model, *args, **kwargs)
    with training(NAME, model.name, _runs[model]) as session:
        result = original(model, *args, **kwargs)
        if session is not None:
            session.attempt("The test", _log_test, session, model, result)
        return result


def _log_test(session: Training, model: Any, result: Any) -> None:
    found = result if isinstance(result, dict) else model.get_metrics_result()
    epochs = getattr(getattr(model, "history", None), "epoch", None)
    session.log_metrics(
        {f"test_{key}": float(value) for key, value in found.items()}, max(epochs or [0])
    )


def _log_params(session: Training, model: Any, given: dict[str, Any]) -> None:
    session.log_params(fit_params(given) | optimizer_params(model.optimizer))


def _log_data(session: Training, given: dict[str, Any]) -> None:
    if (data := dataset_of(given["x"], given["y"])) is not None:
        session.log_dataset(data, "train")
    validation = given.get("validation_data")
    if not isinstance(validation, list | tuple) or len(validation) < 2:
        return
    if (data := dataset_of(validation[0], validation[1])) is not None:
        session.log_dataset(data, "eval")


def _log_model(session: Training, model: Any, data: Any) -> None:
    from nbtrack.models import infer_signature
    from nbtrack.models.flavors.keras import log_model

    settings = session.settings
    rows = rows_of(data)
    signature: Any = False
    if settings.log_model_signatures:
        signature = None
        if rows is not None:
            answer = keras.ops.convert_to_numpy(model(rows, training=False))
            signature = infer_signature(rows, answer)
    log_model(
        model,
        name="model",
        signature=signature,
        input_example=rows if settings.log_input_examples else None,
        registered_model_name=settings.registered_model_name,
        save_model_kwargs=settings.more.get("save_model_kwargs"),
    )
