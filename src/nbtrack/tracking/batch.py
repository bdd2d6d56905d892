"""Many metrics, params and tags of one run in one call: all are checked, then all are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nbtrack.entities import Metric, Param, RunTag
from nbtrack.store import ModelEvent, RunWriter, check_tags, is_on_gpu, model_metric_events
from nbtrack.tracking.model_metrics import check_exists
from nbtrack.validation import check_key, check_step, check_timestamp, metric_value


def log_batch(
    writer: RunWriter,
    metrics: Sequence[Metric] = (),
    params: Sequence[Param] = (),
    tags: Sequence[RunTag] = (),
) -> None:
    """Log metrics, params and tags of any number; a metric with a ``model_id`` is the model's too.

    Raises
    ------
    InvalidParameterError
        If one of them cannot be logged; then none is.
    """
    points = [
        (
            check_key(metric.key, f"metrics[{index}].name"),
            metric.value if is_on_gpu(metric.value) else metric_value(metric.key, metric.value),
            check_step(metric.step),
            check_timestamp(metric.timestamp, f"metrics[{index}].timestamp"),
        )
        for index, metric in enumerate(metrics)
    ]
    of_models = [event for metric in metrics for event in _model_events(writer, metric)]
    texts = check_tags({tag.key: tag.value for tag in tags})
    writer.log_params([(param.key, param.value) for param in params])
    if texts:
        writer.set_tags(texts)
    if of_models:
        writer.append(of_models)
    if any(is_on_gpu(value) for _, value, _, _ in points):
        for (step, timestamp, _), group in _by_moment(points).items():
            writer.log_metrics(group, step, timestamp)
    elif points:
        writer.log_points(points)


def _model_events(writer: RunWriter, metric: Metric) -> list[ModelEvent]:
    """Return the events of a metric that is a model's."""
    if metric.model_id is None:
        return []
    check_exists(writer.store, metric.model_id)
    dataset = (metric.dataset_name, metric.dataset_digest or "") if metric.dataset_name else None
    return model_metric_events(
        {metric.key: metric.value},
        metric.step,
        metric.timestamp,
        metric.model_id,
        writer.run_id,
        dataset,
    )


def _by_moment(
    points: Iterable[tuple[str, Any, int, int]],
) -> dict[tuple[int, int, int], dict[str, Any]]:
    """Group points so that each group has one step and one time, and each key once."""
    groups: dict[tuple[int, int, int], dict[str, Any]] = {}
    for key, value, step, timestamp in points:
        again = 0
        while key in (group := groups.setdefault((step, timestamp, again), {})):
            again += 1
        group[key] = value
    return groups
