"""The fold: journal tails go into the database, offsets and all, in one transaction.

Whatever happens in the middle, a tail is either in with its offset or not in
at all; any process may fold any journal. What makes no sense in a journal is
left out, and noted: the journal is kept when it is done.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from nbtrack.store import journal_reader
from nbtrack.store.events import Events
from nbtrack.store.journal import now_ms
from nbtrack.store.journal_reader import Sizes, Tail
from nbtrack.store.liveness import interrupt, revive
from nbtrack.store.model_events import ModelEvents
from nbtrack.store.points import Points
from nbtrack.store.reader import Reader
from nbtrack.store.series_points import Name, add_points, insert_batch

DAMAGED_TAG = "nbtrack.damaged"


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
    damaged : dict of str to str
        The journals that hold what makes no sense, now or in an earlier fold, and what it is.
    noted : dict of str to str or None
        The journals that the database knew before, and what of them it noted to make no sense.
    """

    points: int = 0
    events: int = 0
    more: bool = False
    offsets: Sizes = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)
    noted: dict[str, str | None] = field(default_factory=dict)


def fold(reader: Reader, folder: Path, *, look_for_dead: bool = True) -> FoldReport:
    """Fold every journal of a folder, all in one transaction.

    An event that the database refuses costs itself alone: then each journal is folded in a
    transaction of its own, and of the one that is to blame all but that event.

    Parameters
    ----------
    reader : Reader
        The database, attached for writing, without an open transaction.
    folder : Path
        The ``journal`` folder.
    look_for_dead : bool
        Whether runs are marked whose process is gone.
    """
    report = FoldReport()
    try:
        with _transaction(reader):
            found = _unfolded(reader, folder, report)
            if found:
                _fold_tails(reader, folder, found, report)
            if look_for_dead:
                interrupt(reader, folder)
        return report
    except _faults():
        report = FoldReport()
    with _transaction(reader):
        found = _unfolded(reader, folder, report)
    for tail in found:
        _fold_alone(reader, folder, tail, report)
    with _transaction(reader):
        interrupt(reader, folder)
    return report


def _faults() -> tuple[type[Exception], ...]:
    """Return the errors that the content of a journal can be to blame for."""
    import duckdb

    refused = (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException)
    return (*refused, ValueError, TypeError, LookupError)


@contextlib.contextmanager
def _transaction(reader: Reader) -> Iterator[None]:
    reader.connection.execute("BEGIN")
    try:
        yield
        reader.commit()
    except BaseException:
        with contextlib.suppress(Exception):  # it is what went wrong first that counts
            reader.connection.execute("ROLLBACK")
        raise


def _fold_alone(reader: Reader, folder: Path, tail: Tail, report: FoldReport) -> None:
    """Fold one tail, or what can be of it: it is halved until what is to blame stands alone."""
    try:
        with _transaction(reader):
            _fold_tails(reader, folder, [tail], report)
        return
    except _faults():
        if not tail.events:  # points are checked numbers: it is not they that are to blame
            raise
        rest = replace(tail, events=[])
    if len(tail.events) == 1 and not len(tail.records):
        rest.blame(journal_reader.REFUSED)
        with _transaction(reader):
            _fold_tails(reader, folder, [rest], report)
        return
    middle = len(tail.events) if len(tail.records) else len(tail.events) // 2
    rest.events = tail.events[middle:]
    events_from, points_from = tail.start
    first = Tail(tail.journal, tail.run_id, events_from, points_from, tail.events[:middle])
    first.start = tail.start
    _fold_alone(reader, folder, first, report)
    _fold_alone(reader, folder, rest, report)


def _unfolded(reader: Reader, folder: Path, report: FoldReport) -> list[Tail]:
    """Return what the journals hold behind their offsets."""
    present = journal_reader.sizes(folder)
    known: dict[str, tuple[int, int]] = {}
    damage: dict[str, dict[str, int]] = {}
    for name, events, points, noted in reader.named("fold.offsets", spool=reader.spool):
        known[name] = (events, points)
        report.noted[name] = noted
        if noted is not None:
            damage[name] = json.loads(noted)
    _forget(reader, [name for name in known if name not in present])
    found: list[Tail] = []
    for name, size in present.items():
        before = known.get(name, (0, 0))
        start = (0, 0) if size[0] < before[0] or size[1] < before[1] else before
        if size == start:
            report.offsets[name] = size
        else:
            try:
                tail = journal_reader.read_tail(folder, name, *start)
                _examine_end(folder, tail, size)
            except OSError as error:
                report.problems.append(f"The journal {name} cannot be read: {error.strerror}.")
                continue
            if start != before:
                tail.blame(journal_reader.SHRUNK)
            if (tail.events_end, tail.points_end) != before or tail.damage:
                found.append(tail)
            report.offsets[name] = (tail.events_end, tail.points_end)
            report.more = report.more or tail.more
            damage[name] = merge_damage(damage.get(name, {}), tail.damage)
        if damage.get(name):
            report.damaged[name] = damage_text(damage[name])
    return found


def _examine_end(folder: Path, tail: Tail, size: tuple[int, int]) -> None:
    """Look at what is left behind the last line, once nobody can complete it."""
    if size[0] <= tail.events_end or not journal_reader.cut_off(folder, tail):
        return
    if journal_reader.state(folder, tail.journal).is_done:
        tail.blame(journal_reader.CUT_OFF)
        tail.events_end = size[0]


