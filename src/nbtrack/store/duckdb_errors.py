"""Translates errors of DuckDB into errors of nbtrack; nothing else does."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb

from nbtrack.errors import (
    DiskFullError,
    InvalidParameterError,
    NbtrackError,
    StoreCorruptError,
    StoreError,
    StoreLockedError,
    StoreReadOnlyError,
)
from nbtrack.store import time_limits


@contextlib.contextmanager
def translated(path: Path, *, attaching: bool = False) -> Iterator[None]:
    """Turn DuckDB's errors into nbtrack's."""
    try:
        yield
    except duckdb.Error as error:
        raise _meaning(error, path, attaching=attaching) from error


def is_same_process(error: duckdb.Error) -> bool:
    """Return whether another connection of this process holds the file."""
    text = str(error)
    return bool(re.search(r"file handle conflict|already attached|different config", text, re.I))


def is_other_process(error: duckdb.Error) -> bool:
    """Return whether another process holds the file."""
    return bool(re.search("lock on file", str(error)))


def is_ending(error: Exception) -> bool:
    """Return whether DuckDB has stopped what other threads than the main one do."""
    if "interpreter is shutting down" in str(error):
        return True
    elsewhere = threading.current_thread() is not threading.main_thread()
    return isinstance(error, duckdb.InterruptException) and elsewhere


def _meaning(error: duckdb.Error, path: Path, *, attaching: bool) -> NbtrackError:
    text = str(error)
    if isinstance(error, duckdb.InterruptException) and time_limits.left() == 0:
        return time_limits.too_slow(path)
    if is_ending(error):
        return StoreLockedError(
            f"This process is ending, and does not open {path} any more but in its main thread. "
            "What was logged is in the journals, and is moved into the database later."
        )
    if is_other_process(error):
        return StoreLockedError(
            f"{path} is held open by {_holder(text)}. Logging goes on, nothing is lost; "
            "for this operation, close the file there and try again."
        )
    if attaching and is_same_process(error):
        return StoreLockedError(
            f"{path} is held open by a DuckDB connection of this Python process. Logging goes on, "
            "nothing is lost; for this operation, close that connection (con.close()) and "
            "try again."
        )
    if re.search(r"no space left|disk.*full|not enough space", text, re.I):
        return DiskFullError(
            f"The disk of {path} is full. What was logged is still in the journals; free some "
            "space and it comes into the database."
        )
    if re.search(r"permission denied|read-only file ?system|in read-only mode", text, re.I):
        return StoreReadOnlyError(
            f"nbtrack cannot write {path}. Make it writable, or choose another place with "
            "nbtrack.set_tracking_uri(...) or NBTRACK_URI."
        )
    damaged = re.search(r"checksum|corrupt|not a valid DuckDB|read enough bytes", text, re.I)
    if damaged or (
        attaching and isinstance(error, duckdb.IOException | duckdb.SerializationException)
    ):
        return StoreCorruptError(
            f"{path} cannot be read: {_first_line(text)} It is damaged or is no DuckDB file. "
            "nbtrack leaves it as it is; move it away (or put a backup in its place) and go on: "
            "what was not in it yet is still in the journals beside it."
        )
    if isinstance(error, duckdb.ProgrammingError):
        return InvalidParameterError(text)
    return StoreError(f"The store {path} answered: {text}")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].strip()


def _holder(text: str) -> str:
    match = re.search(r"PID (\d+)", text)
    if not match or match.group(1) == "0":
        return "another process"
    import psutil

    pid = int(match.group(1))
    try:
        process = psutil.Process(pid)
        command = " ".join(process.cmdline()[:3]) or process.name()
        return f"process {pid} ({command[:120]})"
    except psutil.Error:
        return f"process {pid}"
