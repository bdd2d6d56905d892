"""Reading journals: what lies behind the offsets that were folded already."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nbtrack.store.journal import SUFFIXES
from nbtrack.store.owner import SILENCE_S, Owner
from nbtrack.store.points import RECORD

MAX_RECORDS = 2_000_000
"""Points that one fold takes from one journal; the rest follows with the next."""

Sizes = dict[str, tuple[int, int]]
"""Bytes of the events and of the points of each journal."""


def sizes(folder: Path) -> Sizes:
    """Return the journals of a folder with the size of their two files."""
    found: dict[str, list[int]] = {}
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return {}
    for entry in entries:
        name, suffix = os.path.splitext(entry.name)
        if suffix in SUFFIXES:
            try:
                size = entry.stat().st_size
            except FileNotFoundError:  # folded and removed meanwhile
                continue
            found.setdefault(name, [0, 0])[SUFFIXES.index(suffix)] = size
    return {name: (events, points) for name, (events, points) in found.items()}


@dataclass
class Tail:
    """What one journal holds behind its offsets."""

    journal: str
    run_id: str
    events_end: int
    points_end: int
    events: list[dict[str, Any]] = field(default_factory=list)
    records: npt.NDArray[Any] = field(default_factory=lambda: np.empty(0, RECORD))
    damaged: int = 0
    holes: int = 0


def read_tail(folder: Path, journal: str, events_from: int, points_from: int) -> Tail:
    """Return the complete events and points behind two offsets.

    Points are read first: a series is declared before its first point, so every
    series of the points that were read is among the events. Half a record or
    half a line at the end is left for later; lines and records that make no
    sense are counted in ``damaged``.
    """
    tail = Tail(journal, journal.split(".", 1)[0], events_from, points_from)
    _read_points(folder / (journal + SUFFIXES[1]), tail)
    _read_events(folder / (journal + SUFFIXES[0]), tail)
    return tail


def _read_points(path: Path, tail: Tail) -> None:
    try:
        with path.open("rb") as file:
            file.seek(tail.points_end)
            raw = file.read(MAX_RECORDS * RECORD.itemsize)
    except FileNotFoundError:
        return
    whole = len(raw) - len(raw) % RECORD.itemsize
    records = np.frombuffer(raw, RECORD, count=whole // RECORD.itemsize)
    tail.points_end += whole
    holes = records["number"] == 0
    if holes.any():
        tail.holes = int(holes.sum())
        tail.damaged += tail.holes
        records = records[~holes]
    tail.records = records


def _read_events(path: Path, tail: Tail) -> None:
    try:
        with path.open("rb") as file:
            file.seek(tail.events_end)
            raw = file.read()
    except FileNotFoundError:
        return
    whole = raw.rfind(b"\n") + 1
    tail.events_end += whole
    for line in raw[:whole].splitlines():
        try:
            event = json.loads(line)
            event["event"], event["t"]
        except (ValueError, TypeError, KeyError):
            tail.damaged += 1
            continue
        tail.events.append(event)


@dataclass(frozen=True)
class JournalState:
    """Whether anything can still be added to a journal."""

    owner: Owner | None
    closed: bool
    silence_s: float

    @property
    def is_done(self) -> bool:
        """Whether the journal was closed, or whoever wrote it is gone."""
        if self.closed:
            return True
        if self.owner is None:  # made this moment, or torn at its very first line
            return self.silence_s > SILENCE_S
        return not self.owner.is_alive(self.silence_s)


def state(folder: Path, journal: str) -> JournalState:
    """Look at the first and the last line of a journal's events."""
    path = folder / (journal + SUFFIXES[0])
    try:
        with path.open("rb") as file:
            first = file.readline()
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 4096))
            last = file.read().splitlines()[-1:] or [b""]
        silence = max(0.0, _disk_now(folder) - path.stat().st_mtime)
    except OSError:
        return JournalState(None, closed=False, silence_s=0.0)
    return JournalState(_owner(first), b'"event":"close"' in last[0], silence)


def is_spent(folder: Path, journal: str, offset: tuple[int, int]) -> bool:
    """Return whether a journal is folded to its end and can get nothing more.

    The order matters: only once nobody can write to it any more says its end something.
    """
    if not state(folder, journal).is_done:
        return False
    rest = read_tail(folder, journal, *offset)
    return (rest.events_end, rest.points_end) == offset


def _owner(line: bytes) -> Owner | None:
    try:
        event: Mapping[str, Any] = json.loads(line)
        return Owner(str(event["host"]), int(event["pid"]), int(event["started"]))
    except (ValueError, TypeError, KeyError):
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
    for path in sorted(folder.glob(f"{run_id}.*{SUFFIXES[0]}")):
        tail = Tail(path.stem, run_id, events_end=0, points_end=0)
        _read_events(path, tail)
        yield from (event for event in tail.events if event["event"] == kind)


def silence(folder: Path, run_id: str) -> float:
    """Return the seconds since any process last touched a journal of a run."""
    newest = 0.0
    for path in folder.glob(f"{run_id}.*{SUFFIXES[0]}"):
        try:
            newest = max(newest, path.stat().st_mtime)
        except FileNotFoundError:
            continue
    return max(0.0, _disk_now(folder) - newest)
