"""A variation of a run: its cells with other values, logged as a run of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrack.entities import Run
from nbtrack.entities.runs import PARENT, SOURCE_NAME, SOURCE_TYPE
from nbtrack.errors import NbtrackError
from nbtrack.projects.variables import as_given
from nbtrack.reruns.execution import Settings, execute_cells, made_runs
from nbtrack.reruns.folder_copy import FolderCopy
from nbtrack.reruns.plan import Part, Plan
from nbtrack.reruns.planned_cells import cells_with
from nbtrack.reruns.progress import Progress
from nbtrack.store import Store, now_ms
from nbtrack.tracking.git import git_state


def make_variation(
    store: Store,
    plan: Plan,
    params: Mapping[str, Any],
    settings: Settings,
    progress: Progress,
    part: Part = "needed",
) -> Run:
    """Execute the cells of a run with other values, and return the new run.

    Parameters
    ----------
    store : Store
        The store of the run, that the new one goes to.
    plan : Plan
    params : mapping
        New values of literals that the cells assign; texts are read as literals.
    settings : Settings
    progress : Progress
    part : {"needed", "all"}

    Raises
    ------
    InvalidParameterError
        If no cell sets a name to a literal.
    NbtrackError
        If a cell fails, or makes no run.
    """
    cells = cells_with(plan.cells(part), params)
    since = now_ms()

    def found() -> Run | None:
        return plan.place.find(made_runs(store, plan.run.info.run_id, since))

    def made_id() -> str | None:
        run = found()
        return None if run is None else run.info.run_id

    uri, tags = as_given(store), _tags(plan)
    copy = FolderCopy(plan.folder, [cell.source for cell in cells], plan.files)
    try:
        failure = execute_cells(
            plan, cells, copy, settings, progress, "variation", made_id, uri, tags
        )
    finally:
        copy.remove()
    made = found()
    if failure is not None:
        raise NbtrackError(f"The variation has failed: {failure}.")
    if made is None:
        raise NbtrackError("The cells were executed, and made no run.")
    return made


def _tags(plan: Plan) -> dict[str, str]:
    """Return what the new run is told of where its code comes from: its kernel has only a copy."""
    kept = (SOURCE_NAME, SOURCE_TYPE)
    tags = {key: plan.run.data.tags[key] for key in kept if key in plan.run.data.tags}
    if parent := plan.made_by.data.tags.get(PARENT):
        tags[PARENT] = parent
    state = None if plan.folder is None else git_state(plan.folder)
    return {**({} if state is None else state.tags()), **tags}
