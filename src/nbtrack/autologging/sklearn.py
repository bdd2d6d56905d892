"""``nbtrack.sklearn.autolog``: what estimators of scikit-learn are fitted with, and how well."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any, Literal, Unpack

from nbtrack.autologging.estimators.after_fit import answered, scored
from nbtrack.autologging.estimators.classes import ANSWERS, FITS, wrap_estimators
from nbtrack.autologging.estimators.fitting import fitted
from nbtrack.autologging.patches import Patches
from nbtrack.autologging.settings import DEFAULTS, AutologOptions
from nbtrack.autologging.switches import switch
from nbtrack.autologging.training import is_muted, muted
from nbtrack.errors import InvalidParameterError
from nbtrack.models.flavors.sklearn import check_format
from nbtrack.models.options import spelled_out


@spelled_out(AutologOptions, DEFAULTS)
def autolog(
    *,
    max_tuning_runs: int | None = 5,
    log_post_training_metrics: bool = True,
    serialization_format: Literal["skops", "source", "cloudpickle", "pickle"] | None = None,
    pos_label: Any = None,
    **options: Unpack[AutologOptions],
) -> None:
    """Log each fit of an estimator: params, scores, figures, model; and scores computed later.

    A search for parameters gets a run for each of its best candidates. Estimators inside of
    others, and transformers that prepare data, are not logged on their own.

    Parameters
    ----------
    max_tuning_runs : int or None, optional
        How many candidates of a search get a run, the best ones first; None for all.
    log_post_training_metrics : bool, optional
        Whether scores that are computed after a fit are logged to its run, such as
        ``accuracy_score(y_test, model.predict(X_test))`` as ``accuracy_score_X_test``.
    serialization_format : {"skops", "source", "cloudpickle", "pickle"}, optional
        How models are saved; see :func:`nbtrack.sklearn.save_model`. By default without a pickle,
        which would only load with consent.
    pos_label : label, optional
        The positive one of two classes, for precision, recall and F1; without it they are averaged
        over the classes.
    **options
        What every ``autolog`` takes, see :func:`nbtrack.autolog`.

    Raises
    ------
    InvalidParameterError
        If ``max_tuning_runs`` is negative, or there is no such format.

    Examples
    --------
    >>> import nbtrack
    >>> nbtrack.sklearn.autolog(log_models=False)
    >>> nbtrack.sklearn.autolog(disable=True)
    """
    if max_tuning_runs is not None and max_tuning_runs < 0:
        raise InvalidParameterError(
            f"`max_tuning_runs` must be non-negative, instead got {max_tuning_runs}. "
            "None is for a run of each candidate, 0 for none."
        )
    check_format(serialization_format)
    switch(
        "sklearn",
        {
            "max_tuning_runs": max_tuning_runs,
            "log_post_training_metrics": log_post_training_metrics,
            "serialization_format": serialization_format,
            "pos_label": pos_label,
            **options,
        },
    )


def install(patches: Patches) -> None:
    """Wrap the methods of all estimators, and what runs them in threads.

    Parameters
    ----------
    patches : Patches
        They take all of it back.
    """
    from sklearn.utils.parallel import joblib

    wrap_estimators(
        patches,
        {
            **dict.fromkeys(FITS, fitted),
            **{name: _answers(name) for name in ANSWERS},
            "score": scored,
        },
    )
    patches.around(joblib.Parallel, "__call__", _in_parallel)


def _answers(method: str) -> Any:
    def around(original: Any, estimator: Any, *args: Any, **kwargs: Any) -> Any:
        return answered(original, method, estimator, *args, **kwargs)

    return around


def _in_parallel(original: Any, parallel: Any, iterable: Any) -> Any:
    """Let the workers of a training log nothing either: threads do not know what they are part of.

    Those that the user starts, to fit several estimators at a time, are each on their own.
    """
    if not is_muted():
        return original(parallel, iterable)
    silent: Iterator[Any] = ((_Silent(task), args, kwargs) for task, args, kwargs in iterable)
    return original(parallel, list(silent) if hasattr(iterable, "__len__") else silent)


class _Silent:
    """A task that logs nothing; in another process it is the task itself."""

    def __init__(self, task: Any) -> None:
        self._task = task

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with muted():
            return self._task(*args, **kwargs)

    def __reduce__(self) -> Any:
        return itemgetter(0), ((self._task,),)  # which needs no nbtrack there
