"""``nbtrack.xgboost.autolog``: what XGBoost trains, by ``train``, ``cv`` and its estimators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Unpack

from nbtrack.autologging import fits
from nbtrack.autologging.estimators.answers import unchanged_generators
from nbtrack.autologging.importance import log_importance
from nbtrack.autologging.patches import Patches
from nbtrack.autologging.settings import DEFAULTS, AutologOptions
from nbtrack.autologging.switches import switch
from nbtrack.autologging.training import Training, training
from nbtrack.models.flavors import xgboost as flavor
from nbtrack.models.options import spelled_out
from nbtrack.tracking.dataset_digest import Digest

NAME = "xgboost"
CHOSEN = ("objective", "num_class")  # by an estimator, for the classes that there are
ESTIMATORS = "XGBModel XGBClassifier XGBRegressor XGBRanker XGBRFClassifier XGBRFRegressor"
_ROWS = 100
_TYPES = {"int": "long", "float": "double", "i": "boolean", "c": "string"}
_DTYPES = {"int": "int64", "float": "float64", "i": "bool", "q": "float64"}

_fitting: ContextVar[Any] = ContextVar("nbtrack_xgboost_fitting", default=None)


@spelled_out(AutologOptions, DEFAULTS)
def autolog(
    *,
    importance_types: list[str] | None = None,
    model_format: str = "ubj",
    **options: Unpack[AutologOptions],
) -> None:
    """Log what XGBoost trains: ``train``, ``cv``, and the estimators such as ``XGBClassifier``.

    Parameters
    ----------
    importance_types : list of str, optional
        What of the features is counted: ``"weight"`` (the default), ``"gain"``, ``"cover"``,
        ``"total_gain"``, ``"total_cover"``.
    model_format : {"ubj", "json"}, optional
        XGBoost's format for the model.
    **options
        What every ``autolog`` takes, see :func:`nbtrack.autolog`.

    Examples
    --------
    >>> import nbtrack
    >>> nbtrack.xgboost.autolog(importance_types=["gain"])
    >>> nbtrack.xgboost.autolog(disable=True)
    """
    own = {"importance_types": importance_types, "model_format": model_format}
    switch(NAME, {**own, **options})


def install(patches: Patches) -> None:
    """Wrap what trains.

    Parameters
    ----------
    patches : Patches
    """
    import xgboost

    patches.around(xgboost, "train", _train)
    patches.around(xgboost, "cv", _cv)
    # the name that the estimators call: those of other modules, such as dask, are left alone
    patches.around(xgboost.sklearn, "train", _train_of_estimator)
    for kind in (getattr(xgboost.sklearn, each) for each in ESTIMATORS.split()):
        if "fit" in vars(kind):
            patches.around(kind, "fit", _fit)


def _train(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    call = fits.arguments(original, args, kwargs)
    if call is None:  # XGBoost says what is wrong
        return original(*args, **kwargs)
    with training(NAME) as session:
        if session is None:
            return original(*args, **kwargs)
        matrix = call["dtrain"]
        session.attempt("The params", _log_params, session, call)
        session.attempt("The data", _log_matrix, session, matrix)
        session.attempt("The data", _log_evaluated, session, call["evals"])
        curves = _curves(session)
        args, kwargs = fits.with_callback(curves, call, args, kwargs)
        booster = original(*args, **kwargs)
        stops = call["early_stopping_rounds"] or call["callbacks"]
        rows = session.attempt("The input example", _rows_of, matrix)
        session.attempt(
            "The result", _log_trained, session, booster, booster, rows, curves.last, stops
        )
        return booster


def _cv(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    call = fits.arguments(original, args, kwargs)
    if call is None:
        return original(*args, **kwargs)
    with training(NAME) as session:
        if session is None:
            return original(*args, **kwargs)
        session.attempt("The params", _log_params, session, call, "nfold", "stratified", "seed")
        session.attempt("The data", _log_matrix, session, call["dtrain"])
        args, kwargs = fits.with_callback(_curves(session), call, args, kwargs)
        return original(*args, **kwargs)


def _fit(original: Callable[..., Any], model: Any, *args: Any, **kwargs: Any) -> Any:
    call = fits.arguments(original, (model, *args), kwargs)
    if call is None:
        return original(model, *args, **kwargs)
    with training(NAME, type(model).__name__) as session:
        if session is None:
            return original(model, *args, **kwargs)
        rows = session.attempt("The training", _log_before, session, model, call)
        curves = _curves(session)
        token = _fitting.set(curves)
        try:
            fitted = original(model, *args, **kwargs)
        finally:
            _fitting.reset(token)
        session.attempt("The result", _log_after, session, model, rows, curves.last)
        return fitted


def _log_before(session: Training, model: Any, call: Mapping[str, Any]) -> Any:
    """Log what is known before the fit; return a sample of the data."""
    with unchanged_generators(model, alone=False):  # to ask for params draws from random_state
        session.attempt("The params", _log_params_of, session, model)
    session.attempt("The class", fits.log_class, session, model)
    session.attempt("The data", fits.log_data, session, call["X"], call["y"])
    session.attempt("The data", _log_evaluated_of, session, call["eval_set"])
    return session.attempt("The input example", fits.rows_of, call["X"])


def _log_after(session: Training, model: Any, rows: Any, last: int) -> None:
    stops = model.early_stopping_rounds or model.callbacks
    with unchanged_generators(model, alone=False):
        _log_trained(session, model.get_booster(), model, rows, last, stops)


def _train_of_estimator(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    curves = _fitting.get()
    call = fits.arguments(original, args, kwargs)
    if curves is None or call is None:
        return original(*args, **kwargs)
    curves.session.attempt("The params", _log_chosen, curves.session, call["params"])
    args, kwargs = fits.with_callback(curves, call, args, kwargs)
    return original(*args, **kwargs)


def _log_params(session: Training, call: Mapping[str, Any], *more: str) -> None:
    names = ("num_boost_round", "early_stopping_rounds", "maximize", "obj", "custom_metric", *more)
    given = dict(call["params"])
    session.log_params(fits.params_set(given.items()))
    session.log_params(fits.params_set((each, call[each]) for each in names))


def _log_params_of(session: Training, model: Any) -> None:
    without = ("callbacks", *CHOSEN)
    given = fits.params_set(model.get_params(deep=False).items(), *without)
    rounds = model.get_num_boosting_rounds()
    session.log_params({"n_estimators": rounds, **given, "num_boost_round": rounds})


def _log_chosen(session: Training, params: Mapping[str, Any]) -> None:
    given = ((each, params.get(each)) for each in CHOSEN)
    session.log_params(fits.params_set(given))


def _curves(session: Training) -> Any:
    """Return a callback that logs each round as it ends."""
    from xgboost.callback import TrainingCallback

    class Curves(TrainingCallback):
        last = 0

        def __init__(self) -> None:
            self.session = session

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            self.last, points = epoch, {}
            for data, metrics in evals_log.items():
                for metric, values in metrics.items():
                    key = f"{data}-{metric}".replace("@", "_at_")  # as in MLflow: ndcg@3
                    if isinstance(values[-1], tuple):  # of the folds of cv
                        points[f"{key}-mean"], points[f"{key}-std"] = values[-1]
                    else:
                        points[key] = values[-1]
            if points:
                session.log_metrics(points, epoch)
            return False

    return Curves()


def _log_trained(
    session: Training, booster: Any, model: Any, rows: Any, last: int, stops: Any
) -> None:
    # a booster that goes on from another one may have the best round of that
    if stops and booster.attr("best_iteration") is not None:
        best = {"best_iteration": booster.best_iteration, "best_score": booster.best_score}
        session.log_metrics({"stopped_iteration": last, **best}, last)
    for kind in session.settings.more.get("importance_types") or ["weight"]:
        session.attempt("The importance of features", _log_importance, session, booster, kind)
    format_ = session.settings.more.get("model_format", "ubj")
    session.attempt(
        "The model",
        lambda: fits.log_model(session, flavor, model, rows, last, model_format=format_),
    )


def _log_importance(session: Training, booster: Any, kind: str) -> None:
    log_importance(session, kind, booster.get_score(importance_type=kind))


def _log_evaluated(session: Training, evals: Any) -> None:
    for data, name in evals if isinstance(evals, list | tuple) else ():
        _log_matrix(session, data, name)


def _log_evaluated_of(session: Training, eval_set: Any) -> None:
    pairs = eval_set if isinstance(eval_set, list | tuple) else ()
    for number, (data, target) in enumerate(pairs):
        fits.log_data(session, data, target, f"validation_{number}")


def _log_matrix(session: Training, matrix: Any, name: str | None = None) -> None:
    if session.settings.log_datasets:
        fits.log_data(session, _described(matrix, name), name=name)


def _described(matrix: Any, name: str | None) -> fits.Description:
    """Describe a DMatrix, which gives nothing but its numbers back."""
    digest = Digest()
    digest.array(matrix.get_label())
    names, types = matrix.feature_names, matrix.feature_types
    columns = None
    if names is not None:
        columns = {n: _TYPES.get(k, "double") for n, k in zip(names, types or names, strict=True)}
    if matrix.num_row() and not _is_quantized(matrix):
        step = -(-matrix.num_row() // _ROWS)
        digest.array(matrix.slice(list(range(0, matrix.num_row(), step))).get_data().data)
    return fits.Description((matrix.num_row(), matrix.num_col()), columns, name, digest)


def _is_quantized(matrix: Any) -> bool:
    import xgboost

    return type(matrix) is not xgboost.DMatrix


def _rows_of(matrix: Any) -> Any:
    """Return the first rows of a DMatrix; None where its numbers are not those of the user."""
    import numpy as np
    import pandas as pd

    types = matrix.feature_types or ()
    if "c" in types or _is_quantized(matrix) or not matrix.num_row():
        return None
    count = min(fits.EXAMPLE_ROWS, matrix.num_row())
    data = matrix.slice(list(range(count))).get_data()
    rows = np.full(data.shape, np.nan)  # what is missing there is not kept as zero
    rows[np.repeat(np.arange(count), np.diff(data.indptr)), data.indices] = data.data
    if matrix.feature_names is None:
        return rows
    frame = pd.DataFrame(rows, columns=matrix.feature_names)
    whole = [n for n, k in zip(frame, types, strict=False) if not frame[n].hasnans]
    return frame.astype({n: _DTYPES[k] for n, k in zip(frame, types, strict=False) if n in whole})
