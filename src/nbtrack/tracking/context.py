"""The state of this process: which store, which experiment, which runs are active.

The stack of active runs is a ContextVar: threads and asyncio tasks have their
own. A thread (or a cell that starts anew) without one logs to the run that is
open in the process, if it is the only chain of runs there.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from itertools import pairwise
from typing import TYPE_CHECKING

from nbtrack.config import default_uri, env
from nbtrack.errors import InvalidParameterError
from nbtrack.store.store import Store, open_store

if TYPE_CHECKING:
    from nbtrack.tracking.run import ActiveRun

_stack: ContextVar[tuple[ActiveRun, ...]] = ContextVar("nbtrack_runs", default=())
_last: ContextVar[ActiveRun | None] = ContextVar("nbtrack_last_run", default=None)


class _Process:
    """What is the same for all threads."""

    def __init__(self) -> None:
        self.uri: str | None = None
        self.experiment: tuple[Store, str] | None = None
        self.open_runs: tuple[ActiveRun, ...] = ()
        self.last: ActiveRun | None = None


_process = _Process()


def store() -> Store:
    """Return the store that the process tracks to."""
    return open_store(_process.uri)


def set_uri(uri: str | os.PathLike[str] | None) -> None:
    """Track to another store from now on; None or "" is the default one again."""
    if uri is None or os.fspath(uri) == "":
        _process.uri = None
        for name in ("NBTRACK_URI", "MLFLOW_TRACKING_URI"):
            os.environ.pop(name, None)
        return
    chosen = open_store(uri)  # an error now is better than at the first log
    _process.uri = str(chosen.path)
    os.environ["NBTRACK_URI"] = _process.uri  # processes started from here follow


def is_uri_set() -> bool:
    """Return whether the store was chosen, by ``set_uri`` or by the environment."""
    return bool(_process.uri or default_uri())


def set_experiment(chosen: Store, experiment_id: str) -> None:
    """Make an experiment of a store the active one."""
    _process.experiment = (chosen, experiment_id)


def experiment_id() -> str | None:
    """Return the id of the active experiment of the current store, if one was set."""
    if _process.experiment is not None and _process.experiment[0] is store():
        return _process.experiment[1]
    return env("NBTRACK_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_ID")


def current() -> ActiveRun | None:
    """Return the run that logging goes to, or None."""
    runs = _stack.get()
    if runs and not runs[-1].ended:
        return runs[-1]
    for run in reversed(runs):
        if not run.ended:
            return run
    return _sole()


def _sole() -> ActiveRun | None:
    """Return the innermost open run of the process when all open runs are nested in one another."""
    open_runs = _process.open_runs
    if not open_runs:
        return None
    for outer, inner in pairwise(open_runs):
        if outer not in inner.outer:
            return None
    return open_runs[-1]


def outer_runs() -> tuple[ActiveRun, ...]:
    """Return the open runs from the outermost to the current one."""
    run = current()
    return () if run is None else (*(r for r in run.outer if not r.ended), run)


def push(run: ActiveRun) -> None:
    """Make a run the current one."""
    _stack.set((*(r for r in _stack.get() if not r.ended), run))
    _process.open_runs = (*_process.open_runs, run)


def pop(run: ActiveRun) -> None:
    """Take an ended run away; the one around it is current again."""
    _stack.set(tuple(r for r in _stack.get() if r is not run))
    _process.open_runs = tuple(r for r in _process.open_runs if r is not run)
    _last.set(run)
    _process.last = run


def last() -> ActiveRun | None:
    """Return the run that ended last, preferably in this thread."""
    return _last.get() or _process.last


def open_runs() -> tuple[ActiveRun, ...]:
    """Return the open runs of all threads, the oldest first."""
    return _process.open_runs


def take_run_id_from_environment() -> str | None:
    """Return the id of a run that a parent process wants continued; only once."""
    found = env("NBTRACK_RUN_ID", "MLFLOW_RUN_ID")
    for name in ("NBTRACK_RUN_ID", "MLFLOW_RUN_ID"):
        os.environ.pop(name, None)
    return found


def check_no_models(**values: object) -> None:
    """Refuse what belongs to logged models, which this version does not have."""
    for name, value in values.items():
        if value is not None:
            raise InvalidParameterError(
                f"{name}={value!r}: logged models are not available in this version of nbtrack. "
                f"Leave {name} out."
            )
