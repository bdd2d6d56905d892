"""Points that come from elsewhere in bulk: into the database at once, identical ones once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nbtrack.store.fold import Name, batch_of, insert_batch, series_ids
from nbtrack.store.points import Points, normalise, summarise
from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader


def add_points(reader: Reader, names: Sequence[Name], points: Points) -> int:
    """Add points to metrics of runs that are there; return how many of them are new.

    Runs inside the transaction of ``Store.write``. Series that have points already are
    compared by the database, the others are written as they are.

    Parameters
    ----------
    reader : Reader
        The database, attached for writing.
    names : sequence of (str, str)
        Run and key of each series.
    points : Points
        ``series`` is the place of the point's series in ``names``.
    """
    if not len(points):
        return 0
    codes = np.unique(points.series)
    wanted = {names[code] for code in codes.tolist()}
    found, _ = series_ids(reader, wanted)
    numbers = np.zeros(int(codes[-1]) + 1, dtype=np.int64)
    for code in codes.tolist():
        numbers[code] = found[names[code]]
    batch = normalise(Points(numbers[points.series], points.step, points.time, points.value))
    batch = _new_of(reader, batch)
    if len(batch):
        insert_batch(reader, "fold.add_points", batch.columns())
        insert_batch(reader, "fold.update_series", summarise(batch).columns())
    return len(batch)


def _new_of(reader: Reader, batch: Points) -> Points:
    """Leave out the points that are there already."""
    numbers = np.unique(batch.series)
    filled = [row[0] for row in reader.named("bulk.has_points", series=numbers.tolist())]
    if not filled:
        return batch
    mixed = np.isin(batch.series, filled)
    doubtful = Points(*(column[mixed] for column in batch.columns().values()))
    found = _compared(reader, doubtful, filled)
    fresh = [column[~mixed] for column in batch.columns().values()]
    parts = zip(fresh, found.columns().values(), strict=True)
    return normalise(Points(*(np.concatenate(pair) for pair in parts)))


def _compared(reader: Reader, doubtful: Points, filled: list[int]) -> Points:
    with batch_of(reader, doubtful.columns()):
        columns = reader.columns(SQL["bulk.new_points"], series=filled)
    return Points(*(columns[name] for name in ("series", "step", "time", "value")))
