"""Having a run again: what the functions, the command and the buttons call."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nbtrack.entities import Run
from nbtrack.entities.runs import RERUN, SOURCE_TYPE
from nbtrack.errors import InvalidParameterError, InvalidStateError
from nbtrack.projects.environments import Environment
from nbtrack.reruns.environment import open_recorded, python_version
from nbtrack.reruns.execution import Settings
from nbtrack.reruns.grid_rerun import grid_verdict, is_grid_of_cells
from nbtrack.reruns.plan import Part, Plan, make_plan
from nbtrack.reruns.program import Program, is_program
from nbtrack.reruns.program_variation import vary_program
from nbtrack.reruns.program_verdict import program_verdict
from nbtrack.reruns.progress import Progress
from nbtrack.reruns.project import program_of, project_of
from nbtrack.reruns.reproduction import Reproduction
from nbtrack.reruns.variation import make_variation
from nbtrack.reruns.verdict import Verdict
from nbtrack.store import Store, get_run, with_parents
from nbtrack.tracking.environment import host_name
from nbtrack.views.details.rerun_progress import age_of

_GOING_ON = ("RUNNING", "SCHEDULED")


def rerun(
    store: Store,
    run_id: str,
    *,
    cells: Part = "needed",
    timeout: float | None = None,
    shown: bool = False,
    python: str | None = None,
    env: bool = False,
) -> Verdict:
    """Execute the cells of a run in a fresh kernel, compare, and keep the verdict with the run.

    Parameters
    ----------
    store : Store
    run_id : str
    cells : {"needed", "all"}
        Those that the run needed, or all that were executed before it.
    timeout : float, optional
        Seconds for each attempt.
    shown : bool
        Whether progress is shown.
    python : str, optional
        The interpreter of the kernel.
    env : bool
        Whether it is run again in the environment that was recorded, instead.

    Raises
    ------
    InvalidStateError
        If the run goes on, is deleted, is being rerun, or its code was not kept.
    MissingDependencyError
        If ipykernel is not installed.
    """
    if cells not in ("needed", "all"):
        raise InvalidParameterError(f"cells is 'needed' or 'all', not {cells!r}.")
    with store.read() as reader:
        run = get_run(reader, run_id)
    if is_grid_of_cells(store, run):
        return _rerun_grid(store, run, cells, timeout, python, shown=shown, env=env)
    plan = _plan(store, run)
    check_not_running(run)
    settings = _settings(timeout, python)
    recorded: dict[str, Any] = {}
    if env:
        found = open_recorded(plan.artifacts, _tell)
        settings = _in(found, settings)
        recorded = {"environment": "recorded", "python": python_version(found)}
    writer = store.writer(run_id)
    with Progress(run.info.run_name, writer, shown=shown) as progress:
        if isinstance(plan, Program):
            verdict = program_verdict(store, plan, settings, progress)
        else:
            part = cells if plan.everything or cells == "needed" else "needed"
            verdict = Reproduction(store, plan, settings, progress).verdict(part)
        verdict = replace(verdict, **recorded)
        verdict.keep(writer)
    return verdict


def _rerun_grid(
    store: Store,
    grid: Run,
    cells: Part,
    timeout: float | None,
    python: str | None,
    *,
    shown: bool,
    env: bool,
) -> Verdict:
    def again(run: Run) -> Verdict:
        return rerun(
            store,
            run.info.run_id,
            cells=cells,
            timeout=timeout,
            shown=shown,
            python=python,
            env=env,
        )

    check_not_running(grid)
    writer = store.writer(grid.info.run_id)
    with Progress(grid.info.run_name, writer, shown=False) as progress:
        verdict = grid_verdict(store, grid, again, progress)
        verdict = replace(verdict, environment="recorded" if env else "this")
        verdict.keep(writer)
    return verdict


def vary(
    store: Store,
    run_id: str,
    params: Mapping[str, Any] | None = None,
    *,
    cells: Part = "needed",
    timeout: float | None = None,
    shown: bool = False,
    python: str | None = None,
    env: bool = False,
) -> Run:
    """Execute the cells of a run with other values, and return the new run.

    Parameters
    ----------
    store : Store
    run_id : str
    params : mapping, optional
        New values of literals that the cells assign; of a project's params, of a script's options.
    cells, timeout, shown, python, env
        As for `rerun`.

    Raises
    ------
    InvalidParameterError
        If no cell sets a name to a literal.
    NbtrackError
        If a cell fails.
    """
    settings = _settings(timeout, python)
    with store.read() as reader:
        run = get_run(reader, run_id)
    plan = _plan(store, run)
    if env:
        settings = _in(open_recorded(plan.artifacts, _tell), settings)
    with Progress(run.info.run_name, None, shown=shown) as progress:
        if isinstance(plan, Program):
            return vary_program(store, plan, params or {}, settings, progress)
        return make_variation(store, plan, params or {}, settings, progress, cells)


def check_possible(store: Store, run_id: str) -> None:
    """Refuse what cannot be run again, before a process is started for it.

    Raises
    ------
    InvalidStateError
        If the run goes on, is deleted, is being rerun, or its code was not kept.
    """
    with store.read() as reader:
        run = get_run(reader, run_id)
    if not is_grid_of_cells(store, run):
        _plan(store, run)
    check_not_running(run)


def check_not_running(run: Run) -> None:
    """Refuse a run that a process is running again just now.

    Raises
    ------
    InvalidStateError
    """
    found = running(run)
    if found is not None and found["pid"] != os.getpid():
        raise InvalidStateError(
            f"Process {found['pid']} has {run.info.run_name} again just now; wait for its end."
        )


def running(run: Run) -> dict[str, Any] | None:
    """Return what the tag says of a rerun that goes on on this machine, None where none does.

    A process that began later than the rerun has only been given its number. Nobody knows of other
    machines whether theirs goes on: it stands in no one's way.
    """
    try:
        found = json.loads(run.data.tags.get(RERUN, ""))
        int(found["pid"])
    except (ValueError, KeyError, TypeError):
        return None
    return dict(found) if found.get("host") == host_name() and age_of(found) is not None else None


def _plan(store: Store, run: Run) -> Plan | Program:
    if _is_program(store, run):
        return program_of(store, run)
    return make_plan(store, run.info.run_id)


def _is_program(store: Store, run: Run) -> bool:
    """Return whether a project made a run, or a script that can be started again."""
    with store.read() as reader:
        ended = run.info.lifecycle_stage == "active" and run.info.status not in _GOING_ON
        if ended and project_of(reader, run) is not None:
            return True
        *_, top = with_parents(reader, run)
        folder = reader.access.folder(top.info.artifact_uri)
    return ended and top.data.tags.get(SOURCE_TYPE) == "LOCAL" and is_program(folder)


def _tell(text: str) -> None:
    sys.stderr.write(f"nbtrack: {text}\n")
    sys.stderr.flush()


def _in(found: Environment, settings: Settings) -> Settings:
    return replace(settings, python=found.python, recorded=found)


def _settings(timeout: float | None, python: str | None) -> Settings:
    if timeout is not None and timeout <= 0:
        raise InvalidParameterError(f"timeout is a number of seconds above 0, not {timeout!r}.")
    return Settings(python=python or sys.executable, timeout=timeout)
