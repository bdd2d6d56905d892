"""Metric points as arrays: sorted, without duplicates, and summed up for each series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

RECORD = np.dtype(
    [("step", "<i8"), ("time", "<i8"), ("value", "<f8"), ("number", "<u4"), ("_", "<u4")]
)
"""One record of a journal's points file; ``number`` 0 is a hole."""


@dataclass(frozen=True)
class Points:
    """Points of several series; arrays of equal length, shape (n,)."""

    series: Ints
    step: Ints
    time: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.series)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays by name, as DuckDB takes them."""
        return {"series": self.series, "step": self.step, "time": self.time, "value": self.value}


@dataclass(frozen=True)
class Summary:
    """One row for each series of a batch; see the table ``series``."""

    series: Ints
    count: Ints
    nan_count: Ints
    last_step: Ints
    last_time: Ints
    last_value: Floats
    min_value: Floats
    min_step: Ints
    max_value: Floats
    max_step: Ints
    min_time: Ints
    max_time: Ints
    first_step: Ints

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays by name, as DuckDB takes them."""
        return dict(vars(self))


def decode_points(records: bytes, names: dict[str, int]) -> dict[str, Points]:
    """Return what a journal's tap received as points by metric, in the order they were logged.

    Parameters
    ----------
    records : bytes
        Records as ``Journal.tap`` gives them, joined.
    names : dict of str to int
        The series number of each key.
    """
    table = np.frombuffer(records, RECORD)
    numbers = table["number"].astype(np.int64)
    keys = {number: key for key, number in names.items()}
    found: dict[str, Points] = {}
    for number in np.unique(numbers).tolist():
        rows = table[numbers == number]
        if number in keys:
            found[keys[number]] = Points(
                np.full(len(rows), number), rows["step"], rows["time"], rows["value"]
            )
    return found


def _order(series: Ints) -> npt.NDArray[np.intp]:
    unique, codes = np.unique(series, return_inverse=True)
    if len(unique) <= 0xFFFF:
        # a stable sort of 16-bit integers is a radix sort: linear
        return np.argsort(codes.astype(np.uint16), kind="stable")
    return np.argsort(codes, kind="stable")


def _starts(sorted_series: Ints) -> npt.NDArray[np.intp]:
    change = np.flatnonzero(sorted_series[1:] != sorted_series[:-1]) + 1
    return np.concatenate(([0], change))


def value_bits(value: Floats) -> Ints:
    """Return the values as bits that are equal where the values are, NaN included."""
    value = value + 0.0  # turns -0.0 into 0.0
    return np.where(np.isnan(value), np.nan, value).view(np.int64)


def normalise(points: Points) -> Points:
    """Return the points by series and step, identical ones once.

    Two points are identical when series, step, time and value are; NaN equals NaN.
    """
    if len(points) < 2:
        return points
    order = _order(points.series)
    series, step = points.series[order], points.step[order]
    same = series[1:] == series[:-1]
    if bool(np.all(step[1:][same] > step[:-1][same])):
        return Points(series, step, points.time[order], points.value[order])
    bits = value_bits(points.value)
    order = np.lexsort((bits, points.time, points.step, points.series))
    ordered = [a[order] for a in (points.series, points.step, points.time, bits)]
    new = np.zeros(len(points), dtype=bool)
    new[0] = True
    for column in ordered:
        new[1:] |= column[1:] != column[:-1]
    kept = order[new]
    return Points(points.series[kept], points.step[kept], points.time[kept], points.value[kept])


def summarise(points: Points) -> Summary:
    """Sum up normalised points for each series.

    The last value is MLflow's: that of the greatest (step, timestamp, value), where
    NaN is less than every number. Min and max are over the values that are numbers;
    they are NaN when there is none.
    """
    starts = _starts(points.series)
    ends = np.append(starts[1:], len(points))
    nan = np.isnan(points.value)
    last = _last(points, starts, ends)
    lowest = np.fmin.reduceat(points.value, starts)
    highest = np.fmax.reduceat(points.value, starts)
    length = ends - starts
    return Summary(
        series=points.series[starts],
        count=length.astype(np.int64),
        nan_count=np.add.reduceat(nan.astype(np.int64), starts),
        last_step=points.step[last],
        last_time=points.time[last],
        last_value=points.value[last],
        min_value=lowest,
        min_step=points.step[_first_equal(points.value, lowest, starts, length)],
        max_value=highest,
        max_step=points.step[_first_equal(points.value, highest, starts, length)],
        min_time=np.minimum.reduceat(points.time, starts),
        max_time=np.maximum.reduceat(points.time, starts),
        first_step=np.minimum.reduceat(points.step, starts),
    )


def _last(points: Points, starts: npt.NDArray[np.intp], ends: npt.NDArray[np.intp]) -> Any:
    last = ends - 1
    tied = np.flatnonzero((ends - starts > 1) & (points.step[last - 1] == points.step[last]))
    for i in tied:
        part = slice(int(starts[i]), int(ends[i]))
        value = points.value[part]
        rank = np.where(np.isnan(value), -np.inf, value)
        number = ~np.isnan(value)
        order = np.lexsort((number, rank, points.time[part], points.step[part]))
        last[i] = starts[i] + order[-1]
    return last


def _first_equal(
    value: Floats, wanted: Floats, starts: npt.NDArray[np.intp], length: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Return the index of the first point of each series that has the wanted value."""
    hits = np.flatnonzero(value == np.repeat(wanted, length))
    place = np.searchsorted(hits, starts)
    found = place < len(hits)
    index = starts.copy()
    index[found] = hits[place[found]]
    beyond = index >= starts + length
    index[beyond] = starts[beyond]
    return index
