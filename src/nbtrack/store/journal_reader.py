"""Reads journals from given offsets on.

Anything may lie in the folder, and anything in the files: what is no journal is passed over,
what makes no sense in one is counted, and all else is returned.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from json import JSONDecoder
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nbtrack.store.event_shapes import is_known, is_sound
from nbtrack.store.journal_files import SUFFIXES, translated
from nbtrack.store.owner import SILENT_AFTER_S, Owner
from nbtrack.store.points import RECORD
from nbtrack.store.series_declarations import MARK, declared
from nbtrack.validation import MAX_TIME_MS

MAX_RECORDS = 2_000_000
"""Points that one fold takes from one journal; the rest follows with the next."""
MAX_BYTES = 64_000_000
"""Bytes of events that one fold takes from one journal; a longer line is none of ours."""

LINES = "lines that make no sense"
RECORDS = "points that make no sense"
UNDECLARED = "points of a metric that is named nowhere"
RENAMED = "metrics that got two names"
UNKNOWN = "lines of a kind that only a newer nbtrack knows"
CUT_OFF = "ends that are no part of a line"
SHRUNK = "files that became shorter than they were"
STRANGE = "things that are no files"
REFUSED = "lines that the database cannot take"

_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,255}\.[\w-]{1,200}")
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)

_NO_FILE = (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ENOTDIR)

Sizes = dict[str, tuple[int, int]]
"""Bytes of the events and of the points of each journal."""
_DECODER = JSONDecoder()


def sizes(folder: Path) -> Sizes:
    """Return the journals of a folder with the size of their two files.

    Raises
    ------
    StoreError
        If the folder is none, or cannot be listed.
    """
    found: dict[str, list[int]] = {}
    for entry in _entries(folder):
        name, suffix = os.path.splitext(entry.name)
        if suffix in SUFFIXES and _NAME.fullmatch(name):
            try:
                known = entry.stat(follow_symlinks=False)
            except OSError:  # folded and removed meanwhile
                continue
            if stat.S_ISREG(known.st_mode):
                found.setdefault(name, [0, 0])[SUFFIXES.index(suffix)] = known.st_size
    return {name: (events, points) for name, (events, points) in found.items()}


def strangers(folder: Path) -> list[str]:
    """Return the names in a journal folder that look like journals and are none."""
    found = []
    for entry in _entries(folder):
        name, suffix = os.path.splitext(entry.name)
        if suffix in SUFFIXES and not (
            _NAME.fullmatch(name) and entry.is_file(follow_symlinks=False)
        ):
            found.append(entry.name)
    return sorted(found)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise translated(error, folder) from error


@dataclass
class Tail:
    """What one journal holds behind its offsets.

    Attributes
    ----------
    journal, run_id : str
    events_end, points_end : int
        Where the next piece begins, in bytes.
    start : (int, int)
        Where this one begins.
    events : list of dict
        Those that make sense, of the kinds that this version knows.
    records : array
        The points.
    places : array of int
        Where each of them stands among the records of the piece.
    series : list of (int, str)
        The metrics that the piece declares.
    damage : dict of str to int
        What makes no sense, and how much of it.
    more : bool
        Whether the piece was cut because the journal is so long.
    """

    journal: str
    run_id: str
    events_end: int
    points_end: int
    events: list[dict[str, Any]] = field(default_factory=list)
    records: npt.NDArray[Any] = field(default_factory=lambda: np.empty(0, RECORD))
    places: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    series: list[tuple[int, str]] = field(default_factory=list)
    damage: dict[str, int] = field(default_factory=dict)
    more: bool = False
    start: tuple[int, int] = (0, 0)

    @property
    def damaged(self) -> int:
        """How many lines and records make no sense."""
        return sum(self.damage.values())

    def blame(self, what: str, count: int = 1) -> None:
        """Take note that something of the journal makes no sense."""
        if count:
            self.damage[what] = self.damage.get(what, 0) + count


def read_tail(folder: Path, journal: str, events_from: int, points_from: int) -> Tail:
    """Return the complete events and points behind two offsets.

    Points are read first: a series is declared before its first point, so every
    series of the points that were read is among the events. Half a record or
    half a line at the end is left for later; lines and records that make no
    sense are counted.

    Raises
    ------
    OSError
        If a file cannot be read now.
    """
    tail = Tail(journal, journal.split(".", 1)[0], events_from, points_from)
    tail.start = (events_from, points_from)
    path = folder / (journal + SUFFIXES[1])
    raw = _read(path, tail, points_from, MAX_RECORDS * RECORD.itemsize)
    _read_events(folder / (journal + SUFFIXES[0]), tail)
    if not tail.more:  # else what declares the series may be in the next piece
        _take_points(raw, tail)
    return tail


def _read(path: Path, tail: Tail, start: int, most: int) -> bytes:
    fd = _open(path)
    if fd is None:
        tail.blame(STRANGE, int(os.path.lexists(path)))
        return b""
    with os.fdopen(fd, "rb") as file:
        file.seek(start)
        return file.read(most)


def _open(path: Path) -> int | None:
    """Open a file for reading; None where there is none, or something else than a file."""
    try:
        fd = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno in _NO_FILE:
            return None
        raise
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    return None


def _take_points(raw: bytes, tail: Tail) -> None:
    width = RECORD.itemsize
    table = np.frombuffer(raw, RECORD, count=len(raw) // width)
    heads = np.flatnonzero((table["number"] == 0) & (table["_"] == MARK))
    found, taken, end = declared(raw[: len(table) * width], heads)
    table = table[: end // width]
    good = (table["number"] != 0) & (table["time"] >= 0) & (table["time"] <= MAX_TIME_MS)
    tail.series += found
    tail.places = np.flatnonzero(good)
    tail.blame(RECORDS, len(table) - len(tail.places) - taken)
    tail.records = table[good]
    tail.points_end += len(table) * width
    tail.more = tail.more or len(raw) == MAX_RECORDS * width


def _read_events(path: Path, tail: Tail) -> None:
    raw = _read(path, tail, tail.events_end, MAX_BYTES)
    whole = raw.rfind(b"\n") + 1
    if len(raw) == MAX_BYTES:
        tail.more = True
        if not whole:
            tail.blame(LINES)
            tail.events_end += len(raw)
            return
    tail.events_end += whole
    for line in raw[:whole].split(b"\n")[:-1]:
        try:
            event = _decoded(line)
        except (ValueError, RecursionError):
            event = None
        if not is_sound(event, tail.run_id):
            tail.blame(LINES)
        elif not is_known(event):
            tail.blame(UNKNOWN)
        else:
            tail.events.append(event)
            if event["event"] == "series":
                tail.series.append((event["number"], event["key"]))


def series_of(folder: Path, journal: str) -> dict[int, str]:
    """Return the metrics that a journal declares, from its beginning; the first word counts."""
    found: dict[int, str] = {}
    at = (0, 0)
    while True:
        tail = read_tail(folder, journal, *at)
        for number, key in tail.series:
            found.setdefault(number, key)
        at = (tail.events_end, tail.points_end)
        if not tail.more:
            return found


@dataclass(frozen=True)
class JournalState:
    """Whether anything can still be added to a journal."""

    owner: Owner | None
    closed: bool
    idle_s: float

    @property
    def is_done(self) -> bool:
        """Whether the journal was closed, or whoever wrote it is certainly gone."""
        if self.closed:
            return True
        if self.owner is None:  # made this moment, or torn at its very first line
            return self.idle_s > SILENT_AFTER_S
        return self.owner.is_gone(self.idle_s)


def state(folder: Path, journal: str) -> JournalState:
    """Look at the first and the last line of a journal's events."""
    path = folder / (journal + SUFFIXES[0])
    try:
        fd = _open(path)
        if fd is None:
            return _without_events(folder, journal)
        with os.fdopen(fd, "rb") as file:
            first = file.readline(65_536)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 4096))
            last = file.read().splitlines()[-1:] or [b""]
            silence = max(0.0, _disk_now(folder) - os.fstat(fd).st_mtime)
    except OSError:
        return JournalState(None, closed=False, idle_s=0.0)
    return JournalState(_owner(first), b'"event":"close"' in last[0], silence)


