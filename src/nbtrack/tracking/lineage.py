"""Where a model, a run or a number comes from: version, logged model, run, data, code, numbers."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from nbtrack.entities import LoggedModel, ModelVersion, Run
from nbtrack.entities.runs import (
    DATA_CONTEXT,
    PARENT,
    REPRODUCED,
)
from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.store import (
    Reader,
    Store,
    find_experiment,
    get_logged_models,
    get_model_version,
    get_run,
    get_runs,
    versions_of_logged_model,
)
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.tracking.lineage_tree import Ancestor, Code, Data, Lineage
from nbtrack.tracking.model_locations import MODEL_FILE, ModelLocation, locate, store_of
from nbtrack.untrusted_files import read_yaml

MAX_PARENTS = 20
MAX_DEPTH = 10


def lineage_of_run(store: Store, names: Store, run_id: str, metric: str | None = None) -> Lineage:
    """Return where a run comes from, or one of its numbers.

    Parameters
    ----------
    store : Store
        That of the run.
    names : Store
        Whose registry is asked.
    run_id : str
    metric : str, optional
        Then this is the only metric that is shown.

    Raises
    ------
    NotFoundError
        If there is no such run, or it has no such metric.
    """
    with store.read() as reader:
        run = get_run(reader, run_id)
        metrics = dict(run.data.metrics)
        if metric is not None:
            if metric not in metrics:
                raise NotFoundError(
                    f"The run {run.info.run_name} has no metric {metric!r}; it has "
                    f"{', '.join(metrics) or 'none'}."
                )
            metrics = {metric: metrics[metric]}
        line = _line(reader, run_id, None, run, metrics)
    return _with_inputs(line, store, names, frozenset())


def lineage(
    store: Store | None, names: Store, what: Any, seen: frozenset[str] = frozenset()
) -> Lineage:
    """Return where a model comes from.

    Parameters
    ----------
    store : Store or None
        Where runs and logged models are; None for that of the model.
    names : Store
        Whose registry is asked.
    what : str, path, ModelVersion, LoggedModel, or what has a ``model_uri``
        A URI is of those that ``locate`` knows.
    seen : frozenset of str
        The ids of models that are not followed, since they are on the way here.

    Raises
    ------
    NotFoundError
        If there is no such model.
    InvalidParameterError
        If it is nothing of these.
    """
    uri = _uri_of(what)
    place = locate(uri, store, names)
    version, versions = None, []
    model_id, run_id = place.model_id, place.run_id
    if place.version is not None:
        with names.read() as reader:
            version = get_model_version(reader, str(place.name), place.version)
    elif model_id is None and run_id is None:
        model_id, run_id = _written(place)
    if store is None:
        store = store_of(f"runs:/{run_id}") if model_id is None else store_of(f"models:/{model_id}")
    if model_id is not None:
        with names.read() as reader:
            versions = versions_of_logged_model(reader, model_id)
    with store.read() as reader:
        found = get_logged_models(reader, [model_id or ""], deleted=True)
        model = found[0] if found else None
        run = _run(reader, run_id or (model.source_run_id if model else None))
        metrics = {} if run is None else dict(run.data.metrics)
        line = _line(reader, uri, model, run, metrics)
    line = replace(line, version=version, versions=versions)
    return _with_inputs(line, store, names, seen | {model_id or ""})


def _line(
    reader: Reader, uri: str, model: LoggedModel | None, run: Run | None, metrics: dict[str, float]
) -> Lineage:
    tags = {**(model.tags if model else {}), **(run.data.tags if run else {})}
    return Lineage(
        uri,
        None,
        model,
        run,
        _experiment(reader, run),
        Code.of(tags),
        _data(run),
        model.params if model else (run.data.params if run else {}),
        {m.key: m.value for m in model.metrics} if model and model.metrics else metrics,
        _parents(reader, run),
        _models(reader, run),
        reproduced=tags.get(REPRODUCED),
    )


def _with_inputs(line: Lineage, store: Store, names: Store, seen: frozenset[str]) -> Lineage:
    """Follow the models that a run has read to the runs that made them."""
    if len(seen) > MAX_DEPTH:
        return line
    new = [item.id for item in line.models if item.id not in seen]
    return replace(
        line, inputs=[lineage(store, names, f"models:/{each}", seen | {each}) for each in new]
    )


def _uri_of(what: Any) -> str:
    if isinstance(what, ModelVersion):
        return f"models:/{what.name}/{what.version}"
    found = what if isinstance(what, str | os.PathLike) else getattr(what, "model_uri", None)
    if not isinstance(found, str | os.PathLike):
        raise InvalidParameterError(
            f"lineage knows nothing of a {type(what).__name__}: give the URI of a model, a version "
            "or a logged model."
        )
    return os.fspath(found)


def _written(place: ModelLocation) -> tuple[str | None, str | None]:
    """Return the model and the run that the MLmodel file of a folder names."""
    folder: ArtifactFolder = place.folder
    try:
        known = read_yaml(folder.read_bytes(MODEL_FILE), MODEL_FILE)
    except (NbtrackError, OSError):
        return None, None
    fields = known if isinstance(known, dict) else {}
    model_id, run_id = fields.get("model_id"), fields.get("run_id")
    return None if model_id is None else str(model_id), None if run_id is None else str(run_id)


def _run(reader: Reader, run_id: str | None) -> Run | None:
    try:
        return get_runs(reader, [run_id])[0] if run_id else None
    except NbtrackError:  # of another store, or removed for good
        return None


def _experiment(reader: Reader, run: Run | None) -> str | None:
    if run is None:
        return None
    found = find_experiment(reader, run.info.experiment_id)
    return None if found is None else found.name


def _data(run: Run | None) -> list[Data]:
    found = []
    for item in [] if run is None else run.inputs.dataset_inputs:
        tags = {tag.key: tag.value for tag in item.tags}
        known = item.dataset
        context = tags.get(DATA_CONTEXT)
        found.append(Data(known.name, known.digest, context, known.source_type, known.source))
    return found


def _parents(reader: Reader, run: Run | None) -> list[Ancestor]:
    found: list[Ancestor] = []
    seen = {run.info.run_id} if run else set()
    while run is not None and len(found) < MAX_PARENTS:
        run = _run(reader, run.data.tags.get(PARENT))
        if run is None or run.info.run_id in seen:
            break
        seen.add(run.info.run_id)
        found.append(Ancestor(run.info.run_id, run.info.run_name))
    return found


def _models(reader: Reader, run: Run | None) -> list[Ancestor]:
    ids = [item.model_id for item in run.inputs.model_inputs] if run else []
    found = get_logged_models(reader, ids, deleted=True)
    return [Ancestor(model.model_id, model.name) for model in found]
