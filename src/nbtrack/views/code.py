"""The code of a run: its cell, and the earlier cells of the notebook that it needed."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbtrack.entities import Run
from nbtrack.entities.runs import CELL_TAG
from nbtrack.errors import NbtrackError
from nbtrack.store import Reader, Store, get_run
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views.metric_names import primary_metric

CELL_FILE = ".nbtrack/cell.py"
CELLS_FILE = ".nbtrack/cells.json"
ENVIRONMENT_FILE = ".nbtrack/environment.json"
_ONCE = {  # where earlier versions have kept them
    CELL_FILE: "source/cell.py",
    CELLS_FILE: "source/cells.json",
    ENVIRONMENT_FILE: "environment.json",
}
MAX_BYTES = 1_000_000
LOAD_LINE = "%load_ext nbtrack"
_LOADS = re.compile(r"^\s*%(re)?load_ext\s+nbtrack\b", re.MULTILINE)


@dataclass(frozen=True)
class NeededCell:
    """An earlier cell that the run's cell needed; see ``nbtrack.notebook.cell_dependencies``."""

    source: str
    why: str
    number: int | None = None
    cell_id: str | None = None
    edited: bool = False


@dataclass(frozen=True)
class RunSource:
    """The code of a run.

    Attributes
    ----------
    text : str or None
        Its cell, without the line of ``%%track``; None where it was no tracked cell.
    number : int or None
        The execution count.
    cell_id : str or None
        The front end's id of the cell.
    needed : list of NeededCell
        In the order in which they ran.
    left_out : int
        How many of them, the earliest, were too long to keep.
    missing : list of str
        Names it used that no cell defines.
    again : list of str
        What an earlier run of the same cell had changed.
    """

    text: str | None
    number: int | None = None
    cell_id: str | None = None
    needed: list[NeededCell] = field(default_factory=list)
    left_out: int = 0
    missing: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)


def read_text(folder: ArtifactFolder, path: str, limit: int = MAX_BYTES) -> str | None:
    """Return the beginning of a text artifact, or None where there is none that can be read."""
    try:
        if not folder.exists(path):
            return read_text(folder, _ONCE[path], limit) if path in _ONCE else None
        with folder.open(path) as file:
            return file.read(limit).decode("utf-8", "replace")
    except (NbtrackError, OSError):
        return None


def read_json(folder: ArtifactFolder, path: str) -> dict[str, Any]:
    """Return a JSON object of the artifacts; empty where there is none."""
    try:
        found = json.loads(read_text(folder, path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def source_of_run(run: Run, folder: ArtifactFolder) -> RunSource:
    """Return the code of a run, as it was kept with it."""
    record = read_json(folder, CELLS_FILE)
    needed = record.get("needed")
    number = run.data.tags.get(CELL_TAG, "")
    return RunSource(
        text=read_text(folder, CELL_FILE),
        number=int(number) if number.isdigit() else None,
        cell_id=run.data.tags.get("nbtrack.cell.id"),
        needed=[_needed(each) for each in needed or () if isinstance(each, Mapping)]
        if isinstance(needed, list)
        else [],
        left_out=_count(record.get("left_out")),
        missing=_texts(record.get("missing")),
        again=_texts(record.get("again")),
    )


def loads_nbtrack(source: str) -> bool:
    """Return whether a cell brings ``%%track`` into a kernel."""
    return _LOADS.search(source) is not None


def track_line(run: Run, experiment: str) -> str:
    """Return the line of ``%%track`` that makes such a run again."""
    parts = ["%%track", shlex.quote(run.info.run_name)]
    if run.info.experiment_id != "0":
        parts += ["-e", shlex.quote(experiment)]
    return " ".join(parts)


def resume_line(run: Run) -> str:
    """Return the line of ``%%track`` that goes on with a run."""
    return f"%%track --resume {run.info.run_id}"


def source_text(reader: Reader, run_id: str) -> str:
    """Return the code of a run and of what it needed, one cell after the other.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    run = get_run(reader, run_id)
    source = source_of_run(run, reader.access.folder(run.info.artifact_uri))
    parts = [
        f"# cell {cell.number or '?'}: {cell.why}\n{cell.source.strip()}" for cell in source.needed
    ]
    if source.text is not None:
        parts.append(f"# cell {source.number or '?'}: the run {run.info.run_name}\n{source.text}")
    return "\n\n".join(parts)


def loading_code(store: Store, run: Run) -> str:
    """Return Python that gets at what a run has logged."""
    info = run.info
    lines = [
        "import nbtrack",
        "",
        f"nbtrack.set_tracking_uri({store.uri!r})",
        f"run = nbtrack.get_run({info.run_id!r})  # {' '.join(info.run_name.split())}",
        "run.data.params, run.data.metrics",
    ]
    if run.data.metrics:
        key = primary_metric(list(run.data.metrics))
        lines.append(f"history = nbtrack.Client().get_metric_history(run.info.run_id, {key!r})")
    lines.append("folder = nbtrack.artifacts.download_artifacts(run_id=run.info.run_id)")
    return "\n".join(lines)


def _needed(each: Mapping[str, Any]) -> NeededCell:
    number, cell_id = each.get("number"), each.get("cell_id")
    return NeededCell(
        source=str(each.get("source", "")),
        why=str(each.get("why", "")),
        number=number if isinstance(number, int) else None,
        cell_id=cell_id if isinstance(cell_id, str) else None,
        edited=each.get("edited") is True,
    )


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
