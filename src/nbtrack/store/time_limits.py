"""Time limits of queries: a server that shows any store waits for none forever."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from nbtrack.errors import StoreError

if TYPE_CHECKING:
    import duckdb

BUSY_S = 4.0  # so long a question waits for another one about the same file
_AGAIN_S = 0.05

_until: ContextVar[float | None] = ContextVar("nbtrack_until", default=None)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt what this thread asks a database in the block once so many seconds are over."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def left() -> float | None:
    """Return how many seconds are left, not below 0; None without a limit."""
    until = _until.get()
    return None if until is None else max(0.0, until - time.monotonic())


def at_most(seconds: float) -> float:
    """Return how long may be waited for something that is worth so many seconds."""
    rest = left()
    return seconds if rest is None else min(seconds, rest)


def too_slow(path: Path) -> StoreError:
    """Return the error for a question that took too long."""
    return StoreError(
        f"{path} takes too long to answer, and the question was given up. nbtrack.sql(...) and "
        "`nbtrack runs list` in a process of your own wait as long as it takes.",
        "TEMPORARILY_UNAVAILABLE",
    )


@contextmanager
def turn(mutex: threading.RLock, path: Path) -> Iterator[None]:
    """Hold a lock; with a limit, wait only a moment for who holds it.

    Raises
    ------
    StoreError
        If the limit is over, or the other question takes long.
    """
    if not mutex.acquire(timeout=-1 if left() is None else at_most(BUSY_S)):
        raise too_slow(path)
    try:
        yield
    finally:
        mutex.release()


@contextmanager
def interrupting(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Interrupt the queries of a connection when the time is over."""
    rest = left()
    if rest is None:
        yield
        return
    done = threading.Event()

    def watch() -> None:
        if not done.wait(rest):
            connection.interrupt()
            while not done.wait(_AGAIN_S):  # the next query of the same question
                connection.interrupt()

    watcher = threading.Thread(target=watch, name="nbtrack-patience", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