def _without_events(folder: Path, journal: str) -> JournalState:
    try:
        written = (folder / (journal + SUFFIXES[1])).lstat().st_mtime
    except OSError:
        return JournalState(None, closed=False, idle_s=0.0)
    return JournalState(None, closed=False, idle_s=max(0.0, _disk_now(folder) - written))


def cut_off(folder: Path, tail: Tail) -> bool:
    """Return whether the events end in what is not the beginning of a line."""
    if tail.more:
        return False
    rest = _read(folder / (tail.journal + SUFFIXES[0]), tail, tail.events_end, 4096)
    return bool(rest) and (b"\0" in rest or not rest.startswith(b'{"event":"'[: len(rest)]))


def is_fully_folded(folder: Path, journal: str, offset: tuple[int, int]) -> bool:
    """Return whether a journal is folded to its end and can get nothing more.

    The order matters: only once nobody can write to it any more says its end something.
    """
    if not state(folder, journal).is_done:
        return False
    rest = read_tail(folder, journal, *offset)
    return (rest.events_end, rest.points_end) == offset


def _decoded(line: bytes) -> Any:
    """Return what a line says; json.loads may be a function of the user's by now."""
    return _DECODER.decode(line.decode("utf-8", "surrogatepass"))


def _owner(line: bytes) -> Owner | None:
    try:
        event: Mapping[str, Any] = _decoded(line)
        place = str(event.get("place") or "")
        return Owner(str(event["host"]), int(event["pid"]), int(event["started"]), place)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None


def _disk_now(folder: Path) -> float:
    """Return the time of the clock that stamps files in this folder."""
    probe = folder.parent / "lock"
    try:
        os.utime(probe)
        return probe.stat().st_mtime
    except OSError:
        return 0.0


def events_of(folder: Path, run_id: str, kind: str) -> Iterator[dict[str, Any]]:
    """Return the events of one kind in the journals of a run, folded or not."""
    for name in sorted(sizes(folder)):
        if name.startswith(f"{run_id}."):
            tail = Tail(name, run_id, events_end=0, points_end=0)
            try:
                _read_events(folder / (name + SUFFIXES[0]), tail)
            except OSError:  # folded and removed meanwhile, or not ours to read
                continue
            yield from (event for event in tail.events if event["event"] == kind)


def idle_seconds(folder: Path, run_id: str) -> float:
    """Return the seconds since any process last touched a journal of a run."""
    newest = 0.0
    for path in folder.glob(f"{run_id}.*{SUFFIXES[0]}"):
        try:
            newest = max(newest, path.lstat().st_mtime)
        except OSError:
            continue
    return max(0.0, _disk_now(folder) - newest)
