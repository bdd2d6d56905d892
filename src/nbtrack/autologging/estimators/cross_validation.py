"""Cross-validation: one run for all folds; and the fit of the same estimator after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from nbtrack.autologging.estimators.callers import Caller
from nbtrack.autologging.estimators.data import described
from nbtrack.autologging.estimators.description import estimator_tags, readable
from nbtrack.autologging.patches import Patches
from nbtrack.autologging.training import Training, is_muted, muted, training
from nbtrack.callables import signature_of
from nbtrack.tracking import context
from nbtrack.tracking.run import ActiveRun

NAME = "sklearn"

# what runs each fold, also in threads; whoever holds cross_validate itself calls these
_FOLDS = (
    "_fit_and_score",
    "_fit_and_predict",
    "_incremental_fit_estimator",
    "_permutation_test_score",
)

_validated: WeakKeyDictionary[ActiveRun, str] = WeakKeyDictionary()


def install(patches: Patches) -> None:
    """Wrap the functions of ``sklearn.model_selection`` that fit folds.

    Parameters
    ----------
    patches : Patches
        They take all of it back.
    """
    from sklearn import model_selection
    from sklearn.model_selection import _validation

    for name in ("cross_validate", "cross_val_score"):
        original = getattr(model_selection, name)
        patches.around(model_selection, name, _cross_validated)
        if getattr(_validation, name, None) is original:
            patches.replace(_validation, name, getattr(model_selection, name))
    for name in _FOLDS:
        if hasattr(_validation, name):
            patches.around(_validation, name, _silently)


def run_of_same(estimator: Any) -> ActiveRun | None:
    """Return the open run if its training so far was a cross-validation of the same estimator.

    The fit that follows belongs to it, and needs no run below.

    Parameters
    ----------
    estimator : estimator
        Before it is fitted.
    """
    run = context.current()
    known = None if run is None else _validated.pop(run, None)
    return run if known is not None and known == _key(estimator) else None


def _silently(original: Any, *args: Any, **kwargs: Any) -> Any:
    with muted():
        return original(*args, **kwargs)


def _cross_validated(original: Any, *args: Any, **kwargs: Any) -> Any:
    caller = None if is_muted() else Caller()
    if caller is None or caller.is_library:
        return original(*args, **kwargs)
    given = _given(original, args, kwargs)
    estimator = given.get("estimator")
    with training(NAME, type(estimator).__name__) as session:
        if session is None:
            return original(*args, **kwargs)
        session.attempt("The cross-validation", _before, session, given, caller)
        found = original(*args, **kwargs)
        session.attempt("The cross-validation", _after, session, estimator, found)
        return found


def _given(function: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    try:
        return dict(signature_of(function).bind(*args, **kwargs).arguments)
    except TypeError:  # the function will say it
        return {}


def _before(session: Training, given: Mapping[str, Any], caller: Caller) -> None:
    estimator = given["estimator"]
    session.run.writer.set_tags(estimator_tags(estimator))
    session.attempt("The params", session.log_params, readable(estimator.get_params(deep=True)))
    how = {name: given[name] for name in ("cv", "scoring") if given.get(name) is not None}
    session.log_params(readable(how))
    if session.settings.log_datasets:
        session.attempt("The data", _log_data, session, given, caller)


def _log_data(session: Training, given: Mapping[str, Any], caller: Caller) -> None:
    x = given.get("X")
    name = caller.name_of(x, 1, "X")
    dataset = None if x is None else described(x, given.get("y"), name)
    if dataset is not None:
        session.log_dataset(dataset, "train")


def _after(session: Training, estimator: Any, found: Any) -> None:
    """Log the mean of each score over the folds, its deviation, and the score of each fold."""
    import numpy as np

    scores = found if isinstance(found, Mapping) else {"test_score": found}
    numbers: dict[str, float] = {}
    for name, values in scores.items():
        array = np.asarray(values)
        if array.dtype.kind not in "fiu" or array.ndim != 1:
            continue  # estimators, indices
        numbers |= {f"mean_{name}": float(array.mean()), f"std_{name}": float(array.std())}
        if not name.endswith("_time"):
            for fold, value in enumerate(array):
                session.log_metrics({f"split_{name}": float(value)}, fold)
    session.log_metrics(numbers)
    _validated[session.run] = _key(estimator)


def _key(estimator: Any) -> str:
    params = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    return f"{type(estimator).__qualname__} {sorted((k, str(v)) for k, v in params.items())}"
