"""The lock beside the database: whoever holds it may attach the file."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from nbtrack.errors import StoreCorruptError, StoreLockedError
from nbtrack.store import time_limits
from nbtrack.store.journal_files import translated

_POLL_S = 0.003


@contextlib.contextmanager
def hold_lock(folder: Path, timeout_s: float) -> Iterator[bool]:
    """Hold the lock of a store.

    Parameters
    ----------
    folder : Path
        The folder beside the database.
    timeout_s : float
        How long to wait for other processes.

    Yields
    ------
    bool
        False when the folder cannot be written: then nobody can lock or write.

    Raises
    ------
    StoreLockedError
        If another process held the lock all the time.
    StoreCorruptError
        If something else is in the place of the lock; taking a lock empties the file.
    """
    timeout_s = time_limits.at_most(timeout_s)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check(folder / "lock")
        lock = FileLock(folder / "lock", timeout=timeout_s)
        lock.acquire(poll_interval=_POLL_S)  # FileLock itself takes it since 3.24 only
    except Timeout:
        raise StoreLockedError(
            f"Another process has worked on the store {folder} for more than {timeout_s:g} s. "
            "Logging goes on, and nothing is lost; try this again in a moment."
        ) from None
    except OSError as error:
        if os.access(folder, os.W_OK) or not folder.exists():
            raise translated(error, folder) from error
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _check(place: Path) -> None:
    """Refuse a link, which may lead to any file, and what is no file."""
    try:
        mode = place.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise StoreCorruptError(
            f"{place} is the lock of a store, and must be a plain file. Remove it and try again."
        )
