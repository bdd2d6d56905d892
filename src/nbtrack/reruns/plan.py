"""What is executed to run a run again: cells of a notebook, in the order in which they ran."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from nbtrack.entities import LifecycleStage, Run
from nbtrack.entities.runs import SOURCE_TYPE
from nbtrack.errors import InvalidStateError
from nbtrack.reruns.folder_copy import capsule_folder
from nbtrack.reruns.grid_values import GridValues, grid_of
from nbtrack.reruns.parts import check_parts, together
from nbtrack.reruns.planned_cells import (
    PlannedCell,
    cells_with,
    check_secrets,
    without_installs,
    words_of,
)
from nbtrack.reruns.run_matching import Place, place_of
from nbtrack.store import Reader, Store, get_experiment, get_run, with_parents
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.tracking.files_read import FILES_FILE
from nbtrack.views.code import (
    ENVIRONMENT_FILE,
    PARTS,
    NeededCell,
    RunSource,
    parts_of_run,
    read_json,
    source_of_run,
    track_line,
)

OUTPUT_FILE = ".nbtrack/output.txt"
RANDOM_FOLDER = ".nbtrack/random"
_START = re.compile(r"\bstart_run\s*\(")
Part = Literal["needed", "all"]


@dataclass(frozen=True)
class Plan:
    """How a run is run again.

    Attributes
    ----------
    run : Run
        The run.
    made_by : Run
        The run with the record: the same, or the one that it is nested in.
    experiment : str
        The name of its experiment.
    kind : {"cells"}
    needed : list of PlannedCell
        The cells that it needed, its own, and those after it until it ended.
    everything : list of PlannedCell
        All cells that were executed until it ended; empty where the record does not say.
    place : Place
        Where among the runs of its cell it stands.
    source : RunSource
    folder : Path or None
        The working directory then; None where it is not known.
    files : list of dict
        The files that were read and written, as part of the record.
    environment : dict
        Python, packages, machine.
    """

    run: Run
    made_by: Run
    experiment: str
    needed: list[PlannedCell]
    everything: list[PlannedCell]
    place: Place
    source: RunSource
    artifacts: ArtifactFolder
    folder: Path | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    environment: dict[str, Any] = field(default_factory=dict)
    kind: Literal["cells"] = "cells"

    def cells(self, part: Part) -> list[PlannedCell]:
        """Return the cells that are needed, or all of them."""
        return self.needed if part == "needed" else self.everything

    @property
    def packages(self) -> dict[str, str]:
        """The versions of the packages that were imported."""
        found = self.environment.get("packages")
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else {}


def make_plan(store: Store, run_id: str) -> Plan:
    """Return how a run is run again.

    Parameters
    ----------
    store : Store
    run_id : str

    Raises
    ------
    InvalidStateError
        If it goes on, is deleted, or its code was not kept.
    InvalidParameterError
        If its cell cannot be executed by itself.
    """
    with store.read() as reader:
        run = get_run(reader, run_id)
        check_state(run)
        made_by, folder, source = _with_source(reader, run)
        experiment = get_experiment(reader, run.info.experiment_id).name
        parts = parts_of_run(folder, source)
        place = place_of(reader, run, made_by, parts[0].number)
        captured = folder.exists(OUTPUT_FILE)
        grid = grid_of(reader, made_by, source)
    check_parts(made_by, parts)
    needed, everything = [], []
    for part in parts:
        own = _own_cell(made_by, part, experiment, captured=captured, grid=grid)
        rest = [own, *map(_continuing, part.continued)]
        earlier = sorted([*part.needed, *part.others], key=lambda cell: cell.number or 0)
        needed.append((part.kernel, [*map(_planned, part.needed), *rest]))
        everything.append((part.kernel, [*map(_planned, earlier), *rest]))
    environment = read_json(folder, ENVIRONMENT_FILE)
    files = [each for part in range(len(parts)) for each in _files(folder, part, len(parts))]
    several = len(parts) > 1
    few = together(needed) if several else needed[0][1]
    many: list[PlannedCell] = []
    if any(part.others for part in parts):
        many = together(everything) if several else everything[0][1]
    if grid is not None:
        few, many = cells_with(few, grid.values), cells_with(many, grid.values) if many else []
    plan = Plan(
        run=run,
        made_by=made_by,
        experiment=experiment,
        needed=few,
        everything=many,
        place=place,
        source=source,
        artifacts=folder,
        folder=capsule_folder(store.uri, run_id) or _folder(environment),
        files=files,
        environment=environment,
    )
    check_secrets(plan.needed)
    return plan


def check_state(run: Run) -> None:
    """Refuse a run that is deleted or goes on.

    Raises
    ------
    InvalidStateError
    """
    name = f"The run {run.info.run_name} ({run.info.run_id})"
    if run.info.lifecycle_stage == LifecycleStage.DELETED:
        raise InvalidStateError(f"{name} is deleted; nbtrack.restore_run(...) brings it back.")
    if run.info.status in ("RUNNING", "SCHEDULED"):
        raise InvalidStateError(f"{name} still runs; run it again when it has ended.")


def _with_source(reader: Reader, run: Run) -> tuple[Run, ArtifactFolder, RunSource]:
    """Return the run whose record has the code of a run: itself, or one that it is nested in."""
    for found in with_parents(reader, run):
        folder = reader.access.folder(found.info.artifact_uri)
        source = source_of_run(found, folder)
        if source.text is not None:
            return found, folder, source
    kind = run.data.tags.get(SOURCE_TYPE, "")
    hint = (
        "It was made by a script or a project: run that again."
        if kind in ("LOCAL", "PROJECT", "JOB")
        else "Its notebook had not loaded nbtrack (%load_ext nbtrack), or %track off was called."
    )
    raise InvalidStateError(
        f"The run {run.info.run_name} ({run.info.run_id}) has no cells to execute: none were kept "
        f"with it. {hint}"
    )


def _own_cell(
    run: Run, source: RunSource, experiment: str, *, captured: bool, grid: GridValues | None
) -> PlannedCell:
    text = source.text or ""
    line = source.line
    if grid is not None:
        line = f"{track_line(run, experiment)}{grid.options}"
    if line is None and source.version < 2 and (captured or not _START.search(text)):
        line = track_line(run, experiment)
    if line is not None:
        line = _line_to_execute(line)
    return PlannedCell(
        source=without_installs(text if line is None else f"{line}\n{text}"),
        number=source.number,
        may_fail=run.info.status == "FAILED",
        random_state=source.random_state,
        own=True,
    )


def _line_to_execute(line: str) -> str:
    """Return the line of ``%%track`` without the card."""
    quiet = any(word in ("-q", "--quiet") for word in words_of(line))
    return line.rstrip().rstrip(";") + ("" if quiet else " --quiet")


def _planned(cell: NeededCell) -> PlannedCell:
    return PlannedCell(without_installs(cell.source), cell.number, cell.failed, cell.random_state)


def _continuing(cell: NeededCell) -> PlannedCell:
    """Return a cell that went on with the run: where it is tracked, libraries may log by that."""
    found = _planned(cell)
    words = words_of(cell.line or "")
    if not words or any(word.startswith(("--resume", "--grid")) for word in words):
        return found
    return replace(found, source=f"{_line_to_execute(cell.line or '')}\n{found.source}")


def _files(folder: ArtifactFolder, part: int, parts: int) -> list[dict[str, Any]]:
    """Return what is recorded of the files of a part; the last one stands by itself."""
    place = FILES_FILE if part == parts - 1 else f"{PARTS}/{part}/files.json"
    files = read_json(folder, place).get("files")
    return [each for each in files if isinstance(each, dict)] if isinstance(files, list) else []


def _folder(environment: Mapping[str, Any]) -> Path | None:
    shown = environment.get("folder")
    if not isinstance(shown, str) or not shown:
        return None
    found = Path(os.path.expanduser(shown))
    return found if found.is_dir() else None
