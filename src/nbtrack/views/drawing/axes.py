"""The axes of a plot: where points stand, where ticks go and what they say; smoothing.

``js/shared/src/points.ts`` does the same for x axes in the browser.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from nbtrack.views.chart.curves import Curve, Floats
from nbtrack.views.formats import format_number

Kind = Literal["step", "time", "relative", "metric"]

SMOOTH_POINTS = 1000


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic axis; ``low`` and ``high`` are decades where it is logarithmic."""

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return where a value stands, from 0 to 1."""
        position = math.log10(value) if self.log else value
        return (position - self.low) / (self.high - self.low)

    def ticks(self, wanted: int) -> list[tuple[float, str]]:
        """Return about ``wanted`` positions from 0 to 1 with their labels."""
        span = self.high - self.low
        if self.log:
            every = max(1, math.ceil(span / wanted))
            decades = range(math.ceil(self.low), math.floor(self.high) + 1)
            chosen = [10.0**d for d in decades if d % every == 0]
            if len(chosen) < 2:
                digits = (1, 2, 5)
                chosen = [
                    d * 10.0**e
                    for e in range(math.floor(self.low), math.ceil(self.high) + 1)
                    for d in digits
                    if self.low <= math.log10(d * 10.0**e) <= self.high
                ]
            return [(self.place(v), short_number(v)) for v in chosen]
        step = _nice(span / max(1, wanted))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        farthest = max(abs(self.low), abs(self.high))
        places = max(4, math.ceil(math.log10(farthest / step)) + 1)  # that tell the ticks apart
        return [
            ((i * step - self.low) / span, short_number(round(i * step, 12), places))
            for i in range(first, last + 1)
        ]


def axis_for(low: float, high: float, *, log: bool = False, pad: float = 0.0) -> Axis:
    """Return an axis that holds ``low`` to ``high``, with a margin of ``pad`` of its length."""
    if low > high:
        return Axis(-1.0, 1.0, log) if log else Axis(0.0, 1.0)
    a, b = (math.log10(low), math.log10(high)) if log else (low, high)
    margin = (b - a) * pad if b > a else (abs(a) * 0.05 or 0.5)
    return Axis(a - margin, b + margin, log)


def short_number(value: float, digits: int = 4) -> str:
    """Return a tick's label: ``1.5k``, ``2M``, ``0.25``, ``1e-5``."""
    size = abs(value)
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if unit <= size < 1e12:
            return format_number(value / unit, digits) + name
    return format_number(value, digits)


