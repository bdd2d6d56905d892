"""Many metrics, params and tags of one run in one call: all are checked, then all are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nbtrack.entities import Metric, Param, RunTag
from nbtrack.limits import check_key, check_step, check_timestamp, metric_value
from nbtrack.store.deferred import is_on_gpu
from nbtrack.store.writer import RunWriter, checked_tags


def log_batch(
    writer: RunWriter,
    metrics: Sequence[Metric] = (),
    params: Sequence[Param] = (),
    tags: Sequence[RunTag] = (),
) -> None:
    """Log metrics, params and tags of any number.

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
    texts = checked_tags({tag.key: tag.value for tag in tags})
    writer.log_params([(param.key, param.value) for param in params])
    if texts:
        writer.set_tags(texts)
    for (step, timestamp, _), group in _by_moment(points).items():
        writer.log_metrics(group, step, timestamp)


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
