"""The journal: what one process writes for one run, before it reaches the database.

A journal is a pair of append-only files, ``<run_id>.<writer>.events`` and
``.points``. Events are JSON lines; points are 32-byte records, so a reader maps
them without parsing, NaN and the infinities are native, and a torn tail shows
in the file's length. What a call wrote is in the page cache when it returns:
it outlives a killed process. A series is declared in both files before its first
point, so that points never part from what they are of.
"""

from __future__ import annotations

import os
import re
import struct
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from json import JSONEncoder
from pathlib import Path
from typing import Any

from nbtrack.errors import DiskFullError, InvalidStateError, warn
from nbtrack.store.journal_files import EVENTS, POINTS, JournalFiles, translated
from nbtrack.store.owner import Owner
from nbtrack.store.series_declarations import declaration
from nbtrack.validation import check_key, metric_value

RECORD_SIZE = 32
TIMED_EVERY = 31  # prime, so that no rhythm of the training loop falls in with it
_packers: dict[int, Any] = {}

Tap = deque[tuple[bytes, dict[str, int]]]
"""Receives the records of each call, and the journal's series numbers by key."""


# json.dumps may be a function of the user's by now: what it writes need not be one line
_encode = JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_SURROGATES = re.compile("[\ud800-\udfff]")


class ValueOnGpuError(Exception):
    """A value cannot be written yet: it is a CUDA tensor."""


