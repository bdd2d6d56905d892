"""Metrics of the user's own: what ``make_metric`` makes of a function, and what it returns."""

from __future__ import annotations

import keyword
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbtrack.errors import InvalidParameterError, warn

_SPECIAL = ("predictions", "targets", "metrics")


@dataclass
class MetricValue:
    """What a metric function may return instead of one number.

    Attributes
    ----------
    scores : list of float or list of str, optional
        One for each example; they become a column of ``eval_results_table``.
    justifications : list of str, optional
        Why, for each example; likewise a column.
    aggregate_results : dict of str to float, optional
        Numbers by name; by default mean, variance and 90th percentile of scores that are numbers.
    """

    scores: list[Any] | None = None
    justifications: list[str] | None = None
    aggregate_results: dict[str, float] | None = None

    def __post_init__(self) -> None:
        if self.aggregate_results is None and self.scores and all(map(is_number, self.scores)):
            self.aggregate_results = _standard(self.scores)


class EvaluationMetric:
    """A metric that ``evaluate`` computes; made by :func:`make_metric`.

    Parameters
    ----------
    eval_fn : callable
        Computes it.
    name : str
        What it is logged as.
    greater_is_better : bool
        Whether a greater value is better.
    long_name, version, metric_details : str, optional
        Its name in words, its version, what it is. With a version it is logged as
        ``<name>/<version>``.
    metric_metadata, genai_metric_args : dict, optional
        What else is known of it.

    Examples
    --------
    >>> from nbtrack.metrics import EvaluationMetric
    >>> def within_one(predictions, targets):
    ...     return float(((predictions - targets).abs() <= 1).mean())
    >>> metric = EvaluationMetric(within_one, "within_one", greater_is_better=True)
    >>> metric.name, metric.greater_is_better
    ('within_one', True)
    """

    def __init__(
        self,
        eval_fn: Callable[..., Any],
        name: str,
        greater_is_better: bool,
        long_name: str | None = None,
        version: str | None = None,
        metric_details: str | None = None,
        metric_metadata: dict[str, Any] | None = None,
        genai_metric_args: dict[str, Any] | None = None,
    ) -> None:
        self.eval_fn = eval_fn
        self.name = name
        self.greater_is_better = greater_is_better
        self.long_name = long_name or name
        self.version = version
        self.metric_details = metric_details
        self.metric_metadata = metric_metadata
        self.genai_metric_args = genai_metric_args

    @property
    def key(self) -> str:
        """The name that it is logged as: with its version, if it has one."""
        return f"{self.name}/{self.version}" if self.version else self.name

    def __call__(self, **given: Any) -> Any:
        """Compute the metric by hand: ``metric(predictions=..., targets=...)``."""
        return self.eval_fn(**given)

    def __str__(self) -> str:
        known = {
            name: getattr(self, name)
            for name in ("name", "greater_is_better", "long_name", "version", "metric_details")
        } | {"metric_metadata": self.metric_metadata}
        shown = (
            f"{name}={value}" for name, value in known.items() if value or name in _ALWAYS_SHOWN
        )
        return f"EvaluationMetric({', '.join(shown)})"

    __repr__ = __str__


_ALWAYS_SHOWN = ("name", "greater_is_better")