def _nice(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    for factor in (1, 2, 2.5, 5, 10):
        if factor * power >= step * (1 - 1e-9):
            return factor * power
    return 10 * power


@dataclass(frozen=True)
class XAxis:
    """The x axis of some curves.

    Attributes
    ----------
    kind : {"step", "time", "relative", "metric"}
    key : str
        The metric, where it is one.
    starts : dict of str to float
        When the first point of each run was logged, in ms since the epoch.
    others : dict of str to Curve
        By run the curve of the metric.
    """

    kind: Kind
    key: str
    starts: dict[str, float]
    others: dict[str, Curve]

    def of(self, curve: Curve) -> Floats:
        """Return where a curve's points stand: step, ms, seconds, or the metric's value."""
        if self.kind == "step":
            return curve.steps.astype(np.float64)
        if self.kind == "time":
            return curve.times.astype(np.float64)
        if self.kind == "relative":
            start = self.starts.get(curve.run_id, 0.0)
            return (curve.times.astype(np.float64) - start) / 1000
        return joined(curve.steps.astype(np.float64), self.others.get(curve.run_id))


def x_axis_for(x: str, curves: Sequence[Curve], shown: Sequence[Curve] | None = None) -> XAxis:
    """Return the x axis for curves.

    Parameters
    ----------
    x : str
        ``auto``, ``step``, ``time``, ``relative``, or the name of a metric; ``auto`` is the step,
        or relative time where no series has two steps, and so is the name of a metric that is not
        there.
    curves : sequence of Curve
        All that are shown.
    shown : sequence of Curve, optional
        Those of one plot: with ``auto`` it is drawn over time if they have points and no steps.
    """
    starts: dict[str, float] = {}
    for curve in curves:
        if len(curve):
            first = float(curve.times[0])
            starts[curve.run_id] = min(first, starts.get(curve.run_id, first))
    others = {curve.run_id: curve for curve in curves if curve.key == x}
    kind = _kind(x, curves, known=bool(others))
    if x == "auto" and kind == "step" and shown is not None and _is_stepless(shown):
        kind = "relative"
    return XAxis(kind, x, starts, others)


def _is_stepless(curves: Sequence[Curve]) -> bool:
    """Return whether a curve has several points, at several times, and each curve one step."""
    several = [curve for curve in curves if len(curve) > 1]
    at_once = all(curve.times[0] == curve.times[-1] for curve in several)
    return not at_once and all(np.all(curve.steps == curve.steps[0]) for curve in several)


def _kind(x: str, curves: Iterable[Curve], *, known: bool) -> Kind:
    if x in ("step", "time", "relative"):
        return cast(Kind, x)
    if x != "auto":
        return "metric" if known else "step"
    several = [curve for curve in curves if len(curve) > 1]
    flat = several and all(np.all(curve.steps == curve.steps[0]) for curve in several)
    return "relative" if flat else "step"


def stands(x: Floats) -> bool:
    """Return whether several points have one place: a line between them stands on the axis."""
    return len(x) > 1 and bool(np.all(x == x[0]))


def nothing_text(columns: Sequence[Floats], *, log: bool) -> str:
    """Return what values are of which none has a place on an axis; "" where one has.

    ``js/shared/src/traces.ts`` says the same.
    """
    values = np.concatenate([*columns, np.empty(0)])
    finite = values[np.isfinite(values)]
    if len(values) == 0 or (len(finite) and (not log or finite.max() > 0)):
        return ""
    if len(finite):
        return "No value is above 0: none is on a logarithmic axis"
    words = list(dict.fromkeys(format_number(float(value)) for value in values))
    which = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
    if len(values) == 1:
        return f"The value is {which}"
    return f"All {format_number(float(len(values)))} values are {which}"


def joined(steps: Floats, other: Curve | None) -> Floats:
    """Return the values of another metric at these steps; NaN where it has none.

    Between the points of a metric that was thinned out a straight line is taken.
    """
    out = np.full(len(steps), np.nan)
    if other is None or len(other) == 0:
        return out
    known, values = other.steps.astype(np.float64), other.values
    if other.total > len(other):
        line = np.interp(steps, known, values, left=np.nan, right=np.nan)
        return np.asarray(line, dtype=np.float64)
    at = np.minimum(np.searchsorted(known, steps), len(known) - 1)
    same = known[at] == steps
    out[same] = values[at[same]]
    return out


def smoothed(values: Floats, weight: float, x: Floats, total: int) -> Floats:
    """Return the exponential moving average, without the bias towards zero at its start.

    The weight is that of one point of a curve of at most a thousand points; where points were left
    out, a longer way between two points counts for more of them.
    """
    if weight <= 0 or len(values) < 3:
        return values
    spacing = abs(float(x[-1] - x[0])) / SMOOTH_POINTS if total > SMOOTH_POINTS else 0.0
    out = values.copy()
    average = mass = 0.0
    before = np.nan
    for i in np.flatnonzero(np.isfinite(values)).tolist():
        apart = abs(float(x[i]) - before)
        points = apart / spacing if spacing > 0 and np.isfinite(apart) else 1.0
        before = float(x[i])
        kept = weight**points
        average = kept * average + (1 - kept) * float(values[i])
        mass = kept * mass + (1 - kept)
        out[i] = average / mass
    return out


def time_unit(longest_s: float) -> tuple[int, str]:
    """Return the unit in which a duration is read, in seconds, and its name."""
    if longest_s <= 180:
        return 1, "s"
    return (60, "min") if longest_s <= 10_800 else (3600, "h")
