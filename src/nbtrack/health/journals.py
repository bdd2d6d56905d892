"""The journals of a store: what was logged and is not in the database yet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from nbtrack.health.finding import Finding, warning
from nbtrack.store import tails
from nbtrack.store.reader import Reader


def findings(folder: Path, reader: Reader | None) -> Iterator[Finding]:
    """Look at what the journals hold beyond what is folded.

    Parameters
    ----------
    folder : Path
    reader : Reader or None
        The database, where it can be read: it knows how far each journal is folded.
    """
    known = {} if reader is None else {n: (e, p) for n, e, p in reader.named("fold.offsets")}
    live, left, damaged = 0, {}, 0
    for name, size in tails.sizes(folder).items():
        done = known.get(name, (0, 0))
        if not tails.state(folder, name).is_done:
            live += 1
        elif rest := sum(size) - sum(done):
            left[name] = rest
        damaged += tails.read_tail(folder, name, *done).damaged
    if reader is None:
        yield Finding(
            "journals", f"There are {live + len(left)}; what of them is folded in is unknown."
        )
        return
    yield Finding("journals", f"{live} are being written, {len(left)} wait to be folded in.")
    if left:
        yield warning(
            "journals",
            f"{sum(left.values()) / 1e6:.3g} MB in {len(left)} journals are of processes that "
            "have ended, and are not in the database yet. Nothing is lost.",
            "nbtrack sync",
        )
    if damaged:
        yield warning(
            "journals",
            f"{damaged} lines or records make no sense: a disk was full, or the machine went "
            "down while they were written. They are left out; all others are kept.",
        )


def holder(lock: Path) -> str:
    """Return which process has a file locked, as far as the system says."""
    import psutil

    for pid in _locking(lock):
        try:
            process = psutil.Process(pid)
            return f"process {pid} ({' '.join(process.cmdline()[:4])[:120] or process.name()})"
        except psutil.Error:
            return f"process {pid}"
    return "another process"


def _locking(lock: Path) -> Iterator[int]:
    try:
        text = Path("/proc/locks").read_text("utf-8")
        found = lock.stat()
    except OSError:
        return
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for line in text.splitlines():
        words = line.split()
        if device in words and "->" not in words:
            yield int(words[words.index(device) - 1])
