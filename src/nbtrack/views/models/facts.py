"""All there is to see of one model, as JSON: for the sidebar, and for the card in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from nbtrack.entities import LoggedModel, ModelVersion, Run
from nbtrack.entities.run_data import is_system_metric
from nbtrack.entities.runs import CELL_TAG, DATA_CONTEXT, GIT_BRANCH, GIT_COMMIT, SOURCE_NAME
from nbtrack.errors import NbtrackError, NotFoundError
from nbtrack.store import (
    Reader,
    Store,
    get_logged_model,
    get_logged_models,
    get_model_version,
    get_model_version_location,
    get_run,
    model_ids_of_run,
)
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views.details.query import experiment_name
from nbtrack.views.formats import OUR_TAGS, by_name, json_number, natural_order
from nbtrack.views.json_types import (
    CodeOfModel,
    DatasetLink,
    FileFacts,
    ModelFacts,
    ModelMetric,
    RunModel,
    RunOfModel,
    VersionLink,
)
from nbtrack.views.models.files import (
    file_facts,
    loading_line,
    read_mlmodel,
    requirements,
    serving_example,
)
from nbtrack.views.models.query import ModelValue, files_of, sizes_of, values_of, versions_of

MAX_FILES = 500
MAX_OF_RUN = 20


@dataclass(frozen=True)
class ModelRows:
    """What the database knows of a model; its files are not read for it."""

    uri: str
    location: str
    model: LoggedModel | None = None
    version: ModelVersion | None = None
    run: Run | None = None
    experiment: str = ""
    versions: Sequence[ModelVersion] = ()
    files: Sequence[tuple[str, int | None]] = ()
    size: int | None = None
    name: str = field(default="")
    values: Mapping[str, ModelValue] = field(default_factory=dict)


@dataclass(frozen=True)
class RunModelRows:
    """A model that a run has logged, its files, and where it is registered."""

    model: LoggedModel
    folder: ArtifactFolder
    versions: Sequence[ModelVersion]
    size: int | None
    values: Mapping[str, ModelValue]


def logged_model(store: Store, model_id: str) -> tuple[ModelFacts, Mapping[str, Any]]:
    """Return the facts of a logged model, and its input example as a scoring server takes it.

    Raises
    ------
    NotFoundError
        If there is no such model.
    """
    with store.read() as reader:
        model = get_logged_model(reader, model_id, deleted=True)
        known = _with_run(
            reader, model.source_run_id, model=model, uri=model.model_uri,
            location=model.artifact_location, name=model.name,
        )  # fmt: skip
    return _facts(known, store.access.folder(known.location))


def model_version(
    store: Store, name: str, version: int | str
) -> tuple[ModelFacts, Mapping[str, Any]]:
    """Return the facts of a version of a registered model, and its input example.

    Raises
    ------
    NotFoundError
        If there is no such version.
    """
    with store.read() as reader:
        found = get_model_version(reader, name, version)
        model = None
        if found.model_id is not None:
            models = get_logged_models(reader, [found.model_id], deleted=True)
            model = models[0] if models else None
        location = get_model_version_location(reader, name, found.version)
        known = _with_run(
            reader, found.run_id, model=model, version=found, name=found.name,
            uri=f"models:/{found.name}/{found.version}",
            location=location,
        )  # fmt: skip
    return _facts(known, store.access.folder(known.location))


def model_folder(
    folder: ArtifactFolder, uri: str | None = None
) -> tuple[ModelFacts, Mapping[str, Any]]:
    """Return the facts of a model that is a folder somewhere, and its input example."""
    name = folder.uri.rstrip("/").rpartition("/")[2]
    known = ModelRows(uri=uri or folder.uri, location=folder.uri, name=name)
    return _facts(known, folder)


def model_file(mlmodel: Mapping[str, Any]) -> tuple[ModelFacts, Mapping[str, Any]]:
    """Return what a model says of itself that is loaded already, wherever it came from."""
    path = str(mlmodel.get("artifact_path") or "")
    name = path.rstrip("/").rpartition("/")[2] or "model"
    stored = file_facts(mlmodel)
    facts = _all_facts(ModelRows(uri=path, location=path, name=name), mlmodel, stored, [], [])
    return facts, {}


def _with_run(
    reader: Reader, run_id: str | None, *, model: LoggedModel | None, **known: Any
) -> ModelRows:
    run, experiment = None, ""
    if run_id is not None:
        with suppress(NotFoundError):  # removed for good
            run = get_run(reader, run_id)
    if run is not None:
        experiment = experiment_name(reader, run.info.experiment_id)
    if model is None:
        return ModelRows(run=run, experiment=experiment, **known)
    model_id = model.model_id
    return ModelRows(
        model=model,
        run=run,
        experiment=experiment,
        versions=versions_of(reader, [model_id]).get(model_id, []),
        files=files_of(reader, model_id),
        size=sizes_of(reader, [model_id]).get(model_id),
        values=values_of(reader, [model])[model_id],
        **known,
    )


def _facts(known: ModelRows, folder: ArtifactFolder) -> tuple[ModelFacts, Mapping[str, Any]]:
    mlmodel = read_mlmodel(folder)
    files = list(known.files) or _listed(folder)
    stored = file_facts(mlmodel)
    facts = _all_facts(known, mlmodel, stored, files, requirements(folder))
    return facts, serving_example(folder, mlmodel)


def _all_facts(
    known: ModelRows,
    mlmodel: Mapping[str, Any],
    stored: FileFacts,
    files: Sequence[tuple[str, int | None]],
    packages: list[str],
) -> ModelFacts:
    model, version = known.model, known.version
    params = {} if model is None else model.params
    tagged = model if version is None else version
    sizes = [size for _, size in files if size is not None]
    facts: ModelFacts = {
        "kind": "folder" if model is None and version is None else
                "logged" if version is None else "version",
        "name": known.name,
        "version": None if version is None else version.version,
        "model_id": model.model_id if model is not None else mlmodel.get("model_id"),
        "uri": known.uri,
        "location": known.location,
        "state": None if model is None else str(model.status),
        "message": None if model is None else model.status_message,
        "model_type": None if model is None else model.model_type,
        "stage": None if version is None else version.current_stage,
        "aliases": [] if version is None else list(version.aliases),
        "description": None if version is None else version.description,
        "user": None if version is None else version.user_id,
        "params": by_name(params),
        "metrics": _metrics(known.values),
        "tags": by_name(tagged.tags if tagged is not None else {}, OUR_TAGS),
        "versions": [version_link(each) for each in known.versions],
        "run": _run(known),
        "datasets": _datasets(known.run),
        "code": _code(known.run),
        "files": [{"path": path, "size": size} for path, size in files[:MAX_FILES]],
        "requirements": packages,
        **stored,
        "load": loading_line(known.uri, stored["flavors"]),
    }  # fmt: skip
    if known.size is not None or sizes:
        facts["size"] = known.size if known.size is not None else sum(sizes)
    if model is not None:
        facts["created_ms"] = model.creation_timestamp
    if version is not None:
        facts["created_ms"] = version.creation_timestamp
    return facts


def models_of_run(reader: Reader, run_id: str) -> list[RunModelRows]:
    """Return the models that a run has logged, the latest first; at most 20."""
    ids = model_ids_of_run(reader, run_id)[::-1][:MAX_OF_RUN]
    versions, sizes = versions_of(reader, ids), sizes_of(reader, ids)
    models = get_logged_models(reader, ids)
    values = values_of(reader, models)
    return [
        RunModelRows(
            model,
            reader.access.folder(model.artifact_location),
            versions.get(model.model_id, []),
            sizes.get(model.model_id),
            values[model.model_id],
        )
        for model in models
    ]


def short_facts(found: RunModelRows) -> RunModel:
    """Return what a list shows of a logged model; of its files, only MLmodel is read."""
    model = found.model
    stored = file_facts(read_mlmodel(found.folder))
    return {
        "model_id": model.model_id,
        "name": model.name,
        "state": str(model.status),
        "message": model.status_message,
        "model_type": model.model_type,
        "created_ms": model.creation_timestamp,
        "size": found.size if found.size is not None else stored["size"],
        "flavors": stored["flavors"],
        "device": stored["device"],
        "precision": stored["precision"],
        "parameters": stored["parameters"],
        "signature": stored["signature"],
        "metrics": _metrics(found.values),
        "versions": [version_link(each) for each in found.versions],
        "uri": model.model_uri,
        "load": loading_line(model.model_uri, stored["flavors"]),
    }


def version_link(version: ModelVersion) -> VersionLink:
    """Return a version as it is referred to."""
    return {
        "name": version.name,
        "version": version.version,
        "stage": version.current_stage,
        "aliases": list(version.aliases),
    }


def _metrics(values: Mapping[str, ModelValue]) -> list[ModelMetric]:
    return [
        {"key": key, "value": json_number(values[key].value), "step": values[key].step}
        for key in sorted(values, key=natural_order)
        if not is_system_metric(key)
    ]


def _run(known: ModelRows) -> RunOfModel | None:
    run = known.run
    if run is None:
        return None
    return {
        "run_id": run.info.run_id,
        "name": run.info.run_name,
        "state": run.info.status,
        "experiment_id": run.info.experiment_id,
        "experiment": known.experiment,
        "end_ms": run.info.end_time,
    }


def _datasets(run: Run | None) -> list[DatasetLink]:
    if run is None or run.inputs is None:
        return []
    found: list[DatasetLink] = []
    for each in run.inputs.dataset_inputs:
        tags = {tag.key: tag.value for tag in each.tags}
        context = tags.get(DATA_CONTEXT)
        found.append({"name": each.dataset.name, "digest": each.dataset.digest, "context": context})
    return found


def _code(run: Run | None) -> CodeOfModel | None:
    """Return where the code of a model's run stands: the commit, the cell, the notebook."""
    if run is None:
        return None
    tags = run.data.tags
    found: CodeOfModel = {
        "commit": tags.get(GIT_COMMIT),
        "branch": tags.get(GIT_BRANCH),
        "cell": tags.get(CELL_TAG),
        "source": tags.get(SOURCE_NAME),
    }
    return found if any(found.values()) else None


def _listed(folder: ArtifactFolder) -> list[tuple[str, int | None]]:
    """Return the files of a model that nobody has recorded."""
    found: list[tuple[str, int | None]] = []
    waiting: list[str | None] = [None]
    try:
        while waiting and len(found) < MAX_FILES:
            for each in folder.list(waiting.pop()):
                if each.is_dir:
                    waiting.append(each.path)
                else:
                    found.append((each.path, each.file_size))
    except (NbtrackError, OSError):  # the folder is gone, or far away and out of reach
        return found
    return sorted(found, key=lambda file: natural_order(file[0]))
