"""Looking at a store without folding or changing anything in it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nbtrack.store import database, journal_reader
from nbtrack.store.fold import damage_text, merge_damage
from nbtrack.store.journal_files import DAMAGED
from nbtrack.store.owner import SILENT_AFTER_S
from nbtrack.store.reader import Reader


@contextlib.contextmanager
def read_unfolded(path: Path, folder: Path) -> Iterator[Reader]:
    """Look at a database as it is, without what the journals hold.

    Parameters
    ----------
    path : Path
        The database file.
    folder : Path
        The folder beside it.

    Raises
    ------
    StoreLockedError, StoreReadOnlyError, StoreCorruptError
        If it cannot be attached.
    """
    with database.attached(path, read_only=True) as connection:
        yield Reader(connection, folder)


def schema_version(reader: Reader) -> int:
    """Return the number of the last migration of a database."""
    return int(reader.named("health.schema")[0][0])


def table_count(reader: Reader) -> int:
    """Return how many tables a store has."""
    return len(reader.named("maintenance.tables"))


@dataclass(frozen=True)
class RunCount:
    """How many runs there are of one stage and status, and the bytes of their artifacts."""

    stage: str
    status: str
    count: int
    artifact_bytes: int


def count_runs(reader: Reader) -> list[RunCount]:
    """Count the runs by stage and status."""
    return [RunCount(*row) for row in reader.named("health.runs")]


@dataclass
class JournalReport:
    """What the journals of a store hold beyond what is folded in.

    Attributes
    ----------
    live : int
        How many are being written.
    silent : int
        How many of those show no sign of life, for ``silent_after_s`` or longer.
    unfolded : dict of str to int
        Bytes that are not folded in, of journals whose process has ended.
    damaged : dict of str to str
        What makes no sense in a journal.
    damage_count : int
        How many lines and records make no sense in all.
    set_aside : list of str
        Damaged journals that were set aside, in ``aside_folder``.
    strangers : list of str
        What is no journal, or cannot be read.
    """

    aside_folder: Path
    live: int = 0
    silent: int = 0
    unfolded: dict[str, int] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    damage_count: int = 0
    set_aside: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    silent_after_s: float = SILENT_AFTER_S


def inspect_journals(folder: Path, reader: Reader | None) -> JournalReport:
    """Look at the journals of a store.

    Parameters
    ----------
    folder : Path
        The folder of the journals.
    reader : Reader or None
        The database, where it can be read: it knows how far each journal is folded.
    """
    report = JournalReport(folder / DAMAGED)
    noted = [] if reader is None else reader.named("fold.offsets", spool=reader.spool)
    known = {name: (events, points) for name, events, points, _ in noted}
    damaged = {name: json.loads(damage) for name, _, _, damage in noted if damage}
    unread = []
    for name, size in journal_reader.sizes(folder).items():
        done = known.get(name, (0, 0))
        state = journal_reader.state(folder, name)
        if not state.is_done:
            report.live += 1
            report.silent += state.idle_s > SILENT_AFTER_S
        elif rest := sum(size) - sum(done):
            report.unfolded[name] = rest
        try:
            tail = journal_reader.read_tail(folder, name, *done)
            tail.blame(journal_reader.CUT_OFF, int(journal_reader.cut_off(folder, tail)))
        except OSError as error:
            unread.append(f"{name} ({error.strerror})")
            continue
        if tail.damage:
            damaged[name] = merge_damage(damaged.get(name, {}), tail.damage)
    report.damaged = {name: damage_text(each) for name, each in sorted(damaged.items())}
    report.damage_count = sum(sum(each.values()) for each in damaged.values())
    report.set_aside = sorted({file.stem for file in report.aside_folder.glob("*")})
    report.strangers = [*journal_reader.strangers(folder), *unread]
    return report
