"""Metrics for ``extra_metrics`` of ``nbtrack.evaluate``: ready ones, and ``make_metric``."""

from __future__ import annotations

from nbtrack._names import look_elsewhere
from nbtrack.models.evaluation.builtin_metrics import (
    f1_score,
    mae,
    mape,
    max_error,
    mse,
    precision_score,
    r2_score,
    recall_score,
    rmse,
)
from nbtrack.models.evaluation.metric import EvaluationMetric, MetricValue, make_metric

look_elsewhere(__name__)
__all__ = [
    "EvaluationMetric",
    "MetricValue",
    "f1_score",
    "mae",
    "make_metric",
    "mape",
    "max_error",
    "mse",
    "precision_score",
    "r2_score",
    "recall_score",
    "rmse",
]
