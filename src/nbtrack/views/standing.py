"""How a run stands among the earlier runs of its experiment, at the same step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtrack.entities import RunInfo
from nbtrack.store.neighbours import earlier_runs, means
from nbtrack.store.reader import Reader
from nbtrack.store.search.direction import Direction, direction
from nbtrack.views.chart.curves import Floats

EARLIER = 10
FEWEST = 5  # of fewer runs nothing is said
SHARE = 0.9  # so many of them must be better
PLACES = 100


class Standing:
    """Compares a run with earlier ones, by one metric.

    Single values are noisy, so means over a hundredth of the way are compared, and only where they
    are complete; and a run is called worse when it was so twice in a row.

    Parameters
    ----------
    key : str
    way : {"min", "max"}
        Which values are better.
    width : int
        Steps of a bucket.
    earlier : dict
        The means of each earlier run, by bucket.
    """

    def __init__(
        self, key: str, way: Direction, width: int, earlier: dict[str, dict[int, float]]
    ) -> None:
        self.key = key
        self.way = way
        self.width = width
        self._earlier = list(earlier.values())
        self._sums: dict[int, tuple[float, int, int]] = {}

    def add(self, steps: NDArray[Any], values: Floats) -> None:
        """Note what the run has logged."""
        good = np.isfinite(values) & (steps >= 0)
        if not good.any():
            return
        steps, values = steps[good].astype(np.int64), values[good]
        buckets, place = np.unique(steps // self.width, return_inverse=True)
        sums = np.bincount(place, weights=values)
        counts = np.bincount(place)
        for i, bucket in enumerate(buckets.tolist()):
            total, count, last = self._sums.get(bucket, (0.0, 0, 0))
            last = max(last, int(steps[place == i].max()))
            self._sums[bucket] = (total + float(sums[i]), count + int(counts[i]), last)

    def verdict(self) -> str | None:
        """Return the sentence that says that the run is behind, or None when that is not sure."""
        done = sorted(self._sums)
        if self.width > 1:
            done = done[:-1]  # the last one still fills
        if len(done) < 2:
            return None
        before, now = (self._worse(bucket) for bucket in done[-2:])
        if before is None or now is None:
            return None
        worse, of = now
        step = self._sums[done[-1]][2]
        return f"{self.key} is worse than {worse} of {of} earlier runs at step {step:,}"

    def _worse(self, bucket: int) -> tuple[int, int] | None:
        total, count, _ = self._sums[bucket]
        mine = total / count
        theirs = [run[bucket] for run in self._earlier if bucket in run]
        behind = sum(mine > value if self.way == "min" else mine < value for value in theirs)
        enough = len(theirs) >= FEWEST and behind >= math.floor(SHARE * len(theirs))
        return (behind, len(theirs)) if enough else None


def read_standing(reader: Reader, info: RunInfo, key: str) -> Standing | None:
    """Return what a run is compared with, or None where a comparison would say nothing."""
    way = direction(key)
    if way is None:
        return None
    earlier = earlier_runs(reader, info, key, EARLIER)
    if len(earlier) < FEWEST:
        return None
    width = max(1, -(-(max(earlier.values()) + 1) // PLACES))
    return Standing(key, way, width, means(reader, list(earlier), key, width))