def merge_damage(old: dict[str, int], new: dict[str, int]) -> dict[str, int]:
    """Add up what makes no sense in a journal."""
    return {what: old.get(what, 0) + new.get(what, 0) for what in {**old, **new}}


def damage_text(damage: dict[str, int]) -> str:
    """Say in words what makes no sense in a journal."""
    return ", ".join(f"{count} {what}" for what, count in sorted(damage.items()))


def _forget(reader: Reader, names: list[str]) -> None:
    if names:
        reader.named("fold.forget_journals", names=names, spool=reader.spool)
        reader.named("fold.forget_series_numbers", names=names, spool=reader.spool)


def _fold_tails(reader: Reader, folder: Path, found: list[Tail], report: FoldReport) -> None:
    events = Events.of(found)
    report.problems += events.apply(reader)
    report.events += events.count
    names = _declare(reader, found)
    batch = _fold_points(reader, found, names)
    report.points += 0 if batch is None else len(batch)
    _share_points(reader, batch, events.models)
    _recover(reader, found, events)
    revive(reader, folder, found)
    _note(reader, found, report)


def _note(reader: Reader, found: list[Tail], report: FoldReport) -> None:
    """Remember how far the journals are folded, and what is wrong with them."""
    names = [tail.journal for tail in found]
    old = {name: json.loads(noted) for name, noted in report.noted.items() if noted is not None}
    damage = {t.journal: merge_damage(old.get(t.journal, {}), t.damage) for t in found}
    if report.noted.keys().isdisjoint(names):  # no row of theirs is taken away below
        reader.announce()
    reader.named("fold.forget_journals", names=names, spool=reader.spool)
    reader.named(
        "fold.set_offsets",
        spool=reader.spool,
        names=names,
        runs=[tail.run_id for tail in found],
        events=[tail.events_end for tail in found],
        points=[tail.points_end for tail in found],
        damages=[json.dumps(damage[name]) if damage[name] else None for name in names],
    )
    marks: dict[str, str] = {}
    for tail in found:
        if tail.damage:
            text = report.damaged[tail.journal] = damage_text(damage[tail.journal])
            marks[tail.run_id] = f"{text} (journal {tail.journal})"
            report.problems.append(
                f"The journal {tail.journal} is damaged: {text} were left out. The rest is in, and "
                "the journal is kept. `nbtrack doctor` says more."
            )
    if marks:
        runs, keys = list(marks), [DAMAGED_TAG] * len(marks)
        reader.named("fold.remove_tags", runs=runs, keys=keys)
        reader.named("fold.add_tags", runs=runs, keys=keys, values=list(marks.values()))


def _declare(reader: Reader, found: list[Tail]) -> dict[str, dict[int, str]]:
    """Return the metrics by number of each journal; those that are new are remembered."""
    names: dict[str, dict[int, str]] = {tail.journal: {} for tail in found}
    known = reader.named("fold.series_numbers", names=list(names), spool=reader.spool)
    for journal, number, _, key in known:
        names[journal][number] = key
    new: list[tuple[str, int, str, str]] = []
    for tail in found:
        for number, key in tail.series:
            kept = names[tail.journal].get(number)
            if kept is None:
                names[tail.journal][number] = key
                new.append((tail.journal, number, tail.run_id, key))
            elif kept != key:  # whichever is right: the points have the first name
                tail.blame(journal_reader.RENAMED)
    if new:
        journals, numbers, runs, keys = (list(column) for column in zip(*new, strict=True))
        reader.named(
            "fold.add_series_numbers",
            spool=reader.spool,
            names=journals,
            numbers=numbers,
            runs=runs,
            keys=keys,
        )
    return names


def _share_points(reader: Reader, batch: Points | None, models: ModelEvents) -> None:
    """Give the points of runs to the models that they have made at the same step."""
    if batch is not None and len(batch) and reader.named("fold_models.has_outputs"):
        insert_batch(reader, "fold_models.share_batch", batch.columns())
    made = models.made
    if made:
        reader.named("fold_models.share_points", models=made)


def _fold_points(
    reader: Reader, found: list[Tail], names: dict[str, dict[int, str]]
) -> Points | None:
    used: list[tuple[Tail, Any, Any]] = []
    for tail in found:
        known = np.array(sorted(names[tail.journal]), dtype=np.uint32)
        named = np.isin(tail.records["number"], known)
        tail.blame(journal_reader.UNDECLARED, int((~named).sum()))
        records = tail.records[named]
        if len(records):
            used.append((tail, records, np.unique(records["number"], return_inverse=True)))
    if not used:
        return None
    series: dict[Name, int] = {}
    parts = []
    for tail, _, (numbers, places) in used:
        keys = [names[tail.journal][number] for number in numbers.tolist()]
        codes = [series.setdefault((tail.run_id, key), len(series)) for key in keys]
        parts.append(np.array(codes, dtype=np.int64)[places])
    points = Points(
        np.concatenate(parts),
        *(np.concatenate([r[c] for _, r, _ in used]) for c in ("step", "time", "value")),
    )
    return add_points(reader, list(series), points)


def _recover(reader: Reader, found: list[Tail], events: Events) -> None:
    """Let runs be seen whose first line, or whose experiment, is lost."""
    damaged = [tail.run_id for tail in found if tail.damage]
    if damaged:
        reader.named("fold.recover_runs", runs=damaged, now=now_ms())
    if events.experiments:
        ids, names = list(events.experiments), list(events.experiments.values())
        reader.named("fold.recover_experiments", ids=ids, names=names, now=now_ms())
