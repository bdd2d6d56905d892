"""Where the ticks of an axis go, and what they say."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nbtrack.views.formats import format_number


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
        return [
            ((i * step - self.low) / span, short_number(round(i * step, 12)))
            for i in range(first, last + 1)
        ]


def axis_for(low: float, high: float, *, log: bool = False, pad: float = 0.0) -> Axis:
    """Return an axis that holds ``low`` to ``high``, with a margin of ``pad`` of its length."""
    if low > high:
        return Axis(-1.0, 1.0, log) if log else Axis(0.0, 1.0)
    a, b = (math.log10(low), math.log10(high)) if log else (low, high)
    margin = (b - a) * pad if b > a else (abs(a) * 0.05 or 0.5)
    return Axis(a - margin, b + margin, log)


def short_number(value: float) -> str:
    """Return a tick's label: ``1.5k``, ``2M``, ``0.25``, ``1e-5``."""
    size = abs(value)
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if unit <= size < 1e12:
            return format_number(value / unit) + name
    return format_number(value)


def _nice(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    for factor in (1, 2, 2.5, 5, 10):
        if factor * power >= step * (1 - 1e-9):
            return factor * power
    return 10 * power
