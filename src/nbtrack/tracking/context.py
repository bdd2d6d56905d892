"""The state of this process: which store, which experiment, which runs are active.

The stack of active runs is a ContextVar: threads and asyncio tasks have their
own. What has none logs to the run that is open in the process, or to the one
that all open runs are nested in; it does not end it.
"""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, ClassVar

from nbtrack import variables
from nbtrack._names import look_elsewhere
from nbtrack.config import default_uri
from nbtrack.environment import env, set_for_children
from nbtrack.store import Store, open_configured, open_store
from nbtrack.tracking.kernel import cell_number, register_store, running_task

if TYPE_CHECKING:
    from nbtrack.tracking.run import ActiveRun

look_elsewhere(__name__)

_stack: ContextVar[tuple[ActiveRun, ...]] = ContextVar("nbtrack_runs", default=())
_EXPERIMENT = variables.EXPERIMENT_ID.name
_last: ContextVar[ActiveRun | None] = ContextVar("nbtrack_last_run", default=None)


class _Process:
    """What is the same for all threads."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.uri: str | None = None
        self.registry_uri: str | None = None
        self.experiment: tuple[Store, str] | None = None
        self.left: tuple[Store, str] | None = None  # that of the store before the present one
        self.open_runs: tuple[ActiveRun, ...] = ()
        self.last: ActiveRun | None = None
        self.registered: set[Store] = set()
        self.models = threading.local()  # cells of a notebook share a thread, not a context
        self.last_model: str | None = None
        self.known_models: set[tuple[str, str]] = set()
        self.stores_of_models: dict[str, Store] = {}  # of the models that were made here


_process = _Process()


def store() -> Store:
    """Return the store that the process tracks to."""
    found = open_store(_process.uri)
    if found not in _process.registered:
        _process.registered.add(found)
        register_store(found)
    return found


def store_of(run_id: str, other: Store | None = None) -> Store:
    """Return the store of a run: its own as long as it is open here, whatever was chosen since.

    For one that is not, it is ``other``, by default the store that the process tracks to.
    """
    open_here = (run.store for run in _process.open_runs if run.info.run_id == run_id)
    return next(open_here, None) or other or store()


def store_of_model(model_id: str, other: Store | None = None) -> Store:
    """Return the store of a logged model: that in which this process has made it, or ``other``."""
    return _process.stores_of_models.get(model_id) or other or store()


def active_store() -> Store:
    """Return the store of the run that logging goes to, else that which the process tracks to."""
    run = current()
    return store() if run is None else run.store


def ended_run() -> ActiveRun | None:
    """Return the run in which a task or thread was started that goes on after its end, or None."""
    runs = _stack.get()
    return runs[-1] if runs and all(run.ended for run in runs) else None


def set_uri(uri: str | os.PathLike[str] | None) -> None:
    """Track to another store from now on; None or "" is the default one again."""
    if _process.experiment is not None and os.environ.get(_EXPERIMENT) == _process.experiment[1]:
        set_for_children(_EXPERIMENT, None)  # it is one of the store before
    if uri is None or os.fspath(uri) == "":
        _process.uri = None
        variables.URI.unset()
        return
    chosen = open_store(uri)  # an error now is better than at the first log
    if _process.experiment is not None and _process.experiment[0] is not chosen:
        _process.left = _process.experiment
    # what is reached over the network as it was given: with its name and password, if it has them
    _process.uri = os.fspath(uri) if chosen.is_shared else chosen.uri
    variables.URI.set(_process.uri)  # processes started from here follow


def registry_store() -> Store:
    """Return the store whose model registry is used: that of the runs, unless another was set."""
    if _process.registry_uri is not None:
        return open_store(_process.registry_uri)
    chosen = variables.REGISTRY_URI.get()
    return store() if chosen is None else open_configured(chosen)


def set_registry_uri(uri: str | os.PathLike[str] | None) -> None:
    """Use the model registry of another store; None or "" for that of the runs again."""
    if uri is None or os.fspath(uri) == "":
        _process.registry_uri = None
        variables.REGISTRY_URI.unset()
        return
    chosen = open_store(uri)
    _process.registry_uri = os.fspath(uri) if chosen.is_shared else chosen.uri
    variables.REGISTRY_URI.set(_process.registry_uri)


def is_uri_set() -> bool:
    """Return whether the store was chosen, by ``set_uri`` or by the environment."""
    return bool(_process.uri or default_uri())


def set_experiment(chosen: Store, experiment_id: str) -> None:
    """Make an experiment of a store the active one."""
    _process.experiment = (chosen, experiment_id)
    _process.left = None
    if chosen is store():
        set_for_children(_EXPERIMENT, experiment_id)  # processes started from here follow


def left_experiment() -> tuple[Store, str] | None:
    """Return the experiment that was active when another store was chosen, None if none was."""
    return _process.left


def experiment_id(where: Store | None = None) -> str | None:
    """Return the id of the active experiment of a store, by default the current one, if set."""
    if _process.experiment is not None and _process.experiment[0] is (where or store()):
        return _process.experiment[1]
    if env(variables.EXPERIMENT_NAME.name):
        return env(_EXPERIMENT)
    return variables.EXPERIMENT_ID.get()


def current() -> ActiveRun | None:
    """Return the run that logging goes to, or None."""
    runs = _stack.get()
    if runs and not runs[-1].ended:
        return runs[-1]
    trunk = _trunk()
    return _top() or (trunk[-1] if trunk else None)


def own() -> ActiveRun | None:
    """Return the run that this thread or task has started last and that is still open, or None.

    A cell of a notebook may find the stack empty that an earlier one has filled: a run of
    the same thread counts, unless another task that goes on has started it. A run that a
    forked child has from its parent is none of its own: it logs there all the same.
    """
    run = _top()
    if run is None or run.pid != os.getpid():
        trunk = _trunk()
        return trunk[-1] if trunk and _is_from_here(trunk[-1]) else None
    return run


def parent() -> ActiveRun | None:
    """Return the run that a nested one belongs under: one's own, else one of the main thread."""
    main = threading.main_thread().ident
    return own() or next((r for r in reversed(_trunk()) if r.thread == main), None)


