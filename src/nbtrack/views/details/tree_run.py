"""A run as a tree of runs shows it."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from nbtrack.entities.runs import ARCHIVED, KEPT, NOTE, PARENT, REPRODUCED, SOURCE_TYPE, WARNINGS
from nbtrack.store import now_ms
from nbtrack.views.details.tree_query import RunRow
from nbtrack.views.json_types import RunState
from nbtrack.views.verdict import verdict_of


class Spark(TypedDict):
    """A small curve of a metric; null where there is no number."""

    key: str
    values: list[float | None]


class TreeRun(TypedDict):
    """A run in a tree.

    ``kept`` says of an interrupted run that the user takes it as it is; ``ending`` how a run ended
    that nobody has ended, or that a running one shows no sign of life, in words. ``warnings``
    say why it may not give the same numbers when run again, such as ``hidden state, unseeded``;
    ``cause`` why it did not, such as ``data changed``, where that is known.
    """

    run_id: str
    name: str
    state: RunState
    stage: str
    start_ms: int
    duration_s: float | None
    last_step: int | None
    parent_id: str | None
    children: int
    spark: Spark | None
    archived: bool
    kept: bool
    note: str | None
    reproduced: NotRequired[str | None]
    cause: NotRequired[str | None]
    warnings: NotRequired[str | None]
    ending: str | None


def is_set(value: str | None) -> bool:
    """Return whether a tag that marks a run is set."""
    return value not in (None, "", "false")


def duration_s(status: str, start_ms: int, end_ms: int | None) -> float | None:
    """Return the seconds that a run took so far, if that is known."""
    until = now_ms() if end_ms is None and status == "RUNNING" else end_ms
    return None if until is None else max(0, until - start_ms) / 1000


def ending(
    status: str, step: int | None, source_type: str | None, silent_s: float | None = None
) -> str | None:
    """Say how a run ended that nobody has ended, or that a running one shows no sign of life."""
    if status == "RUNNING" and silent_s is not None:
        return f"no sign of life for {_long(silent_s)}"
    if status != "INTERRUPTED":
        return None
    died = "kernel died" if source_type == "NOTEBOOK" else "process died"
    return f"stopped at step {step:,}, {died}" if step is not None else died


def _long(seconds: float) -> str:
    for unit, size in (("day", 86_400), ("hour", 3600)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{int(seconds // 60)} minutes"


def tree_run(
    row: RunRow,
    step: int | None,
    children: int,
    spark: Spark | None,
    silent_s: float | None = None,
) -> TreeRun:
    """Return a run as the tree shows it."""
    verdict = verdict_of(row.marks)
    return {
        "run_id": row.run_id,
        "name": row.name,
        "state": row.status,
        "stage": row.stage,
        "start_ms": row.start_ms,
        "duration_s": duration_s(row.status, row.start_ms, row.end_ms),
        "last_step": step,
        "parent_id": row.marks.get(PARENT),
        "children": children,
        "spark": spark,
        "archived": is_set(row.marks.get(ARCHIVED)),
        "kept": is_set(row.marks.get(KEPT)),
        "note": row.marks.get(NOTE),
        "reproduced": row.marks.get(REPRODUCED),
        "cause": None if verdict is None or verdict["result"] != "different" else verdict["cause"],
        "warnings": row.marks.get(WARNINGS),
        "ending": ending(row.status, step, row.marks.get(SOURCE_TYPE), silent_s),
    }
