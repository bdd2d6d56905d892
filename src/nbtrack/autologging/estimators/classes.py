"""Wrapping the methods of all estimators, those that are there and those that are yet to come."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Mapping
from typing import Any

from nbtrack.autologging.patches import Around, Patches

FITS = ("fit", "fit_transform", "fit_predict")
ANSWERS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform")

# they have integrations of their own, which know each round
_OTHERS = ("xgboost", "lightgbm", "catboost")
# they prepare data; MLflow leaves out the same ones
_PREPARING = (
    "sklearn.preprocessing.",
    "sklearn.impute.",
    "sklearn.feature_extraction.",
    "sklearn.feature_selection.",
    "sklearn.compose._column_transformer.",
)
_BASES = ("sklearn.base.", "sklearn.utils.")


def wrap_estimators(patches: Patches, arounds: Mapping[str, Around]) -> None:
    """Wrap methods of every class of estimators, also of classes that are defined later.

    Parameters
    ----------
    patches : Patches
        They take all of it back.
    arounds : mapping of str to callable
        By the name of the method; called as ``Patches.around`` has it.
    """
    from sklearn.base import BaseEstimator

    wrapped: set[tuple[type, str]] = set()

    def wrap(owner: type) -> None:
        for each in owner.__mro__:
            for name in vars(each).keys() & arounds.keys():
                if (each, name) not in wrapped and not (name in FITS and is_others(each)):
                    wrapped.add((each, name))
                    _around(patches, each, name, arounds[name])

    for owner in list(_subclasses(BaseEstimator)):
        wrap(owner)
    _watch(patches, BaseEstimator, wrap)


def _watch(patches: Patches, base: type, wrap: Any) -> None:
    """Wrap each class below another as it is defined."""
    from sklearn.utils import _set_output

    outputs = getattr(_set_output, "_SetOutputMixin", None)

    @classmethod  # type: ignore[misc]
    def defined(cls: Any, **kwargs: Any) -> None:
        above: Any = super(base, cls)
        above.__init_subclass__(**kwargs)
        if outputs is None or not issubclass(cls, outputs):
            wrap(cls)

    def with_outputs(original: Any, cls: type, *args: Any, **kwargs: Any) -> None:
        original(cls, *args, **kwargs)  # replaces transform and fit_transform by wrappers
        if issubclass(cls, base):
            wrap(cls)

    patches.replace(base, "__init_subclass__", defined)
    if outputs is not None:
        patches.around(outputs, "__init_subclass__", with_outputs)


def _around(patches: Patches, owner: type, name: str, around: Around) -> None:
    """Wrap a method; one that is there under a condition stays so."""
    held = vars(owner)[name]
    if not hasattr(held, "check") or not hasattr(held, "fn"):
        if callable(held):
            patches.around(owner, name, around)
        return
    # sklearn's available_if: its function is wrapped in a copy, so that the class gets back its own
    original, conditional = held.fn, copy.copy(held)

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return around(original, *args, **kwargs) if patches.active else original(*args, **kwargs)

    conditional.fn = wrapper
    patches.replace(owner, name, conditional)


def _subclasses(base: type) -> Iterator[type]:
    yield base
    each: type
    for each in base.__subclasses__():
        yield from _subclasses(each)


def is_others(owner: type) -> bool:
    """Return whether the trainings of a class are logged by another integration.

    Parameters
    ----------
    owner : type
        Of estimators.
    """
    return any(each.__module__.partition(".")[0] in _OTHERS for each in owner.__mro__)


def is_trained(estimator: Any) -> bool:
    """Return whether the fit of an estimator is a training, and not the preparation of data.

    A pipeline is as the last of its steps. Transformers of the user's own prepare data.

    Parameters
    ----------
    estimator : estimator
    """
    return not is_others(type(estimator)) and not _prepares(estimator)


def _prepares(estimator: Any) -> bool:
    kind = type(estimator)
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list):
        real = [step for _, step in steps if step is not None and step != "passthrough"]
        return not real or _prepares(real[-1])
    if isinstance(getattr(estimator, "transformer_list", None), list):
        return True
    for each in kind.__mro__:
        module = f"{each.__module__}."
        if module.startswith(_PREPARING):
            return True
        if module.startswith("sklearn.") and not module.startswith(_BASES):
            return False
    return not hasattr(kind, "predict") and not hasattr(kind, "fit_predict")
