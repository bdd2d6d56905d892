"""The model registry, changed: each call is one transaction under the lock of the store.

So names, aliases and version numbers are unique whoever registers at the same time. A number
is never given twice, also when its version was deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nbtrack.entities import ModelVersion, RegisteredModel
from nbtrack.errors import AlreadyExistsError, NbtrackError
from nbtrack.limits import (
    ACTIVE_STAGES,
    check_alias,
    check_key,
    check_model_name,
    check_stage,
    check_version,
    pairs_of,
    registry_tag_value,
    storable,
)
from nbtrack.store import registry
from nbtrack.store.forwarding import forwarded
from nbtrack.store.journal import now_ms
from nbtrack.store.reader import Reader
from nbtrack.store.store import Store

VERSIONS_TAG = "mlflow.modelVersions"
_TABLES = ("models", "versions", "tags", "aliases", "version_tags")


@dataclass(frozen=True)
class Source:
    """What a new version is made of.

    Attributes
    ----------
    uri : str
        As it is shown.
    stored : str
        Where the files are: a URI, an absolute path, or one relative to the store's folder.
    run_id, model_id : str or None
    """

    uri: str
    stored: str
    run_id: str | None = None
    model_id: str | None = None


@forwarded("create_model")
def create_model(
    store: Store,
    name: str,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
) -> RegisteredModel:
    """Make a registered model without versions.

    Raises
    ------
    AlreadyExistsError
        If there is one of that name.
    """
    name = check_model_name(name)
    pairs = _checked_tags(tags)
    with store.write() as reader:
        if registry.get_registered_models(reader, [name]):
            raise _exists(name)
        _create(reader, name, pairs, description)
        return registry.get_registered_model(reader, name)


def _create(
    reader: Reader, name: str, tags: Iterable[tuple[str, str]], description: str | None
) -> None:
    text = None if description is None else storable(str(description))
    reader.named("registry.create", name=name, description=text, now=now_ms())
    for key, value in tags:
        reader.named("registry.add_tag", name=name, key=key, value=value)


@forwarded("rename_model")
def rename_model(store: Store, name: str, new_name: str) -> RegisteredModel:
    """Give a registered model, with its versions, tags and aliases, another name."""
    new_name = check_model_name(new_name, "new_name")
    with store.write() as reader:
        registry.get_registered_model(reader, name)
        if new_name != name:
            if registry.get_registered_models(reader, [new_name]):
                raise _exists(new_name)
            for table in _TABLES:
                what = table.removesuffix("s") if table == "models" else table
                stamp = {"now": now_ms()} if table in ("models", "versions") else {}
                reader.named(f"registry.rename_{what}", name=name, new_name=new_name, **stamp)
        return registry.get_registered_model(reader, new_name)


@forwarded("describe_model")
def describe_model(store: Store, name: str, description: str | None) -> RegisteredModel:
    """Give a registered model another description."""
    text = None if description is None else storable(str(description))
    with store.write() as reader:
        registry.get_registered_model(reader, name)
        reader.named("registry.describe", name=name, description=text, now=now_ms())
        return registry.get_registered_model(reader, name)


@forwarded("delete_model")
def delete_model(store: Store, name: str) -> None:
    """Remove a registered model with its versions, tags and aliases, for good."""
    with store.write() as reader:
        registry.get_registered_model(reader, name)
        for table in _TABLES:
            reader.named(f"registry.delete_{table}", name=name)


@forwarded("set_model_tag")
def set_model_tag(store: Store, name: str, key: str, value: Any) -> None:
    """Set a tag of a registered model."""
    text = registry_tag_value(check_key(key), value)
    with store.write() as reader:
        registry.get_registered_model(reader, name)
        reader.named("registry.remove_tag", name=name, key=key)
        reader.named("registry.add_tag", name=name, key=key, value=text)


@forwarded("delete_model_tag")
def delete_model_tag(store: Store, name: str, key: str) -> None:
    """Remove a tag of a registered model, if it is there."""
    check_key(key)
    with store.write() as reader:
        registry.get_registered_model(reader, name)
        reader.named("registry.remove_tag", name=name, key=key)


@forwarded("set_alias")
def set_alias(store: Store, name: str, alias: str, version: object) -> None:
    """Let an alias name a version, whichever it has named before."""
    alias, number = check_alias(alias), check_version(version)
    with store.write() as reader:
        registry.get_version(reader, name, number)
        reader.named("registry.remove_alias", name=name, alias=alias)
        reader.named("registry.add_alias", name=name, alias=alias, version=number)


@forwarded("delete_alias")
def delete_alias(store: Store, name: str, alias: str) -> None:
    """Remove an alias of a registered model, if it is there."""
    alias = check_alias(alias)
    with store.write() as reader:
        registry.get_registered_model(reader, name)
        reader.named("registry.remove_alias", name=name, alias=alias)


@forwarded("create_version")
def create_version(
    store: Store,
    name: str,
    source: Source,
    *,
    tags: Mapping[str, Any] | None = None,
    run_link: str | None = None,
    description: str | None = None,
    user_id: str | None = None,
    make_model: bool = False,
) -> ModelVersion:
    """Make the next version of a registered model.

    Parameters
    ----------
    store : Store
    name : str
    source : Source
    tags : mapping, optional
    run_link, description, user_id : str, optional
    make_model : bool
        Whether the registered model is made where there is none.

    Raises
    ------
    NotFoundError
        If there is no registered model of that name.
    """
    name = check_model_name(name)
    pairs = _checked_tags(tags)
    with store.write() as reader:
        if make_model and not registry.get_registered_models(reader, [name]):
            _create(reader, name, [], None)
        registry.get_registered_model(reader, name)
        now = now_ms()
        version = reader.named("registry.next_version", name=name, now=now)[0][0]
        texts = {"description": description, "user_id": user_id, "run_link": run_link}
        reader.named(
            "registry.create_version",
            name=name,
            version=version,
            source=source.uri,
            storage_location=source.stored,
            run_id=source.run_id,
            model_id=source.model_id,
            now=now,
            **{key: None if text is None else storable(str(text)) for key, text in texts.items()},
        )
        for key, value in pairs:
            reader.named(
                "registry.add_version_tag", name=name, version=version, key=key, value=value
            )
        model = [] if source.model_id is None else [source.model_id]
        if reader.named("models.info", model_ids=model, deleted=True):
            _tell_model(reader, model[0], name, version)
        return registry.get_version(reader, name, version)


def _tell_model(reader: Reader, model_id: str, name: str, version: int) -> None:
    """Add a version to those that the tag of its logged model lists."""
    at = {"model_id": model_id, "key": VERSIONS_TAG}
    rows = reader.named("registry.model_tag", **at)
    try:
        known = json.loads(rows[0][0]) if rows else []
    except ValueError:
        known = []
    known.append({"name": name, "version": version})
    reader.named("registry.remove_model_tag", **at)
    reader.named("registry.add_model_tag", **at, value=json.dumps(known))


@forwarded("tell_model")
def tell_model(store: Store, model_id: str, name: str, version: int) -> None:
    """Add a version of another store's registry to those that a logged model lists."""
    with store.write() as reader:
        _tell_model(reader, model_id, name, version)


