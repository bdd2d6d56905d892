"""The code of a run: its cell, and the earlier cells of the notebook that it needed."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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
PARTS = ".nbtrack/parts"
MAX_PARTS = 100
MAX_BYTES = 1_000_000
LOAD_LINE = "%load_ext nbtrack"
_AT_TOP = re.compile(r"\s*%%")
_LOADS = re.compile(r"^\s*%(re)?load_ext\s+nbtrack\b", re.MULTILINE)


@dataclass(frozen=True)
class NeededCell:
    """A cell of a run's notebook; see ``nbtrack.notebook.cell_dependencies``.

    Attributes
    ----------
    source : str
    why : str
        What it gave to the cell of the run; empty where it gave nothing.
    number : int or None
        Its execution count.
    cell_id : str or None
        The front end's id of the cell.
    edited : bool
        Whether it was run again with other code before the run.
    failed : bool
        Whether an error ended it.
    for_safety : bool
        Whether it is here because nobody can say that it changed nothing.
    random_state : str or None
        The digest of the state of the generators before it, if it drew from one.
    line : str or None
        Its line of ``%%track``.
    """

    source: str
    why: str = ""
    number: int | None = None
    cell_id: str | None = None
    edited: bool = False
    failed: bool = False
    for_safety: bool = False
    random_state: str | None = None
    line: str | None = None


@dataclass(frozen=True)
class SourceFinding:
    """What was found when the run was made: why it may not give the same numbers when run again.

    Attributes
    ----------
    kind : str
        A short name, such as ``"unseeded"``.
    level : {"warning", "info"}
    text : str
        In a sentence.
    """

    kind: str
    level: Literal["warning", "info"]
    text: str


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
    version : int
        That of the record; 0 where there is none. Records of version 1 know nothing of ``others``,
        ``continued``, ``random_state``, ``findings`` and ``process``.
    line : str or None
        The line of ``%%track``; None where code started the run.
    random_state : str or None
        The digest of the state of the generators before the cell, if it drew from one.
    needed : list of NeededCell
        In the order in which they ran.
    others : list of NeededCell
        Cells that ran before it and were not needed.
    continued : list of NeededCell
        Cells that ran after it, until the run ended.
    left_out : int
        How many of them, the earliest, were too long to keep.
    missing : list of str
        Names it used that no cell defines.
    again : list of str
        What an earlier run of the same cell had changed.
    findings : list of SourceFinding
    process : dict
        What of the process decides on numbers: hash seed, threads, flags of libraries.
    part : int
        How many earlier parts a run that was resumed has.
    kernel : str
        What tells the process from others; empty where that was not recorded.
    """

    text: str | None
    number: int | None = None
    cell_id: str | None = None
    version: int = 0
    line: str | None = None
    random_state: str | None = None
    needed: list[NeededCell] = field(default_factory=list)
    others: list[NeededCell] = field(default_factory=list)
    continued: list[NeededCell] = field(default_factory=list)
    left_out: int = 0
    missing: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    findings: list[SourceFinding] = field(default_factory=list)
    process: dict[str, Any] = field(default_factory=dict)
    part: int = 0
    kernel: str = ""


def line_of_cell(frames: Iterable[tuple[str, int]]) -> int | None:
    """Return the line of a cell that an error came from, also where it calls other cells' code.

    Parameters
    ----------
    frames : iterable of (str, int)
        File names and lines of a traceback, the cell's own first.
    """
    in_cells = [frame for frame in frames if "ipykernel_" in frame[0] or "<ipython-" in frame[0]]
    return next((line for file, line in reversed(in_cells) if file == in_cells[0][0]), None)


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
    """Return the code of a run, as it was kept with it; of one that was resumed the last part."""
    number = run.data.tags.get(CELL_TAG, "")
    return _source(
        read_json(folder, CELLS_FILE),
        read_text(folder, CELL_FILE),
        int(number) if number.isdigit() else None,
        run.data.tags.get("nbtrack.cell.id"),
    )


def parts_of_run(folder: ArtifactFolder, last: RunSource) -> list[RunSource]:
    """Return the code of all parts of a run that was resumed, as far as it was kept.

    Parameters
    ----------
    folder : ArtifactFolder
    last : RunSource
        The last part.
    """
    found = []
    for part in range(min(last.part, MAX_PARTS)):
        record = read_json(folder, f"{PARTS}/{part}/cells.json")
        text = read_text(folder, f"{PARTS}/{part}/cell.py")
        number = record.get("number")
        found.append(_source(record, text, number if type(number) is int else None, None))
    return [*found, last]


def _source(
    record: dict[str, Any], text: str | None, number: int | None, cell_id: str | None
) -> RunSource:
    process = record.get("process")
    return RunSource(
        text=text,
        number=number,
        cell_id=cell_id,
        version=_count(record.get("version")),
        line=_text(record.get("line")),
        random_state=_text(record.get("random_state")),
        needed=_cells(record.get("needed")),
        others=_cells(record.get("others")),
        continued=_cells(record.get("continued")),
        left_out=_count(record.get("left_out")),
        missing=_texts(record.get("missing")),
        again=_texts(record.get("again")),
        findings=_findings(record.get("findings")),
        process=process if isinstance(process, dict) else {},
        part=_count(record.get("part")),
        kernel=_text(record.get("kernel")) or "",
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


def with_random_state(source: str, run_id: str, number: int | None) -> str:
    """Return a cell that sets the generators, below its magics, to the states before it.

    Parameters
    ----------
    source : str
        The cell. One that restores a state already stays as it is.
    run_id : str
    number : int or None
        The execution count of the cell; None for the one of the run.
    """
    if "restore_random_state(" in source:
        return source
    lines = source.split("\n")
    first = 0
    while first < len(lines) and _AT_TOP.match(lines[first]):
        first += 1
    futures = [place for place, line in enumerate(lines) if line.startswith("from __future__")]
    first = max([first, *(place + 1 for place in futures)])
    which = "" if number is None else f", cell={number}"
    call = f'nbtrack.restore_random_state("{run_id}"{which})'
    return "\n".join([*lines[:first], "import nbtrack", call, *lines[first:]])


def ready_to_run(cell: NeededCell, run_id: str) -> str:
    """Return the source of a needed cell, with its generators set if it drew from them."""
    if cell.random_state is None:
        return cell.source
    return with_random_state(cell.source, run_id, cell.number)


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
        f"# cell {cell.number or '?'}: {cell.why}\n{ready_to_run(cell, run_id).strip()}"
        for cell in source.needed
    ]
    if source.text is not None:
        text = source.text
        if source.random_state is not None:
            text = with_random_state(text, run_id, source.number)
        parts.append(f"# cell {source.number or '?'}: the run {run.info.run_name}\n{text}")
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


def _cells(found: Any) -> list[NeededCell]:
    return [
        NeededCell(
            source=str(each.get("source", "")),
            why=str(each.get("why", "")),
            number=_count(each.get("number")) or None,
            cell_id=_text(each.get("cell_id")),
            edited=each.get("edited") is True,
            failed=each.get("failed") is True,
            for_safety=each.get("for_safety") is True,
            random_state=_text(each.get("random_state")),
            line=_text(each.get("line")),
        )
        for each in (found if isinstance(found, list) else ())
        if isinstance(each, Mapping)
    ]


def _findings(found: Any) -> list[SourceFinding]:
    return [
        SourceFinding(
            kind=str(each.get("kind", "")),
            level="warning" if each.get("level") == "warning" else "info",
            text=str(each.get("text", "")),
        )
        for each in (found if isinstance(found, list) else ())
        if isinstance(each, Mapping)
    ]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0
