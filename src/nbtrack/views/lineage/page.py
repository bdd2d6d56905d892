"""A lineage as JSON: what pages draw of it."""

from __future__ import annotations

from typing import TypedDict

from nbtrack.entities import Run
from nbtrack.entities.runs import HOST
from nbtrack.errors import NbtrackError
from nbtrack.store import Store
from nbtrack.views.code import ENVIRONMENT_FILE, read_json
from nbtrack.views.data_state import FILES_FILE, FileState
from nbtrack.views.environment_difference import environment_difference
from nbtrack.views.lineage.drawing import rails_of
from nbtrack.views.lineage.graph import NodeKind
from nbtrack.views.lineage.tree import Lineage
from nbtrack.views.this_machine import is_same_installation

MAX_FILES = 200


class RailJson(TypedDict):
    """The lines beside a node; see `Rail`."""

    at: int
    above: list[int]
    below: list[int]
    joins: list[int]


class LineageNodeJson(TypedDict):
    """A node of a lineage; ``leads_to`` has the names of what came out of it."""

    kind: NodeKind
    name: str
    facts: str
    state: str | None
    run_id: str | None
    model_id: str | None
    version: int | None
    leads_to: list[str]
    rail: RailJson


class FileUse(TypedDict):
    """A file that the run has read or written, or a folder of which it has read many files."""

    path: str
    mode: str
    size: int
    count: int
    cells: list[int]
    state: FileState


class ChangeOfEnvironment(TypedDict):
    """One thing that is different; null where there is none."""

    name: str
    then: str | None
    now: str | None


class EnvironmentNow(TypedDict):
    """The environment of the run against that of whoever answers.

    ``is_here`` says whether that is the same Python on the same machine; else nothing is compared,
    and ``call`` is the line of Python that does it elsewhere.
    """

    is_here: bool
    call: str
    changes: list[ChangeOfEnvironment]


class LineagePage(TypedDict):
    """Where a run, a number or a model comes from.

    ``call`` is the line of Python that says it; ``run_id`` the run that all but nodes is about;
    ``folder`` is what paths of files are relative to,
    ``left_out`` how many files are not here.
    """

    call: str
    run_id: str | None
    nodes: list[LineageNodeJson]
    folder: str | None
    files: list[FileUse]
    left_out: int
    environment: EnvironmentNow | None


def lineage_page(store: Store, line: Lineage) -> LineagePage:
    """Return what a page shows of a lineage.

    Parameters
    ----------
    store : Store
        That of its run.
    line : Lineage
    """
    graph = line.graph
    names = {node.id: node.name for node in graph.nodes}
    leads: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        leads[edge.source].append(names[edge.target])
    nodes: list[LineageNodeJson] = [
        {
            "kind": node.kind,
            "name": node.name,
            "facts": node.facts,
            "state": node.state,
            "run_id": node.run_id,
            "model_id": node.model_id,
            "version": node.version,
            "leads_to": leads[node.id],
            "rail": {"at": r.at, "above": r.above, "below": r.below, "joins": r.joins},
        }
        for node, r in zip(graph.nodes, rails_of(graph), strict=True)
    ]
    folder, environment = (None, None) if line.run is None else _of_run(store, line.run)
    what = line.uri if line.model is not None or line.run is None else line.run.info.run_id
    metric = "" if line.metric is None else f", {line.metric!r}"
    return {
        "call": f"nbtrack.lineage({what!r}{metric})",
        "run_id": None if line.run is None else line.run.info.run_id,
        "nodes": nodes,
        "folder": folder,
        "files": [
            {
                "path": each.path,
                "mode": each.mode,
                "size": each.size,
                "count": each.count,
                "cells": each.cells,
                "state": each.state,
            }
            for each in line.files[:MAX_FILES]
        ],
        "left_out": max(0, len(line.files) - MAX_FILES),
        "environment": environment,
    }


def _of_run(store: Store, run: Run) -> tuple[str | None, EnvironmentNow | None]:
    """Return the working folder of a run, and its environment against this one."""
    try:
        artifacts = store.access.folder(run.info.artifact_uri)
    except NbtrackError:  # of another store, whose files this one does not read
        return None, None
    folder = read_json(artifacts, FILES_FILE).get("folder")
    kept = read_json(artifacts, ENVIRONMENT_FILE)
    now: EnvironmentNow | None = None
    if kept:
        is_here = is_same_installation(kept, run.data.tags.get(HOST))
        changes = environment_difference(kept).changes if is_here else []
        now = {
            "is_here": is_here,
            "call": f"nbtrack.environment_difference({run.info.run_id!r})",
            "changes": [{"name": c.name, "then": c.then, "now": c.now} for c in changes],
        }
    return folder if isinstance(folder, str) else None, now
