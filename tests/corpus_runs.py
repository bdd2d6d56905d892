"""Executes notebooks of the corpus in real kernels, and what their runs have kept of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus_notebooks import CorpusNotebook
from kernels import Kernel, bare_kernel
from nbtrack.entities.run_data import is_system_metric
from nbtrack.entities.runs import CELL_TAG
from nbtrack.reruns import Verdict
from nbtrack.reruns.rerunning import rerun
from nbtrack.store import Store, get_run, metric_history, open_store
from nbtrack.store.search import search_runs
from nbtrack.views.code import RunSource, source_of_run
from nbtrack.views.details.details import details

LOAD = "%load_ext nbtrack"
CLOSE = 1e-3
_CLOCK = re.compile(r"seconds|(^|_)(time|duration)$")
# numbers of cells are those that they had: Out[3] is what it was
_AS_NUMBER = "get_ipython().execution_count = {}"

Numbers = dict[str, list[float]]


@dataclass
class TrackedCell:
    """A cell that has made runs, and what was kept with the first of them.

    Attributes
    ----------
    number : int
        Its execution count.
    runs : list of dict
        All values of the metrics of each run, without those of a clock.
    source : RunSource
    warnings : list of str
        The badges that say that it may not come back.
    store : Path
        Of its runs.
    run_ids : list of str
    """

    number: int
    runs: list[Numbers]
    source: RunSource
    warnings: list[str]
    store: Path
    run_ids: list[str] = field(default_factory=list)

    @property
    def kept(self) -> list[int]:
        """The execution counts of the cells that it needed by its record, without its own."""
        return [cell.number for cell in self.source.needed if cell.number is not None]


@dataclass(frozen=True)
class Step:
    """A cell to execute, and the state of the generators before it."""

    number: int
    source: str
    random_state: Path | None = None
    may_fail: bool = False


class CellEndedOtherwiseError(Exception):
    """A cell failed that should not have, or did not fail."""


def execute(notebook: CorpusNotebook, folder: Path) -> Path:
    """Execute a notebook in a fresh kernel; return its working folder.

    Parameters
    ----------
    notebook : CorpusNotebook
    folder : Path
        An empty one; what belongs to the kernel goes beside the working folder.

    Raises
    ------
    CellEndedOtherwiseError
        If a cell fails that is not marked so, or does not fail that is.
    """
    work = folder / "work"
    work.mkdir(parents=True)
    (folder / "kernel").mkdir()
    path = work / f"{notebook.name}.ipynb"
    notebook.save(path)
    with bare_kernel(folder / "kernel", work, JPY_SESSION_NAME=str(path), **_threads()) as kernel:
        for number, cell in enumerate(notebook.executed, 1):
            _run(kernel, number, cell.source, notebook.name, cell.fails, cell.cell_id)
        notebook.save(path)  # as front ends do after a cell, so that it is newer than the runs
    return work


def repeat(steps: Sequence[Step], own: int, folder: Path) -> list[Numbers]:
    """Execute cells in a fresh kernel and an empty folder; return the numbers of the runs of one.

    Parameters
    ----------
    steps : list of Step
    own : int
        The execution count of the cell of the runs.
    folder : Path

    Raises
    ------
    CellEndedOtherwiseError
        If a cell fails that may not.
    """
    work = folder / "work"
    work.mkdir(parents=True)
    (folder / "kernel").mkdir()
    with bare_kernel(folder / "kernel", work, **_threads()) as kernel:
        silently(kernel, LOAD)
        for step in steps:
            if step.random_state is not None:
                silently(kernel, _restoring(step.random_state))
            silently(kernel, _AS_NUMBER.format(step.number))
            _run(kernel, step.number, step.source, "again", None if step.may_fail else False)
    found = [cell for cell in tracked_cells(work) if cell.number == own]
    return found[0].runs if found else []


def rerun_all(cell: TrackedCell, timeout: float | None = None) -> list[Verdict]:
    """Have the runs of a cell again by ``nbtrack.rerun``, with the files there that are there now.

    Parameters
    ----------
    cell : TrackedCell
    timeout : float, optional
        Seconds for each attempt.
    """
    with closing(open_store(str(cell.store))) as store:
        return [rerun(store, run_id, timeout=timeout) for run_id in cell.run_ids]


def remove_files(work: Path, but: Iterable[Path] = ()) -> None:
    """Remove the files of a notebook but for its runs, so that nothing is there that a cell wrote.

    Parameters
    ----------
    work : Path
    but : iterable of Path
        What stays.
    """
    stays = {path for file in work.rglob("nbtrack.duckdb*") for path in [file, *file.rglob("*")]}
    for path in work.rglob("*"):
        if path.is_file() and path not in stays and path not in but:
            path.unlink()


def tracked_cells(work: Path) -> list[TrackedCell]:
    """Return the cells of a session that have made runs, in the order of execution."""
    found: dict[int, TrackedCell] = {}
    for path in sorted(work.rglob("nbtrack.duckdb")):
        with closing(open_store(str(path))) as store:
            for run_id in _run_ids(store):
                cell = _tracked_cell(store, run_id, path)
                known = found.setdefault(cell.number, cell)
                if known is not cell:
                    known.runs += cell.runs
                    known.run_ids += cell.run_ids
    return [found[number] for number in sorted(found)]


def is_same(then: Sequence[Mapping[str, Sequence[float]]], now: Sequence[Numbers]) -> str:
    """Return ``exact``, ``close`` or ``different``: the worst of all values."""
    if [set(each) for each in then] != [set(each) for each in now]:
        return "different"
    worst = "exact"
    for before, after in zip(then, now, strict=True):
        for key, values in before.items():
            if len(values) != len(after[key]):
                return "different"
            extent = max(values) - min(values) or max(map(abs, values)) or 1.0
            for a, b in zip(values, after[key], strict=True):
                if a == b or (math.isnan(a) and math.isnan(b)):
                    continue
                if not abs(a - b) <= CLOSE * extent:
                    return "different"
                worst = "close"
    return worst


def states_of(cell: TrackedCell, work: Path) -> dict[int, Path]:
    """Return the files with the states of the generators, by the number of the cell."""
    record = cell.source
    digests = {
        each.number: each.random_state
        for each in [*record.needed, *record.others, *record.continued]
        if each.number is not None and each.random_state
    }
    if record.random_state and record.number:
        digests[record.number] = record.random_state
    files = {path.stem: path for path in work.rglob("*.json") if path.parent.name == "random"}
    return {number: files[digest] for number, digest in digests.items() if digest in files}


def silently(
    kernel: Kernel, code: str, expressions: Mapping[str, str] | None = None
) -> dict[str, str | None]:
    """Execute code that is no cell; return expressions as text, None for those that fail."""
    asked = kernel.client.execute(
        code, silent=True, store_history=False, user_expressions=dict(expressions or {})
    )
    while True:
        reply = kernel.client.get_shell_msg(timeout=60)
        if reply["parent_header"].get("msg_id") == asked:
            break
    if reply["content"]["status"] != "ok":
        raise CellEndedOtherwiseError(f"{code}: {reply['content'].get('evalue')}")
    found = reply["content"]["user_expressions"]
    return {name: each.get("data", {}).get("text/plain") for name, each in found.items()}


def _threads() -> dict[str, str]:
    """One thread, so that two notebooks at once do not fight for the cores."""
    return {"OMP_NUM_THREADS": "1"}


def _run(
    kernel: Kernel, number: int, source: str, name: str, fails: bool | None, cell_id: str = ""
) -> None:
    out = kernel.run(source, cell_id=cell_id or None)
    what = f"{out.error[0]}: {out.error[1]}" if out.error else ""
    what = what or (out.errors if "UsageError" in out.errors else "")  # that of a magic
    if fails is None or bool(what) == fails:
        return
    what = what or "no error"
    raise CellEndedOtherwiseError(f"{name}, cell {number}: {what}\n{source}")


def _restoring(path: Path) -> str:
    return (
        "__import__('nbtrack.tracking.random_state', fromlist=['RandomState']).RandomState"
        f".from_bytes(open({str(path)!r}, 'rb').read()).restore(get_ipython().user_ns)"
    )


def _run_ids(store: Store) -> list[str]:
    with store.read() as reader:
        runs: Iterable[Any] = search_runs(reader, ["0"], "", order_by=["attributes.start_time ASC"])
        return [run.info.run_id for run in runs]


def _tracked_cell(store: Store, run_id: str, path: Path) -> TrackedCell:
    with store.read() as reader:
        run = get_run(reader, run_id)
        source = source_of_run(run, reader.access.folder(run.info.artifact_uri))
        keys = [key for key in run.data.metrics if not is_system_metric(key)]
        numbers = {
            key: [point.value for point in metric_history(reader, run_id, key)]
            for key in keys
            if not _CLOCK.search(key)
        }
    found = details(store, run_id)
    warnings = [badge["text"] for badge in found["badges"] if badge["kind"] == "warning"]
    number = int(run.data.tags.get(CELL_TAG, "0"))
    return TrackedCell(number, [numbers], source, warnings, path, [run_id])
