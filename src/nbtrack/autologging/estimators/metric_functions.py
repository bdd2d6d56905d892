"""The functions of ``sklearn.metrics`` and the scorers, wrapped so that they still pickle."""

from __future__ import annotations

import functools
import operator
import re
from types import MethodType
from typing import Any

from nbtrack.autologging.estimators.after_fit import measured, scored_by
from nbtrack.autologging.patches import Patches

_NUMBERS = re.compile(r"\w+_(score|loss|error|deviance|corrcoef)(_loss)?")


class Metric:
    """A metric function whose results are logged; pickled, it is the function itself.

    Scorers that scikit-learn has made before hold the function, and pickle it by its name: so
    there the function has to stay, and a wrapper that is a function could not be pickled.

    Parameters
    ----------
    function : callable
        As ``sklearn.metrics`` has it.
    patches : Patches
        Without them it is the function, for whoever still holds it.
    """

    def __init__(self, function: Any, patches: Patches) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._patches = patches

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute, and log the result where it is one of an estimator that is known."""
        if not self._patches.active:
            return self._function(*args, **kwargs)
        return measured(self._function, *args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Be a method where a function would be one."""
        return self if instance is None else MethodType(self, instance)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle the function."""
        return operator.itemgetter(0), ((self._function,),)

    def __repr__(self) -> str:
        return repr(self._function)

    @property
    def function(self) -> Any:
        """The function itself."""
        return self._function


def install(patches: Patches) -> None:
    """Wrap the metric functions that return a number, and the scorers.

    Parameters
    ----------
    patches : Patches
        They take all of it back.
    """
    from sklearn import metrics

    wrappers = {}
    for name in metrics.__all__:
        function = getattr(metrics, name)
        if _NUMBERS.fullmatch(name) and callable(function) and not isinstance(function, type):
            wrappers[function] = Metric(function, patches)
            patches.replace(metrics, name, wrappers[function])
    patches.replace_imported(metrics, wrappers)
    patches.around(metrics, "make_scorer", _make_scorer)
    scorers = getattr(metrics._scorer, "_BaseScorer", None)
    if scorers is not None:
        patches.around(scorers, "__call__", scored_by)


def _make_scorer(original: Any, score_func: Any, *args: Any, **kwargs: Any) -> Any:
    # the scorer itself is logged, and saved with a search
    function = score_func.function if isinstance(score_func, Metric) else score_func
    return original(function, *args, **kwargs)
