"""Where the points of curves stand on an x axis, and how they are smoothed.

``js/shared/src/points.ts`` does the same in the browser.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from nbtrack.views.curves import Curve, Floats

Kind = Literal["step", "time", "relative", "metric"]

SMOOTH_PLACES = 1000


@dataclass(frozen=True)
class Places:
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


def places_for(x: str, curves: Sequence[Curve]) -> Places:
    """Return the x axis for curves.

    Parameters
    ----------
    x : str
        ``auto``, ``step``, ``time``, ``relative``, or the name of a metric; ``auto`` is the step,
        or relative time where no series has two steps, and so is the name of a metric that is not
        there.
    curves : sequence of Curve
        All that are shown.
    """
    starts: dict[str, float] = {}
    for curve in curves:
        if len(curve):
            first = float(curve.times[0])
            starts[curve.run_id] = min(first, starts.get(curve.run_id, first))
    others = {curve.run_id: curve for curve in curves if curve.key == x}
    return Places(_kind(x, curves, known=bool(others)), x, starts, others)


def _kind(x: str, curves: Iterable[Curve], *, known: bool) -> Kind:
    if x in ("step", "time", "relative"):
        return cast(Kind, x)
    if x != "auto":
        return "metric" if known else "step"
    several = [curve for curve in curves if len(curve) > 1]
    flat = several and all(np.all(curve.steps == curve.steps[0]) for curve in several)
    return "relative" if flat else "step"


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
    way = abs(float(x[-1] - x[0])) / SMOOTH_PLACES if total > SMOOTH_PLACES else 0.0
    out = values.copy()
    average = mass = 0.0
    before = np.nan
    for i in np.flatnonzero(np.isfinite(values)).tolist():
        apart = abs(float(x[i]) - before)
        places = apart / way if way > 0 and np.isfinite(apart) else 1.0
        before = float(x[i])
        kept = weight**places
        average = kept * average + (1 - kept) * float(values[i])
        mass = kept * mass + (1 - kept)
        out[i] = average / mass
    return out


def time_unit(longest_s: float) -> tuple[int, str]:
    """Return the unit in which a duration is read, in seconds, and its name."""
    if longest_s <= 180:
        return 1, "s"
    return (60, "min") if longest_s <= 10_800 else (3600, "h")
