"""The first rows of a Parquet file, with a budget of bytes, memory and seconds.

They are read in a process of its own: a file may unfold to any size, and nothing in this process
could end that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

from nbtrack.errors import NbtrackError

MAX_READ = 64_000_000
MAX_ANSWER = 64_000_000
MEMORY = 1_000_000_000
SECONDS = 10
_CHILD = Path(__file__).with_name("parquet_child.py")


class CannotShowError(NbtrackError):
    """There is nothing to see of a file; it says why."""


def first_rows(file: BinaryIO, rows: int, columns: int, longest: int) -> dict[str, Any]:
    """Return ``columns``, ``rows`` and whether the file has more (``truncated``).

    Parameters
    ----------
    file : BinaryIO
        Open for reading; places in it can be sought.
    rows, columns, longest : int
        How many are wanted at most, and how long a text is.

    Raises
    ------
    CannotShowError
        If the file is broken, or needs more than a preview may.
    """
    size = file.seek(0, os.SEEK_END)
    orders = (size, rows, columns, longest, MEMORY, SECONDS)
    # -P: what lies in the working folder is not imported
    child = subprocess.Popen(
        [sys.executable, "-P", str(_CHILD), *map(str, orders)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"},
    )
    late = threading.Event()

    def end() -> None:
        late.set()
        child.kill()

    clock = threading.Timer(SECONDS, end)
    clock.start()
    try:
        with child:
            try:
                return _told(_answers(child, file), late)
            finally:
                child.kill()
    finally:
        clock.cancel()


def _answers(child: subprocess.Popen[bytes], file: BinaryIO) -> dict[str, Any]:
    """Give the child the parts of the file that it asks for, until it answers."""
    questions, answers = child.stdout, child.stdin
    if questions is None or answers is None:
        return {}
    left = MAX_READ
    while line := questions.readline(MAX_ANSWER):
        try:
            found: dict[str, Any] = json.loads(line)
        except ValueError:
            return {}
        if "read" not in found:
            return found
        place, size = found["read"]
        left -= size
        if left < 0:
            return {"bytes": True}
        file.seek(place)
        try:
            answers.write(file.read(size))
            answers.flush()
        except OSError:  # it has ended
            continue
    return {}


def _told(found: dict[str, Any], late: threading.Event) -> dict[str, Any]:
    if "rows" in found:
        return found
    if found.get("missing"):
        raise CannotShowError("To look at Parquet files, install pyarrow where nbtrack runs.")
    if "error" in found:
        raise CannotShowError(f"The Parquet file cannot be read: {found['error']}")
    what = (
        f"more than {SECONDS} s"
        if late.is_set()
        else f"more than {MAX_READ // 1_000_000} MB of it to be read"
        if found.get("bytes")
        else "more memory than a preview may have"
    )
    raise CannotShowError(f"The first rows of this file need {what}: download it to look at it.")
