"""Scores that the user computes after a fit, logged to the run of the estimator."""

from __future__ import annotations

import ast
from typing import Any

from nbtrack.autologging.estimators.answers import hear
from nbtrack.autologging.estimators.callers import Caller
from nbtrack.autologging.estimators.fitted import (
    NAME,
    Fitted,
    prediction_among,
    remember_answer,
    run_of,
)
from nbtrack.autologging.switches import settings_of
from nbtrack.autologging.training import attempt, is_muted, muted
from nbtrack.callables import parameters_of

_MAX_TEXT = 60


def answered(original: Any, method: str, estimator: Any, *args: Any, **kwargs: Any) -> Any:
    """Let an estimator predict, and remember where the predictions are from.

    Parameters
    ----------
    original : callable
        The method of the estimator's class.
    method : str
        Its name.
    estimator : estimator
    *args, **kwargs
        The examples, and what else the method takes.
    """
    fitted, caller = _of_user(estimator)
    if fitted is None or caller is None:
        answer = original(estimator, *args, **kwargs)
        hear(estimator, method, answer)
        return answer
    with muted():
        answer = original(estimator, *args, **kwargs)
    attempt(NAME, "The predictions", remember_answer, fitted, answer, _first(args, kwargs), caller)
    return answer


def scored(original: Any, estimator: Any, *args: Any, **kwargs: Any) -> Any:
    """Let an estimator compute its score, and log it.

    Parameters
    ----------
    original : callable
        ``score`` of the estimator's class.
    estimator : estimator
    *args, **kwargs
        Examples, labels, weights.
    """
    fitted, caller = _of_user(estimator)
    if fitted is None or caller is None:
        return original(estimator, *args, **kwargs)
    with muted():
        value = original(estimator, *args, **kwargs)
    kind = type(estimator).__name__
    call = _Call(f"{kind}.score", original, caller)
    attempt(NAME, "A score", _log, fitted, f"{kind}_score", value, _first(args, kwargs), call)
    return value


def scored_by(original: Any, scorer: Any, estimator: Any, *args: Any, **kwargs: Any) -> Any:
    """Let a scorer judge an estimator, and log the metric that it computes.

    Parameters
    ----------
    original : callable
        ``__call__`` of the scorer's class.
    scorer : scorer
    estimator : estimator
    *args, **kwargs
        Examples, labels.
    """
    fitted, caller = _of_user(estimator)
    if fitted is None or caller is None:
        return original(scorer, estimator, *args, **kwargs)
    with muted():
        value = original(scorer, estimator, *args, **kwargs)
    metric = getattr(getattr(scorer, "_score_func", None), "__name__", None)
    if isinstance(metric, str) and is_number(value):
        call = _Call(metric, original, caller, 1)
        number = value * getattr(scorer, "_sign", 1)  # of the metric: scorers negate losses
        attempt(NAME, "A score", _log, fitted, metric, number, _first(args, kwargs), call)
    return value


def measured(original: Any, *args: Any, **kwargs: Any) -> Any:
    """Let a metric function compute, and log the number if it is one of remembered predictions.

    Parameters
    ----------
    original : callable
        A function of ``sklearn.metrics``.
    *args, **kwargs
        Labels, predictions.
    """
    wanted = not is_muted() and _is_wanted()
    found = prediction_among((*args, *kwargs.values())) if wanted else None
    caller = None if found is None else Caller()
    if found is None or caller is None or caller.is_library:
        return original(*args, **kwargs)
    with muted():  # one metric may compute another
        value = original(*args, **kwargs)
    call = _Call(original.__name__, original, caller)
    attempt(NAME, "A score", _log, found.fitted, call.shown, value, found.x.get(), call, found.name)
    return value


def is_number(value: Any) -> bool:
    """Return whether a value can be logged as a metric.

    Parameters
    ----------
    value : object
    """
    import numpy as np

    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _is_wanted() -> bool:
    settings = settings_of(NAME)
    return settings is not None and bool(settings.more.get("log_post_training_metrics", True))


def _of_user(estimator: Any) -> tuple[Fitted | None, Caller | None]:
    """Return the run of an estimator, and who calls, if it is the user."""
    fitted = None if is_muted() else run_of(estimator)
    if fitted is None or not _is_wanted():
        return None, None
    caller = Caller()
    return (None, None) if caller.is_library else (fitted, caller)


def _first(args: Any, kwargs: Any) -> Any:
    """Return the examples: what a method takes first."""
    return args[0] if args else next(iter(kwargs.values()), None)


def _log(
    fitted: Fitted, metric: str, value: Any, x: Any, call: _Call, name: str | None = None
) -> None:
    if is_number(value) and (x is not None or name is not None):
        name = call.name_of_data(fitted, x) if name is None else name
        fitted.log(metric, float(value), name, x, call.text())


class _Call:
    """A call as the user has written it, with the names of its parameters.

    Parameters
    ----------
    shown : str
        What the function is called.
    function : callable
    caller : Caller
    position : int
        Where the examples are among the arguments.
    """

    def __init__(self, shown: str, function: Any, caller: Caller, position: int = 0) -> None:
        self.shown = shown
        self._function, self._caller, self._position = function, caller, position

    def name_of_data(self, fitted: Fitted, x: Any) -> str:
        """Return what the examples are called."""
        return fitted.name_of(x, self._caller, self._position)

    def text(self) -> str:
        """Return the call."""
        call = self._caller.call()
        if call is None:
            return f"{self.shown}(...)"
        names = [name for name in parameters_of(self._function) if name != "self"]
        parts = [
            f"{name}={_source(each)}" for name, each in zip(names, call.args, strict=False)
        ] + [f"{each.arg or '**'}={_source(each.value)}" for each in call.keywords]
        return f"{self.shown}({', '.join(parts)})"


def _source(value: ast.expr) -> str:
    text = ast.unparse(value)
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}..."
