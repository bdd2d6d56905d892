"""The model registry, read: registered models and their versions as entities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from nbtrack.entities import ModelParam, ModelVersion, RegisteredModel
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.store.artifacts.paths import resolve_location
from nbtrack.store.logged_models import get_logged_model, model_location
from nbtrack.store.reader import Reader
from nbtrack.suggestions import did_you_mean
from nbtrack.validation import check_model_name, check_stage, check_version

_MODEL_FIELDS = ("name", "creation_timestamp", "last_updated_timestamp", "description")
_VERSION_FIELDS = (
    "name", "version", "creation_timestamp", "last_updated_timestamp", "description", "user_id",
    "current_stage", "source", "run_id", "status", "status_message", "run_link", "model_id",
)  # fmt: skip

LATEST = "latest"
Versions = Iterable[tuple[str, int]]


def get_registered_model(reader: Reader, name: str) -> RegisteredModel:
    """Return a registered model, with its latest version of each stage.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    """
    found = get_registered_models(reader, [check_model_name(name)])
    if not found:
        raise NotFoundError(
            f"Registered Model with name={name} not found. "
            + did_you_mean(
                name,
                reader.hints("registry.names"),
                "create_registered_model makes it, search_registered_models shows those that are "
                "there.",
            )
        )
    return found[0]


def get_registered_models(reader: Reader, names: Sequence[str]) -> list[RegisteredModel]:
    """Return those of several registered models that are there, in the order of their names."""
    wanted = list(names)
    if not wanted:
        return []
    reader.refresh(registry=True)
    infos = {row[0]: row for row in reader.named("registry.models", names=wanted)}
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    for name, key, value in reader.named("registry.tags", names=wanted):
        tags[name][key] = value
    aliases: dict[str, dict[str, int]] = defaultdict(dict)
    for name, alias, version in reader.named("registry.aliases", names=wanted):
        aliases[name][alias] = version
    latest: dict[str, list[ModelVersion]] = defaultdict(list)
    for found in get_model_versions(reader, reader.named("registry.latest", names=wanted)):
        latest[found.name].append(found)
    return [
        RegisteredModel(
            **dict(zip(_MODEL_FIELDS, infos[name], strict=True)),
            latest_versions=latest[name],
            tags=tags[name],
            aliases=aliases[name],
        )
        for name in wanted
        if name in infos
    ]


def get_model_versions(
    reader: Reader, wanted: Versions | list[tuple[Any, ...]]
) -> list[ModelVersion]:
    """Return those of several (name, version) that are there, in their order."""
    pairs = [(str(name), int(version)) for name, version in wanted]
    if not pairs:
        return []
    reader.refresh(registry=True)
    names, versions = [n for n, _ in pairs], [v for _, v in pairs]
    rows = reader.named("registry.versions", names=names, versions=versions)
    infos = {(row[0], row[1]): row for row in rows}
    tags: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for name, version, key, value in reader.named(
        "registry.version_tags", names=names, versions=versions
    ):
        tags[name, version][key] = value
    aliases: dict[tuple[str, int], list[str]] = defaultdict(list)
    for name, alias, version in reader.named("registry.aliases", names=names):
        aliases[name, version].append(alias)
    return [_version(infos[pair], tags[pair], aliases[pair]) for pair in pairs if pair in infos]


def _version(row: tuple[Any, ...], tags: dict[str, str], aliases: list[str]) -> ModelVersion:
    return ModelVersion(**dict(zip(_VERSION_FIELDS, row, strict=True)), tags=tags, aliases=aliases)


def versions_of_logged_model(reader: Reader, model_id: str) -> list[tuple[str, int]]:
    """Return (name, version) of what a logged model is registered as."""
    reader.refresh(registry=True)
    rows = reader.named("registry.of_model", model_id=model_id)
    return [(name, version) for name, version in rows]


def get_model_version(reader: Reader, name: str, version: object) -> ModelVersion:
    """Return one version of a registered model, with the params and metrics of its model.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    number = check_version(version)
    found = get_model_versions(reader, [(check_model_name(name), number)])
    if not found:
        raise NotFoundError(
            f"Model Version (name={name}, version={version}) not found. "
            f"{_versions_there(reader, name)}"
        )
    return _with_model(reader, found[0])


