"""Points that come from elsewhere, into the series of their metrics: identical ones count once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbtrack.store.fold import Name, insert_points, series_ids
from nbtrack.store.points import Points
from nbtrack.store.reader import Reader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def merge_points(
    reader: Reader,
    names: Sequence[Name],
    step: NDArray[np.int64],
    time: NDArray[np.int64],
    value: NDArray[np.float64],
) -> int:
    """Add points, each of the (run, key) of the same place; return how many are new.

    Runs inside the caller's transaction.
    """
    import numpy as np

    if not len(names):
        return 0
    series, known = series_ids(reader, set(names))
    numbers = np.fromiter((series[name] for name in names), dtype=np.int64, count=len(names))
    return len(insert_points(reader, Points(numbers, step, time, value), known))