def _top() -> ActiveRun | None:
    return next((run for run in reversed(_stack.get()) if not run.ended), None)


def _trunk() -> tuple[ActiveRun, ...]:
    """Return the open runs of the process, from the outermost on, that all others are nested in.

    Those that a forked child has from its parent count until it has runs of its own.
    """
    trunk: tuple[ActiveRun, ...] = ()
    here = os.getpid()
    open_runs = [r for r in _process.open_runs if r.pid == here] or _process.open_runs
    for place, run in enumerate(open_runs):
        if not all(run in inner.outer for inner in open_runs[place + 1 :]):
            break
        trunk = (*trunk, run)
    return trunk


def _is_from_here(run: ActiveRun) -> bool:
    if run.thread != threading.get_ident() or run.pid != os.getpid():
        return False
    return run.cell != cell_number() or run.task in (None, running_task()) or run.task.done()


def chain(run: ActiveRun | None) -> tuple[ActiveRun, ...]:
    """Return the open runs from the outermost one around a run to the run itself."""
    return () if run is None else (*(r for r in run.outer if not r.ended), run)


def push(run: ActiveRun) -> None:
    """Make a run the current one, until it ends."""
    run.leave = _pop
    _stack.set((*(r for r in _stack.get() if not r.ended), run))
    with _process.guard:
        _process.open_runs = (*_process.open_runs, run)


def _pop(run: ActiveRun) -> None:
    """Take a run away that ends; the one around it is current again."""
    others = (other for other in _process.open_runs if other is not run)
    if all(other.writer is not run.writer for other in others):
        run.store.writers.forget(run.info.run_id)
    _stack.set(tuple(r for r in _stack.get() if r is not run))
    with _process.guard:
        _process.open_runs = tuple(r for r in _process.open_runs if r is not run)
    _last.set(run)
    _process.last = run


def last() -> ActiveRun | None:
    """Return the run that ended last, preferably in this thread."""
    return _last.get() or _process.last


def _after_fork() -> None:
    _process.guard = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def open_runs() -> tuple[ActiveRun, ...]:
    """Return the open runs of all threads, the oldest first."""
    return _process.open_runs


def take_run_id_from_environment() -> str | None:
    """Return the id of a run that a parent process wants continued; only once."""
    found = variables.RUN_ID.get()
    variables.RUN_ID.unset()
    return found


class Models:
    """Whether metrics may belong to a model that is active: None before anyone has asked."""

    wanted: ClassVar[bool | None] = None


def active_model() -> str | None:
    """Return the id of the active model of this thread, else that of the environment, or None."""
    chosen = getattr(_process.models, "active", "")
    if chosen == "":
        chosen = variables.ACTIVE_MODEL_ID.get()
    if Models.wanted is None:
        Models.wanted = chosen is not None
    return chosen or None


def set_active_model(model_id: str | None) -> None:
    """Make a model the active one of this thread; None for no model at all."""
    _process.models.active = model_id
    Models.wanted = True


def last_model() -> str | None:
    """Return the id of the model that was logged last, preferably in this thread."""
    return getattr(_process.models, "last", None) or _process.last_model


def set_last_model(where: Store, model_id: str) -> None:
    """Remember the model that was logged last, and its store."""
    _process.stores_of_models[model_id] = where
    _process.models.last = _process.last_model = model_id


def known_models() -> set[tuple[str, str]]:
    """Return the (store, model) that this process knows to be there."""
    return _process.known_models
