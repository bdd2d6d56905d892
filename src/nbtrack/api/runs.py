"""Starting, ending and finding runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from nbtrack.entities import Run, ViewType
from nbtrack.entities.runs import PARENT
from nbtrack.errors import InvalidParameterError
from nbtrack.suggestions import suggests_keywords
from nbtrack.tracking import context
from nbtrack.tracking import start as _start
from nbtrack.tracking.run import ActiveRun, check_status

if TYPE_CHECKING:
    import pandas as pd

    from nbtrack.store import RunWriter


@suggests_keywords
def start_run(
    run_id: str | None = None,
    experiment_id: str | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
    log_system_metrics: bool | None = None,
) -> ActiveRun:
    """Start a run, or resume one, and make it the active run.

    In a notebook, a run that an earlier cell has left open is closed first. In a cell below
    ``%%track`` it joins the run of the cell, which gets the name, the experiment and the tags, and
    ends with the cell; several in one cell are runs inside it.

    Parameters
    ----------
    run_id : str, optional
        A run to go on with. If another live process owns it, this one joins in.
    experiment_id : str, optional
        By default the active experiment.
    run_name : str, optional
        By default a readable random one.
    nested : bool
        Whether the run belongs under the active one.
    parent_run_id : str, optional
        The run that it belongs under.
    tags : mapping, optional
        More tags of the run, by name.
    description : str, optional
        The tag ``mlflow.note.content``.
    log_system_metrics : bool, optional
        Whether to log the load of CPU, memory, disk, network and GPU. By default as
        ``enable_system_metrics_logging`` has it; a process that joins a run of another one then
        measures only with a node id of its own.

    Returns
    -------
    ActiveRun
        Use it in a ``with`` statement, or call ``end_run``.

    Examples
    --------
    >>> with nbtrack.start_run(run_name="baseline", tags={"stage": "draft"}) as run:
    ...     nbtrack.log_param("lr", 0.01)
    ...     nbtrack.log_metric("loss", 0.4)
    0.01
    >>> run.info.run_name
    'baseline'

    A run inside a run is its child; an old one goes on where its id is given:

    >>> with nbtrack.start_run(run_name="search"):
    ...     with nbtrack.start_run(run_name="first trial", nested=True) as trial:
    ...         nbtrack.log_metric("loss", 0.5)
    >>> with nbtrack.start_run(run_id=trial.info.run_id):
    ...     nbtrack.log_metric("loss", 0.3, step=1)
    """
    return _start.start_run(
        run_id,
        experiment_id,
        run_name,
        nested,
        parent_run_id,
        tags,
        description,
        log_system_metrics,
    )


@suggests_keywords
def end_run(status: str = "FINISHED") -> None:
    """End the active run, if there is one; the run of a tracked cell ends with the cell.

    Parameters
    ----------
    status : {"FINISHED", "FAILED", "KILLED"}
        How it has ended.

    Examples
    --------
    >>> run = nbtrack.start_run()
    >>> nbtrack.end_run(status="FAILED")
    >>> nbtrack.get_run(run.info.run_id).info.status
    'FAILED'
    """
    name = check_status(status)
    run = context.own()
    if run is not None and run.joining is not None:
        run.joining.end(name or "FINISHED")
    elif run is not None:
        run.end(name or "FINISHED")


def active_run() -> ActiveRun | None:
    """Return the run that this thread or task has open, or None.

    A thread that has none logs to the one that is open in the process all the same.

    Examples
    --------
    >>> with nbtrack.start_run(run_name="baseline"):
    ...     print(nbtrack.active_run().info.run_name)
    baseline
    >>> nbtrack.active_run() is None
    True
    """
    return context.own()


def last_active_run() -> Run | None:
    """Return the active run, or the one that ended last, as the store has it; or None.

    Examples
    --------
    >>> with nbtrack.start_run(run_name="baseline"):
    ...     nbtrack.log_metric("loss", 0.4)
    >>> nbtrack.last_active_run().data.metrics
    {'loss': 0.4}
    """
    run = context.own() or context.last()
    return run.fetch() if run is not None else None


@suggests_keywords
def get_run(run_id: str) -> Run:
    """Return a run with its latest metrics, params and tags.

    Parameters
    ----------
    run_id : str
        The run.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_metric("loss", 0.4)
    >>> found = nbtrack.get_run(run.info.run_id)
    >>> found.info.status, found.data.metrics
    ('FINISHED', {'loss': 0.4})
    """
    from nbtrack.store import get_run as get

    with context.store_of(run_id).read() as reader:
        return get(reader, run_id)


@suggests_keywords
def get_parent_run(run_id: str) -> Run | None:
    """Return the run that a run is nested in, or None.

    Parameters
    ----------
    run_id : str
        The run that is nested.

    Examples
    --------
    >>> with nbtrack.start_run(run_name="search"):
    ...     with nbtrack.start_run(nested=True) as trial:
    ...         pass
    >>> nbtrack.get_parent_run(trial.info.run_id).info.run_name
    'search'
    """
    parent = get_run(run_id).data.tags.get(PARENT)
    return get_run(parent) if parent else None


@suggests_keywords
def delete_run(run_id: str) -> None:
    """Mark a run as deleted; ``restore_run`` brings it back.

    Parameters
    ----------
    run_id : str
        The run.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     pass
    >>> nbtrack.delete_run(run.info.run_id)
    >>> nbtrack.get_run(run.info.run_id).info.lifecycle_stage
    'deleted'
    """
    context.store_of(run_id).runs.delete(run_id)


@suggests_keywords
def restore_run(run_id: str) -> None:
    """Restore a deleted run.

    Parameters
    ----------
    run_id : str
        The run.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     pass
    >>> nbtrack.delete_run(run.info.run_id)
    >>> nbtrack.restore_run(run.info.run_id)
    >>> nbtrack.get_run(run.info.run_id).info.lifecycle_stage
    'active'
    """
    context.store_of(run_id).runs.restore(run_id)


@suggests_keywords
def writer(run_id: str | None = None) -> RunWriter:
    """Return the writer of the active run, started if there is none, or of a run by id."""
    if run_id is None:
        run = context.current()
        if run is None and (ended := context.ended_run()) is not None:
            ended.store.warn_once(
                f"A task or thread goes on logging to {ended.info.run_name} after its end."
            )
            return ended.store.writer(ended.info.run_id)
        return (run or _start.start_run()).writer
    return context.store_of(run_id).writer(run_id)


@overload
def search_runs(
    experiment_ids: Sequence[str] | None = ...,
    filter_string: str = ...,
    run_view_type: int = ...,
    max_results: int = ...,
    order_by: list[str] | None = ...,
    *,
    output_format: Literal["list"],
    search_all_experiments: bool = ...,
    experiment_names: list[str] | None = ...,
) -> list[Run]: ...


@overload
def search_runs(
    experiment_ids: Sequence[str] | None = ...,
    filter_string: str = ...,
    run_view_type: int = ...,
    max_results: int = ...,
    order_by: list[str] | None = ...,
    output_format: Literal["pandas"] = ...,
    search_all_experiments: bool = ...,
    experiment_names: list[str] | None = ...,
) -> pd.DataFrame: ...


@suggests_keywords
def search_runs(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str = "",
    run_view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int = 100000,
    order_by: list[str] | None = None,
    output_format: str = "pandas",
    search_all_experiments: bool = False,
    experiment_names: list[str] | None = None,
) -> pd.DataFrame | list[Run]:
    """Return the runs that match a filter, as a DataFrame or a list.

    Parameters
    ----------
    experiment_ids, experiment_names : list of str, optional
        Which experiments; by default the active one.
    filter_string : str
        MLflow's grammar with ``OR``, ``NOT``, parentheses and aggregates, such as
        ``"metrics.val_loss.min < 0.3 AND (params.lr = '0.1' OR tags.team = 'a')"``.
    run_view_type : int
        One of ``nbtrack.entities.ViewType``.
    max_results : int
        At most so many rows.
    order_by : list of str, optional
        Such as ``["metrics.val_loss.min ASC"]``.
    output_format : {"pandas", "list"}
        A DataFrame with a row for each run, or a list of ``Run``.
    search_all_experiments : bool
        Whether all experiments are searched where none is named.

    Returns
    -------
    pandas.DataFrame or list of Run

    Examples
    --------
    >>> for lr in (0.1, 0.01):
    ...     with nbtrack.start_run():
    ...         _ = nbtrack.log_param("lr", lr)
    ...         nbtrack.log_metric("error", lr * 3)
    >>> best = nbtrack.search_runs(
    ...     filter_string="metrics.error < 0.5", order_by=["metrics.error ASC"]
    ... )
    >>> best[["params.lr", "metrics.error"]]
      params.lr  metrics.error
    0      0.01           0.03
    1       0.1           0.30
    """
    from nbtrack.tracking.search import search_runs as search

    return search(
        context.store(),
        _experiment_scope(experiment_ids, experiment_names, all_of_them=search_all_experiments),
        filter_string,
        run_view_type,
        max_results,
        order_by,
        output_format,
    )


def _experiment_scope(
    ids: Sequence[str] | None, names: Sequence[str] | None, *, all_of_them: bool
) -> list[str] | None:
    """Return the ids of the experiments to search; None for all."""
    from nbtrack.tracking.search import ids_of

    if ids and names:
        raise InvalidParameterError(
            "Only experiment_ids or experiment_names can be used, but not both"
        )
    if isinstance(ids, str) and any(mark in ids for mark in " <>="):
        raise InvalidParameterError(
            f"experiment_ids={ids!r} is a filter; say search_runs(filter_string={ids!r})."
        )
    if ids:
        return [str(i) for i in ([ids] if isinstance(ids, str | int) else ids)]
    if names:
        return ids_of(context.store(), names)
    return None if all_of_them else [_start.active_experiment_id(context.store())]


def sql(query: str, /, **frames: Any) -> pd.DataFrame:
    """Run SQL on the store and return a DataFrame.

    Parameters
    ----------
    query : str
        Reads ``experiments, runs, params, metrics, latest, tags, artifacts, datasets``,
        ``logged_models`` and what belongs to them, ``registered_models, model_versions``, and
        data frames of the caller by the names of their variables.
    **frames : DataFrame
        More data frames, by name.

    Examples
    --------
    >>> import pandas as pd
    >>> with nbtrack.start_run(run_name="baseline") as run:
    ...     nbtrack.log_metric("accuracy", 0.9)
    >>> limits = pd.DataFrame({"key": ["accuracy"], "at_least": [0.8]})
    >>> nbtrack.sql("SELECT key, value, at_least FROM latest JOIN limits USING (key)")
            key  value  at_least
    0  accuracy    0.9       0.8
    """
    import sys

    caller = sys._getframe(1)
    with context.store().read(files=True) as reader:
        return reader.query(query, {**caller.f_globals, **caller.f_locals, **frames})


@suggests_keywords
def source(run: str) -> str:
    """Return the code of a run: its cell, and before it the earlier cells that it needed.

    Parameters
    ----------
    run : str
        Its name, its id, or the beginning of the id; of several with one name the latest.

    Returns
    -------
    str
        Each cell below a comment that says why it is there; ``""`` for the run of a script.

    Raises
    ------
    NotFoundError
        If there is no such run.

    Examples
    --------
    >>> with nbtrack.start_run(run_name="from a script"):
    ...     nbtrack.log_metric("loss", 0.4)
    >>> nbtrack.source("from a script")  # of a run in a notebook: its cells
    ''
    """
    from nbtrack.store import find_run
    from nbtrack.views.code import source_text

    store = context.store()
    with store.read() as reader:
        return source_text(reader, find_run(reader, run, _start.active_experiment_id(store)))


@suggests_keywords
def restore_random_state(run_id: str, cell: int | None = None) -> None:
    """Set the random number generators to what they were before a cell of a run's notebook.

    The states are kept for the cell of a run, and for those that it needed, where they drew from a
    generator: Python's, NumPy's, PyTorch's, and those that variables of the notebook hold. What
    cannot be set, because there is no such variable now, is said in a warning.

    Parameters
    ----------
    run_id : str
        The id of the run, the beginning of it, or its name.
    cell : int, optional
        The execution count that the cell had; by default that of the run's own cell.

    Raises
    ------
    NotFoundError
        If there is no such run, or no such cell of it.
    InvalidParameterError
        If what was kept is damaged.

    Examples
    --------
    In a notebook, the values that its cell 4 drew in a run:

    >>> nbtrack.restore_random_state("3f2a", cell=4)  # doctest: +SKIP
    >>> noise = torch.randn(100)  # doctest: +SKIP
    """
    from nbtrack.errors import NotFoundError, warn
    from nbtrack.store import find_run
    from nbtrack.store import get_run as get
    from nbtrack.tracking.kernel import variables
    from nbtrack.tracking.random_state import read_random_state
    from nbtrack.views.code import source_of_run

    store = context.store_of(run_id)
    with store.read() as reader:
        run = get(reader, find_run(reader, run_id, _start.active_experiment_id(store)))
    folder = store.access.folder(run.info.artifact_uri)
    source = source_of_run(run, folder)
    states = {
        each.number: each.random_state
        for each in (*source.others, *source.continued, *source.needed)
    } | {source.number: source.random_state}
    number = source.number if cell is None else cell
    if number not in states:
        known = ", ".join(str(each) for each in sorted(n for n in states if n is not None))
        raise NotFoundError(
            f"Run {run.info.run_name} has no cell {number}; it has {known or 'none'}."
        )
    digest = states[number]
    if digest is None:  # it drew nothing
        return
    failed = read_random_state(folder, digest).restore(variables())
    if failed:
        warn(f"Before cell {number} not all generators could be set: {', '.join(failed)}.")
