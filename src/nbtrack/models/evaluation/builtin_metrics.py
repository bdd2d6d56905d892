"""Metrics by name, for ``extra_metrics``: those of ``mlflow.metrics`` that need no language model.

Each function returns a metric that scikit-learn computes of predictions and targets; weights,
``pos_label`` and ``average`` come from ``evaluator_config``.
"""

from __future__ import annotations

from typing import Any

from nbtrack.models.evaluation.metric import EvaluationMetric, MetricValue, make_metric


def mae() -> EvaluationMetric:
    """Return the metric ``mean_absolute_error`` of a regressor.

    Examples
    --------
    >>> nbtrack.metrics.mae().name
    'mean_absolute_error'
    """
    return _of_regressor("mean_absolute_error")


def mse() -> EvaluationMetric:
    """Return the metric ``mean_squared_error`` of a regressor.

    Examples
    --------
    >>> nbtrack.metrics.mse().name
    'mean_squared_error'
    """
    return _of_regressor("mean_squared_error")


def rmse() -> EvaluationMetric:
    """Return the metric ``root_mean_squared_error`` of a regressor.

    Examples
    --------
    >>> nbtrack.metrics.rmse().greater_is_better
    False
    """
    return _of_regressor("root_mean_squared_error")


def mape() -> EvaluationMetric:
    """Return the metric ``mean_absolute_percentage_error`` of a regressor.

    Examples
    --------
    >>> nbtrack.metrics.mape().name
    'mean_absolute_percentage_error'
    """
    return _of_regressor("mean_absolute_percentage_error")


def r2_score() -> EvaluationMetric:
    """Return the metric ``r2_score`` of a regressor: the share of the variance that it explains.

    Examples
    --------
    >>> nbtrack.metrics.r2_score().greater_is_better
    True
    """
    return _of_regressor("r2_score", greater_is_better=True)


def max_error() -> EvaluationMetric:
    """Return the metric ``max_error`` of a regressor: its largest error.

    Examples
    --------
    >>> nbtrack.metrics.max_error().name
    'max_error'
    """

    def eval_fn(predictions: Any, targets: Any = None, metrics: Any = None) -> MetricValue | None:
        return _computed("max_error", predictions, targets)

    return make_metric(eval_fn=eval_fn, greater_is_better=False, name="max_error")


def recall_score() -> EvaluationMetric:
    """Return the metric ``recall_score`` of a classifier: the share of positives that it finds.

    Examples
    --------
    >>> nbtrack.metrics.recall_score().name
    'recall_score'
    """
    return _of_classifier("recall_score")


def precision_score() -> EvaluationMetric:
    """Return the metric ``precision_score`` of a classifier: how many found ones are positive.

    Examples
    --------
    >>> nbtrack.metrics.precision_score().name
    'precision_score'
    """
    return _of_classifier("precision_score")


def f1_score() -> EvaluationMetric:
    """Return the metric ``f1_score`` of a classifier: the mean of precision and recall.

    Examples
    --------
    >>> nbtrack.metrics.f1_score().greater_is_better
    True
    """
    return _of_classifier("f1_score")


def _of_regressor(name: str, *, greater_is_better: bool = False) -> EvaluationMetric:
    def eval_fn(
        predictions: Any, targets: Any = None, metrics: Any = None, sample_weight: Any = None
    ) -> MetricValue | None:
        return _computed(name, predictions, targets, sample_weight=sample_weight)

    return make_metric(eval_fn=eval_fn, greater_is_better=greater_is_better, name=name)


def _of_classifier(name: str) -> EvaluationMetric:
    def eval_fn(
        predictions: Any,
        targets: Any = None,
        metrics: Any = None,
        pos_label: Any = 1,
        average: str = "binary",
        sample_weight: Any = None,
    ) -> MetricValue | None:
        how = {"pos_label": pos_label, "average": average, "sample_weight": sample_weight}
        return _computed(name, predictions, targets, **how)

    return make_metric(eval_fn=eval_fn, greater_is_better=True, name=name)


def _computed(name: str, predictions: Any, targets: Any, **how: Any) -> MetricValue | None:
    from sklearn import metrics

    if targets is None or len(targets) == 0:
        return None
    value = getattr(metrics, name)(targets, predictions, **how)
    return MetricValue(aggregate_results={name: float(value)})
