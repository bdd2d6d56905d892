"""``nbtrack.catboost.autolog``: what CatBoost trains, by ``fit``, ``train`` and ``cv``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Unpack

from nbtrack.autologging import fits
from nbtrack.autologging.importance import log_importance
from nbtrack.autologging.patches import Patches
from nbtrack.autologging.settings import DEFAULTS, AutologOptions
from nbtrack.autologging.switches import switch
from nbtrack.autologging.training import Training, training
from nbtrack.models.flavors import catboost as flavor
from nbtrack.models.options import spelled_out
from nbtrack.tracking.dataset_digest import Digest

NAME = "catboost"
ESTIMATORS = "CatBoost CatBoostClassifier CatBoostRegressor CatBoostRanker"
CHOSEN = ("depth", "iterations", "learning_rate", "loss_function")  # where nobody has
_ROWS = 100
_NOTE = '"callbacks":"PythonUserDefinedPerObject"'


@spelled_out(AutologOptions, DEFAULTS)
def autolog(**options: Unpack[AutologOptions]) -> None:
    """Log what CatBoost trains: ``fit`` of its models, ``train`` and ``cv``.

    Parameters
    ----------
    **options
        What every ``autolog`` takes, see :func:`nbtrack.autolog`.

    Examples
    --------
    >>> import nbtrack
    >>> nbtrack.catboost.autolog(log_models=False)
    >>> nbtrack.catboost.autolog(disable=True)
    """
    switch(NAME, options)


def install(patches: Patches) -> None:
    """Wrap what trains.

    Parameters
    ----------
    patches : Patches
    """
    import catboost

    patches.around(catboost, "cv", _cv)
    for kind in (getattr(catboost, each) for each in ESTIMATORS.split()):
        if "fit" in vars(kind):
            patches.around(kind, "fit", _fit)


def _fit(original: Callable[..., Any], model: Any, *args: Any, **kwargs: Any) -> Any:
    call = fits.arguments(original, (model, *args), kwargs)
    if call is None:  # CatBoost says what is wrong
        return original(model, *args, **kwargs)
    with training(NAME, type(model).__name__) as session:
        if session is None:
            return original(model, *args, **kwargs)
        session.attempt("The params", _log_params, session, model.get_params(), call)
        session.attempt("The class", fits.log_class, session, model)
        session.attempt("The data", _log_set, session, call["X"], call["y"])
        session.attempt("The data", _log_evaluated, session, call["eval_set"])
        rows = session.attempt("The input example", fits.rows_of, call["X"])
        curves = _Curves(session)
        on_gpu = model.get_param("task_type") == "GPU"  # where CatBoost takes no callbacks
        if not on_gpu:
            args, kwargs = fits.with_callback(curves, call, (model, *args), kwargs)
            fitted = original(*args, **kwargs)
            if not call["callbacks"]:
                session.attempt("The note of a callback", _forget_callbacks, model)
        else:
            fitted = original(model, *args, **kwargs)
            session.attempt("A metric", curves.log_all, model.evals_result_)
        session.attempt("The result", _log_trained, session, model, rows, curves)
        return fitted


def _cv(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    call = fits.arguments(original, args, kwargs)
    if call is None:
        return original(*args, **kwargs)
    with training(NAME) as session:
        if session is None:
            return original(*args, **kwargs)
        pool = call["dtrain"] if call["pool"] is None else call["pool"]
        session.attempt("The params", _log_params, session, call["params"] or {}, call)
        session.attempt("The data", _log_set, session, pool)
        found = original(*args, **kwargs)
        session.attempt("A metric", _log_folds, session, found)
        return found


class _Curves:
    """A callback that logs each round as it ends, before any other can stop the training."""

    def __init__(self, session: Training) -> None:
        self._session = session
        self._lengths: dict[str, int] = {}
        self.last = 0

    def after_iteration(self, info: Any) -> bool:
        self.last = info.iteration - 1
        points = {}
        for key, values in _series(info.metrics):
            if len(values) > self._lengths.get(key, 0):  # not each round is measured
                self._lengths[key] = len(values)
                points[key] = values[-1]
        if points:
            self._session.log_metrics(points, self.last)
        return True

    def log_all(self, metrics: Mapping[str, Any]) -> None:
        """Log rounds that have ended before."""
        for key, values in _series(metrics):
            for step, value in enumerate(values):
                self._session.log_metrics({key: value}, step)
                self.last = max(self.last, step)


def _series(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for data, named in metrics.items():
        for metric, values in named.items():
            yield f"{data}-{metric}", values


def _log_folds(session: Training, found: Any) -> None:
    table = found[0] if isinstance(found, tuple) else found  # with the models of the folds
    columns = {name: list(table[name]) for name in table}
    for row, step in enumerate(columns.pop("iterations")):
        points = {name: values[row] for name, values in columns.items()}
        session.log_metrics(points, int(step))


def _log_params(session: Training, params: Mapping[str, Any], call: Mapping[str, Any]) -> None:
    names = ("early_stopping_rounds", "iterations", "num_boost_round", "fold_count", "nfold")
    given = {name: call[name] for name in names if call.get(name) is not None}
    junk = ("verbose", "silent", "logging_level", "callbacks", "train_dir")
    session.log_params(fits.params_set({**params, **given}.items(), *junk))


def _log_set(session: Training, data: Any, target: Any = None, name: str | None = None) -> None:
    import catboost

    if not session.settings.log_datasets:
        return
    if isinstance(data, catboost.Pool):
        digest = Digest()
        with suppress(Exception):  # not every pool has labels, or gives its numbers back
            digest.words(*data.get_label()[:10_000])
            step = -(-data.num_row() // _ROWS)
            digest.array(data.slice(list(range(0, data.num_row(), step))).get_features())
        columns = dict.fromkeys(data.get_feature_names(), "double")
        data = fits.Description(data.shape, columns, name, digest)
    fits.log_data(session, data, target, name)


def _log_evaluated(session: Training, eval_set: Any) -> None:
    sets = eval_set if isinstance(eval_set, list) else [] if eval_set is None else [eval_set]
    for number, each in enumerate(sets):
        name = "validation" if len(sets) == 1 else f"validation_{number}"
        data, target = each if isinstance(each, tuple) else (each, None)
        _log_set(session, data, target, name)


def _log_trained(session: Training, model: Any, rows: Any, curves: _Curves) -> None:
    chosen, told = model.get_all_params(), _canonical(model.get_params())
    session.log_params({k: _short(chosen[k]) for k in CHOSEN if k in chosen and k not in told})
    if model.best_iteration_ is not None:
        best = {"stopped_iteration": curves.last, "best_iteration": model.best_iteration_}
        metric = chosen.get("eval_metric")
        scores = [v for k, v in _series(model.best_score_) if k.endswith(f"-{metric}")]
        if len(scores) == 2:  # of what it was trained on, and of one other set
            best["best_score"] = scores[1]
        session.log_metrics(best, curves.last)
    session.attempt("The importance of features", _log_importance, session, model)
    session.attempt("The model", fits.log_model, session, flavor, model, rows, curves.last)


def _canonical(params: Mapping[str, Any]) -> set[str]:
    """Return the names of params, and those that CatBoost itself has for them."""
    own = {"n_estimators": "iterations", "num_trees": "iterations", "num_boost_round": "iterations"}
    own |= {"max_depth": "depth", "eta": "learning_rate", "objective": "loss_function"}
    return {own.get(each, each) for each in params}


def _forget_callbacks(model: Any) -> None:
    """Take out of the model that it was trained with callbacks: they were ours."""
    about = model.get_metadata()
    about["params"] = about["params"].replace(f"{_NOTE},", "").replace(f",{_NOTE}", "")


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value  # of 32 bits: 0.0299999993


def _log_importance(session: Training, model: Any) -> None:
    scores = [float(each) for each in model.feature_importances_]
    named = dict(zip(model.feature_names_, scores, strict=True))
    log_importance(session, "prediction_values_change", named)  # what CatBoost calls it
