"""Requests about one run: all there is to see of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from nbtrack.entities import Run
from nbtrack.entities.found import FoundKind, found_of
from nbtrack.entities.runs import STOP_TAG
from nbtrack.rpc.registry import Topic
from nbtrack.rpc.request import Done, Response
from nbtrack.store import Store, find_experiment, get_run
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views import previews
from nbtrack.views.code import (
    LOAD_LINE,
    loading_code,
    loads_nbtrack,
    ready_to_run,
    resume_line,
    source_of_run,
    track_line,
    with_random_state,
)
from nbtrack.views.details import details as runs
from nbtrack.views.details import reproduced as report
from nbtrack.views.images import RunImages, images_of_run
from nbtrack.views.json_types import FoundItem, found_items
from nbtrack.views.lineage.page import LineagePage, lineage_page
from nbtrack.views.lineage.query import LineageQuery

MAX_FILES = 1000

REQUESTS = Topic("run")


@dataclass(frozen=True)
class RunParams:
    """Which run."""

    run_id: str


@dataclass(frozen=True)
class FolderParams(RunParams):
    """A folder of its artifacts; the uppermost one is ``""``."""

    path: str = ""


@dataclass(frozen=True)
class FileParams(RunParams):
    """One of its artifacts."""

    path: str


@dataclass(frozen=True)
class LineageParams(RunParams):
    """A metric of it, or null for all of the run."""

    metric: str | None = None


@dataclass(frozen=True)
class FoundParams(RunParams):
    """Something that was found about it without a log call."""

    kind: FoundKind
    key: str


class FoundOfRun(TypedDict):
    """What was found about a run without a log call, and is not left out."""

    items: list[FoundItem]


class ArtifactFile(TypedDict):
    """A file, or a folder; the size is null where it is not known."""

    path: str
    is_dir: bool
    size: int | None


class Artifacts(TypedDict):
    """What lies in a folder; ``truncated`` where there is more."""

    files: list[ArtifactFile]
    truncated: bool


class SourceCell(TypedDict):
    """A cell of the notebook that a run came from."""

    source: str
    why: str
    number: int | None


class Source(TypedDict):
    """How to run a run again.

    ``cells`` are in the order of execution, the last one is the cell of the run; ``resume`` is that
    cell, so that it goes on with the run. ``left_out`` says how many cells, the earliest, were too
    long to keep, ``missing`` has the names that no earlier cell defines.
    """

    cells: list[SourceCell]
    resume: str | None
    left_out: int
    missing: list[str]


class Loading(TypedDict):
    """Python that gets at what a run has logged."""

    code: str


@REQUESTS.reads("details")
def details(store: Store, params: RunParams) -> Response[runs.FullRun]:
    """Return all that is known of a run, but its artifacts."""
    return Response(runs.details(store, params.run_id))


@REQUESTS.reads("artifacts")
def artifacts(store: Store, params: FolderParams) -> Response[Artifacts]:
    """Return what lies in a folder of a run's artifacts; folders first."""
    folder = _folder(store, _run(store, params))
    found = sorted(folder.list(params.path or None), key=lambda f: (not f.is_dir, f.path))
    files: list[ArtifactFile] = [
        {"path": f.path, "is_dir": f.is_dir, "size": f.file_size} for f in found[:MAX_FILES]
    ]
    return Response({"files": files, "truncated": len(found) > MAX_FILES})


@REQUESTS.reads("preview")
def preview(store: Store, params: FileParams) -> Response[previews.PreviewJson]:
    """Return what there is to see of one artifact."""
    found = previews.preview(_folder(store, _run(store, params)), params.path)
    return Response(*found.as_response())


@REQUESTS.reads("images")
def images(store: Store, params: RunParams) -> Response[RunImages]:
    """Return the images that a run has logged by key and step."""
    return Response(images_of_run(_folder(store, _run(store, params)), params.run_id))


@REQUESTS.reads("source")
def source(store: Store, params: RunParams) -> Response[Source]:
    """Return the cell of a run and the earlier cells it needed, ready to be put into a notebook."""
    run = _run(store, params)
    with store.read() as reader:
        experiment = find_experiment(reader, run.info.experiment_id)
    found = source_of_run(run, _folder(store, run))
    cells: list[SourceCell] = [
        {"source": ready_to_run(c, params.run_id), "why": c.why, "number": c.number}
        for c in found.needed
    ]
    track = resume = None
    if found.text is not None:
        if not any(loads_nbtrack(cell.source) for cell in found.needed):
            cells.insert(0, {"source": LOAD_LINE, "why": "for %%track", "number": None})
        line = track_line(run, run.info.experiment_id if experiment is None else experiment.name)
        text = found.text
        if found.random_state is not None:
            text = with_random_state(text, params.run_id, found.number)
        track, resume = (f"{head}\n{text}" for head in (line, resume_line(run)))
        cells.append({"source": track, "why": "the run", "number": found.number})
    body: Source = {
        "cells": cells,
        "resume": resume,
        "left_out": found.left_out,
        "missing": found.missing,
    }
    return Response(body)


@REQUESTS.reads("found")
def found(store: Store, params: RunParams) -> Response[FoundOfRun]:
    """Return what was found about a run without a log call, with its sources."""
    data = _run(store, params).data
    return Response({"items": found_items(found_of(data.tags), data.params)})


@REQUESTS.reads("reproduced")
def reproduced(store: Store, params: RunParams) -> Response[report.Reproduced]:
    """Return what came of running a run again, beside what it had logged itself."""
    run = _run(store, params)
    return Response(*report.reproduced(run, _folder(store, run)))


@REQUESTS.reads("lineage")
def lineage(store: Store, params: LineageParams) -> Response[LineagePage]:
    """Return where a run comes from, or one of its metrics, and what became of its files."""
    found = LineageQuery(store, store).of_run(params.run_id, params.metric)
    return Response(lineage_page(store, found))


@REQUESTS.writes("leave_out")
def leave_out(store: Store, params: FoundParams) -> Response[FoundOfRun]:
    """Remove something that was found; return what is left."""
    left = store.runs.leave_out(params.run_id, params.kind, params.key)
    return Response({"items": found_items(left, _run(store, params).data.params)})


@REQUESTS.writes("stop_after")
def stop_after(store: Store, params: RunParams) -> Response[Done]:
    """Let a grid start no more runs; it looks for that before each."""
    store.runs.set_tags([params.run_id], {STOP_TAG: "after this run"})
    return Response({})


@REQUESTS.reads("loading")
def loading(store: Store, params: RunParams) -> Response[Loading]:
    """Return Python that gets at what a run has logged."""
    return Response({"code": loading_code(store, _run(store, params))})


def _run(store: Store, params: RunParams) -> Run:
    with store.read() as reader:
        return get_run(reader, params.run_id)


def _folder(store: Store, run: Run) -> ArtifactFolder:
    return store.access.folder(run.info.artifact_uri)
