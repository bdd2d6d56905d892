"""The fold: journal tails go into the database, offsets and all, in one transaction.

Whatever happens in the middle, a tail is either in with its offset or not in
at all; any process may fold any journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nbtrack.store import tails
from nbtrack.store.events import Events
from nbtrack.store.journal import now_ms
from nbtrack.store.model_events import ModelEvents
from nbtrack.store.owner import Owner
from nbtrack.store.points import Points, normalise, summarise, value_bits
from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader
from nbtrack.store.tails import Sizes, Tail

OWNER_GONE = "The process that wrote the model is gone: its files are not complete."

Name = tuple[str, str]
"""A run and the key of one of its metrics."""


@dataclass
class FoldReport:
    """What one fold did.

    Attributes
    ----------
    points, events : int
        How many were folded in.
    offsets : dict
        How far each journal is folded, in bytes: (events, points).
    more : bool
        Whether a journal was so long that a part of it is left for another fold.
    problems : list of str
        What could not be folded as it was logged, for the user to read.
    """

    points: int = 0
    events: int = 0
    more: bool = False
    offsets: Sizes = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def fold(reader: Reader, folder: Path) -> FoldReport:
    """Fold every journal of a folder; runs inside the caller's transaction.

    Parameters
    ----------
    reader : Reader
        The database, attached for writing.
    folder : Path
        The ``journal`` folder.
    """
    present = tails.sizes(folder)
    known = {name: (events, points) for name, events, points in reader.named("fold.offsets")}
    _forget(reader, [name for name in known if name not in present])
    report = FoldReport()
    found: list[Tail] = []
    for name, size in present.items():
        events_from, points_from = known.get(name, (0, 0))
        if size[0] > events_from or size[1] > points_from:
            tail = tails.read_tail(folder, name, events_from, points_from)
            if (tail.events_end, tail.points_end) != (events_from, points_from):
                found.append(tail)
            report.offsets[name] = (tail.events_end, tail.points_end)
            report.more = report.more or len(tail.records) >= tails.MAX_RECORDS
        else:
            report.offsets[name] = size
    if found:
        _fold_tails(reader, found, report)
    _interrupt(reader, folder)
    return report


def _forget(reader: Reader, names: list[str]) -> None:
    if names:
        reader.named("fold.forget_journals", names=names)
        reader.named("fold.forget_series_numbers", names=names)


def _fold_tails(reader: Reader, found: list[Tail], report: FoldReport) -> None:
    events = Events.of(found)
    report.problems += events.apply(reader)
    report.events = events.count
    for tail in found:
        if tail.damaged:
            report.problems.append(
                f"{tail.damaged} damaged records in the journal {tail.journal} were left out."
            )
    _declare(reader, events.declared)
    batch = _fold_points(reader, [tail for tail in found if len(tail.records)])
    report.points = 0 if batch is None else len(batch)
    _share_points(reader, batch, events.models)
    names = [tail.journal for tail in found]
    reader.named("fold.forget_journals", names=names)
    reader.named(
        "fold.set_offsets",
        names=names,
        runs=[tail.run_id for tail in found],
        events=[tail.events_end for tail in found],
        points=[tail.points_end for tail in found],
    )


def _declare(reader: Reader, declared: list[tuple[str, int, str, str]]) -> None:
    if declared:
        names, numbers, runs, keys = (list(column) for column in zip(*declared, strict=True))
        reader.named("fold.add_series_numbers", names=names, numbers=numbers, runs=runs, keys=keys)


def _share_points(reader: Reader, batch: Points | None, models: ModelEvents) -> None:
    """Give the points of runs to the models that they have made at the same step."""
    if batch is not None and len(batch) and reader.named("fold_models.has_outputs"):
        insert_batch(reader, "fold_models.share_batch", batch.columns())
    made = models.made
    if made:
        reader.named("fold_models.share_points", models=made)


def _fold_points(reader: Reader, found: list[Tail]) -> Points | None:
    if not found:
        return None
    names: dict[str, dict[int, Name]] = {tail.journal: {} for tail in found}
    for journal, number, run_id, key in reader.named("fold.series_numbers", names=list(names)):
        names[journal][number] = (run_id, key)
    used = [np.unique(tail.records["number"]) for tail in found]
    wanted = {
        names[tail.journal][int(number)]
        for tail, numbers in zip(found, used, strict=True)
        for number in numbers
    }
    series, known = series_ids(reader, wanted)
    parts = []
    for tail, numbers in zip(found, used, strict=True):
        ids = np.zeros(int(numbers[-1]) + 1, dtype=np.int64)
        for number in numbers:
            ids[number] = series[names[tail.journal][int(number)]]
        parts.append(ids[tail.records["number"]])
    points = Points(
        np.concatenate(parts),
        *(np.concatenate([t.records[c] for t in found]) for c in ("step", "time", "value")),
    )
    return insert_points(reader, points, known)


def insert_points(reader: Reader, points: Points, known: dict[int, tuple[int, int]]) -> Points:
    """Write points that are new, and sum them up; return them.

    Parameters
    ----------
    reader : Reader
    points : Points
    known : dict
        The (last step, max time) of the series that had points before.
    """
    batch = _without_known(reader, normalise(points), known)
    if len(batch):
        insert_batch(reader, "fold.add_points", batch.columns())
        insert_batch(reader, "fold.update_series", summarise(batch).columns())
    return batch


def series_ids(
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


def insert_batch(reader: Reader, query: str, columns: dict[str, Any]) -> None:
    """Run a query that reads arrays under the name ``batch``."""
    batch = columns  # noqa: F841  found by DuckDB under its name
    reader.connection.execute("SET python_enable_replacements = true")
    reader.connection.execute(SQL[query])
    reader.connection.execute("SET python_enable_replacements = false")


def _interrupt(reader: Reader, folder: Path) -> None:
    """Mark runs and models whose owner is gone, so that none stays RUNNING or PENDING."""
    dead = dead_runs(reader.named("fold.running"), folder)
    if dead:
        reader.named("fold.interrupt", runs=dead)
        reader.named("fold_models.fail", models=dead, message=OWNER_GONE, time=now_ms())
        _keep_suggested(reader, folder, dead)


def _keep_suggested(reader: Reader, folder: Path, runs: list[str]) -> None:
    """Give runs that came to no end the params that they would have logged there."""
    found = {
        (run_id, str(key)): str(value)
        for run_id in runs
        for event in tails.events_of(folder, run_id, "suggest")
        for key, value in event.get("params", {}).items()
    }
    if found:
        reader.named(
            "fold.add_params",
            runs=[run_id for run_id, _ in found],
            keys=[key for _, key in found],
            values=list(found.values()),
        )


def dead_runs(running: Iterable[tuple[Any, ...]], folder: Path) -> list[str]:
    """Return those of the running (run or model, host, pid, start) whose owner is gone."""
    dead = []
    alive: dict[Owner, bool] = {}  # one process may have thousands
    for run_id, host, pid, started in running:
        if host is None:
            continue
        owner = Owner(host, int(pid), int(started))
        if not owner.is_local:
            if not owner.is_alive(tails.silence(folder, run_id)):
                dead.append(run_id)
            continue
        if owner not in alive:
            alive[owner] = owner.is_alive()
        if not alive[owner]:
            dead.append(run_id)
    return dead
