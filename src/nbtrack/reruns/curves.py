"""Whether two metrics are the same: exactly, as close as rounding makes them, or not."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Result = Literal["exact", "close", "different", "missing", "new"]

OF_RANGE = 0.01
"""An error of 1e-7 grew to 0.004 of the range of a loss in 2,000 steps; another seed made 0.4."""
RELATIVE = 1e-3
MOST_ITEMS = 10_000
FEWEST_ITEMS = 50
_SHARE = re.compile(r"(?i)acc|error_rate|hit|precision|recall|top_?\d")
_CLOCK = {
    "time", "times", "runtime", "duration", "dur", "seconds", "secs", "sec", "elapsed", "latency",
    "fps", "throughput", "speed", "memory", "ms", "minutes", "per_s", "timestamp",
}  # fmt: skip
_COUNTED = {"step", "steps", "series", "stamp"}
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")


@dataclass(frozen=True)
class Curve:
    """The points of a metric, in the order of their steps."""

    steps: Sequence[int]
    values: Sequence[float]

    @property
    def last(self) -> float:
        """The last value."""
        return self.values[-1]


def compare_curves(key: str, then: Curve, now: Curve) -> tuple[Result, str]:
    """Return whether a metric is the same, and how far it is from that.

    Curves are close within 1 % of their own range. A relative difference of the last value could
    not tell rounding from another seed.

    Parameters
    ----------
    key : str
    then, now : Curve
    """
    if list(then.steps) != list(now.steps):
        return "different", f"{len(then.steps)} steps, now {len(now.steps)}" if len(
            then.steps
        ) != len(now.steps) else "other steps"
    if all(_same(a, b) for a, b in zip(then.values, now.values, strict=True)):
        return "exact", ""
    if len(then.values) == 1:
        return _compare_numbers(key, then.last, now.last)
    pairs = list(zip(then.values, now.values, strict=True))
    if any(not _same(a, b) for a, b in pairs if not (math.isfinite(a) and math.isfinite(b))):
        return "different", "NaN or infinite at other steps"
    known = [(a, b) for a, b in pairs if math.isfinite(a)]
    if all(a == int(a) and b == int(b) for a, b in known):
        return "different", "whole numbers that differ"
    values = [a for a, _ in known]
    spread = max(values) - min(values)
    far = max(abs(a - b) for a, b in known)
    if spread == 0:
        near = far <= RELATIVE * max(abs(values[0]), 1e-12)
        return ("close" if near else "different"), f"{far:.2g} from a constant"
    share = far / spread
    return ("close" if share <= OF_RANGE else "different"), f"{share:.2g} of its range"


def is_of_clock(key: str) -> bool:
    """Return whether a metric is a time or a load: its name says so."""
    words = [word.lower() for word in _PARTS.findall(key)]
    if "per" in words and words[-1] in ("s", "second", "sec"):
        return True
    return any(
        word in _CLOCK and not (place + 1 < len(words) and words[place + 1] in _COUNTED)
        for place, word in enumerate(words)
    )


def _compare_numbers(key: str, then: float, now: float) -> tuple[Result, str]:
    if not (math.isfinite(then) and math.isfinite(now)):
        return "different", ""
    if then == int(then) and now == int(now):
        return "different", "whole numbers"
    far = abs(then - now)
    relative = far / max(abs(then), abs(now))
    if relative <= RELATIVE:
        return "close", f"relative {relative:.2g}"
    items = _items(then, now) if _SHARE.search(key) else None
    if items is not None and far <= (1 + 1e-9) / items:
        return "close", f"one of {items} items"
    return "different", f"relative {relative:.2g}"


def _items(then: float, now: float) -> int | None:
    """Return of how many items two shares are counted, where it can be told from the numbers."""
    bottoms = []
    for value in (then, now):
        found = Fraction(value).limit_denominator(MOST_ITEMS)
        if float(found) != value:
            return None
        bottoms.append(found.denominator)
    items = math.lcm(*bottoms)
    return items if FEWEST_ITEMS <= items <= MOST_ITEMS else None


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
