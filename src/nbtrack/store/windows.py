"""A part of the x axis at the resolution of a screen: what M4 keeps, and what is no number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbtrack.store.history import Axis, Series
from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
    rows = reader.named("history.counts", run_ids=list(run_ids), keys=_list(keys))
    return {(run_id, key): count for _, run_id, key, count in rows}


def extents(
    reader: Reader, run_ids: Sequence[str], keys: Sequence[str] | None = None
) -> list[Extent]:
    """Return how far the metrics of some runs reach, in the order of the runs, then by name.

    No point is read for it.
    """
    rows = reader.named("history.extents", run_ids=list(run_ids), keys=_list(keys))
    place = {run_id: i for i, run_id in enumerate(run_ids)}
    found = [
        Extent(number, run_id, key, count, (low, high), (first, last))
        for number, run_id, key, count, low, high, first, last in rows
    ]
    return sorted(found, key=lambda extent: (place[extent.run_id], extent.key))


def window_points(
    reader: Reader,
    wanted: Sequence[Extent],
    buckets: int,
    *,
    axis: Axis = "step",
    windows: Mapping[str, Window] | None = None,
) -> list[Series]:
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
    list of Series
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
        Series(extent.run_id, extent.key, *_turned(found[extent.number], axis))
        for extent in wanted
        if extent.number in found and len(found[extent.number][0])
    ]


def _part(extent: Extent, axis: Axis, windows: Mapping[str, Window] | None) -> Window:
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


def _turned(points: Any, axis: Axis) -> Any:
    x, other, value = points
    return (other, x, value) if axis == "time" else (x, other, value)


def _list(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)
