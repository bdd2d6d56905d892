"""Curves of stored runs, thinned out where they are long, and parts of them as a screen shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbtrack.entities.run_data import CELL_PEAKS, is_system_metric
from nbtrack.store import SQL, MetricAxis, MetricSeries, Reader, metric_history_columns
from nbtrack.views.chart.curves import MAX_POINTS, Curve, thinned
from nbtrack.views.formats import natural_order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONG = 20_000  # from this many points on, the database sums a series up
ALL_SHORT = 1_000_000  # of all series that are read whole
ALL_SHOWN = 400_000  # more would make the page slow: then each series gets fewer points
FEWEST = 60

Window = tuple[int, int]
EVERYTHING: Window = (-(2**63), 2**63 - 1)
_KEPT = ("first", "min", "max", "last", "odd")


@dataclass(frozen=True)
class Extent:
    """How far one metric of one run reaches.

    Attributes
    ----------
    number : int
        The number of the series.
    run_id, key : str
    count : int
        Its points.
    steps, times : (int, int)
        The least and the greatest.
    """

    number: int
    run_id: str
    key: str
    count: int
    steps: Window
    times: Window

    @property
    def flat(self) -> bool:
        """Whether all points have the same step."""
        return self.count > 1 and self.steps[0] == self.steps[1]


def counts(
    reader: Reader, run_ids: Sequence[str], keys: Sequence[str] | None = None
) -> dict[tuple[str, str], int]:
    """Return how many points the metrics of some runs have; no point is read for it."""
    reader.refresh(runs=run_ids)
    rows = reader.named("history.counts", run_ids=list(run_ids), keys=_list(keys))
    return {(run_id, key): count for _, run_id, key, count in rows}


def extents(
    reader: Reader, run_ids: Sequence[str], keys: Sequence[str] | None = None
) -> list[Extent]:
    """Return how far the metrics of some runs reach, in the order of the runs, then by name.

    No point is read for it.
    """
    reader.refresh(runs=run_ids)
    rows = reader.named("history.extents", run_ids=list(run_ids), keys=_list(keys))
    place = {run_id: i for i, run_id in enumerate(run_ids)}
    found = [
        Extent(number, run_id, key, count, (low, high), (first, last))
        for number, run_id, key, count, low, high, first, last in rows
    ]
    return sorted(found, key=lambda each: (place[each.run_id], natural_order(each.key)))


def window_points(
    reader: Reader,
    wanted: Sequence[Extent],
    buckets: int,
    *,
    axis: MetricAxis = "step",
    windows: Mapping[str, Window] | None = None,
) -> list[MetricSeries]:
    """Return the points of some series that a plot of so many pixels needs.

    Of every bucket the first, smallest, largest and last point (M4: Jugel et al., VLDB 2014) and
    the first that is NaN or infinite; where a bucket is one step wide, that is all of them.

    Parameters
    ----------
    reader : Reader
    wanted : list of Extent
    buckets : int
        How many there are at most over the window of a series.
    axis : "step" or "time"
        What the buckets divide.
    windows : mapping of run id to (low, high), optional
        The part to look at; by default all.

    Returns
    -------
    list of MetricSeries
        In the order of ``wanted``, ordered along the axis; those without points are left out.
    """
    import numpy as np

    parts = [
        (extent.number, low, high, -((low - high - 1) // max(1, buckets)))
        for extent in wanted
        for low, high in [_part(extent, axis, windows)]
        if low <= high
    ]
    if not parts:
        return []
    numbers, lows, highs, widths = (list(column) for column in zip(*parts, strict=True))
    bounds = {axis: (min(lows), max(highs))}
    steps, times = bounds.get("step", EVERYTHING), bounds.get("time", EVERYTHING)
    columns: dict[str, Any] = reader.columns(
        SQL["history.window"],
        series=numbers,
        low=lows,
        high=highs,
        width=widths,
        axis=axis,
        first_step=steps[0],
        last_step=steps[1],
        first_time=times[0],
        last_time=times[1],
    )
    owner = np.ma.getdata(columns["series"])
    found = {}
    for number in numbers:
        rows = slice(*np.searchsorted(owner, [number, number + 1]).tolist())
        found[number] = _points(columns, rows)
    return [
        MetricSeries(extent.run_id, extent.key, *_turned(found[extent.number], axis))
        for extent in wanted
        if extent.number in found and len(found[extent.number][0])
    ]


def stored_curves(
    reader: Reader,
    run_ids: Sequence[str],
    keys: Iterable[str] | None = None,
    *,
    points: int = MAX_POINTS,
) -> list[Curve]:
    """Return metrics of runs as curves of at most about ``points`` points.

    Parameters
    ----------
    reader : Reader
    run_ids : list of str
    keys : list of str, optional
        By default all metrics but those of the machine (``system/``).
    points : int
        Spikes and the first and last points stay. Of very many series there are fewer.
    """
    wanted = None if keys is None else list(keys)
    reader.refresh(runs=run_ids, history=wanted)
    found = [
        extent
        for extent in extents(reader, run_ids, wanted)
        if wanted is not None or not is_system_metric(extent.key)
    ]
    points = max(FEWEST, min(points, ALL_SHOWN // max(1, len(found))))
    limit = LONG if sum(e.count for e in found if e.count <= LONG) <= ALL_SHORT else points
    short = [extent for extent in found if extent.count <= limit]
    curves = {(s.run_id, s.key): _curve(s) for s in _whole(reader, short)}
    for axis in ("step", "time"):
        long = [e for e in found if e.count > limit and e.flat == (axis == "time")]
        for series in window_points(reader, long, max(1, points // 4), axis=axis):
            curves[series.run_id, series.key] = _curve(series)
    return [
        thinned(_with_total(curves[extent.run_id, extent.key], extent.count), points)
        if extent.count <= limit
        else _with_total(curves[extent.run_id, extent.key], extent.count)
        for extent in found
        if (extent.run_id, extent.key) in curves
    ]


def runs_with_system(reader: Reader, run_ids: Sequence[str]) -> list[str]:
    """Return those of some runs that have curves of the machine; no point is read for it."""
    found = {run_id for run_id, key in counts(reader, run_ids) if _is_system_curve(key)}
    return [run_id for run_id in run_ids if run_id in found]


def system_curves(
    reader: Reader, run_ids: Sequence[str], *, points: int = MAX_POINTS
) -> list[Curve]:
    """Return the metrics of the machine, as curves of at most about ``points`` points."""
    keys = sorted({key for _, key in counts(reader, run_ids) if _is_system_curve(key)})
    return stored_curves(reader, run_ids, keys, points=points) if keys else []


def _is_system_curve(key: str) -> bool:
    return is_system_metric(key) and key not in CELL_PEAKS


def curves_of_window(
    reader: Reader,
    run_ids: Sequence[str],
    keys: Sequence[str],
    axis: MetricAxis,
    windows: Mapping[str, Window],
    points: int,
) -> list[Curve]:
    """Return what is to be seen of some metrics in a window of the x axis.

    Parameters
    ----------
    reader : Reader
    run_ids, keys : list of str
    axis : "step" or "time"
    windows : mapping of run id to (low, high)
    points : int
        How many points of a series there are at most, about.
    """
    reader.refresh(runs=run_ids, history=keys)
    found = extents(reader, run_ids, keys)
    totals = {(extent.run_id, extent.key): extent.count for extent in found}
    parts = window_points(reader, found, max(1, points // 4), axis=axis, windows=windows)
    return [_with_total(_curve(s), totals[s.run_id, s.key]) for s in parts]


def starts_of(reader: Reader, run_ids: Sequence[str]) -> dict[str, int]:
    """Return when the first point of each run was logged, in ms since the epoch."""
    starts: dict[str, int] = {}
    for extent in extents(reader, run_ids):
        first = extent.times[0]
        starts[extent.run_id] = min(first, starts.get(extent.run_id, first))
    return starts


def _part(extent: Extent, axis: MetricAxis, windows: Mapping[str, Window] | None) -> Window:
    low, high = extent.times if axis == "time" else extent.steps
    if windows is None:
        return low, high
    first, last = windows.get(extent.run_id, (1, 0))
    return max(low, first), min(high, last)


def _points(
    columns: Mapping[str, Any], rows: slice
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return x, the other axis and values of what the buckets keep, each point once."""
    import numpy as np

    kept: list[Any] = [
        np.ma.stack([columns[f"{name}_{kind}"][rows] for kind in _KEPT], axis=1).ravel()
        for name in ("x", "other", "value")
    ]
    x, other, value = kept
    there = ~np.ma.getmaskarray(x)
    x, other, value = (np.ma.getdata(column)[there] for column in (x, other, value))
    order = np.lexsort((other, x))
    x, other, value = x[order], other[order], value[order]
    new = np.ones(len(x), dtype=bool)
    same = (value[1:] == value[:-1]) | (np.isnan(value[1:]) & np.isnan(value[:-1]))
    new[1:] = (x[1:] != x[:-1]) | (other[1:] != other[:-1]) | ~same
    return x[new], other[new], value[new]


def _turned(points: Any, axis: MetricAxis) -> Any:
    x, other, value = points
    return (other, x, value) if axis == "time" else (x, other, value)


def _list(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)


def _whole(reader: Reader, wanted: Sequence[Extent]) -> list[MetricSeries]:
    if not wanted:
        return []
    run_ids = list(dict.fromkeys(extent.run_id for extent in wanted))
    keys = list(dict.fromkeys(extent.key for extent in wanted))
    names = {(extent.run_id, extent.key) for extent in wanted}
    if len(names) == len(run_ids) * len(keys):
        return metric_history_columns(reader, run_ids, keys)
    by_run: dict[tuple[str, ...], list[str]] = {}
    for run_id in run_ids:
        own = tuple(extent.key for extent in wanted if extent.run_id == run_id)
        by_run.setdefault(own, []).append(run_id)
    return [
        series
        for own, ids in by_run.items()
        for series in metric_history_columns(reader, ids, list(own))
    ]


def _curve(series: MetricSeries) -> Curve:
    return Curve(series.run_id, series.key, series.step, series.time, series.value)


def _with_total(curve: Curve, total: int) -> Curve:
    return Curve(curve.run_id, curve.key, curve.steps, curve.times, curve.values, total)