@forwarded("describe_version")
def describe_version(
    store: Store, name: str, version: object, description: str | None
) -> ModelVersion:
    """Give a version another description."""
    number = check_version(version)
    text = None if description is None else storable(str(description))
    with store.write() as reader:
        registry.get_version(reader, name, number)
        reader.named(
            "registry.describe_version", name=name, version=number, description=text, now=now_ms()
        )
        return registry.get_version(reader, name, number)


@forwarded("set_stage")
def set_stage(
    store: Store, name: str, version: object, stage: str, *, archive_existing: bool = False
) -> ModelVersion:
    """Move a version to a stage, and the others that are there to ``Archived`` if that is asked.

    Raises
    ------
    NbtrackError
        If others are to be archived, and the stage is none that is in use.
    """
    number, canonical = check_version(version), check_stage(stage)
    if archive_existing and canonical not in ACTIVE_STAGES:
        raise NbtrackError(
            "Model version transition cannot archive existing model versions because "
            f"'{stage}' is not an Active stage. Valid stages are {list(ACTIVE_STAGES)}"
        )
    with store.write() as reader:
        registry.get_version(reader, name, number)
        at = {"name": name, "version": number, "stage": canonical, "now": now_ms()}
        if archive_existing:
            reader.named("registry.archive_others", **at)
        reader.named("registry.set_stage", **at)
        reader.named("registry.touch", name=name, now=at["now"])
        return registry.get_version(reader, name, number)


@forwarded("delete_version")
def delete_version(store: Store, name: str, version: object) -> None:
    """Remove a version and its aliases; its number is not given again."""
    number = check_version(version)
    with store.write() as reader:
        registry.get_version(reader, name, number)
        for what in ("version", "tags_of_version", "aliases_of_version"):
            reader.named(f"registry.delete_{what}", name=name, version=number)
        reader.named("registry.touch", name=name, now=now_ms())


@forwarded("set_version_tag")
def set_version_tag(store: Store, name: str, version: object, key: str, value: Any) -> None:
    """Set a tag of a version."""
    number, text = check_version(version), registry_tag_value(check_key(key), value)
    with store.write() as reader:
        registry.get_version(reader, name, number)
        at = {"name": name, "version": number, "key": key}
        reader.named("registry.remove_version_tag", **at)
        reader.named("registry.add_version_tag", **at, value=text)


@forwarded("delete_version_tag")
def delete_version_tag(store: Store, name: str, version: object, key: str) -> None:
    """Remove a tag of a version, if it is there."""
    number = check_version(version)
    check_key(key)
    with store.write() as reader:
        registry.get_version(reader, name, number)
        reader.named("registry.remove_version_tag", name=name, version=number, key=key)


def _exists(name: str) -> AlreadyExistsError:
    return AlreadyExistsError(
        f"Registered Model (name={name}) already exists. create_model_version({name!r}, ...) "
        "adds a version to it."
    )


def _checked_tags(tags: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    return [
        (check_key(key), registry_tag_value(key, value))
        for key, value in pairs_of("Tags", tags or {})
    ]
