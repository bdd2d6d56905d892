"""Points go into the series of their metrics; identical ones count once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from nbtrack.store.points import Points, normalise, summarise, value_bits
from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader

Name = tuple[str, str]
"""A run and the key of one of its metrics."""


def add_points(
    reader: Reader, names: Sequence[Name], points: Points, *, in_bulk: bool = False
) -> Points:
    """Write the points that are new, and sum them up; return them.

    Runs inside the caller's transaction.

    Parameters
    ----------
    reader : Reader
        The database, attached for writing.
    names : sequence of (str, str)
        Run and key of each series; the runs are there.
    points : Points
        ``series`` is the place of the point's series in ``names``.
    in_bulk : bool
        Whether there are many: then the database compares them with those that are there, which
        is faster for millions and slower for the few that a journal brings.
    """
    if not len(points):
        return points
    codes = np.flatnonzero(np.bincount(points.series)).tolist()
    ids, ends = _series_ids(reader, {names[code] for code in codes})
    numbers = np.zeros(len(names), dtype=np.int64)
    numbers[codes] = [ids[names[code]] for code in codes]
    batch = normalise(Points(numbers[points.series], points.step, points.time, points.value))
    batch = _new_in_bulk(reader, batch) if in_bulk else _without_known(reader, batch, ends)
    if len(batch):
        insert_batch(reader, "fold.add_points", batch.columns())
        insert_batch(reader, "fold.update_series", summarise(batch).columns())
    return batch


def _series_ids(
    reader: Reader, wanted: set[Name]
) -> tuple[dict[Name, int], dict[int, tuple[int, int]]]:
    """Return the series of each name, made where new; and (last step, max time) of the old."""
    ids: dict[Name, int] = {}
    known: dict[int, tuple[int, int]] = {}
    runs = sorted({run_id for run_id, _ in wanted})
    for series, run_id, key, last_step, max_time in reader.named("fold.series_of_runs", runs=runs):
        ids[run_id, key] = series
        known[series] = (last_step, max_time)
    new = sorted(wanted - ids.keys())
    if new:
        first = int(reader.named("fold.greatest_series")[0][0]) + 1
        numbers = list(range(first, first + len(new)))
        ids.update(zip(new, numbers, strict=True))
        reader.named(
            "fold.add_series", series=numbers, runs=[r for r, _ in new], keys=[k for _, k in new]
        )
    return ids, known


def _without_known(reader: Reader, batch: Points, known: dict[int, tuple[int, int]]) -> Points:
    """Leave out points that the database has already: identical ones count once.

    Only a series that gets a step and a time which it may have had before is looked at.
    """
    summary = summarise(batch)
    suspects = []
    for series, step, time in zip(
        summary.series.tolist(), summary.first_step.tolist(), summary.min_time.tolist(), strict=True
    ):
        last_step, max_time = known.get(series, (step - 1, time))
        if step <= last_step and time <= max_time:
            suspects.append(series)
    if not suspects:
        return batch
    mask = np.isin(batch.series, suspects)
    old = reader.columns(
        SQL["fold.known_points"],
        series=suspects,
        first_step=int(batch.step[mask].min()),
        first_time=int(batch.time[mask].min()),
    )
    seen = set(_rows(Points(**old)))
    fresh = np.fromiter((row not in seen for row in _rows(batch)), dtype=bool, count=len(batch))
    return Points(batch.series[fresh], batch.step[fresh], batch.time[fresh], batch.value[fresh])


def _rows(points: Points) -> Iterator[tuple[int, int, int, int]]:
    bits = value_bits(points.value)
    return zip(
        points.series.tolist(), points.step.tolist(), points.time.tolist(), bits.tolist(),
        strict=True,
    )  # fmt: skip


def _new_in_bulk(reader: Reader, batch: Points) -> Points:
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
    with _batch_of(reader, doubtful.columns()):
        columns = reader.columns(SQL["bulk.new_points"], series=filled)
    return Points(*(columns[name] for name in ("series", "step", "time", "value")))


def insert_batch(reader: Reader, query: str, columns: dict[str, Any]) -> None:
    """Run a query that reads arrays under the name ``batch``."""
    with _batch_of(reader, columns):
        reader.named(query)


@contextlib.contextmanager
def _batch_of(reader: Reader, columns: dict[str, Any]) -> Iterator[None]:
    """Let queries read arrays under the name ``batch``."""
    reader.connection.register("batch", columns)
    yield
    reader.connection.unregister("batch")  # where a query fails, the rollback takes it away