def _with_model(reader: Reader, version: ModelVersion) -> ModelVersion:
    if version.model_id is None:
        return version
    try:
        model = get_logged_model(reader, version.model_id, deleted=True)
    except NotFoundError:  # removed for good
        return version
    params = [ModelParam(key, value) for key, value in model.params.items()]
    return ModelVersion(**{**vars(version), "params": params, "metrics": model.metrics})


def _versions_there(reader: Reader, name: str) -> str:
    found = get_registered_models(reader, [name])
    if not found:
        otherwise = "There is no registered model of that name."
        return did_you_mean(name, reader.hints("registry.names"), otherwise)
    latest = found[0].latest_versions
    if not latest:
        return "It has no version yet."
    return f"The latest is {max(each.version for each in latest)}."


def get_latest_versions(
    reader: Reader, name: str, stages: Sequence[str] | None = None
) -> list[ModelVersion]:
    """Return the greatest version of each stage, or of some stages."""
    wanted = None if not stages else {check_stage(stage) for stage in stages}
    return [
        version
        for version in get_registered_model(reader, name).latest_versions
        if wanted is None or version.current_stage in wanted
    ]


def get_model_version_by_alias(reader: Reader, name: str, alias: str) -> ModelVersion:
    """Return the version that an alias names.

    Raises
    ------
    InvalidParameterError
        If the model has no such alias.
    NotFoundError
        If there is no such model.
    """
    reader.refresh(registry=True)
    if str(alias).lower() == LATEST:  # no alias can have this name
        return get_latest_model_version(reader, check_model_name(name))
    rows = reader.named("registry.by_alias", name=check_model_name(name), alias=str(alias))
    if not rows:
        known = get_registered_model(reader, name).aliases
        raise InvalidParameterError(
            f"Registered model alias {alias} not found. "
            + did_you_mean(
                str(alias),
                known,
                f"set_registered_model_alias({name!r}, {alias!r}, <version>) gives it"
                + (f"; there are {', '.join(sorted(known)[:10])}." if known else "."),
            )
        )
    return get_model_version(reader, name, rows[0][0])


def get_latest_model_version(reader: Reader, name: str, stage: str | None = None) -> ModelVersion:
    """Return the greatest version of all, or that of one stage.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    found = get_latest_versions(reader, name, None if stage is None else [stage])
    if not found:
        where = "" if stage is None else f" and stage '{stage}'"
        raise NotFoundError(f"No versions of model with name '{name}'{where} found")
    return max(found, key=lambda version: version.version)


def get_model_version_number(
    reader: Reader, name: str, version: object | None, stage: str | None
) -> int:
    """Return a version by its number, or the latest of a stage.

    Raises
    ------
    InvalidParameterError
        If not exactly one of them is given.
    """
    if (version is None) == (stage is None):
        raise InvalidParameterError(
            "Exactly one of 'version' and 'stage' must be given: which version is meant?"
        )
    if stage is None:
        return check_version(version)
    return get_latest_model_version(reader, name, check_stage(stage)).version


def get_model_version_location(reader: Reader, name: str, version: object) -> str:
    """Return where the files of a version are: a path or a URI.

    Raises
    ------
    NotFoundError
        If there is no such version.
    """
    found = get_model_version(reader, name, version)
    stored, model_id = reader.named("registry.storage", name=name, version=found.version)[0]
    if model_id is not None:
        reader.refresh(models=[model_id])
        rows = reader.named("models.info", model_ids=[model_id], deleted=True)
        if rows:
            experiment_id, _, _, location = rows[0][:4]
            return model_location(reader.folder, location, experiment_id, model_id)
    return resolve_location(reader.folder, stored)
