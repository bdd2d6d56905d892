"""Where runs go: the store and the experiment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from nbtrack.entities import Experiment, LifecycleStage, ViewType
from nbtrack.errors import InvalidParameterError
from nbtrack.suggestions import suggests_keywords
from nbtrack.tracking import context
from nbtrack.tracking import start as _start


@suggests_keywords
def set_tracking_uri(uri: str | os.PathLike[str] | None) -> None:
    """Choose the store: a DuckDB file or a folder; "" or None for the default again.

    Parameters
    ----------
    uri : str or path
        ``"nbtrack.duckdb"``, a folder, ``"file:..."``. A URI of another kind of local store
        (``sqlite:///mlflow.db``, ``./mlruns``) means a store of nbtrack's own beside it.

    Raises
    ------
    InvalidParameterError
        If it names something that nbtrack cannot write to.

    Examples
    --------
    >>> nbtrack.set_tracking_uri("experiments/digits.duckdb")
    >>> nbtrack.get_tracking_uri()
    '...experiments/digits.duckdb'
    >>> nbtrack.set_tracking_uri(None)  # the default again
    """
    context.set_uri(uri)


def get_tracking_uri() -> str:
    """Return the path of the store's database file, or the URL of the tracking server.

    Examples
    --------
    >>> nbtrack.get_tracking_uri()
    '...nbtrack.duckdb'
    """
    return context.store().uri


def is_tracking_uri_set() -> bool:
    """Return whether a store was chosen, here or by ``NBTRACK_URI`` or ``MLFLOW_TRACKING_URI``.

    Examples
    --------
    >>> nbtrack.is_tracking_uri_set()
    False
    """
    return context.is_uri_set()


@suggests_keywords
def set_experiment(
    experiment_name: str | None = None,
    experiment_id: str | None = None,
    trace_location: None = None,
) -> Experiment:
    """Make an experiment the active one: new runs belong to it.

    Parameters
    ----------
    experiment_name : str, optional
        Made if there is none of that name; a deleted one stays deleted.
    experiment_id : str, optional
        Instead of a name; must exist and be active.
    trace_location : None
        There are no traces in this version.

    Examples
    --------
    >>> experiment = nbtrack.set_experiment("digits")
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_metric("accuracy", 0.9)
    >>> run.info.experiment_id == experiment.experiment_id
    True
    """
    from nbtrack.store import get_experiment as get

    _check_no_traces(trace_location)
    if (experiment_name is None) == (experiment_id is None):
        raise InvalidParameterError(
            "Must specify exactly one of: `experiment_id` or `experiment_name`."
        )
    store = context.store()
    if experiment_name is not None:
        experiment_id = _start.get_or_create_experiment(store, experiment_name)
    with store.read() as reader:
        experiment = get(reader, str(experiment_id))
    if experiment.lifecycle_stage == LifecycleStage.DELETED:
        raise InvalidParameterError(
            f"Cannot set a deleted experiment {experiment.name!r} as the active experiment. You "
            "can restore the experiment, or permanently delete the experiment to create a new one."
        )
    context.set_experiment(store, experiment.experiment_id)
    return experiment


@suggests_keywords
def create_experiment(
    name: str,
    artifact_location: str | None = None,
    tags: Mapping[str, Any] | None = None,
    trace_location: None = None,
) -> str:
    """Create an experiment and return its id.

    Parameters
    ----------
    name : str
        Unique among the experiments that are not deleted.
    artifact_location : str, optional
        A folder or a URI for the artifacts of its runs; by default beside the database.
    tags : mapping, optional
        Tags of the experiment, by name.
    trace_location : None
        There are no traces in this version.

    Examples
    --------
    >>> experiment_id = nbtrack.create_experiment("letters", tags={"team": "vision"})
    >>> nbtrack.get_experiment(experiment_id).tags["team"]
    'vision'
    """
    _check_no_traces(trace_location)
    return context.store().experiments.create(name, artifact_location, tags)


@suggests_keywords
def get_experiment(experiment_id: str) -> Experiment:
    """Return an experiment, deleted ones too.

    Parameters
    ----------
    experiment_id : str
        The experiment.

    Examples
    --------
    >>> nbtrack.get_experiment("0").name
    'Default'
    """
    from nbtrack.store import get_experiment as get

    with context.store().read() as reader:
        return get(reader, experiment_id)


@suggests_keywords
def get_experiment_by_name(name: str) -> Experiment | None:
    """Return the experiment of a name, or None; an active one before deleted ones.

    Parameters
    ----------
    name : str
        Its name.

    Examples
    --------
    >>> nbtrack.get_experiment_by_name("Default").experiment_id
    '0'
    >>> nbtrack.get_experiment_by_name("no such name") is None
    True
    """
    from nbtrack.store import find_experiment_by_name

    store = context.store()
    if name == _start.left_experiment(store):
        _start.active_experiment_id(store)
    with store.read() as reader:
        return find_experiment_by_name(reader, name)


@suggests_keywords
def search_experiments(
    view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: list[str] | None = None,
) -> list[Experiment]:
    """Return the experiments that match a filter, by default the newest first.

    Parameters
    ----------
    view_type : int
        One of ``nbtrack.entities.ViewType``.
    max_results : int, optional
        By default all.
    filter_string : str, optional
        Such as ``"name LIKE 'digits%' AND tags.team = 'a'"``.
    order_by : list of str, optional
        Such as ``["name DESC"]``.

    Examples
    --------
    >>> for name in ("faces small", "faces large"):
    ...     _ = nbtrack.create_experiment(name)
    >>> [each.name for each in nbtrack.search_experiments(filter_string="name LIKE 'faces%'")]
    ['faces large', 'faces small']
    """
    from nbtrack.tracking.search import search_experiments as search

    return search(context.store(), view_type, max_results, filter_string, order_by)


@suggests_keywords
def delete_experiment(experiment_id: str) -> None:
    """Mark an experiment and its runs as deleted.

    Parameters
    ----------
    experiment_id : str
        The experiment.

    Examples
    --------
    >>> experiment_id = nbtrack.create_experiment("a mistake")
    >>> nbtrack.delete_experiment(experiment_id)
    >>> nbtrack.get_experiment(experiment_id).lifecycle_stage
    'deleted'
    """
    context.store().experiments.delete(experiment_id)


@suggests_keywords
def restore_experiment(experiment_id: str) -> None:
    """Restore a deleted experiment and all its runs.

    Parameters
    ----------
    experiment_id : str
        The experiment.

    Examples
    --------
    >>> experiment_id = nbtrack.create_experiment("needed after all")
    >>> nbtrack.delete_experiment(experiment_id)
    >>> nbtrack.restore_experiment(experiment_id)
    >>> nbtrack.get_experiment(experiment_id).lifecycle_stage
    'active'
    """
    context.store().experiments.restore(experiment_id)


@suggests_keywords
def set_experiment_tag(key: str, value: Any) -> None:
    """Set a tag of the active experiment.

    Parameters
    ----------
    key : str
        Its name.
    value : object
        Kept as text.

    Examples
    --------
    >>> experiment = nbtrack.set_experiment("sounds")
    >>> nbtrack.set_experiment_tag("team", "audio")
    >>> nbtrack.get_experiment_by_name("sounds").tags["team"]
    'audio'
    """
    set_experiment_tags({key: value})


@suggests_keywords
def set_experiment_tags(tags: Mapping[str, Any]) -> None:
    """Set several tags of the active experiment.

    Parameters
    ----------
    tags : mapping
        Values by name, kept as text.

    Examples
    --------
    >>> nbtrack.set_experiment_tags({"team": "audio", "phase": "2"})
    """
    store = context.store()
    store.experiments.set_tags(_start.active_experiment_id(store), tags)


@suggests_keywords
def delete_experiment_tag(key: str) -> None:
    """Remove a tag of the active experiment.

    Parameters
    ----------
    key : str
        Its name.

    Examples
    --------
    >>> nbtrack.set_experiment_tag("phase", "2")
    >>> nbtrack.delete_experiment_tag("phase")
    """
    store = context.store()
    store.experiments.delete_tag(_start.active_experiment_id(store), key)


def _check_no_traces(trace_location: object) -> None:
    if trace_location is not None:
        raise InvalidParameterError(
            f"trace_location={trace_location!r}: traces are not available in this version of "
            "nbtrack. Leave it out."
        )
