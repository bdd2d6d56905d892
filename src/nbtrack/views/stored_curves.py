"""Curves of runs that are stored, thinned out where they are long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nbtrack.store.history import Axis, Series, metric_history_columns
from nbtrack.store.reader import Reader
from nbtrack.store.windows import Extent, Window, extents, window_points
from nbtrack.views.curves import MAX_POINTS, Curve, thinned

LONG = 20_000  # from this many points on, the database sums a series up
ALL_SHORT = 1_000_000  # of all series that are read whole
ALL_SHOWN = 400_000  # more would make the page slow: then each series gets fewer points
FEWEST = 60


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
    found = [
        extent
        for extent in extents(reader, run_ids, wanted)
        if wanted is not None or not extent.key.startswith("system/")
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


def curves_of_window(
    reader: Reader,
    run_ids: Sequence[str],
    keys: Sequence[str],
    axis: Axis,
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


def _whole(reader: Reader, wanted: Sequence[Extent]) -> list[Series]:
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


def _curve(series: Series) -> Curve:
    return Curve(series.run_id, series.key, series.step, series.time, series.value)


def _with_total(curve: Curve, total: int) -> Curve:
    return Curve(curve.run_id, curve.key, curve.steps, curve.times, curve.values, total)
