"""Detects writers that have died, and marks their runs and models as interrupted.

Nobody is declared dead for being silent: see `nbtrack.store.owner`.
"""

from __future__ import annotations

from pathlib import Path

from nbtrack.store import journal_reader
from nbtrack.store.journal import now_ms
from nbtrack.store.journal_reader import Tail
from nbtrack.store.owner import SILENT_AFTER_S, Owner
from nbtrack.store.reader import Reader

OWNER_GONE = "The process that wrote the model is gone: its files are not complete."


def interrupt(reader: Reader, folder: Path) -> None:
    """Mark runs and models whose owner is gone, so that none stays RUNNING or PENDING."""
    dead = dead_runs(reader)
    if dead:
        reader.named("fold.interrupt", runs=dead)
        reader.named("fold_models.fail", models=dead, message=OWNER_GONE, time=now_ms())
        _keep_suggested(reader, folder, dead)


def revive(reader: Reader, folder: Path, found: list[Tail]) -> None:
    """Let runs that were taken for dead be RUNNING again when their owner speaks."""
    spoken = {tail.run_id for tail in found if tail.events or len(tail.records)}
    rows = reader.named("fold.interrupted", runs=sorted(spoken)) if spoken else []
    owners = {run_id: owner_of(*owner) for run_id, *owner in rows}
    alive = set()
    for tail in found:
        owner = owners.get(tail.run_id)
        if owner is not None:
            state = journal_reader.state(folder, tail.journal)
            if state.owner == owner and not state.is_done:
                alive.add(tail.run_id)
    if alive:
        reader.named("fold.revive", runs=sorted(alive))


def owner_of(host: str | None, pid: int | None, started: int | None, place: str | None) -> Owner:
    """Return the owner that a row names."""
    return Owner(host or "", pid or 0, started or 0, place or "")


def _keep_suggested(reader: Reader, folder: Path, runs: list[str]) -> None:
    """Give runs that came to no end the params that they would have logged there."""
    found = {
        (run_id, str(key)): str(value)
        for run_id in runs
        for event in journal_reader.events_of(folder, run_id, "suggest")
        for key, value in event.get("params", {}).items()
    }
    if found:
        reader.named(
            "fold.add_params",
            runs=[run_id for run_id, _ in found],
            keys=[key for _, key in found],
            values=list(found.values()),
        )


def dead_runs(reader: Reader) -> list[str]:
    """Return the running runs, and models that are being written, whose owner is certainly gone."""
    dead = []
    gone: dict[Owner, bool] = {}  # one process may have thousands
    for run_id, host, pid, started, place in reader.named("fold.running"):
        if host is None:
            continue
        owner = owner_of(host, pid, started, place)
        if not owner.place:  # an older version's: it counts how long it has been silent
            gone[owner] = owner.is_gone(reader.idle_seconds(run_id))
        elif owner not in gone:
            gone[owner] = owner.is_gone()
        if gone[owner]:
            dead.append(run_id)
    return dead


def silent_runs(reader: Reader) -> dict[str, float]:
    """Return the running runs without a sign of life, and for how many seconds.

    Their owner is not certainly gone: it may be suspended, or on a machine that is not reached.
    """
    found = {}
    for run_id, host, pid, started, place in reader.named("fold.running"):
        if host is None or owner_of(host, pid, started, place).is_alive():
            continue
        seconds = reader.idle_seconds(run_id)
        if seconds > SILENT_AFTER_S:
            found[run_id] = seconds
    return found


def run_has_living_owner(reader: Reader, run_id: str) -> bool:
    """Return whether a process has a run open that is not certainly gone."""
    reader.refresh(runs=[run_id])
    host, *known = reader.named("experiments.run_owner", run_id=run_id)[0]
    return bool(host) and not owner_of(host, *known).is_gone()


def run_has_other_owner(reader: Reader, run_id: str) -> bool:
    """Return whether another process has a running run open: not when it shows no sign of life."""
    host, *known = reader.named("experiments.run_owner", run_id=run_id)[0]
    owner = owner_of(host, *known)
    if host is None or owner == Owner.this():
        return False
    return owner.is_alive() or reader.idle_seconds(run_id) <= SILENT_AFTER_S