def now_ms() -> int:
    """Return the time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def _packer(count: int) -> Any:
    # one record: step, time in ms, value, series number (from 1; 0 is a hole), padding
    pack = struct.Struct("<" + "qqdIxxxx" * count).pack
    if len(_packers) < 256:
        _packers[count] = pack
    return pack


class Journal(JournalFiles):
    """Appends what this process logs to one run.

    Thread-safe. A forked child gets files of its own at its first write. What a
    full disk refuses is held in memory, in order, and written when there is space.

    Parameters
    ----------
    folder : Path
        The ``journal`` folder of the store.
    run_id : str
        The run.

    Raises
    ------
    StoreReadOnlyError, DiskFullError
        If the files cannot be made.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        super().__init__(folder, run_id)
        self._reset()
        with self._lock:
            self._open()
        _journals.add(self)

    def _reset(self) -> None:
        self.name = ""
        self.calls = 0
        self.timed_every = TIMED_EVERY
        self.cost_ns = 0  # time spent in points(), from a sample of the calls
        self._lock = threading.Lock()
        self._fds = [-1, -1]
        self._numbers: dict[str, int] = {}
        self._held: list[tuple[int, bytes]] = []
        self._taps: tuple[Tap, ...] = ()

    def _open(self) -> None:
        if self.closed:
            raise self._closed_error()
        try:
            self._make_files()
            self._write(EVENTS, self._line("open", vars(Owner.this())))
        except OSError as error:
            self._close_files()
            raise translated(error, self.folder) from error

    @property
    def keys(self) -> list[str]:
        """The metrics that were logged to it since it was opened."""
        return list(self._numbers)

    @property
    def held(self) -> int:
        """Number of writes that wait in memory because the disk refused them."""
        return len(self._held)

    def _closed_error(self) -> InvalidStateError:
        return InvalidStateError(f"The journal of run {self.run_id} is closed.")

    def _line(self, kind: str, fields: Mapping[str, Any]) -> bytes:
        event = {"event": kind, "t": now_ms(), "run_id": self.run_id, **fields}
        text = _encode(event)
        try:
            return text.encode() + b"\n"
        except UnicodeEncodeError:  # no database takes half a character: spell it out
            spelled = _SURROGATES.sub(lambda half: f"\\\\u{ord(half[0]):04x}", text)
            return spelled.encode() + b"\n"

    def event(self, kind: str, **fields: Any) -> None:
        """Append one event; it is in the file when the call returns."""
        self.events([(kind, fields)])

    def events(self, events: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Append events with a single write; all are in the file when the call returns."""
        lines = b"".join(self._line(kind, fields) for kind, fields in events)
        if lines:
            with self._lock:
                self._append(EVENTS, lines)

    def points(self, metrics: Mapping[str, Any], step: int, time_ms: int) -> None:
        """Append one point for each metric; all are in the file when the call returns.

        Parameters
        ----------
        metrics : mapping of str to number
            All values are converted before anything is written.
        step : int
        time_ms : int
            Milliseconds since the epoch.

        Raises
        ------
        InvalidParameterError
            If a key or a value cannot be used; then nothing was written.
        ValueOnGpuError
            If a value is a CUDA tensor; then nothing was written.
        InvalidStateError
            If the journal was closed meanwhile; then nothing was written.
        """
        sampled = self.calls % TIMED_EVERY == 0
        begin = time.perf_counter_ns() if sampled else 0
        numbers = self._numbers
        flat: list[Any] = []
        for key, value in metrics.items():
            if type(value) is not float:
                if getattr(value, "is_cuda", False):
                    raise ValueOnGpuError(key)
                value = metric_value(key, value)
            flat += (step, time_ms, value, numbers.get(key) or self._declared(key))
        count = len(metrics)
        records: bytes = (_packers.get(count) or _packer(count))(*flat)
        with self._lock:
            self.calls += 1
            if self._held:
                self._append(POINTS, records)
            else:
                try:
                    written = os.write(self._fds[1], records)
                    if written != len(records):
                        self._take_back(POINTS, written)
                except OSError as error:
                    if self.closed:
                        raise self._closed_error() from None
                    self._hold(POINTS, records, error)
        if self._taps:
            for tap in self._taps:
                tap.append((records, numbers))
        if sampled:
            # the first call opens files, and stands for itself alone
            weight = TIMED_EVERY if self.calls > 1 else 1
            self.cost_ns += weight * (time.perf_counter_ns() - begin)

    def batch(self, points: Sequence[tuple[str, float, int, int]]) -> None:
        """Append points of any steps and times with a single write.

        Parameters
        ----------
        points : sequence of (key, value, step, time in milliseconds)
            Checked.
        """
        numbers = self._numbers
        flat: list[Any] = []
        for key, value, step, time_ms in points:
            flat += (step, time_ms, value, numbers.get(key) or self._declared(key))
        records: bytes = (_packers.get(len(points)) or _packer(len(points)))(*flat)
        with self._lock:
            self._append(POINTS, records)
        for tap in self._taps:
            tap.append((records, numbers))

    def _declared(self, key: str) -> int:
        """Return the number of a key that these files have not seen before."""
        check_key(key, "name")
        with self._lock:
            number = self._numbers.get(key)
            if number is None:
                if self._fds[EVENTS] < 0:
                    self._open()
                number = len(self._numbers) + 1
                self._append(EVENTS, self._line("series", {"number": number, "key": key}))
                self._append(POINTS, declaration(number, key))
                self._numbers[key] = number
            return number

    def _append(self, part: int, data: bytes) -> None:
        if self._fds[part] < 0:
            self._open()
        if self._held:
            self._held.append((part, data))
            self._write_held()
            return
        try:
            self._write(part, data)
        except OSError as error:
            self._hold(part, data, error)

    def _hold(self, part: int, data: bytes, error: OSError) -> None:
        self._held.append((part, data))
        warn(
            f"nbtrack cannot write the journal of run {self.run_id} in {self.folder}: "
            f"{error.strerror}. What is logged is kept in memory and written as soon as the disk "
            "takes it; free some space, or it is lost when this process ends.",
            stacklevel=4,
        )

    def _write_held(self) -> None:
        done = 0
        try:
            for part, data in self._held:
                self._write(part, data)
                done += 1
        except OSError:
            pass
        del self._held[:done]

    def flush(self) -> bool:
        """Write what waits in memory; return whether nothing waits any more."""
        with self._lock:
            if self._held:
                self._write_held()
            return not self._held

    def tap(self) -> Tap:
        """Return a queue that receives what is logged from now on, without a detour by the file."""
        tap: Tap = deque()
        self._taps = (*self._taps, tap)
        return tap

    def untap(self, tap: Tap) -> None:
        """Stop filling a queue that ``tap`` gave."""
        self._taps = tuple(t for t in self._taps if t is not tap)

    def close(self) -> None:
        """Say that nothing follows, and close the files.

        Raises
        ------
        DiskFullError
            If the disk still refuses what waits; nothing is dropped, call again.
        StoreError
            If the files were deleted and cannot be written again.
        """
        self.restore()
        with self._lock:
            if self.closed:
                return
            if self._held:
                self._write_held()
            if self._held:
                raise DiskFullError(
                    f"The last {len(self._held)} writes of run {self.run_id} are still in memory: "
                    f"the disk of {self.folder} is full. Free some space and end the run again."
                )
            if self._fds[EVENTS] >= 0:
                try:
                    self._write(EVENTS, self._line("close", {}))
                except OSError as error:
                    raise translated(error, self.folder) from error
            self.closed = True
            self._numbers = {}
            self._close_files()

    def _after_fork(self) -> None:
        """Leave the parent's files, its lock and what it holds to the parent."""
        self._close_files()
        self._reset()


_journals: weakref.WeakSet[Journal] = weakref.WeakSet()


def _reset_after_fork() -> None:
    for journal in list(_journals):
        journal._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
