"""Curves of metrics, small enough to show and to keep: spikes stay, the rest is thinned out."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from nbtrack.errors import InvalidParameterError

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

MAX_POINTS = 2000
FEWEST_POINTS = 4  # points of a curve
COARSE = (
    24,
    12,
    FEWEST_POINTS,
)  # points of a curve that still shows its course, the better ones first
MAX_SHARE = 24_000
_LIMITS = [round(MAX_POINTS * 0.75**i) for i in range(22)]  # the last one is about FEWEST_POINTS
_FLOAT32 = (1e-37, 3e38)  # what it holds with all its digits
_HEAD_BYTES = 80  # of a series, besides its run and its key


@dataclass(frozen=True)
class Curve:
    """Points of one metric of one run.

    Attributes
    ----------
    run_id, key : str
        Whose metric, and its name.
    steps : ndarray
        Steps, of any real dtype.
    times : ndarray
        Milliseconds since the epoch.
    values : ndarray of float64
        NaN and the infinities are welcome.
    total : int
        How many points there are where these are a choice of them; by default these.
    """

    run_id: str
    key: str
    steps: NDArray[Any]
    times: NDArray[Any]
    values: Floats
    total: int = -1

    def __post_init__(self) -> None:
        if not len(self.steps) == len(self.times) == len(self.values):
            raise InvalidParameterError(
                f"Curve '{self.key}' has {len(self.steps)} steps, {len(self.times)} times and "
                f"{len(self.values)} values. Give one of each for every point."
            )
        if self.total < 0:
            object.__setattr__(self, "total", len(self.values))

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: Indices) -> Curve:
        """Return the points at these positions."""
        steps, times, values = self.steps[indices], self.times[indices], self.values[indices]
        return Curve(self.run_id, self.key, steps, times, values, self.total)


class SeriesHead(TypedDict):
    """A series in a binary message: its ``n`` points follow those of the series before it.

    ``total`` is how many points there are, where these are a choice of them.
    """

    run: str
    key: str
    n: int
    total: int


class Content(TypedDict):
    """Everything that is known of the curves, as of message ``seq``; columns are float64."""

    seq: int
    series: list[SeriesHead]
    step: bytes
    time: bytes
    value: bytes


class AppendMessage(TypedDict):
    """New points; the buffers are step, time and value of all series in turn."""

    type: Literal["append"]
    seq: int
    series: list[SeriesHead]


class PackedSeries(TypedDict):
    """A series of a finished output; ``total`` is missing where these are all its points.

    ``unit`` is there where float32 does not reach the values: they are multiples of it.
    """

    run: str
    key: str
    n: int
    total: NotRequired[int]
    step0: float
    time0: float
    whole: bool
    unit: NotRequired[float]


class PackedCurves(TypedDict):
    """Points of a finished output: differences of steps and times, and values, deflated, base64.

    Steps and times are int32, values float32. ``left_out`` is how many curves found no room: all
    of them, then.
    """

    series: list[PackedSeries]
    data: str
    left_out: NotRequired[int]


def thin(values: Floats, width: int, ordinals: NDArray[np.int64] | None = None) -> Indices:
    """Return which points to keep: of each bucket the first, last, smallest and largest.

    Parameters
    ----------
    values : ndarray of float64
        The points' values.
    width : int
        Points per bucket.
    ordinals : ndarray of int64, optional
        The points' positions in the series they come from, rising; by default 0, 1, 2, ...

    Returns
    -------
    ndarray of intp
        Sorted positions; the first NaN or infinity of a bucket is kept too.
    """
    if len(values) == 0:
        return np.empty(0, np.intp)
    if ordinals is None:
        ordinals = np.arange(len(values))
    buckets = ordinals // width
    starts = np.flatnonzero(np.diff(buckets, prepend=buckets[0] - 1))
    sizes = np.diff(starts, append=len(values))
    finite = np.isfinite(values)
    low = np.where(finite, values, np.inf)
    high = np.where(finite, values, -np.inf)
    kept = [starts, starts + sizes - 1]
    for extreme, column in ((np.minimum, low), (np.maximum, high)):
        best = np.repeat(extreme.reduceat(column, starts), sizes)
        kept.append(_first_of_each((column == best) & finite, buckets))
    kept.append(_first_of_each(~finite, buckets))
    return np.unique(np.concatenate(kept))


def _first_of_each(chosen: NDArray[np.bool_], buckets: NDArray[np.int64]) -> Indices:
    found = np.flatnonzero(chosen)
    if len(found) == 0:
        return found
    return found[np.flatnonzero(np.diff(buckets[found], prepend=buckets[found[0]] - 1))]


def thinned(curve: Curve, limit: int) -> Curve:
    """Return the curve with at most about ``limit`` points."""
    if len(curve) <= limit:
        return curve
    width = -(-len(curve) * 4 // max(limit, 4))
    return curve.take(thin(curve.values, width))


@dataclass
class CurveBuffer:
    """A growing curve that is thinned out as it grows; the newest points stay whole.

    The width of the buckets is a power of two that grows with the number of points seen, so that
    old points are as dense as newer ones however often the buffer was thinned.
    """

    run_id: str
    key: str
    seen: int = 0
    total: int = 0
    _steps: Floats = field(default_factory=lambda: np.empty(0))
    _times: Floats = field(default_factory=lambda: np.empty(0))
    _values: Floats = field(default_factory=lambda: np.empty(0))
    _ordinals: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    _pending: list[Curve] = field(default_factory=list)
    _pending_points: int = 0

    def append(self, curve: Curve) -> None:
        """Add new points."""
        self._pending.append(curve)
        self._pending_points += len(curve)
        self.total += curve.total
        if self._pending_points >= MAX_POINTS:
            self._settle()

    def curve(self) -> Curve:
        """Return the points that were kept, at most about 4,000."""
        self._settle()
        return Curve(self.run_id, self.key, self._steps, self._times, self._values, self.total)

    def _settle(self) -> None:
        if not self._pending:
            return
        new = self._pending
        ordinals = np.arange(self.seen, self.seen + self._pending_points)
        self._steps = np.concatenate([self._steps, *(c.steps for c in new)], dtype=np.float64)
        self._times = np.concatenate([self._times, *(c.times for c in new)], dtype=np.float64)
        self._values = np.concatenate([self._values, *(c.values for c in new)], dtype=np.float64)
        self._ordinals = np.concatenate([self._ordinals, ordinals])
        self.seen += self._pending_points
        self._pending, self._pending_points = [], 0
        if len(self._values) > 2 * MAX_POINTS:
            width = 1 << (4 * self.seen // MAX_POINTS).bit_length()
            kept = thin(self._values, width, self._ordinals)
            self._steps, self._times = self._steps[kept], self._times[kept]
            self._values, self._ordinals = self._values[kept], self._ordinals[kept]


def as_curve(run_id: str, key: str, points: Iterable[tuple[float, float, float]]) -> Curve:
    """Return (step, time, value) triples as a curve."""
    table = np.array(list(points), dtype=np.float64).reshape(-1, 3)
    return Curve(run_id, key, table[:, 0], table[:, 1], table[:, 2])


def encoded(curves: Sequence[Curve]) -> tuple[list[SeriesHead], list[bytes]]:
    """Return curves as they travel: heads, and columns of step, time and value of all in turn."""
    heads: list[SeriesHead] = [
        {"run": curve.run_id, "key": curve.key, "n": len(curve), "total": curve.total}
        for curve in curves
    ]
    columns = ("steps", "times", "values")
    return heads, [
        b"".join(np.asarray(getattr(curve, name), dtype="<f8").tobytes() for curve in curves)
        for name in columns
    ]


def pack_curves(curves: Sequence[Curve], budget: int) -> PackedCurves:
    """Return curves in few bytes: differences and float32, deflated, base64.

    Parameters
    ----------
    curves : sequence of Curve
        Empty ones are left out.
    budget : int
        About how many bytes of JSON may be used; points are thinned out until they fit. What
        does not fit with the fewest points is left out as a whole, and ``left_out`` says how many
        curves that are: a part of them would look like all.
    """
    filled = [curve for curve in curves if len(curve)]
    best: PackedCurves = {"series": [], "data": "", "left_out": len(filled)}
    if not filled or _heads_size(filled) > budget:
        return best
    low, high = 0, len(_LIMITS)  # the first limit that fits is one of these
    while low < high:
        middle = (low + high) // 2
        packed = _pack([thinned(curve, _LIMITS[middle]) for curve in filled])
        if len(json.dumps(packed)) <= budget:
            best, high = packed, middle
        else:
            low = middle + 1
    return best


def share_of_curves(curves: Sequence[Curve]) -> int:
    """Return how many bytes a picture should leave to the curves; 0 where they take too many."""
    filled = [curve for curve in curves if len(curve)]
    if not filled or _heads_size(filled) > MAX_SHARE:
        return 0
    for points in COARSE:
        size = len(json.dumps(_pack([thinned(curve, points) for curve in filled])))
        if size <= MAX_SHARE:
            return size
    return 0


def _heads_size(curves: Sequence[Curve]) -> int:
    names = sum(len(json.dumps(curve.run_id)) + len(json.dumps(curve.key)) for curve in curves)
    return names + _HEAD_BYTES * len(curves)


def _unit_of(values: Floats) -> float:
    """Return what values are divided by so that float32 holds the largest; mostly 1."""
    largest = float(np.max(np.abs(values), where=np.isfinite(values), initial=0.0))
    if largest == 0 or _FLOAT32[0] <= largest <= _FLOAT32[1]:
        return 1.0
    return 2.0 ** math.floor(math.log2(largest))


def _pack(curves: list[Curve]) -> PackedCurves:
    series: list[PackedSeries] = []
    steps: list[bytes] = []
    times: list[bytes] = []
    values: list[bytes] = []
    for curve in curves:
        step = curve.steps.astype(np.float64)
        time = np.nan_to_num(curve.times.astype(np.float64))
        apart = np.diff(step, prepend=step[0])
        whole = bool(np.all(step == np.rint(step)) and np.all(np.abs(apart) < 2**31))
        column = apart.astype("<i4") if whole else (step - step[0]).astype("<f4")
        steps.append(column.tobytes())
        pauses = np.clip(np.diff(np.rint(time), prepend=np.rint(time[0])), -(2**31), 2**31 - 1)
        times.append(pauses.astype("<i4").tobytes())
        unit = _unit_of(curve.values)
        values.append((curve.values / unit).astype("<f4").tobytes())
        head: PackedSeries = {
            "run": curve.run_id,
            "key": curve.key,
            "n": len(curve),
            "total": curve.total,
            "step0": float(step[0]),
            "time0": float(np.rint(time[0])),
            "whole": whole,
        }
        if curve.total <= len(curve):
            del head["total"]
        if unit != 1:
            head["unit"] = unit
        series.append(head)
    data = zlib.compress(b"".join(steps + times + values), 9)
    return {"series": series, "data": base64.b64encode(data).decode("ascii")}
