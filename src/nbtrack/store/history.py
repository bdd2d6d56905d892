"""The points of metrics: all of them, as columns, or summed up in buckets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nbtrack.entities import Metric
from nbtrack.errors import InvalidParameterError
from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MetricAxis = Literal["step", "time"]


@dataclass(frozen=True, eq=False)
class MetricSeries:
    """One metric of one run, as columns ordered by (step, time).

    Attributes
    ----------
    run_id, key : str
    step : int64 array
    time : int64 array
        Milliseconds since the epoch.
    value : float64 array
    """

    run_id: str
    key: str
    step: NDArray[np.int64]
    time: NDArray[np.int64]
    value: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Buckets:
    """One metric of one run, summed up over neighbouring points (M4: Jugel et al., VLDB 2014).

    All columns have one entry for each bucket that has points; ``x`` is the
    step, or the time in milliseconds.

    Attributes
    ----------
    run_id, key : str
    x_first, x_last : int64 array
        Where the first and the last point of the bucket are.
    count, nan_count : int64 array
        Points in the bucket, and how many of them are NaN.
    min, max : float64 array
        Over the values that are numbers; NaN where there are none.
    min_x, max_x : int64 array
        Where ``min`` and ``max`` are; ``x_first`` where there are none.
    first, last : float64 array
        Values of the first and the last point.
    """

    run_id: str
    key: str
    x_first: NDArray[np.int64]
    x_last: NDArray[np.int64]
    count: NDArray[np.int64]
    nan_count: NDArray[np.int64]
    min: NDArray[np.float64]
    max: NDArray[np.float64]
    min_x: NDArray[np.int64]
    max_x: NDArray[np.int64]
    first: NDArray[np.float64]
    last: NDArray[np.float64]


_BUCKET_COLUMNS = (
    "x_first", "x_last", "count", "nan_count", "min", "max", "min_x", "max_x", "first", "last",
)  # fmt: skip


def metric_history(reader: Reader, run_id: str, key: str) -> list[Metric]:
    """Return every point of a metric ordered by (timestamp, step, value); none if unknown."""
    reader.refresh(runs=[run_id], history=[key])
    found = [number for number, _, _ in _series(reader, [run_id], [key])]
    if not found:
        return []
    return [
        Metric(key, value, time, step)
        for value, time, step in reader.named("history.points", series=found)
    ]


def metric_history_page(
    reader: Reader, run_id: str, key: str, start: int, limit: int
) -> list[Metric]:
    """Return some points of a metric, of all of them in the order of ``metric_history``."""
    reader.refresh(runs=[run_id], history=[key])
    rows = reader.named("history.page", run_id=run_id, key=key, limit=limit, offset=start)
    return [Metric(key, value, time, step) for value, time, step in rows]


def metric_steps(
    reader: Reader, run_id: str, key: str, first: int | None = None, last: int | None = None
) -> list[int]:
    """Return the steps of a metric in their order; with a range, those from first to last."""
    reader.refresh(runs=[run_id], history=[key])
    rows = reader.named("history.steps", run_id=run_id, key=key, first=first, last=last)
    return [step for (step,) in rows]


def metrics_at_steps(
    reader: Reader, run_id: str, key: str, steps: Sequence[int], limit: int
) -> list[Metric]:
    """Return the points of a metric at some steps, ordered by (step, timestamp, value)."""
    reader.refresh(runs=[run_id], history=[key])
    rows = reader.named("history.at_steps", run_id=run_id, key=key, steps=list(steps), limit=limit)
    return [Metric(key, value, time, step) for value, time, step in rows]


def metric_history_columns(
    reader: Reader, run_ids: Sequence[str], keys: Sequence[str] | None = None
) -> list[MetricSeries]:
    """Return every point of some metrics of some runs, with two queries in all.

    Parameters
    ----------
    reader : Reader
    run_ids : list of str
    keys : list of str, optional
        By default all metrics of the runs.

    Returns
    -------
    list of MetricSeries
        In the order of ``run_ids``, then of ``keys`` (or by name); those
        without points are left out.
    """
    import numpy as np

    reader.refresh(runs=run_ids, history=keys)
    found = _series(reader, run_ids, keys)
    if not found:
        return []
    numbers = [number for number, _, _ in found]
    columns = _named_columns(reader, "history.columns", series=numbers)
    order = np.lexsort((columns["time"], columns["step"], columns["series"]))
    columns = {name: column[order] for name, column in columns.items()}
    parts = _parts(columns.pop("series"))
    return [
        MetricSeries(
            run_id, key, **{name: column[parts[number]] for name, column in columns.items()}
        )
        for number, run_id, key in found
        if number in parts
    ]


def buckets(
    reader: Reader,
    run_id: str,
    key: str,
    n: int = 1000,
    start: int | None = None,
    stop: int | None = None,
    *,
    axis: MetricAxis = "step",
) -> Buckets:
    """Return a metric as at most ``n`` buckets; see ``bucket_columns``."""
    import numpy as np

    found = bucket_columns(reader, [run_id], [key], n, start, stop, axis=axis)
    if found:
        return found[0]
    real = ("min", "max", "first", "last")
    empty: dict[str, Any] = {
        name: np.empty(0, np.float64 if name in real else np.int64) for name in _BUCKET_COLUMNS
    }
    return Buckets(run_id, key, **empty)


def bucket_columns(
    reader: Reader,
    run_ids: Sequence[str],
    keys: Sequence[str] | None = None,
    n: int = 1000,
    start: int | None = None,
    stop: int | None = None,
    *,
    axis: MetricAxis = "step",
) -> list[Buckets]:
    """Return some metrics of some runs as at most ``n`` buckets each, made in the database.

    The buckets are equally wide and the same for all series, so that curves
    can be compared; peaks are kept in ``min`` and ``max``.

    Parameters
    ----------
    reader : Reader
    run_ids : list of str
    keys : list of str, optional
        By default all metrics of the runs.
    n : int
        The greatest number of buckets.
    start, stop : int, optional
        The first and the last step, or time in milliseconds, to look at.
    axis : "step" or "time"
        What the buckets divide.

    Raises
    ------
    InvalidParameterError
        If ``n`` is not positive or there is no such axis.
    """
    if n < 1:
        raise InvalidParameterError(f"Cannot make {n} buckets: n must be at least 1.")
    if axis not in ("step", "time"):
        raise InvalidParameterError(f"Invalid axis {axis!r}: use 'step' or 'time'.")
    reader.refresh(runs=run_ids, history=keys)
    rows = reader.named("history.extents", run_ids=list(run_ids), keys=_list(keys))
    if not rows:
        return []
    found = _in_order([row[:3] for row in rows], run_ids, keys)
    firsts, lasts = (4, 5) if axis == "step" else (6, 7)
    low, high = min(row[firsts] for row in rows), max(row[lasts] for row in rows)
    low = low if start is None else max(low, start)
    high = high if stop is None else min(high, stop)
    if low > high:
        return []
    width = -((low - high - 1) // n)
    columns = _named_columns(
        reader,
        "history.buckets",
        series=[number for number, _, _ in found],
        axis=axis,
        low=low,
        high=high,
        width=width,
        last=n - 1,
    )
    parts = _parts(columns.pop("series"))
    return [
        Buckets(run_id, key, **{name: columns[name][parts[number]] for name in _BUCKET_COLUMNS})
        for number, run_id, key in found
        if number in parts
    ]


def latest_values(
    reader: Reader, run_ids: Sequence[str] | None = None, keys: Sequence[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Return the latest values of many metrics without reading their points.

    Parameters
    ----------
    reader : Reader
    run_ids, keys : list of str, optional
        By default those of the whole store.

    Returns
    -------
    dict of str to array
        Columns ``run_id``, ``key``, ``value``, ``step``, ``time``, in no order.
    """
    if run_ids is None:
        reader.refresh(runs_of=None)
    else:
        reader.refresh(runs=run_ids)
    return _named_columns(reader, "history.latest", run_ids=_list(run_ids), keys=_list(keys))


