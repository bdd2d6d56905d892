"""``nbtrack.lightgbm.autolog``: what LightGBM trains, by ``train``, ``cv`` and its estimators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Unpack

from nbtrack.autologging import fits
from nbtrack.autologging.importance import log_importance
from nbtrack.autologging.patches import Patches
from nbtrack.autologging.settings import DEFAULTS, AutologOptions
from nbtrack.autologging.switches import switch
from nbtrack.autologging.training import Training, training
from nbtrack.models.flavors import lightgbm as flavor
from nbtrack.models.options import spelled_out
from nbtrack.tracking.dataset_digest import Digest

NAME = "lightgbm"
CHOSEN = ("objective", "num_class", "metric")  # by an estimator, for the classes that there are
ESTIMATORS = "LGBMModel LGBMClassifier LGBMRegressor LGBMRanker"

_fitting: ContextVar[Any] = ContextVar("nbtrack_lightgbm_fitting", default=None)


@spelled_out(AutologOptions, DEFAULTS)
def autolog(**options: Unpack[AutologOptions]) -> None:
    """Log what LightGBM trains: ``train``, ``cv``, and the estimators such as ``LGBMClassifier``.

    Parameters
    ----------
    **options
        What every ``autolog`` takes, see :func:`nbtrack.autolog`.

    Examples
    --------
    >>> import nbtrack
    >>> nbtrack.lightgbm.autolog(log_models=False)
    >>> nbtrack.lightgbm.autolog(disable=True)
    """
    switch(NAME, options)


def install(patches: Patches) -> None:
    """Wrap what trains.

    Parameters
    ----------
    patches : Patches
    """
    import lightgbm

    patches.around(lightgbm, "train", _train)
    patches.around(lightgbm, "cv", _cv)
    # the name that the estimators call: those of other modules, such as dask, are left alone
    patches.around(lightgbm.sklearn, "train", _train_of_estimator)
    for kind in (getattr(lightgbm.sklearn, each) for each in ESTIMATORS.split()):
        if "fit" in vars(kind):
            patches.around(kind, "fit", _fit)


def _train(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    call = fits.arguments(original, args, kwargs)
    if call is None:  # LightGBM says what is wrong
        return original(*args, **kwargs)
    with training(NAME) as session:
        if session is None:
            return original(*args, **kwargs)
        data = call["train_set"]
        session.attempt("The params", _log_params, session, call)
        rows = session.attempt("The input example", _rows_of, data)
        session.attempt("The data", _log_set, session, data)
        session.attempt("The data", _log_evaluated, session, call)
        curves = _Curves(session)
        args, kwargs = fits.with_callback(curves, call, args, kwargs)
        booster = original(*args, **kwargs)
        session.attempt("The result", _log_trained, session, booster, booster, rows, curves)
        return booster


def _cv(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    call = fits.arguments(original, args, kwargs)
    if call is None:
        return original(*args, **kwargs)
    with training(NAME) as session:
        if session is None:
            return original(*args, **kwargs)
        session.attempt("The params", _log_params, session, call, "nfold", "stratified", "seed")
        session.attempt("The data", _log_set, session, call["train_set"])
        args, kwargs = fits.with_callback(_Curves(session), call, args, kwargs)
        return original(*args, **kwargs)


def _fit(original: Callable[..., Any], model: Any, *args: Any, **kwargs: Any) -> Any:
    call = fits.arguments(original, (model, *args), kwargs)
    if call is None:
        return original(model, *args, **kwargs)
    with training(NAME, type(model).__name__) as session:
        if session is None:
            return original(model, *args, **kwargs)
        features = call["X"]
        session.attempt("The params", _log_params_of, session, model)
        session.attempt("The class", fits.log_class, session, model)
        session.attempt("The data", fits.log_data, session, features, call["y"])
        rows = session.attempt("The input example", fits.rows_of, features)
        curves = _Curves(session)
        token = _fitting.set(curves)
        try:
            fitted = original(model, *args, **kwargs)
        finally:
            _fitting.reset(token)
        session.attempt("The result", _log_trained, session, model.booster_, model, rows, curves)
        return fitted


def _train_of_estimator(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    curves = _fitting.get()
    call = fits.arguments(original, args, kwargs)
    if curves is None or call is None:
        return original(*args, **kwargs)
    curves.session.attempt("The params", _log_chosen, curves.session, call["params"])
    curves.session.attempt("The data", _log_evaluated, curves.session, call)
    args, kwargs = fits.with_callback(curves, call, args, kwargs)
    return original(*args, **kwargs)


class _Curves:
    """A callback that logs each round as it ends, before any other can stop the training."""

    order = float("-inf")
    before_iteration = False

    def __init__(self, session: Training) -> None:
        self.session = session
        self.rounds = 0

    def __call__(self, env: Any) -> None:
        self.rounds, points = env.iteration + 1, {}
        for data, metric, value, _, *deviation in env.evaluation_result_list or ():
            key = f"{data}-{metric}".replace("@", "_at_")  # as in MLflow: ndcg@3
            if any(each is not None for each in deviation):  # of the folds of cv
                points[f"{key}-mean"], points[f"{key}-stdv"] = value, deviation[0]
            else:
                points[key] = value
        if points:
            self.session.log_metrics(points, env.iteration)


def _log_params(session: Training, call: Mapping[str, Any], *more: str) -> None:
    from lightgbm.basic import _ConfigAliases

    given = dict(call["params"] or {})
    session.log_params(fits.params_set(given.items()))
    aliases = _ConfigAliases.get("num_iterations")  # in params they win over the argument
    rounds = next((given[each] for each in aliases if each in given), call["num_boost_round"])
    names = ("feval", *more)
    own = fits.params_set((each, call[each]) for each in names)
    session.log_params({"num_boost_round": rounds, **own})


def _log_params_of(session: Training, model: Any) -> None:
    given = fits.params_set(model.get_params(deep=False).items(), *CHOSEN)
    session.log_params({**given, "num_boost_round": model.n_estimators})


def _log_chosen(session: Training, params: Mapping[str, Any]) -> None:
    given = ((each, params.get(each)) for each in CHOSEN)
    session.log_params(fits.params_set(given))


def _log_evaluated(session: Training, call: Mapping[str, Any]) -> None:
    sets, names = call["valid_sets"] or (), call["valid_names"] or ()
    sets = sets if isinstance(sets, list | tuple) else [sets]
    names = [names] if isinstance(names, str) else list(names)
    for number, data in enumerate(sets):
        given = "training" if data is call["train_set"] else f"valid_{number}"
        _log_set(session, data, names[number] if number < len(names) else given)


def _log_trained(session: Training, booster: Any, model: Any, rows: Any, curves: _Curves) -> None:
    last = max(curves.rounds - 1, 0)
    if booster.best_iteration > 0:  # both count from 1, as LightGBM does
        best = {"stopped_iteration": curves.rounds, "best_iteration": booster.best_iteration}
        scores = [value for each in booster.best_score.values() for value in each.values()]
        if len(scores) == 1:
            best["best_score"] = scores[0]
        session.log_metrics(best, last)
    for kind in ("split", "gain"):
        session.attempt("The importance of features", _log_importance, session, booster, kind)
    session.attempt("The model", fits.log_model, session, flavor, model, rows, last)


def _log_importance(session: Training, booster: Any, kind: str) -> None:
    scores = booster.feature_importance(importance_type=kind).tolist()
    log_importance(session, kind, dict(zip(booster.feature_name(), scores, strict=True)))


def _log_set(session: Training, data: Any, name: str | None = None) -> None:
    """Describe a Dataset: by what it was made of, unless LightGBM has let go of that."""
    if not session.settings.log_datasets:
        return
    described = fits.described(data.data, data.label, name)
    if described is None and data._handle is not None:
        digest = Digest()
        digest.array(data.get_label())
        columns = dict.fromkeys(data.get_feature_name(), "double")
        shape = (data.num_data(), data.num_feature())
        described = fits.Description(shape, columns, name, digest)
    if described is not None:
        fits.log_data(session, described, name=name)


def _rows_of(data: Any) -> Any:
    return fits.rows_of(data.data)
