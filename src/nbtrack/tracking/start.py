"""How the fluent API starts runs, and how runs end by their id or with the process."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Mapping
from functools import cache
from types import FrameType
from typing import Any

from nbtrack import variables
from nbtrack.entities import LifecycleStage
from nbtrack.entities.runs import NOTE, PARENT, RESUMED, RUN_NAME
from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.store import Store, check_tags, now_ms
from nbtrack.tracking import context, opened_files
from nbtrack.tracking import new_runs as runs
from nbtrack.tracking.environment_record import describe_part, describe_run, describe_run_once
from nbtrack.tracking.joining import Joining
from nbtrack.tracking.kernel import cell_number, in_notebook
from nbtrack.tracking.run import ActiveRun, check_status
from nbtrack.tracking.system_settings import Settings, is_enabled, settings
from nbtrack.validation import check_timestamp, pairs_of

on_start: list[Callable[[ActiveRun], None]] = []
"""Called with each run that is started, unless its caller shows it: a notebook shows its card."""

_made_here: set[tuple[int, str]] = set()  # by processes and run ids: made here, or gone on with


def active_experiment_id(store: Store) -> str:
    """Return the id of the experiment that new runs belong to.

    That of ``set_experiment``, by its name also after ``set_tracking_uri``, else of
    ``NBTRACK_EXPERIMENT_NAME`` or ``MLFLOW_EXPERIMENT_NAME``, made if there is none, else
    ``"0"``.
    """
    chosen = context.experiment_id(store)
    if chosen is not None:
        return chosen
    name = left_experiment(store) or variables.EXPERIMENT_NAME.get()
    if name is None:
        return "0"
    experiment_id = get_or_create_experiment(store, name)
    context.set_experiment(store, experiment_id)
    return experiment_id


def left_experiment(store: Store) -> str | None:
    """Return the name of the experiment that goes along to the store that has been chosen."""
    from nbtrack.store import get_experiment

    left = context.left_experiment()
    if left is None or store is not context.store():
        return None
    try:
        with left[0].read() as reader:
            return get_experiment(reader, left[1]).name
    except NbtrackError:  # the store is gone, or the experiment
        return None


def get_or_create_experiment(store: Store, name: str) -> str:
    """Return the id of the active experiment of a name, made if there is none."""
    from nbtrack.errors import AlreadyExistsError
    from nbtrack.store import find_experiment_by_name
    from nbtrack.validation import check_experiment_name

    name = check_experiment_name(name)
    for _ in range(3):
        with store.read() as reader:
            found = find_experiment_by_name(reader, name)
        if found is not None and found.lifecycle_stage == LifecycleStage.ACTIVE:
            return found.experiment_id
        try:
            return store.experiments.create(name)
        except AlreadyExistsError:  # another process was quicker
            continue
    raise NbtrackError(f"The experiment {name!r} comes and goes; try again.")


def start_run(
    run_id: str | None = None,
    experiment_id: str | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
    log_system_metrics: bool | None = None,
    *,
    shown: bool = False,
) -> ActiveRun:
    """Start a run, or go on with one, and make it the active run; see ``nbtrack.start_run``.

    Parameters
    ----------
    shown : bool, optional
        Whether the caller shows the run, so that nobody else does.
    """
    measure = _measuring(log_system_metrics)
    store = context.store()
    active = context.own()
    given = None
    if run_id is None and active is None:
        run_id = given = context.take_run_id_from_environment()
    extra = _extra_tags(tags, description, run_name)
    beside = False
    joining = None if active is None or nested else active.joining
    if active is not None and joining is not None and joining.is_here:
        wanted = experiment_id or (None if run_id else active_experiment_id(store))
        inside = parent_run_id == active.info.run_id
        way = "inside" if inside else joining.way(run_id, wanted, store)
        if way == "join":
            _join(joining, wanted, extra, parent_run_id)
            if log_system_metrics and measure is not None and not active.samples_system:
                active.sample_system(measure)
            return active
        if way == "inside":
            joining.move(wanted)
            nested = True
        elif run_id is None:
            beside = True
            if active.outer:
                extra.setdefault(PARENT, active.outer[-1].info.run_id)
    elif active is not None and not nested:
        active = _end_previous_run(active, parent_run_id)
    parent = context.parent() if nested else active
    if run_id is not None:
        is_given = given is not None
        run = _resumed(context.store_of(run_id), run_id, run_name, extra, parent, is_given)
        if is_given:  # who has made the run may be another program
            run.in_background(threading.Thread(target=describe_run_once, args=(run,), daemon=True))
    else:
        if parent_run_id is not None:
            _check_parent(context.store_of(parent_run_id), parent_run_id, active)
            extra[PARENT] = parent_run_id
        elif nested and parent is not None:
            extra[PARENT] = parent.info.run_id
        run = _created(store, experiment_id, extra, parent)
    run.beside = beside
    context.push(run)
    _end_with_worker(os.getpid())
    if measure is not None and not _is_measured(run, log_system_metrics, measure):
        run.sample_system(measure, resumed=run_id is not None)
    opened_files.follow(run)
    for tell in () if shown else on_start:
        tell(run)
    return run


def _join(
    joining: Joining, experiment_id: str | None, tags: dict[str, Any], parent_run_id: str | None
) -> None:
    """Give the run of a tracked cell what a call of ``start_run`` in it says."""
    if parent_run_id is not None:
        _check_parent(context.store_of(parent_run_id), parent_run_id, None)
    joining.join(experiment_id, tags, parent_run_id)


def _measuring(asked: bool | None) -> Settings | None:
    """Return how the run is to measure its machine, or None; wrong settings are said here."""
    wanted = is_enabled() if asked is None else asked
    return settings() if wanted else None


def _is_measured(run: ActiveRun, asked: bool | None, measure: Settings) -> bool:
    """Return whether a run that others have open has its machine measured by them already.

    Ranks of one training join a run and inherit the switch: their points would be the same again.
    """
    if any(other.writer is run.writer and other.samples_system for other in context.open_runs()):
        return True
    return run.joined and asked is None and measure.node_id is None


def _end_previous_run(active: ActiveRun, parent_run_id: str | None) -> ActiveRun | None:
    """Close a run that an earlier cell has left open; elsewhere that is up to the user."""
    if parent_run_id is not None and active.info.run_id == parent_run_id:
        return active
    if in_notebook() and active.cell != cell_number():
        for run in reversed(context.chain(active)):
            run.end_with(run.cell_error)
        return None
    raise NbtrackError(
        f"Run with UUID {active.info.run_id} is already active. To start a new run, first end the "
        "current run with nbtrack.end_run(). To start a nested run, call start_run with "
        "nested=True",
        "INVALID_STATE",
    )


def _extra_tags(
    tags: Mapping[str, Any] | None, description: str | None, run_name: str | None
) -> dict[str, Any]:
    extra = {key: value for key, value in pairs_of("Tags", tags or {}) if value is not None}
    if description is not None and extra.setdefault(NOTE, description) != description:
        raise InvalidParameterError(
            f"Description is already set via the tag {NOTE} in tags. Give it once."
        )
    if run_name:
        extra[RUN_NAME] = run_name
    return dict(check_tags(extra))


def _resumed(
    store: Store,
    run_id: str,
    run_name: str | None,
    tags: dict[str, Any],
    parent: ActiveRun | None,
    is_given: bool,
) -> ActiveRun:
    if any(run.info.run_id == run_id for run in context.chain(context.own())):
        raise NbtrackError(
            f"Run with UUID {run_id} is already active. Log to it, or end it first with "
            "nbtrack.end_run().",
            "INVALID_STATE",
        )
    chosen = context.experiment_id(store)
    status = "" if in_notebook() else _status(store, run_id)
    info, writer, joined = runs.resume(store, run_id, chosen)
    if any(run.writer is writer for run in context.open_runs()):
        joined = True  # another thread has it open
    part = None if joined else note_resumed(store, run_id)
    if run_name:
        info = type(info)(**{**vars(info), "run_name": tags[RUN_NAME]})
    if tags:
        writer.set_tags(tags)
    run = ActiveRun(store, info, writer, context.chain(parent), joined=joined, resumed=True)
    if part is not None and not in_notebook():
        more = {"takes_run_id": is_given, "after": status}
        work = threading.Thread(target=describe_part, args=(run, part, more), daemon=True)
        run.in_background(work)
    return run


def _status(store: Store, run_id: str) -> str:
    from nbtrack.store import get_run

    with store.read() as reader:
        return get_run(reader, run_id).info.status


def note_resumed(store: Store, run_id: str) -> int | None:
    """Count the processes that go on with a run, once each: all have to be run again with it.

    Returns
    -------
    int or None
        The number of this one, from 1; None where it has been counted, or has made the run.
    """
    from nbtrack.store import get_run

    if (os.getpid(), run_id) in _made_here:
        return None
    _made_here.add((os.getpid(), run_id))
    with store.read() as reader:
        known = get_run(reader, run_id).data.tags.get(RESUMED, "")
    count = int(known) if known.isdigit() else 0
    store.writer(run_id).set_tags({RESUMED: str(count + 1)})
    return count + 1


def _created(
    store: Store,
    experiment_id: str | None,
    tags: dict[str, Any],
    parent: ActiveRun | None,
) -> ActiveRun:
    from nbtrack.tracking.environment import quick_tags

    chosen = experiment_id or active_experiment_id(store)
    found = {**quick_tags(), **tags}
    try:
        info, writer = runs.create(store, str(chosen), tags=found)
    except InvalidParameterError:
        if experiment_id is not None or chosen != "0":
            raise
        info, writer = runs.create(store, _another_default(store), tags=found)
    run = ActiveRun(store, info, writer, context.chain(parent))
    _made_here.add((os.getpid(), info.run_id))
    run.in_background(threading.Thread(target=describe_run, args=(run, tags), daemon=True))
    return run


def _another_default(store: Store) -> str:
    """Return the experiment Default of runs that nobody gave one, where the first was deleted."""
    experiment_id = get_or_create_experiment(store, "Default")
    context.set_experiment(store, experiment_id)
    store.warn_once(
        f"The experiment Default was deleted. Runs go to a new one of that name, {experiment_id}; "
        "restore_experiment('0') brings the old one back."
    )
    return experiment_id


def _check_parent(store: Store, parent_run_id: str, active: ActiveRun | None) -> None:
    from nbtrack.store import get_run

    if active is not None and active.info.run_id != parent_run_id:
        raise InvalidParameterError(
            f"Current run with UUID {active.info.run_id} does not match the specified "
            f"parent_run_id {parent_run_id}. To start a new nested run under the parent run, end "
            "the current run first."
        )
    with store.read() as reader:
        try:
            parent = get_run(reader, parent_run_id)
        except NotFoundError as error:
            raise NotFoundError(f"The parent run {parent_run_id} does not exist.") from error
    if parent.info.lifecycle_stage == LifecycleStage.DELETED:
        raise InvalidParameterError(
            f"Cannot start run under parent run with ID {parent_run_id} because it is in the "
            "deleted state."
        )


def end_open_runs(error: BaseException | None = None) -> None:
    """End what is still open when the process ends.

    A script that comes to its end has FINISHED its runs, one that an exception ends
    has not. A kernel that goes away interrupts them: nobody knows how they went.

    Parameters
    ----------
    error : BaseException, optional
        What ends the process, where Python does not know it any more.
    """
    for run in reversed(context.open_runs()):
        if run.ended or run.pid != os.getpid():
            continue
        try:
            if in_notebook():
                for thread in run._background:
                    thread.join(timeout=1.0)
            else:
                ended_by = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
                run.end_with(error or ended_by or sys.exception())
        except NbtrackError as error:
            sys.stderr.write(f"nbtrack: {error}\n")


def terminate(store: Store, run_id: str, status: str, end_time: int | None = None) -> None:
    """End a run by its id, be it active in this process or not."""
    name = check_status(status) or "FINISHED"
    finished = now_ms() if end_time is None else check_timestamp(end_time, "end_time")
    writer = store.writer(run_id)
    for run in context.open_runs():
        if run.writer is writer and not run.joined:
            run.end(name, finished)
            return
    writer.update(status=name, end_time=finished)
    if not writer.pinned:
        store.writers.forget(run_id)


@cache
def _end_with_worker(pid: int) -> None:
    """Let a worker of multiprocessing end its runs: one that was forked runs no exit functions."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, end_open_runs, exitpriority=100)
        if hasattr(threading, "_register_atexit"):
            threading._register_atexit(_end_in_worker)


def _end_in_worker() -> None:
    """End the open runs of a worker whose function has failed.

    With newer versions of Python, 3.13.5 is one, exit functions run when the exception is gone.
    What is left of it here is the exit status, in the frame that has called the function.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_name != "_bootstrap":
        frame = frame.f_back
    status = None if frame is None else frame.f_locals.get("exitcode")
    if status:
        end_open_runs(SystemExit(status))


atexit.register(end_open_runs)