def _list(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)


def _series(
    reader: Reader, run_ids: Sequence[str], keys: Sequence[str] | None
) -> list[tuple[int, str, str]]:
    if len(run_ids) == 1 and keys is not None and len(keys) == 1:
        return [
            (number, run_ids[0], keys[0])
            for (number,) in reader.named("history.one_series", run_id=run_ids[0], key=keys[0])
        ]
    rows = reader.named("history.series", run_ids=list(run_ids), keys=_list(keys))
    return _in_order(rows, run_ids, keys)


def _in_order(
    rows: Sequence[tuple[Any, ...]], run_ids: Sequence[str], keys: Sequence[str] | None
) -> list[tuple[int, str, str]]:
    """Return numbers of series in the order of the runs, then of the keys or by name."""
    runs = {run_id: place for place, run_id in enumerate(run_ids)}
    names = {key: place for place, key in enumerate(keys or ())}
    ordered = sorted(rows, key=lambda row: (runs[row[1]], names.get(row[2], 0), row[2]))
    return [(number, run_id, key) for number, run_id, key in ordered]


def _named_columns(reader: Reader, name: str, **values: Any) -> dict[str, NDArray[Any]]:
    import numpy as np

    columns = reader.columns(SQL[name], **values)
    for name, column in columns.items():
        if np.ma.isMaskedArray(column) and name in ("min", "max"):
            columns[name] = column.filled(np.nan)
        elif np.ma.isMaskedArray(column) and name in ("min_x", "max_x"):
            columns[name] = np.where(column.mask, columns["x_first"], column.data)
    return {name: np.ma.getdata(column) for name, column in columns.items()}


def _parts(series: NDArray[np.int64]) -> dict[int, slice]:
    """Return where each series lies in columns that are sorted by series."""
    import numpy as np

    starts = np.flatnonzero(np.diff(series, prepend=series[:1] - 1)).tolist()
    ends = [*starts[1:], len(series)]
    return {int(series[start]): slice(start, end) for start, end in zip(starts, ends, strict=True)}
