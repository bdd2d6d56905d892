"""Logged models as entities, with all that was logged to them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

from nbtrack.entities import LoggedModel, LoggedModelStatus, Metric
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.store.artifacts.paths import resolve_location
from nbtrack.store.experiments import Experiments, Place
from nbtrack.store.journal import now_ms
from nbtrack.store.reader import Database, Reader
from nbtrack.validation import check_experiment_id, missing


def get_logged_model(reader: Reader, model_id: str, *, deleted: bool = False) -> LoggedModel:
    """Return a logged model; deleted ones only where they are asked for.

    Raises
    ------
    NotFoundError
        If there is no such model.
    """
    if not model_id:
        raise missing("model_id")
    found = get_logged_models(reader, [str(model_id)], deleted=deleted)
    if not found:
        raise NotFoundError(f"Logged model with ID '{model_id}' not found.")
    return found[0]


def get_logged_models(
    reader: Reader, model_ids: Sequence[str], *, deleted: bool = False
) -> list[LoggedModel]:
    """Return those of several logged models that are there, in the order of their ids."""
    ids = [reader.local_id(model_id) for model_id in model_ids]
    if not ids:
        return []
    reader.refresh(models=ids)
    infos = {row[1]: row for row in reader.named("models.info", model_ids=ids, deleted=deleted)}
    params: dict[str, dict[str, str]] = defaultdict(dict)
    for model_id, key, value in reader.named("models.params", model_ids=ids):
        params[model_id][key] = value
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    for model_id, key, value in reader.named("models.tags", model_ids=ids):
        tags[model_id][key] = value
    metrics: dict[str, list[Metric]] = defaultdict(list)
    for row in reader.named("models.metrics", model_ids=ids):
        metric = Metric(*row)
        metrics[str(metric.model_id)].append(metric)
    return [
        _model(reader.folder, infos[i], tags[i], params[i], metrics.get(i))
        for i in ids
        if i in infos
    ]


def _model(
    folder: Path,
    row: tuple[Any, ...],
    tags: dict[str, str],
    params: dict[str, str],
    metrics: list[Metric] | None,
) -> LoggedModel:
    experiment_id, model_id, name, stored, created, updated, kind, run_id, status, message = row
    return LoggedModel(
        experiment_id,
        model_id,
        name,
        model_location(folder, stored, experiment_id, model_id),
        created,
        updated,
        kind,
        run_id,
        LoggedModelStatus(status),
        message,
        tags,
        params,
        metrics,
    )


def usual_model_location(experiment_id: str, model_id: str) -> str:
    """Return where the files of a model lie below the folder of the store."""
    return f"artifacts/{experiment_id}/models/{model_id}/artifacts"


def model_location(folder: Path, stored: str | None, experiment_id: str, model_id: str) -> str:
    """Return where the files of a model are; the usual place where none is stored."""
    return resolve_location(folder, stored or usual_model_location(experiment_id, model_id))


def model_ids_of_run(reader: Reader, run_id: str, name: str | None = None) -> list[str]:
    """Return the ids of the models that a run has logged, that of the greatest step last.

    Parameters
    ----------
    reader : Reader
    run_id : str
    name : str, optional
        Only those of this name.
    """
    reader.refresh(runs=[run_id], models_of=None)
    rows = reader.named("models.of_run", run_id=run_id)
    return [model_id for model_id, found, _ in rows if name is None or found == name]


def model_names_of_run(reader: Reader, run_id: str) -> dict[str, str]:
    """Return the names of the models that a run has logged, each with the id of the latest."""
    reader.refresh(runs=[run_id], models_of=None)
    return {name: model_id for model_id, name, _ in reader.named("models.of_run", run_id=run_id)}


def model_file_hashes(reader: Reader, model_id: str) -> dict[str, str]:
    """Return the recorded SHA-256 of the files of a model, by path."""
    reader.refresh(models=[model_id])
    rows = reader.named("models.artifacts", model_id=model_id)
    return {path: sha256 for path, _, sha256 in rows if sha256}


def model_ids_of_name(reader: Reader, name: str, experiment_id: str) -> list[str]:
    """Return the ids of the logged models of a name in an experiment, the latest first."""
    reader.refresh(models_of=[experiment_id])
    known = reader.experiment_id(experiment_id)
    rows = reader.named("models.by_name", name=name, experiment_id=known)
    return [model_id for (model_id,) in rows]


def all_model_uris(reader: Reader) -> list[str]:
    """Return the URI of every model that has files, versions of registered ones included."""
    reader.refresh(models_of=None, registry=True)
    return [str(uri) for (uri,) in reader.named("models.uris")]


def check_logged_model_name(name: object, folders: bool = False) -> str:
    """Return ``name`` when it may name a logged model.

    Parameters
    ----------
    name : str
    folders : bool, optional
        Whether it may lie in folders: ``models/classifier``.

    Raises
    ------
    InvalidParameterError
        If it is empty, or holds what would not fit in a path or a URI.
    """
    bad = ("/", ":", ".", "%", '"', "'")
    parts = name.split("/") if folders and isinstance(name, str) else [name]
    if not all(isinstance(p, str) and p and not any(c in p for c in bad) for p in parts):
        raise InvalidParameterError(
            f"Invalid model name ({name!r}) provided. Model name must be a non-empty string and "
            f"cannot contain the following characters: {bad}. Use dashes or underscores instead."
        )
    return str(name)


class LoggedModels:
    """The logged models of a store, as they are made and deleted.

    What is logged to one goes to its journal: see `nbtrack.store.model_writer`.

    Parameters
    ----------
    database : Database
    experiments : Experiments
    """

    def __init__(self, database: Database, experiments: Experiments) -> None:
        self._database = database
        self._experiments = experiments

    @final
    def id_of_experiment(self, experiment_id: str) -> str:
        """Return the id that an experiment has now, when it has the form of one."""
        return self._id_of_experiment(check_experiment_id(experiment_id))

    def _id_of_experiment(self, experiment_id: str) -> str:
        return experiment_id

    @final
    def place(self, experiment_id: str, about: Mapping[str, Any]) -> Place:
        """Say what a new model is called, and where its files go.

        Parameters
        ----------
        experiment_id : str
        about : mapping
            Its ``name``, ``model_type`` and ``source_run_id``.

        Raises
        ------
        NotFoundError, InvalidParameterError
            If there is no such experiment, or it is deleted.
        """
        return self._place(f"m-{os.urandom(16).hex()}", experiment_id, about)

    def _place(self, model_id: str, experiment_id: str, about: Mapping[str, Any]) -> Place:
        location = self._experiments.location_of_new(experiment_id)
        if location is not None:
            return Place(model_id, *(f"{location}/models/{model_id}/artifacts",) * 2, {})
        usual = usual_model_location(experiment_id, model_id)
        return Place(model_id, None, str(self._database.folder / usual), {})

    @final
    def delete(self, model_id: str) -> None:
        """Mark a logged model as deleted; ``compact`` removes its files.

        Raises
        ------
        NotFoundError
            If there is no such model.
        """
        self._delete(model_id)

    def _delete(self, model_id: str) -> None:
        with self._database.write() as reader:
            get_logged_model(reader, model_id)
            reader.named("models.delete", model_id=model_id, now=now_ms())
