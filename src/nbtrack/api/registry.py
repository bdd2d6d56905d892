"""The model registry: names and versions for models, and where they came from."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrack.entities import ModelVersion, RegisteredModel
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.suggestions import suggests_keywords
from nbtrack.tracking import context
from nbtrack.validation import missing

if TYPE_CHECKING:
    from nbtrack.views.environment_difference import EnvironmentDifference
    from nbtrack.views.lineage.tree import Lineage

_RUN_ID = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[^:/\\]+")  # neither a URI nor a path with folders


@suggests_keywords
def set_registry_uri(uri: str | os.PathLike[str] | None) -> None:
    """Use the model registry of another store; "" or None for that of the runs again.

    Parameters
    ----------
    uri : str or path
        As in ``set_tracking_uri``; None for the store of the runs again.

    Examples
    --------
    >>> nbtrack.set_registry_uri("shared/models.duckdb")
    >>> nbtrack.get_registry_uri()
    '...shared/models.duckdb'
    >>> nbtrack.set_registry_uri(None)  # the store of the runs again
    """
    context.set_registry_uri(uri)


def get_registry_uri() -> str:
    """Return the path of the store whose model registry is used; of a team's its address.

    Examples
    --------
    >>> nbtrack.get_registry_uri()
    '...nbtrack.duckdb'
    """
    return context.registry_store().place


@suggests_keywords
def register_model(
    model_uri: str | os.PathLike[str],
    name: str,
    await_registration_for: int | None = 300,
    *,
    tags: Mapping[str, Any] | None = None,
    env_pack: None = None,
) -> ModelVersion:
    """Register a model as the next version of a registered model, created if need be.

    Parameters
    ----------
    model_uri : str or path
        ``runs:/<run>/<name>``, ``models:/...``, or the folder of a model.
    name : str
        The registered model that gets the version; it is made if there is none.
    await_registration_for : int, optional
        Nothing has to be waited for.
    tags : mapping, optional
        Tags of the version.
    env_pack : None
        Environments are not packed.

    Returns
    -------
    ModelVersion
        Its number is unique, whoever registers at the same time.

    Examples
    --------
    >>> model = nbtrack.create_external_model("net")
    >>> version = nbtrack.register_model(model.model_uri, "classifier", tags={"stage": "test"})
    >>> version.name, version.version
    ('classifier', 1)
    """
    from nbtrack.tracking import registration
    from nbtrack.tracking.model_locations import store_of

    if env_pack is not None:
        raise InvalidParameterError(
            f"env_pack={env_pack!r}: environments are not packed with a model. Leave it out; "
            "requirements.txt beside the model says what it needs."
        )
    stores = registration.Stores(store_of(model_uri), context.registry_store())
    return registration.register_model(stores, model_uri, name, tags=tags)


@suggests_keywords
def search_registered_models(
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: list[str] | None = None,
) -> list[RegisteredModel]:
    """Return the registered models that match a filter, by default all by name.

    Parameters
    ----------
    max_results : int, optional
        By default all.
    filter_string : str, optional
        Such as ``"name LIKE 'class%'"``.
    order_by : list of str, optional
        Such as ``["name DESC"]``.

    Examples
    --------
    >>> _ = nbtrack.register_model(nbtrack.create_external_model("net").model_uri, "segmenter")
    >>> [each.name for each in nbtrack.search_registered_models(filter_string="name LIKE 'seg%'")]
    ['segmenter']
    """
    from nbtrack.store.search import MAX_REGISTERED_MODELS, search_registered_models
    from nbtrack.tracking.search import say_what_was_meant

    with context.registry_store().read() as reader:
        found: list[RegisteredModel] = []
        token: str | None = None
        while max_results is None or len(found) < max_results:
            size = MAX_REGISTERED_MODELS if max_results is None else max_results - len(found)
            page = search_registered_models(
                reader, filter_string, min(size, MAX_REGISTERED_MODELS), order_by, token
            )
            found += page
            token = page.token
            if not token:
                break
        if not found:
            say_what_was_meant(reader, "registered model", filter_string)
        return found


@suggests_keywords
def search_model_versions(
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: list[str] | None = None,
) -> list[ModelVersion]:
    """Return the model versions that match a filter, by default the newest first.

    Parameters
    ----------
    max_results : int, optional
        By default as many as one page may hold.
    filter_string : str, optional
        Such as ``"name = 'classifier' AND tags.stage = 'test'"``.
    order_by : list of str, optional
        Such as ``["version_number DESC"]``.

    Examples
    --------
    >>> for _ in range(2):
    ...     version = nbtrack.register_model(nbtrack.create_external_model().model_uri, "ranker")
    >>> [each.version for each in nbtrack.search_model_versions(filter_string="name = 'ranker'")]
    [2, 1]
    """
    from nbtrack.store.search import MAX_MODEL_VERSIONS, search_model_versions
    from nbtrack.tracking.search import say_what_was_meant

    size = MAX_MODEL_VERSIONS if max_results is None else max_results
    with context.registry_store().read() as reader:
        versions = search_model_versions(reader, filter_string, size, order_by).to_list()
        if not versions:
            say_what_was_meant(reader, "model version", filter_string)
        return versions


@suggests_keywords
def set_model_version_tag(
    name: str, version: str | int | None = None, key: str | None = None, value: Any = None
) -> None:
    """Set a tag of a version.

    Parameters
    ----------
    name : str
        The registered model.
    version : str or int, optional
        Its version; it must be given.
    key : str, optional
        The tag's name; it must be given.
    value : object
        Kept as text.

    Examples
    --------
    >>> version = nbtrack.register_model(nbtrack.create_external_model().model_uri, "tagger")
    >>> nbtrack.set_model_version_tag("tagger", version.version, "reviewed by", "ada")
    >>> nbtrack.Client().get_model_version("tagger", 1).tags
    {'reviewed by': 'ada'}
    """
    if key is None:
        raise missing("key")
    context.registry_store().registry.set_version_tag(name, version, key, value)


@suggests_keywords
def environment_difference(run_id: str) -> EnvironmentDifference:
    """Return what differs between the environment of a run and that of this process.

    Python, platform, processors, GPUs and their driver, and the versions of those packages that
    the run had imported.

    Parameters
    ----------
    run_id : str
        The id of the run that is compared with this process.

    Returns
    -------
    EnvironmentDifference
        False where nothing differs; ``print`` shows a line for each change, ``to_dictionary()``
        gives plain values.

    Raises
    ------
    NotFoundError
        If there is no such run.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_metric("loss", 0.4)
    >>> bool(nbtrack.environment_difference(run.info.run_id))  # the same process
    False
    """
    from nbtrack.store import get_run
    from nbtrack.tracking.gpu import describe_gpus
    from nbtrack.views.code import ENVIRONMENT_FILE, read_json
    from nbtrack.views.environment_difference import environment_difference as compare

    store = context.store_of(run_id)
    with store.read() as reader:
        run = get_run(reader, run_id)
    kept = read_json(store.access.folder(run.info.artifact_uri), ENVIRONMENT_FILE)
    return compare(kept, describe_gpus())


@suggests_keywords
def lineage(what: Any, metric: str | None = None) -> Lineage:
    """Return where a model, a run or a number comes from: run, data, code, params, metrics.

    Models that the run has read are followed to the runs that made them, and so on.

    Parameters
    ----------
    what : str, path, ModelVersion, LoggedModel, ModelInfo, Run or ActiveRun
        A URI such as ``models:/<name>/<version>``, ``models:/<name>@<alias>``,
        ``models:/<model id>`` or ``runs:/<run>/<name>``, or a folder; or the id of a run.
    metric : str, optional
        A metric of the run: then this number is what is asked about.

    Returns
    -------
    Lineage
        ``print`` shows it as a tree, a notebook as a graph; ``to_dictionary()`` gives plain
        values, ``to_json()`` an RO-Crate.

    Raises
    ------
    NotFoundError
        If there is no such model, run or metric.
    InvalidParameterError
        If it is nothing of these.

    Examples
    --------
    >>> with nbtrack.start_run(run_name="baseline") as run:
    ...     nbtrack.log_metric("val_loss", 0.4)
    >>> print(nbtrack.lineage(run.info.run_id))
    run baseline (...), FINISHED, experiment Default
    ├─ code: ...
    └─ metrics: val_loss=0.4
    """
    from nbtrack.store import get_model_version
    from nbtrack.tracking.model_locations import locate, store_of, written_ids
    from nbtrack.views.lineage.query import LineageQuery

    names = context.registry_store()
    run_id = getattr(getattr(what, "info", None), "run_id", None)
    if isinstance(what, str) and _RUN_ID.fullmatch(what):
        run_id = what
    if isinstance(run_id, str):
        return LineageQuery(context.store_of(run_id), names).of_run(run_id, metric)
    if metric is not None:
        raise InvalidParameterError(
            f"metric={metric!r} belongs to a run: give the run's id, not {what!r}."
        )
    uri = _model_uri(what)
    if _NAME.fullmatch(uri) and not Path(uri).exists():
        raise NotFoundError(
            f"There is no run and no model {uri!r}: give the id of a run, which its details show "
            "and nbtrack.search_runs() has, or a URI such as 'models:/digits/1'."
        )
    place = locate(uri, None, names)
    version, model_id, made_by = None, place.model_id, place.run_id
    if place.version is not None:
        with names.read() as reader:
            version = get_model_version(reader, str(place.name), place.version)
    elif model_id is None and made_by is None:
        model_id, made_by = written_ids(place)
    store = store_of(f"runs:/{made_by}" if model_id is None else f"models:/{model_id}")
    return LineageQuery(store, names).of_model(uri, model_id, made_by, version)


def _model_uri(what: Any) -> str:
    if isinstance(what, ModelVersion):
        return f"models:/{what.name}/{what.version}"
    found = what if isinstance(what, str | os.PathLike) else getattr(what, "model_uri", None)
    if not isinstance(found, str | os.PathLike):
        raise InvalidParameterError(
            f"lineage knows nothing of a {type(what).__name__}: give the URI of a model, a version "
            "or a logged model."
        )
    return os.fspath(found)
