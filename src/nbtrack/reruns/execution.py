"""Cells, executed once in a fresh kernel, in a copy of their folder, with a store of their own."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from nbtrack.entities import Run
from nbtrack.errors import NbtrackError
from nbtrack.projects.environments import Environment
from nbtrack.reruns.comparison import Facts, facts_of
from nbtrack.reruns.folder_copy import FolderCopy
from nbtrack.reruns.kernel import CellError, Kernel, store_of, variables_of_kernel
from nbtrack.reruns.parts import with_run_id
from nbtrack.reruns.plan import RANDOM_FOLDER, Part, Plan
from nbtrack.reruns.planned_cells import PlannedCell
from nbtrack.reruns.progress import Attempt, Progress
from nbtrack.reruns.run_matching import runs_made
from nbtrack.store import Store, open_file

_IDS = re.compile(r"\bexperiment_id\b")
MOST_EXPERIMENTS = 200


@dataclass(frozen=True)
class Failure:
    """The cell that has ended a rerun, and its error."""

    cell: PlannedCell
    error: CellError

    def __str__(self) -> str:
        where = "" if self.error.line is None else f" in line {self.error.line}"
        return f"{self.cell.title} fails{where}: {self.error}"


@dataclass(frozen=True)
class Settings:
    """How cells are executed.

    Attributes
    ----------
    python : str
        The interpreter of the kernel.
    timeout : float or None
        Seconds for all cells of one attempt.
    variables : dict of str to str
        What the environment of the kernel has besides.
    recorded : Environment, optional
        The recorded environment, in the place of this one: the interpreter is its own.
    """

    python: str = sys.executable
    timeout: float | None = None
    variables: dict[str, str] = field(default_factory=dict)
    recorded: Environment | None = None

    @property
    def all_variables(self) -> dict[str, str]:
        """Those of the recorded environment, too."""
        return {**(self.recorded.variables if self.recorded else {}), **self.variables}


@dataclass(frozen=True)
class Execution:
    """What came of executing cells once.

    Attributes
    ----------
    facts : Facts or None
        Of the run that was made; its artifacts lie in the temporary folder.
    failure : Failure or None
    copy : FolderCopy
    seconds : float
    """

    facts: Facts | None
    failure: Failure | None
    copy: FolderCopy
    seconds: float


@contextlib.contextmanager
def executed(
    plan: Plan,
    part: Part,
    settings: Settings,
    progress: Progress,
    attempt: Attempt,
    experiments: dict[str, str],
    *,
    fresh: bool = False,
) -> Iterator[Execution]:
    """Execute cells, and give what came of it; the temporary folder goes at the end of the block.

    Parameters
    ----------
    plan : Plan
    part : {"needed", "all"}
    settings : Settings
    progress : Progress
    attempt : str
        What the progress says.
    experiments : dict of str to str
        The names of the experiments by id, for cells that name them by id.
    fresh : bool, optional
        Whether the files that the cells have written are not there yet.
    """
    cells = plan.cells(part)
    copy = FolderCopy(plan.folder, [cell.source for cell in cells], plan.files, fresh=fresh)
    try:
        store = open_file(store_of(copy.root))
        try:
            if any(_IDS.search(cell.source) for cell in cells):
                _make_experiments(store, experiments)

            def found() -> Run | None:
                with store.read() as reader:
                    return plan.place.find(runs_made(reader, plan.run.info.run_id))

            begin = time.monotonic()
            failure = execute_cells(
                plan, cells, copy, settings, progress, attempt, lambda: _id(found())
            )
            seconds = time.monotonic() - begin
            made = found()
            with store.read() as reader:
                facts = None if made is None else facts_of(reader, made)
            yield Execution(facts, failure, copy, seconds)
        finally:
            store.close()
    finally:
        copy.remove()


def execute_cells(
    plan: Plan,
    cells: list[PlannedCell],
    copy: FolderCopy,
    settings: Settings,
    progress: Progress,
    attempt: Attempt,
    made: Callable[[], str | None],
    uri: str | None = None,
    tags: dict[str, str] | None = None,
) -> Failure | None:
    """Execute cells in a kernel; return the failure that ended it, if one did.

    Parameters
    ----------
    plan : Plan
    cells : list of PlannedCell
    copy : FolderCopy
    settings : Settings
    progress : Progress
    attempt : str
    made : callable
        Returns the id of the run that was made, once it is there: a later part goes on with it.
    uri : str, optional
        The store of the runs that are made by the run's own cell and those after it.
    tags : dict of str to str, optional
        Tags of these runs.
    """
    progress.attempt(attempt, len(cells))
    process = plan.source.process
    variables = variables_of_kernel(copy.root, plan.experiment, process) | settings.all_variables
    states = _states(plan, cells, copy.root)
    until = None if settings.timeout is None else time.monotonic() + settings.timeout
    old, new = plan.run.info.run_id, None
    places = iter(range(1, len(cells) + 1))
    for _, together in groupby(cells, key=lambda cell: cell.session):
        is_marked = False
        with Kernel(settings.python, copy.folder, copy.root / "k", variables) as kernel:
            kernel.call("begin", copy.protected if uri is None else [])
            for cell in together:
                progress.cell(next(places), cell)
                if cell.own:
                    new = new or made()
                if cell.own and not is_marked:
                    kernel.call("mark", old, uri, tags or {})
                    is_marked = True
                kernel.call("before", cell.number, states.get(cell.random_state or ""))
                error = kernel.execute(with_run_id(cell.source, old, new), until)
                ended = error is not None and error.name in ("DeadKernel", "Timeout")
                if error is not None and (ended or not cell.may_fail):
                    if not ended:
                        kernel.call("finish")
                    return Failure(cell, error)
            kernel.call("finish")
    return None


def _states(plan: Plan, cells: list[PlannedCell], root: Path) -> dict[str, str]:
    """Put the states of the generators where the kernel finds them."""
    found = {}
    for digest in {cell.random_state for cell in cells if cell.random_state}:
        path = f"{RANDOM_FOLDER}/{digest}.json"
        if not re.fullmatch(r"[0-9a-f]{16,128}", digest) or not plan.artifacts.exists(path):
            continue
        data = plan.artifacts.read_bytes(path)
        if hashlib.sha256(data).hexdigest() != digest:
            continue  # somebody has changed it
        file = root / "random" / f"{digest}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
        found[digest] = str(file)
    return found


def _make_experiments(store: Store, names: dict[str, str]) -> None:
    """Make the experiments of the user's store, so that their ids are those that cells name."""
    numbers = [int(each) for each in names if each.isdigit() and 0 < int(each) <= MOST_EXPERIMENTS]
    for number in range(1, max(numbers, default=0) + 1):
        with contextlib.suppress(NbtrackError):
            store.experiments.create(names.get(str(number), f"experiment {number}"))


def _id(run: Run | None) -> str | None:
    return None if run is None else run.info.run_id


def made_runs(store: Store, run_id: str, since: int) -> list[Run]:
    """Return the variations of a run that were made since a time in milliseconds."""
    with store.read() as reader:
        found = runs_made(reader, run_id)
    return [run for run in found if run.info.start_time >= since]


def one_thread() -> dict[str, str]:
    """Return the variables by which libraries compute with one thread."""
    names = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM", "BLIS", "RAYON")
    return {f"{name}_NUM_THREADS": "1" for name in names} | {"PYTHONHASHSEED": "0"}


def fixed_order() -> dict[str, str]:
    """Return the variables by which the order of sets of texts is always the same."""
    return {"PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED") or "0"}
