"""The model registry, changed: each call is one transaction under the lock of the store.

So names, aliases and version numbers are unique whoever registers at the same time. A number
is never given twice, also when its version was deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

from nbtrack.entities import ModelVersion, RegisteredModel
from nbtrack.errors import AlreadyExistsError, NbtrackError
from nbtrack.store import registry
from nbtrack.store.journal import now_ms
from nbtrack.store.reader import Database, Reader
from nbtrack.validation import (
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

MODEL_VERSIONS_TAG = "mlflow.modelVersions"
Tags = list[tuple[str, str]]
_TABLES = ("models", "versions", "tags", "aliases", "version_tags")


@dataclass(frozen=True)
class ModelSource:
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


class Registry:
    """The model registry of a store, as it is changed.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- registered models -------------------------------------------------------------------

    @final
    def create_model(
        self,
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
        return self._create_model(name, _checked_tags(tags), _text(description))

    def _create_model(self, name: str, tags: Tags, description: str | None) -> RegisteredModel:
        with self._database.write() as reader:
            if registry.get_registered_models(reader, [name]):
                raise _exists(name)
            _insert(reader, name, tags, description)
            return registry.get_registered_model(reader, name)

    @final
    def rename_model(self, name: str, new_name: str) -> RegisteredModel:
        """Give a registered model, with its versions, tags and aliases, another name.

        Raises
        ------
        NotFoundError, AlreadyExistsError
            If there is no such model, or another one of the new name.
        """
        return self._rename_model(name, check_model_name(new_name, "new_name"))

    def _rename_model(self, name: str, new_name: str) -> RegisteredModel:
        with self._database.write() as reader:
            registry.get_registered_model(reader, name)
            if new_name != name:
                if registry.get_registered_models(reader, [new_name]):
                    raise _exists(new_name)
                for table in _TABLES:
                    what = table.removesuffix("s") if table == "models" else table
                    stamp = {"now": now_ms()} if table in ("models", "versions") else {}
                    reader.named(f"registry.rename_{what}", name=name, new_name=new_name, **stamp)
            return registry.get_registered_model(reader, new_name)

    @final
    def update_model(self, name: str, description: str | None) -> RegisteredModel:
        """Give a registered model another description.

        Raises
        ------
        NotFoundError
            If there is no such model.
        """
        return self._update_model(name, _text(description))

    def _update_model(self, name: str, description: str | None) -> RegisteredModel:
        with self._database.write() as reader:
            registry.get_registered_model(reader, name)
            reader.named("registry.describe", name=name, description=description, now=now_ms())
            return registry.get_registered_model(reader, name)

    @final
    def delete_model(self, name: str) -> None:
        """Remove a registered model with its versions, tags and aliases, for good.

        Raises
        ------
        NotFoundError
            If there is no such model.
        """
        self._delete_model(check_model_name(name))

    def _delete_model(self, name: str) -> None:
        with self._database.write() as reader:
            registry.get_registered_model(reader, name)
            for table in _TABLES:
                reader.named(f"registry.delete_{table}", name=name)

    @final
    def set_model_tag(self, name: str, key: str, value: Any) -> None:
        """Set a tag of a registered model."""
        self._set_model_tag(name, key, registry_tag_value(check_key(key), value))

    @final
    def delete_model_tag(self, name: str, key: str) -> None:
        """Remove a tag of a registered model, if it is there."""
        self._set_model_tag(name, check_key(key), None)

    def _set_model_tag(self, name: str, key: str, value: str | None) -> None:
        with self._database.write() as reader:
            registry.get_registered_model(reader, name)
            reader.named("registry.remove_tag", name=name, key=key)
            if value is not None:
                reader.named("registry.add_tag", name=name, key=key, value=value)

    @final
    def set_alias(self, name: str, alias: str, version: object) -> None:
        """Let an alias name a version, whichever it has named before.

        Raises
        ------
        NotFoundError
            If there is no such version.
        """
        self._set_alias(name, check_alias(alias), check_version(version))

    @final
    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias of a registered model, if it is there."""
        self._set_alias(name, check_alias(alias), None)

    def _set_alias(self, name: str, alias: str, version: int | None) -> None:
        with self._database.write() as reader:
            if version is None:
                registry.get_registered_model(reader, name)
            else:
                registry.get_model_version(reader, name, version)
            reader.named("registry.remove_alias", name=name, alias=alias)
            if version is not None:
                reader.named("registry.add_alias", name=name, alias=alias, version=version)

    # -- versions ----------------------------------------------------------------------------

    @final
    def create_version(
        self,
        name: str,
        source: ModelSource,
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
        name : str
        source : ModelSource
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
        texts = {"description": description, "user_id": user_id, "run_link": run_link}
        known = {key: _text(text) for key, text in texts.items()}
        return self._create_version(name, source, _checked_tags(tags), known, make_model=make_model)

    def _create_version(
        self,
        name: str,
        source: ModelSource,
        tags: Tags,
        texts: Mapping[str, str | None],
        *,
        make_model: bool,
    ) -> ModelVersion:
        with self._database.write() as reader:
            if make_model and not registry.get_registered_models(reader, [name]):
                _insert(reader, name, [], None)
            registry.get_registered_model(reader, name)
            now = now_ms()
            reader.named("registry.count_version", name=name, now=now)
            version = reader.named("registry.greatest_version", name=name)[0][0]
            reader.named(
                "registry.create_version",
                name=name,
                version=version,
                source=source.uri,
                storage_location=source.stored,
                run_id=source.run_id,
                model_id=source.model_id,
                now=now,
                **texts,
            )
            at = {"name": name, "version": version}
            for key, value in tags:
                reader.named("registry.add_version_tag", **at, key=key, value=value)
            model = [] if source.model_id is None else [source.model_id]
            if reader.named("models.info", model_ids=model, deleted=True):
                _record(reader, model[0], name, version)
            return registry.get_model_version(reader, name, version)

    @final
    def record_registration(self, model_id: str, name: str, version: int) -> None:
        """Add a version of another store's registry to those that a logged model lists."""
        self._record_registration(model_id, name, version)

    def _record_registration(self, model_id: str, name: str, version: int) -> None:
        with self._database.write() as reader:
            _record(reader, model_id, name, version)

    @final
    def update_version(self, name: str, version: object, description: str | None) -> ModelVersion:
        """Give a version another description.

        Raises
        ------
        NotFoundError
            If there is no such version.
        """
        return self._update_version(name, check_version(version), _text(description))

    def _update_version(self, name: str, version: int, description: str | None) -> ModelVersion:
        with self._database.write() as reader:
            registry.get_model_version(reader, name, version)
            at = {"name": name, "version": version}
            reader.named(
                "registry.set_version_description", **at, description=description, now=now_ms()
            )
            return registry.get_model_version(reader, name, version)

    @final
    def transition_stage(
        self, name: str, version: object, stage: str, *, archive_existing: bool = False
    ) -> ModelVersion:
        """Move a version to a stage, and the others that are there to ``Archived`` if asked.

        Raises
        ------
        NbtrackError
            If others are to be archived, and the stage is none that is in use.
        NotFoundError
            If there is no such version.
        """
        number, canonical = check_version(version), check_stage(stage)
        if archive_existing and canonical not in ACTIVE_STAGES:
            raise NbtrackError(
                "Model version transition cannot archive existing model versions because "
                f"'{stage}' is not an Active stage. Valid stages are {list(ACTIVE_STAGES)}"
            )
        return self._transition_stage(name, number, canonical, archive_existing=archive_existing)

    def _transition_stage(
        self, name: str, version: int, stage: str, *, archive_existing: bool
    ) -> ModelVersion:
        with self._database.write() as reader:
            registry.get_model_version(reader, name, version)
            at = {"name": name, "version": version, "stage": stage, "now": now_ms()}
            if archive_existing:
                reader.named("registry.archive_others", **at)
            reader.named("registry.transition_stage", **at)
            reader.named("registry.touch", name=name, now=at["now"])
            return registry.get_model_version(reader, name, version)

    @final
    def delete_version(self, name: str, version: object) -> None:
        """Remove a version and its aliases; its number is not given again.

        Raises
        ------
        NotFoundError
            If there is no such version.
        """
        self._delete_version(name, check_version(version))

    def _delete_version(self, name: str, version: int) -> None:
        with self._database.write() as reader:
            registry.get_model_version(reader, name, version)
            for what in ("version", "tags_of_version", "aliases_of_version"):
                reader.named(f"registry.delete_{what}", name=name, version=version)
            reader.named("registry.touch", name=name, now=now_ms())

    @final
    def set_version_tag(self, name: str, version: object, key: str, value: Any) -> None:
        """Set a tag of a version."""
        number = check_version(version)
        self._set_version_tag(name, number, key, registry_tag_value(check_key(key), value))

    @final
    def delete_version_tag(self, name: str, version: object, key: str) -> None:
        """Remove a tag of a version, if it is there."""
        self._set_version_tag(name, check_version(version), check_key(key), None)

    def _set_version_tag(self, name: str, version: int, key: str, value: str | None) -> None:
        with self._database.write() as reader:
            registry.get_model_version(reader, name, version)
            at = {"name": name, "version": version, "key": key}
            reader.named("registry.remove_version_tag", **at)
            if value is not None:
                reader.named("registry.add_version_tag", **at, value=value)


def _insert(
    reader: Reader, name: str, tags: Iterable[tuple[str, str]], description: str | None
) -> None:
    reader.named("registry.create", name=name, description=description, now=now_ms())
    for key, value in tags:
        reader.named("registry.add_tag", name=name, key=key, value=value)


def _record(reader: Reader, model_id: str, name: str, version: int) -> None:
    """Add a version to those that the tag of its logged model lists."""
    at = {"model_id": model_id, "key": MODEL_VERSIONS_TAG}
    rows = reader.named("registry.model_tag", **at)
    try:
        known = json.loads(rows[0][0]) if rows else []
    except ValueError:
        known = []
    known.append({"name": name, "version": version})
    reader.named("registry.remove_model_tag", **at)
    reader.named("registry.add_model_tag", **at, value=json.dumps(known))


def _exists(name: str) -> AlreadyExistsError:
    return AlreadyExistsError(
        f"Registered Model (name={name}) already exists. create_model_version({name!r}, ...) "
        "adds a version to it."
    )


def _text(given: object | None) -> str | None:
    return None if given is None else storable(str(given))


def _checked_tags(tags: Mapping[str, Any] | None) -> Tags:
    return [
        (check_key(key), registry_tag_value(key, value))
        for key, value in pairs_of("Tags", tags or {})
    ]
