"""The journals of a store: what was logged and is not in the database yet."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from nbtrack.health.finding import Finding, note, warning
from nbtrack.store import journal_reader
from nbtrack.store.fold import merged, said_of
from nbtrack.store.journal_files import DAMAGED
from nbtrack.store.owner import SILENT_AFTER_S
from nbtrack.store.reader import Reader

MANY = 100


def findings(folder: Path, reader: Reader | None) -> Iterator[Finding]:
    """Look at what the journals hold beyond what is folded.

    Parameters
    ----------
    folder : Path
    reader : Reader or None
        The database, where it can be read: it knows how far each journal is folded.
    """
    noted = [] if reader is None else reader.named("fold.offsets")
    known = {name: (events, points) for name, events, points, _ in noted}
    damaged = {name: json.loads(damage) for name, _, _, damage in noted if damage}
    live, silent, left, unread = 0, 0, {}, []
    for name, size in journal_reader.sizes(folder).items():
        done = known.get(name, (0, 0))
        state = journal_reader.state(folder, name)
        if not state.is_done:
            live += 1
            silent += state.idle_s > SILENT_AFTER_S
        elif rest := sum(size) - sum(done):
            left[name] = rest
        try:
            tail = journal_reader.read_tail(folder, name, *done)
            tail.blame(journal_reader.CUT_OFF, int(journal_reader.cut_off(folder, tail)))
        except OSError as error:
            unread.append(f"{name} ({error.strerror})")
            continue
        if tail.damage:
            damaged[name] = merged(damaged.get(name, {}), tail.damage)
    yield from _state(reader, live, silent, left)
    yield from _damage(folder, damaged, unread)


def _state(
    reader: Reader | None, live: int, silent: int, left: dict[str, int]
) -> Iterator[Finding]:
    if reader is None:
        yield Finding(
            "journals", f"There are {live + len(left)}; what of them is folded in is unknown."
        )
        return
    yield Finding("journals", f"{live} are being written, {len(left)} wait to be folded in.")
    if silent:
        yield note(
            "journals",
            f"{silent} show no sign of life for {SILENT_AFTER_S / 60:.0f} minutes: their processes "
            "are suspended, or were on a machine or in a container that is gone.",
            "What they hold is folded in. They stay until their process is certainly gone; of a "
            "run that you have kept, resumed or discarded they may be deleted.",
        )
    if left:
        yield warning(
            "journals",
            f"{sum(left.values()) / 1e6:.3g} MB in {len(left)} journals are of processes that "
            "have ended, and are not in the database yet. Nothing is lost.",
            "nbtrack sync",
        )


def _damage(
    folder: Path, damaged: dict[str, dict[str, int]], unread: list[str]
) -> Iterator[Finding]:
    count = sum(sum(each.values()) for each in damaged.values())
    if count:
        named = "; ".join(
            f"{name}: {said_of(each)}" for name, each in sorted(damaged.items())[:MANY]
        )
        yield warning(
            "journals",
            f"{count} lines or records make no sense: a disk was full, or the machine went "
            "down while they were written. They are left out; all others are kept. "
            f"The journals are {named}.",
            f"Nothing is deleted: when they are done, they are set aside in {folder / DAMAGED}.",
        )
    aside = sorted({file.stem for file in (folder / DAMAGED).glob("*")})
    if aside:
        yield note(
            "journals",
            f"{len(aside)} damaged journals are set aside in {folder / DAMAGED}: "
            f"{', '.join(aside[:MANY])}. What can be read of them is in the database.",
            "After an upgrade, move back into the folder above those that hold lines of a newer "
            "nbtrack; delete the others when you need them no more.",
        )
    strangers = [*journal_reader.strangers(folder), *unread]
    if strangers:
        yield warning(
            "journals",
            f"{len(strangers)} things in {folder} are no journals, or cannot be read: "
            f"{', '.join(strangers[:MANY])}. They are left alone.",
            "Move them away, or make them readable.",
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