def make_metric(
    *,
    eval_fn: Callable[..., Any],
    greater_is_better: bool,
    name: str | None = None,
    long_name: str | None = None,
    version: str | None = None,
    metric_details: str | None = None,
    metric_metadata: dict[str, Any] | None = None,
    genai_metric_args: dict[str, Any] | None = None,
) -> EvaluationMetric:
    """Make a metric for ``extra_metrics`` of ``evaluate``.

    Parameters
    ----------
    eval_fn : callable
        Its parameters say by their names what it gets: ``predictions`` and ``targets`` (Series of
        pandas), ``metrics`` (those computed before, as ``MetricValue``, by name), a column of the
        data, an entry of ``evaluator_config``, or the name of another metric. A function of two
        parameters with other names gets a frame with the columns ``prediction`` and ``target``,
        and the metrics as numbers. It returns a number or a :class:`MetricValue`.
    greater_is_better : bool
        Whether a greater value is better.
    name : str, optional
        What it is logged as; by default the function's name.
    long_name, version, metric_details, metric_metadata, genai_metric_args : optional
        As in :class:`EvaluationMetric`.

    Raises
    ------
    InvalidParameterError
        If there is no name, or it has a slash.

    Examples
    --------
    >>> from nbtrack.metrics import make_metric
    >>> def within_one(predictions, targets):
    ...     return float(((predictions - targets).abs() <= 1).mean())
    >>> make_metric(eval_fn=within_one, greater_is_better=True).name
    'within_one'
    """
    found = name or getattr(eval_fn, "__name__", None)
    if found is None or (name is None and found == "<lambda>"):
        raise InvalidParameterError(
            "`name` must be specified if `eval_fn` is a lambda function, or has no name."
        )
    if "/" in found:
        raise InvalidParameterError(
            f"Invalid metric name '{found}'. Metric names cannot include forward slashes ('/')."
        )
    if not found.isidentifier() or keyword.iskeyword(found) or found in _SPECIAL:
        warn(
            f"The metric name {found!r} cannot be the name of a parameter, so that no other metric "
            "can be computed from it. Use another name if one shall be."
        )
    return EvaluationMetric(
        eval_fn,
        found,
        greater_is_better,
        long_name,
        version,
        metric_details,
        metric_metadata,
        genai_metric_args,
    )


def as_metric_value(found: Any, name: str) -> MetricValue | None:
    """Return what a metric function has returned as a MetricValue, None if it returned nothing.

    Raises
    ------
    InvalidParameterError
        If it is neither a number nor a MetricValue, or has other values than it should.
    """
    if found is None:
        return None
    if is_number(found):
        return MetricValue(aggregate_results={name: float(found)})
    if not all(hasattr(found, part) for part in ("scores", "justifications", "aggregate_results")):
        raise InvalidParameterError(
            f"The metric {name!r} returned {type(found).__name__}; return a number or a "
            "MetricValue."
        )
    scores = _listed(found.scores, name, "scores")
    reasons = _listed(found.justifications, name, "justifications")
    numbers_by_name = found.aggregate_results
    wrong = [s for s in scores or () if not (s is None or isinstance(s, str) or is_number(s))]
    if wrong:
        raise InvalidParameterError(
            f"The metric {name!r} returned the score {wrong[0]!r}; scores are numbers or text."
        )
    if numbers_by_name is not None and not (
        isinstance(numbers_by_name, Mapping)
        and all(isinstance(k, str) for k in numbers_by_name)
        and all(v is None or is_number(v) for v in numbers_by_name.values())
    ):
        raise InvalidParameterError(
            f"The metric {name!r} returned aggregate_results={numbers_by_name!r}; they are a "
            "dictionary of numbers by name."
        )
    return MetricValue(scores, reasons, None if numbers_by_name is None else dict(numbers_by_name))


def flattened(values: Mapping[str, MetricValue]) -> dict[str, float]:
    """Return metrics as numbers by the names that they are logged as.

    One number of the metric's own name is ``<name>``, others are ``<name>/<aggregation>``.
    """
    found: dict[str, float] = {}
    for key, value in values.items():
        for name, number in (value.aggregate_results or {}).items():
            if number is not None:
                found[key if name == key.split("/")[0] else f"{key}/{name}"] = (
                    number if type(number) is int else float(number)
                )
    return found


def is_number(value: Any) -> bool:
    """Return whether a value is a number, also one of NumPy."""
    return isinstance(value, numbers.Real)


def _standard(scores: Sequence[float]) -> dict[str, float]:
    import numpy as np

    known = np.asarray(scores, dtype=float)
    found = {"mean": known.mean(), "variance": known.var(), "p90": np.percentile(known, 90)}
    return {name: float(value) for name, value in found.items() if not math.isnan(value)}


def _listed(values: Any, name: str, what: str) -> list[Any] | None:
    if values is None:
        return None
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise InvalidParameterError(
            f"The metric {name!r} returned {what}={values!r}; they are a list, one for each "
            "example."
        )
    return [each.item() if hasattr(each, "item") else each for each in values]
