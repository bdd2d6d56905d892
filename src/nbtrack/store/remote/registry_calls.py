"""Changes of the model registry that the server makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbtrack.entities import ModelVersion, RegisteredModel
from nbtrack.errors import NotFoundError
from nbtrack.limits import (
    check_alias,
    check_key,
    check_model_name,
    check_stage,
    check_version,
    pairs_of,
    registry_tag_value,
)
from nbtrack.protocol.artifact_urls import SCHEME, split_proxied
from nbtrack.store import registry

if TYPE_CHECKING:
    from nbtrack.store.registry_edits import Source
    from nbtrack.store.remote.remote import Remote

Json = dict[str, Any]


class RegistryCalls:
    """The part of the changes that is about registered models and their versions."""

    _remote: Remote

    def _id(self, known: str) -> str:
        return self._remote.spool.server_id(str(known)) or str(known)

    def _flush(self) -> None:
        """Send what was logged before, so that the server knows what is spoken of."""
        self._remote.flush()

    def _post(self, path: str, body: Json, method: str = "POST", **options: Any) -> Json:
        try:
            return self._remote.ask(method, path, body, **options)
        finally:  # what is refused tells that the mirror is behind
            self._remote.pull.forget()

    def _model(self, name: str) -> RegisteredModel:
        with self._remote.store.read() as reader:
            return registry.get_registered_model(reader, name)

    def _version(self, name: str, version: int) -> ModelVersion:
        with self._remote.store.read() as reader:
            return registry.get_version(reader, name, version)

    # -- registered models -------------------------------------------------------------------

    def create_model(
        self,
        name: str,
        tags: Mapping[str, Any] | None = None,
        description: str | None = None,
    ) -> RegisteredModel:
        """Make a registered model without versions."""
        body: Json = {"name": check_model_name(name), "tags": _tags(tags)}
        if description is not None:
            body["description"] = str(description)
        self._post("registered-models/create", body, repeatable=False)
        return self._model(name)

    def rename_model(self, name: str, new_name: str) -> RegisteredModel:
        """Give a registered model another name."""
        new_name = check_model_name(new_name, "new_name")
        self._post("registered-models/rename", {"name": name, "new_name": new_name})
        return self._model(new_name)

    def describe_model(self, name: str, description: str | None) -> RegisteredModel:
        """Give a registered model another description."""
        body = {"name": name, "description": description or ""}
        self._post("registered-models/update", body, "PATCH")
        return self._model(name)

    def delete_model(self, name: str) -> None:
        """Remove a registered model with its versions."""
        self._post("registered-models/delete", {"name": check_model_name(name)}, "DELETE")

    def set_model_tag(self, name: str, key: str, value: Any) -> None:
        """Set a tag of a registered model."""
        text = registry_tag_value(check_key(key), value)
        self._post("registered-models/set-tag", {"name": name, "key": key, "value": text})

    def delete_model_tag(self, name: str, key: str) -> None:
        """Remove a tag of a registered model."""
        body = {"name": name, "key": check_key(key)}
        self._post("registered-models/delete-tag", body, "DELETE")

    def set_alias(self, name: str, alias: str, version: object) -> None:
        """Let an alias name a version."""
        body = {"name": name, "alias": check_alias(alias), "version": str(check_version(version))}
        self._post("registered-models/alias", body)

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias."""
        body = {"name": name, "alias": check_alias(alias)}
        self._post("registered-models/alias", body, "DELETE")

    # -- versions ----------------------------------------------------------------------------

    def create_version(
        self,
        name: str,
        source: Source,
        *,
        tags: Mapping[str, Any] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        user_id: str | None = None,
        make_model: bool = False,
    ) -> ModelVersion:
        """Make the next version of a registered model; the server knows who the user is."""
        name = check_model_name(name)
        self._flush()
        self._check_is_there(source)
        if make_model:
            try:
                self._remote.ask("GET", "registered-models/get", query={"name": name})
            except NotFoundError:
                self._post("registered-models/create", {"name": name}, repeatable=False)
        body: Json = {"name": name, "source": self._source(source), "tags": _tags(tags)}
        if source.run_id is not None:
            body["run_id"] = self._id(source.run_id)
        if source.model_id is not None:
            body["model_id"] = self._id(source.model_id)
        if run_link is not None:
            body["run_link"] = str(run_link)
        if description is not None:
            body["description"] = str(description)
        made = self._post("model-versions/create", body, repeatable=False)["model_version"]
        return self._version(name, int(made["version"]))

    def _check_is_there(self, source: Source) -> None:
        """Raise unless the server has the files: it cannot fetch them from this machine."""
        if source.model_id is None:
            return
        try:
            self._remote.ask("GET", f"logged-models/{self._id(source.model_id)}")
        except NotFoundError as error:
            raise NotFoundError(
                f"The tracking server {self._remote.url} does not have the logged model "
                f"{source.model_id}, so it cannot register it. Log it there: "
                f"set_tracking_uri({self._remote.url!r}) before log_model."
            ) from error

    def _source(self, source: Source) -> str:
        if source.model_id is not None and source.uri == f"models:/{source.model_id}":
            return f"models:/{self._id(source.model_id)}"
        served = split_proxied(source.uri)
        if served is not None and served[0] == self._remote.url:
            return f"{SCHEME}:/{served[1]}"
        return source.uri

    def tell_model(self, model_id: str, name: str, version: int) -> None:
        """Do nothing: a server keeps the list of a model's versions itself."""

    def describe_version(self, name: str, version: object, description: str | None) -> ModelVersion:
        """Give a version another description."""
        number = check_version(version)
        body = {"name": name, "version": str(number), "description": description or ""}
        self._post("model-versions/update", body, "PATCH")
        return self._version(name, number)

    def set_stage(
        self, name: str, version: object, stage: str, *, archive_existing: bool = False
    ) -> ModelVersion:
        """Move a version to a stage."""
        number = check_version(version)
        body = {
            "name": name,
            "version": str(number),
            "stage": check_stage(stage),
            "archive_existing_versions": archive_existing,
        }
        self._post("model-versions/transition-stage", body)
        return self._version(name, number)

    def delete_version(self, name: str, version: object) -> None:
        """Remove a version."""
        body = {"name": name, "version": str(check_version(version))}
        self._post("model-versions/delete", body, "DELETE")

    def set_version_tag(self, name: str, version: object, key: str, value: Any) -> None:
        """Set a tag of a version."""
        text = registry_tag_value(check_key(key), value)
        body = {"name": name, "version": str(check_version(version)), "key": key, "value": text}
        self._post("model-versions/set-tag", body)

    def delete_version_tag(self, name: str, version: object, key: str) -> None:
        """Remove a tag of a version."""
        body = {"name": name, "version": str(check_version(version)), "key": check_key(key)}
        self._post("model-versions/delete-tag", body, "DELETE")


def _tags(tags: Mapping[str, Any] | None) -> list[Json]:
    return [
        {"key": check_key(key), "value": registry_tag_value(key, value)}
        for key, value in pairs_of("Tags", tags or {})
    ]
