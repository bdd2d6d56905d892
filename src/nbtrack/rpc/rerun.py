"""Requests about running a run again: what that would do, to start it, to stop it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from nbtrack import reruns
from nbtrack.errors import InvalidParameterError
from nbtrack.rpc.registry import Topic
from nbtrack.rpc.request import Done, Response
from nbtrack.store import Store, get_run
from nbtrack.views.code import source_of_run
from nbtrack.views.details.rerun_progress import (
    RerunProgress,
    check_ours,
    command_of,
    progress_of,
)

REQUESTS = Topic("rerun")


@dataclass(frozen=True)
class RerunParams:
    """Which run."""

    run_id: str


class RerunCell(TypedDict):
    """A cell that would run, or the command of a script or project."""

    source: str
    number: int | None


class RerunPlan(TypedDict):
    """What running a run again would do, and the command that does it.

    ``command`` is null where it cannot be done: a run that has kept no source.
    """

    command: str | None
    cells: list[RerunCell]
    running: RerunProgress | None


@REQUESTS.reads("plan")
def plan(store: Store, params: RerunParams) -> Response[RerunPlan]:
    """Return what running a run again would do."""
    with store.read() as reader:
        run = get_run(reader, params.run_id)
    folder = store.access.folder(run.info.artifact_uri)
    found = source_of_run(run, folder)
    program = command_of(run.data.tags, folder)
    cells: list[RerunCell] = [{"source": c.source, "number": c.number} for c in found.needed]
    if found.text is not None:
        cells.append({"source": found.text, "number": found.number})
        cells += [{"source": c.source, "number": c.number} for c in found.continued]
    elif program is not None:
        cells.append({"source": program, "number": None})
    body: RerunPlan = {
        "command": f"nbtrack rerun {run.info.run_id}" if cells else None,
        "cells": cells,
        "running": progress_of(run.data.tags),
    }
    return Response(body)


@REQUESTS.executes("start")
def start(store: Store, params: RerunParams) -> Response[Done]:
    """Run a run again, in a process of its own."""
    with store.read() as reader:
        run = get_run(reader, params.run_id)
    if reruns.running(run) is not None and (found := progress_of(run.data.tags)) is not None:
        raise InvalidParameterError(
            f"Run {run.info.run_name!r} is being run again already: "
            f"cell {found['cell']} of {found['cells']}."
        )
    reruns.start(store, run.info.run_id)
    return Response({})


@REQUESTS.executes("stop")
def stop(store: Store, params: RerunParams) -> Response[Done]:
    """End the process that runs a run again; it leaves no verdict."""
    with store.read() as reader:
        run = get_run(reader, params.run_id)
    check_ours(run.data.tags)
    reruns.stop(store, run.info.run_id)
    return Response({})
