"""Questions of one run: all there is to see of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbtrack.entities import Run
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.store.experiments import find
from nbtrack.store.runs import get_run
from nbtrack.store.store import Store
from nbtrack.views import previews
from nbtrack.views.code import (
    LOAD_LINE,
    loading_code,
    loads_nbtrack,
    resume_line,
    source_of_run,
    track_line,
)
from nbtrack.views.details import details as runs
from nbtrack.views.questions.question import Answer, Question

if TYPE_CHECKING:
    from nbtrack.views.questions import Answerer

MAX_FILES = 1000


def details(store: Store, question: Question) -> Answer:
    """Return all that is known of a run, but its artifacts."""
    return Answer(runs.details(store, question.text("run_id")))


def artifacts(store: Store, question: Question) -> Answer:
    """Return what lies in a folder of a run's artifacts; folders first."""
    folder = _folder(store, _run(store, question))
    found = sorted(
        folder.list(question.text("path", "") or None), key=lambda f: (not f.is_dir, f.path)
    )
    files = [{"path": f.path, "is_dir": f.is_dir, "size": f.file_size} for f in found[:MAX_FILES]]
    return Answer({"files": files, "truncated": len(found) > MAX_FILES})


def preview(store: Store, question: Question) -> Answer:
    """Return what there is to see of one artifact."""
    found = previews.preview(_folder(store, _run(store, question)), question.text("path"))
    return Answer(*found.as_answer())


def source(store: Store, question: Question) -> Answer:
    """Return the cell of a run and the earlier cells it needed, ready to be put into a notebook."""
    run = _run(store, question)
    with store.read() as reader:
        experiment = find(reader, run.info.experiment_id)
    found = source_of_run(run, _folder(store, run))
    cells = [{"source": c.source, "why": c.why, "number": c.number} for c in found.needed]
    track = resume = None
    if found.text is not None:
        if not any(loads_nbtrack(cell.source) for cell in found.needed):
            cells.insert(0, {"source": LOAD_LINE, "why": "for %%track", "number": None})
        line = track_line(run, run.info.experiment_id if experiment is None else experiment.name)
        track, resume = (f"{head}\n{found.text}" for head in (line, resume_line(run)))
        cells.append({"source": track, "why": "the run", "number": found.number})
    body = {
        "cells": cells,
        "resume": resume,
        "left_out": found.left_out,
        "missing": found.missing,
    }
    return Answer(body)


def loading(store: Store, question: Question) -> Answer:
    """Return Python that gets at what a run has logged."""
    return Answer({"code": loading_code(store, _run(store, question))})


def _run(store: Store, question: Question) -> Run:
    with store.read() as reader:
        return get_run(reader, question.text("run_id"))


def _folder(store: Store, run: Run) -> ArtifactFolder:
    return store.access.folder(run.info.artifact_uri)


QUESTIONS: Mapping[str, Answerer] = {
    "details": details,
    "artifacts": artifacts,
    "preview": preview,
    "source": source,
    "loading": loading,
}
