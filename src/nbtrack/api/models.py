"""Logged models: made, described, searched."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from nbtrack.entities import LoggedModel, LoggedModelStatus
from nbtrack.errors import InvalidParameterError
from nbtrack.suggestions import suggests_keywords
from nbtrack.tracking import context
from nbtrack.tracking import start as _start

if TYPE_CHECKING:
    import pandas as pd

    from nbtrack.store import Store
    from nbtrack.tracking.active_model import ActiveModel


def _store_of_source(source_run_id: str | None) -> Store:
    """Return the store of the run that a model comes out of, by default of the active one."""
    return context.active_store() if source_run_id is None else context.store_of(source_run_id)


@suggests_keywords
def initialize_logged_model(
    name: str | None = None,
    source_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    experiment_id: str | None = None,
) -> LoggedModel:
    """Create a logged model that is PENDING until ``finalize_logged_model``.

    Parameters
    ----------
    name : str, optional
        By default a random one.
    source_run_id : str, optional
        By default the active run, if there is one.
    tags, params : mapping, optional
        Tags and params of the model, by name.
    model_type : str, optional
        Any text, to find models of one kind by.
    experiment_id : str, optional
        By default that of the run, else the active one.

    Examples
    --------
    >>> model = nbtrack.initialize_logged_model("net", params={"layers": 2})
    >>> model.status
    <LoggedModelStatus.PENDING: 'PENDING'>
    >>> nbtrack.finalize_logged_model(model.model_id, "READY").status
    <LoggedModelStatus.READY: 'READY'>
    """
    from nbtrack.tracking.logged_models import initialize

    return initialize(
        _store_of_source(source_run_id),
        name,
        run_id=source_run_id,
        experiment_id=experiment_id,
        params=params,
        tags=tags,
        model_type=model_type,
    )


@suggests_keywords
def create_external_model(
    name: str | None = None,
    source_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    experiment_id: str | None = None,
) -> LoggedModel:
    """Create a logged model whose files are stored elsewhere; it is READY at once.

    The parameters are those of ``initialize_logged_model``.

    Examples
    --------
    >>> model = nbtrack.create_external_model("hosted elsewhere", params={"size": "7b"})
    >>> model.status.value, model.params
    ('READY', {'size': '7b'})
    """
    from nbtrack.tracking.model_edits import create_external

    return create_external(
        _store_of_source(source_run_id),
        name,
        run_id=source_run_id,
        experiment_id=experiment_id,
        params=params,
        tags=tags,
        model_type=model_type,
    )


@suggests_keywords
def import_checkpoints(
    checkpoint_path: str | os.PathLike[str],
    source_run_id: str | None = None,
    model_prefix: str | None = None,
    overwrite_checkpoints: bool = False,
) -> list[LoggedModel]:
    """Create an external model for every file and folder in a folder of checkpoints.

    Parameters
    ----------
    checkpoint_path : path
        The folder that holds the checkpoints.
    source_run_id : str, optional
        The run that wrote them; by default the active one.
    model_prefix : str, optional
        Put before the name of each, which is that of the file.
    overwrite_checkpoints : bool
        Whether models that the run has already under these names are replaced.

    Examples
    --------
    >>> from pathlib import Path
    >>> Path("checkpoints").mkdir()
    >>> for step in (100, 200):
    ...     _ = Path("checkpoints", f"step-{step}.pt").write_bytes(b"weights")
    >>> with nbtrack.start_run():
    ...     models = nbtrack.import_checkpoints("checkpoints", model_prefix="run1-")
    >>> sorted(each.name for each in models)
    ['run1-step-100_pt', 'run1-step-200_pt']
    """
    from nbtrack.tracking.model_edits import import_checkpoints as load

    return load(
        _store_of_source(source_run_id),
        checkpoint_path,
        source_run_id,
        model_prefix,
        overwrite=overwrite_checkpoints,
    )


@suggests_keywords
def log_model_params(params: Mapping[str, Any], model_id: str | None = None) -> None:
    """Log params of a logged model, by default the active one; they are written once.

    Parameters
    ----------
    params : mapping
        Values by name, kept as text.
    model_id : str, optional
        By default the active model.

    Raises
    ------
    InvalidParameterError
        If no model is active and none is given.

    Examples
    --------
    >>> model = nbtrack.create_external_model("net")
    >>> nbtrack.log_model_params({"layers": 2}, model_id=model.model_id)
    >>> nbtrack.get_logged_model(model.model_id).params
    {'layers': '2'}
    """
    from nbtrack.tracking.model_edits import log_params

    chosen = model_id or context.active_model()
    if chosen is None:
        raise InvalidParameterError(
            "log_model_params needs a model: give model_id, or choose one with set_active_model."
        )
    log_params(context.store_of_model(chosen), chosen, params)


@suggests_keywords
def finalize_logged_model(
    model_id: str, status: Literal["READY", "FAILED"] | LoggedModelStatus
) -> LoggedModel:
    """Finalize a logged model: its status says whether all its files are there.

    Parameters
    ----------
    model_id : str
        The logged model.
    status : {"READY", "FAILED"}
        Whether they are.

    Examples
    --------
    >>> model = nbtrack.initialize_logged_model("net")
    >>> nbtrack.finalize_logged_model(model.model_id, "FAILED").status.value
    'FAILED'
    """
    from nbtrack.tracking.model_edits import finalize

    return finalize(context.store_of_model(model_id), model_id, status)


@suggests_keywords
def get_logged_model(model_id: str) -> LoggedModel:
    """Return a logged model with its params, tags and metrics.

    Parameters
    ----------
    model_id : str
        The logged model.

    Examples
    --------
    >>> model = nbtrack.create_external_model("net")
    >>> nbtrack.get_logged_model(model.model_id).name
    'net'
    """
    from nbtrack.tracking.model_edits import get

    return get(context.store_of_model(model_id), model_id)


def last_logged_model() -> LoggedModel | None:
    """Return the model that was logged last in this thread, else in this process, or None.

    Examples
    --------
    >>> model = nbtrack.create_external_model("net")
    >>> nbtrack.last_logged_model().model_id == model.model_id
    True
    """
    model_id = context.last_model()
    return None if model_id is None else get_logged_model(model_id)


@overload
def search_logged_models(
    experiment_ids: Sequence[str] | None = ...,
    filter_string: str | None = ...,
    datasets: Sequence[Mapping[str, str]] | None = ...,
    max_results: int | None = ...,
    order_by: Sequence[Mapping[str, Any]] | None = ...,
    *,
    output_format: Literal["list"],
) -> list[LoggedModel]: ...


@overload
def search_logged_models(
    experiment_ids: Sequence[str] | None = ...,
    filter_string: str | None = ...,
    datasets: Sequence[Mapping[str, str]] | None = ...,
    max_results: int | None = ...,
    order_by: Sequence[Mapping[str, Any]] | None = ...,
    output_format: Literal["pandas"] = ...,
) -> pd.DataFrame: ...


@suggests_keywords
def search_logged_models(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str | None = None,
    datasets: Sequence[Mapping[str, str]] | None = None,
    max_results: int | None = None,
    order_by: Sequence[Mapping[str, Any]] | None = None,
    output_format: str = "pandas",
) -> pd.DataFrame | list[LoggedModel]:
    """Return the logged models that match a filter, as a DataFrame or a list.

    Parameters
    ----------
    experiment_ids : list of str, optional
        By default the active experiment.
    filter_string : str, optional
        Such as ``"metrics.acc > 0.9 AND params.lr = '0.1' AND status = 'READY'"``.
    datasets : list of dict, optional
        ``dataset_name`` and, if need be, ``dataset_digest``: only metrics of these count.
    max_results : int, optional
        By default all.
    order_by : list of dict, optional
        Such as ``[{"field_name": "metrics.acc", "ascending": False}]``.
    output_format : {"pandas", "list"}
        A DataFrame with a row for each model, or a list of ``LoggedModel``.

    Returns
    -------
    pandas.DataFrame or list of LoggedModel
        The table has a column for each attribute; ``metrics`` are lists.

    Examples
    --------
    >>> _ = nbtrack.set_experiment("of models")
    >>> for layers in (2, 4):
    ...     _ = nbtrack.create_external_model(f"net {layers}", params={"layers": layers})
    >>> found = nbtrack.search_logged_models(filter_string="params.layers = '4'")
    >>> list(found["name"])
    ['net 4']
    """
    from nbtrack.store.search import search_logged_models as search
    from nbtrack.tracking.model_edits import models_frame
    from nbtrack.tracking.search import say_what_was_meant

    if output_format not in ("pandas", "list"):
        raise InvalidParameterError(
            f"Unsupported output format: {output_format!r}. Supported string values are 'pandas' "
            "or 'list'"
        )
    store = context.store()
    ids = [_start.active_experiment_id(store)] if experiment_ids is None else experiment_ids
    with store.read() as reader:
        size = 2**31 if max_results is None else max_results
        found = search(reader, ids, filter_string, datasets, size, order_by)
        if not found:
            say_what_was_meant(reader, "logged model", filter_string)
    return found.to_list() if output_format == "list" else models_frame(found)


@suggests_keywords
def set_logged_model_tags(model_id: str, tags: Mapping[str, Any]) -> None:
    """Set tags of a logged model.

    Parameters
    ----------
    model_id : str
        The logged model.
    tags : mapping
        Values by name, kept as text.

    Examples
    --------
    >>> model = nbtrack.create_external_model("net")
    >>> nbtrack.set_logged_model_tags(model.model_id, {"stage": "draft"})
    >>> nbtrack.get_logged_model(model.model_id).tags["stage"]
    'draft'
    """
    from nbtrack.tracking.model_edits import set_tags

    set_tags(context.store_of_model(model_id), model_id, tags)


@suggests_keywords
def delete_logged_model_tag(model_id: str, key: str) -> None:
    """Remove a tag of a logged model.

    Parameters
    ----------
    model_id : str
        The logged model.
    key : str
        The tag's name.

    Examples
    --------
    >>> model = nbtrack.create_external_model("net", tags={"stage": "draft"})
    >>> nbtrack.delete_logged_model_tag(model.model_id, "stage")
    >>> "stage" in nbtrack.get_logged_model(model.model_id).tags
    False
    """
    from nbtrack.tracking.model_edits import delete_tag

    delete_tag(context.store_of_model(model_id), model_id, key)


@suggests_keywords
def set_active_model(*, name: str | None = None, model_id: str | None = None) -> ActiveModel:
    """Make a model the active one of this thread: metrics are the model's too.

    Parameters
    ----------
    name : str, optional
        The latest model of this name in the active experiment; made if there is none.
    model_id : str, optional
        Its id, where no name is given.

    Returns
    -------
    ActiveModel
        In a ``with`` statement the model is active only there.

    Examples
    --------
    >>> with nbtrack.set_active_model(name="net") as model:
    ...     with nbtrack.start_run():
    ...         nbtrack.log_metric("accuracy", 0.9)
    >>> [each.key for each in nbtrack.get_logged_model(model.model_id).metrics]
    ['accuracy']
    """
    from nbtrack.tracking.active_model import set_active_model as activate

    store = context.active_store() if model_id is None else context.store_of_model(model_id)
    return activate(store, name=name, model_id=model_id)


def get_active_model_id() -> str | None:
    """Return the id of the active model, else that of ``MLFLOW_ACTIVE_MODEL_ID``, or None.

    Examples
    --------
    >>> nbtrack.get_active_model_id() is None
    True
    """
    return context.active_model()


def clear_active_model() -> None:
    """Clear the active model.

    Examples
    --------
    >>> _ = nbtrack.set_active_model(name="net")
    >>> nbtrack.clear_active_model()
    >>> nbtrack.get_active_model_id() is None
    True
    """
    from nbtrack.tracking.active_model import clear_active_model as clear

    clear()


@suggests_keywords
def trust(place: str | os.PathLike[str], *, forget: bool = False) -> list[str]:
    """Let code of the models of a store run on this machine without asking for each.

    Read them first: loading them runs what is in them. Only what they are now is trusted: models
    that are added or changed later ask again. What you have saved yourself needs no such word.

    Parameters
    ----------
    place : str or path
        A store (its database file, its folder, the URL of a tracking server), or one model.
    forget : bool, optional
        True to trust it no more.

    Returns
    -------
    list of str
        The models that are trusted now.

    Raises
    ------
    NotFoundError
        If there is no such store or model.

    Examples
    --------
    >>> trusted = nbtrack.trust("nbtrack.duckdb")  # after a look at what its models run
    >>> _ = nbtrack.trust("nbtrack.duckdb", forget=True)
    """
    from nbtrack.models.consent import trust as trust_models

    return trust_models(place, forget=forget)
