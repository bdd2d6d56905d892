"""The model registry of a tracking server, which makes every change of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbtrack.entities import ModelVersion, RegisteredModel
from nbtrack.errors import NotFoundError
from nbtrack.protocol import encode, endpoints
from nbtrack.protocol.artifact_urls import SCHEME, split_proxied
from nbtrack.store import registry
from nbtrack.store.registry_edits import ModelSource, Registry, Tags

if TYPE_CHECKING:
    from nbtrack.store.reader import Database
    from nbtrack.store.remote.remote import Remote


class RemoteRegistry(Registry):
    """The model registry of a server that a store mirrors.

    Parameters
    ----------
    database : Database
        The mirror.
    remote : Remote
    """

    def __init__(self, database: Database, remote: Remote) -> None:
        super().__init__(database)
        self._remote = remote

    def _model(self, name: str) -> RegisteredModel:
        with self._database.read() as reader:
            return registry.get_registered_model(reader, name)

    def _version(self, name: str, version: int) -> ModelVersion:
        with self._database.read() as reader:
            return registry.get_model_version(reader, name, version)

    # -- registered models -------------------------------------------------------------------

    def _create_model(self, name: str, tags: Tags, description: str | None) -> RegisteredModel:
        body: dict[str, Any] = {"name": name, "tags": encode.tags(dict(tags))}
        if description is not None:
            body["description"] = description
        self._remote.change(endpoints.CREATE_REGISTERED_MODEL, body, repeatable=False)
        return self._model(name)

    def _rename_model(self, name: str, new_name: str) -> RegisteredModel:
        self._remote.change(endpoints.RENAME_REGISTERED_MODEL, {"name": name, "new_name": new_name})
        return self._model(new_name)

    def _update_model(self, name: str, description: str | None) -> RegisteredModel:
        body = {"name": name, "description": description or ""}
        self._remote.change(endpoints.UPDATE_REGISTERED_MODEL, body)
        return self._model(name)

    def _delete_model(self, name: str) -> None:
        self._remote.change(endpoints.DELETE_REGISTERED_MODEL, {"name": name})

    def _set_model_tag(self, name: str, key: str, value: str | None) -> None:
        at = {"name": name, "key": key}
        if value is None:
            self._remote.change(endpoints.DELETE_REGISTERED_MODEL_TAG, at)
        else:
            self._remote.change(endpoints.SET_REGISTERED_MODEL_TAG, {**at, "value": value})

    def _set_alias(self, name: str, alias: str, version: int | None) -> None:
        at = {"name": name, "alias": alias}
        if version is None:
            self._remote.change(endpoints.DELETE_ALIAS, at)
        else:
            self._remote.change(endpoints.SET_ALIAS, {**at, "version": str(version)})

    # -- versions ----------------------------------------------------------------------------

    def _create_version(
        self,
        name: str,
        source: ModelSource,
        tags: Tags,
        texts: Mapping[str, str | None],
        *,
        make_model: bool,
    ) -> ModelVersion:
        """Make the next version of a registered model; the server knows who the user is."""
        self._remote.flush()
        self._check_is_there(source)
        if make_model:
            try:
                self._remote.ask(endpoints.GET_REGISTERED_MODEL, {"name": name})
            except NotFoundError:
                self._remote.change(
                    endpoints.CREATE_REGISTERED_MODEL, {"name": name}, repeatable=False
                )
        body: dict[str, Any] = {
            "name": name,
            "source": self._source(source),
            "tags": encode.tags(dict(tags)),
        }
        if source.run_id is not None:
            body["run_id"] = self._remote.id_of(source.run_id)
        if source.model_id is not None:
            body["model_id"] = self._remote.id_of(source.model_id)
        for field in ("run_link", "description"):
            if texts[field] is not None:
                body[field] = texts[field]
        made = self._remote.change(endpoints.CREATE_MODEL_VERSION, body, repeatable=False)
        return self._version(name, int(made["model_version"]["version"]))

    def _check_is_there(self, source: ModelSource) -> None:
        """Raise unless the server has the files: it cannot fetch them from this machine."""
        if source.model_id is None:
            return
        try:
            at = {"model_id": self._remote.id_of(source.model_id)}
            self._remote.ask(endpoints.GET_LOGGED_MODEL, at)
        except NotFoundError as error:
            raise NotFoundError(
                f"The tracking server {self._remote.url} does not have the logged model "
                f"{source.model_id}, so it cannot register it. Log it there: "
                f"set_tracking_uri({self._remote.url!r}) before log_model."
            ) from error

    def _source(self, source: ModelSource) -> str:
        if source.model_id is not None and source.uri == f"models:/{source.model_id}":
            return f"models:/{self._remote.id_of(source.model_id)}"
        served = split_proxied(source.uri)
        if served is not None and served[0] == self._remote.url:
            return f"{SCHEME}:/{served[1]}"
        return source.uri

    def _record_registration(self, model_id: str, name: str, version: int) -> None:
        """Do nothing: a server keeps the list of a model's versions itself."""

    def _update_version(self, name: str, version: int, description: str | None) -> ModelVersion:
        body = {"name": name, "version": str(version), "description": description or ""}
        self._remote.change(endpoints.UPDATE_MODEL_VERSION, body)
        return self._version(name, version)

    def _transition_stage(
        self, name: str, version: int, stage: str, *, archive_existing: bool
    ) -> ModelVersion:
        body = {
            "name": name,
            "version": str(version),
            "stage": stage,
            "archive_existing_versions": archive_existing,
        }
        self._remote.change(endpoints.TRANSITION_STAGE, body)
        return self._version(name, version)

    def _delete_version(self, name: str, version: int) -> None:
        body = {"name": name, "version": str(version)}
        self._remote.change(endpoints.DELETE_MODEL_VERSION, body)

    def _set_version_tag(self, name: str, version: int, key: str, value: str | None) -> None:
        at = {"name": name, "version": str(version), "key": key}
        if value is None:
            self._remote.change(endpoints.DELETE_MODEL_VERSION_TAG, at)
        else:
            self._remote.change(endpoints.SET_MODEL_VERSION_TAG, {**at, "value": value})
