"""Digests of the user's data, each computed once as long as the file stays as it is."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

MAX_KNOWN = 20_000
_CHUNK = 1 << 20
_known: dict[tuple[str, int, int], str] = {}
_guard = threading.Lock()


class TimeBudget:
    """How long files may be read, in all.

    Parameters
    ----------
    seconds : float
        From now on.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.perf_counter() + seconds

    @property
    def is_spent(self) -> bool:
        """Whether nothing more may be read."""
        return time.perf_counter() >= self._end


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as it is now, however long that takes.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def known_digest(path: Path, stat: os.stat_result) -> str | None:
    """Return the SHA-256 of a file that was computed before and still holds, else None."""
    return _known.get((str(path), stat.st_size, stat.st_mtime_ns))


def file_digest(path: Path, budget: TimeBudget) -> str | None:
    """Return the SHA-256 of a file, or None where the budget is spent before its end.

    A digest holds as long as size and time of the last change stay the same. A file that is written
    while it is read has none.

    Parameters
    ----------
    path : Path
    budget : TimeBudget

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    before = path.stat()
    if (found := known_digest(path, before)) is not None:
        return found
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            if len(chunk) == _CHUNK and budget.is_spent:
                return None
    after = path.stat()
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        return None
    with _guard:
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known[str(path), after.st_size, after.st_mtime_ns] = digest.hexdigest()
    return digest.hexdigest()


def listing_digest(files: list[tuple[str, int, int]]) -> str:
    """Return the SHA-256 of a folder's listing: names, sizes and times (ms) of its files."""
    text = "\n".join(f"{name}\0{size}\0{modified}" for name, size, modified in sorted(files))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
