"""The journals of a store: what was logged and is not in the database yet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from nbtrack.health.finding import Finding, note, warning
from nbtrack.store import JournalReport, Reader, inspect_journals

MANY = 100


def findings(folder: Path, reader: Reader | None) -> Iterator[Finding]:
    """Look at what the journals hold beyond what is folded.

    Parameters
    ----------
    folder : Path
    reader : Reader or None
        The database, where it can be read: it knows how far each journal is folded.
    """
    report = inspect_journals(folder, reader)
    if reader is None:
        count = report.live + len(report.unfolded)
        yield Finding("journals", f"There are {count}; what of them is in the database is unknown.")
    else:
        yield from _state(report)
    yield from _damage(folder, report)


def _state(report: JournalReport) -> Iterator[Finding]:
    left = report.unfolded
    yield Finding(
        "journals",
        f"{report.live} are being written, {len(left)} wait to be moved into the database.",
    )
    if report.silent:
        yield note(
            "journals",
            f"{report.silent} show no sign of life for {report.silent_after_s / 60:.0f} minutes: "
            "their processes are suspended, or were on a machine or in a container that is gone.",
            "Their content is in the database. They stay until their process is certainly gone; of "
            "a run that you have kept, resumed or discarded they may be deleted.",
        )
    if left:
        yield warning(
            "journals",
            f"{sum(left.values()) / 1e6:.3g} MB in {len(left)} journals are of processes that "
            "have ended, and are not in the database yet. Nothing is lost.",
            "nbtrack sync",
        )


def _damage(folder: Path, report: JournalReport) -> Iterator[Finding]:
    aside_folder = report.aside_folder
    if report.damage_count:
        named = "; ".join(f"{name}: {text}" for name, text in list(report.damaged.items())[:MANY])
        yield warning(
            "journals",
            f"{report.damage_count} lines or records make no sense: a disk was full, or the "
            "machine went down while they were written. They are left out; all others are kept. "
            f"The journals are {named}.",
            f"Nothing is deleted: when they are done, they are set aside in {aside_folder}.",
        )
    if report.set_aside:
        yield note(
            "journals",
            f"{len(report.set_aside)} damaged journals are set aside in {aside_folder}: "
            f"{', '.join(report.set_aside[:MANY])}. What can be read of them is in the database.",
            "After an upgrade, move back into the folder above those that hold lines of a newer "
            "nbtrack; delete the others when you need them no more.",
        )
    if report.strangers:
        yield warning(
            "journals",
            f"{len(report.strangers)} things in {folder} are no journals, or cannot be read: "
            f"{', '.join(report.strangers[:MANY])}. They are left alone.",
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
