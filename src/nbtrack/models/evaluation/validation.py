"""Whether a model is good enough: thresholds for the metrics of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbtrack.errors import InvalidParameterError, NbtrackError, warn

if TYPE_CHECKING:
    from nbtrack.models.evaluation.result import EvaluationResult

__all__ = [
    "MetricThreshold",
    "MetricThresholdClassException",
    "ModelValidationFailedException",
    "validate_evaluation_results",
]

_ROUNDING = 1e-10  # what counts as better where a share of 0 says nothing


class MetricThresholdClassException(InvalidParameterError):  # noqa: N818  MLflow's name
    """A threshold cannot be what it was said to be."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Could not instantiate MetricThreshold class: {message}")


class ModelValidationFailedException(NbtrackError):  # noqa: N818  MLflow's name
    """Metrics of a model do not reach their thresholds; the message has each."""

    code = "BAD_REQUEST"


class MetricThreshold:
    """What a metric has to reach.

    Parameters
    ----------
    threshold : float, optional
        The value itself: at least, or at most if lower is better.
    min_absolute_change : float, optional
        How much better than the baseline's; above 0.
    min_relative_change : float, optional
        The same as a share of the baseline's, between 0 and 1. Where that is 0, any better value
        will do.
    greater_is_better : bool
        Whether a greater value is better.

    Raises
    ------
    MetricThresholdClassException
        If none of the three is given, or one of them is not as above.

    Examples
    --------
    >>> from nbtrack.models import MetricThreshold
    >>> print(MetricThreshold(threshold=0.8, greater_is_better=True))
    Threshold: 0.8. Greater value is better.
    """

    def __init__(
        self,
        threshold: float | None = None,
        min_absolute_change: float | None = None,
        min_relative_change: float | None = None,
        greater_is_better: bool | None = None,
    ) -> None:
        wrong = MetricThresholdClassException
        if threshold is not None and type(threshold) not in (int, float):
            raise wrong("`threshold` parameter must be a number.")
        if min_absolute_change is not None and not (
            type(min_absolute_change) in (int, float) and min_absolute_change > 0
        ):
            raise wrong("`min_absolute_change` parameter must be a positive number.")
        if min_relative_change is not None:
            if not isinstance(min_relative_change, float):
                raise wrong("`min_relative_change` parameter must be a floating point number.")
            if not 0 <= min_relative_change <= 1:
                raise wrong("`min_relative_change` parameter must be between 0 and 1.")
        if greater_is_better is None:
            raise wrong("`greater_is_better` parameter must be defined.")
        if not isinstance(greater_is_better, bool):
            raise wrong("`greater_is_better` parameter must be a boolean.")
        if threshold is min_absolute_change is min_relative_change is None:
            raise wrong("no threshold was specified.")
        self.threshold = threshold
        self.min_absolute_change = min_absolute_change
        self.min_relative_change = min_relative_change
        self.greater_is_better = greater_is_better

    def __str__(self) -> str:
        parts = {
            "Threshold": self.threshold,
            "Minimum Absolute Change": self.min_absolute_change,
            "Minimum Relative Change": self.min_relative_change,
        }
        said = [f"{name}: {value}." for name, value in parts.items() if value is not None]
        said.append(f"{'Greater' if self.greater_is_better else 'Lower'} value is better.")
        return " ".join(said)


def validate_evaluation_results(
    validation_thresholds: Mapping[str, MetricThreshold],
    candidate_result: EvaluationResult,
    baseline_result: EvaluationResult | None = None,
) -> None:
    """Check that a model reaches its thresholds, by itself and against another model.

    Parameters
    ----------
    validation_thresholds : dict of str to MetricThreshold
        By the names of metrics.
    candidate_result : EvaluationResult
        What ``evaluate`` has returned for the model.
    baseline_result : EvaluationResult, optional
        What it has returned for the model that shall be surpassed.

    Raises
    ------
    ModelValidationFailedException
        If a metric does not reach its threshold, or is missing.
    InvalidParameterError
        If the thresholds are no such dictionary.

    Examples
    --------
    >>> from nbtrack.models import EvaluationResult, MetricThreshold
    >>> limits = {"accuracy": MetricThreshold(threshold=0.8, greater_is_better=True)}
    >>> nbtrack.validate_evaluation_results(limits, EvaluationResult({"accuracy": 0.9}, {}))
    >>> nbtrack.validate_evaluation_results(limits, EvaluationResult({"accuracy": 0.7}, {}))
    Traceback (most recent call last):
    ...
    nbtrack.models.evaluation.validation.ModelValidationFailedException: ...
    """
    if not isinstance(validation_thresholds, Mapping) or not all(
        isinstance(name, str) and isinstance(each, MetricThreshold)
        for name, each in validation_thresholds.items()
    ):
        raise InvalidParameterError(
            "The validation thresholds argument must be a dictionary that maps strings to "
            f"MetricThreshold objects; got {validation_thresholds!r}."
        )
    baseline = {} if baseline_result is None else baseline_result.metrics
    failures = [
        " ".join(found)
        for name, threshold in validation_thresholds.items()
        if (found := _failures(name, threshold, candidate_result.metrics, baseline))
    ]
    if failures:
        raise ModelValidationFailedException("\n".join(failures))


def _failures(
    name: str,
    threshold: MetricThreshold,
    candidate: Mapping[str, float],
    baseline: Mapping[str, float],
) -> list[str]:
    if name not in candidate:
        missing = "was missing from the evaluation result of the candidate model."
        return [f"Metric validation failed: metric {name} {missing}"]
    value, sign = candidate[name], 1 if threshold.greater_is_better else -1
    found = []
    if threshold.threshold is not None and not sign * value >= sign * threshold.threshold:
        found.append(
            f"Metric {name} value threshold check failed: candidate model {name} = {value}, {name} "
            f"threshold = {threshold.threshold}."
        )
    if threshold.min_absolute_change is threshold.min_relative_change is None:
        return found
    if name not in baseline:
        missing = "was missing from the evaluation result of the baseline model."
        return [*found, f"Model comparison failed: metric {name} {missing}"]
    before = baseline[name]
    gain = sign * (value - before)
    said = f"candidate model {name} = {value}, baseline model {name} = {before}, {name}"
    least = threshold.min_absolute_change
    if least is not None and not sign * value >= sign * (before + sign * least):
        found.append(
            f"Metric {name} minimum absolute change check failed: {said} minimum absolute change "
            f"threshold = {least}."
        )
    share = threshold.min_relative_change
    if share is not None:
        if before == 0:
            warn(
                f"The {name} of the baseline model is 0, so that there is no relative change: the "
                "candidate's has to be better, by however little."
            )
        enough = gain >= _ROUNDING if before == 0 else gain / abs(before) >= share
        if not enough:
            found.append(
                f"Metric {name} minimum relative change check failed: {said} minimum relative "
                f"change threshold = {share}."
            )
    return found
