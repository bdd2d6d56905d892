"""The model registry: registered models, their versions and aliases."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbtrack.client.tracking import ClientBase
from nbtrack.entities import ModelVersion, PagedList, RegisteredModel
from nbtrack.validation import ALL_STAGES, missing

if TYPE_CHECKING:
    from nbtrack.tracking.registration import Stores


class RegisteredModelMethods(ClientBase):
    """Methods of the client for registered models."""

    def create_registered_model(
        self,
        name: str,
        tags: Mapping[str, Any] | None = None,
        description: str | None = None,
        deployment_job_id: str | None = None,
    ) -> RegisteredModel:
        """Create a registered model without versions; ``deployment_job_id`` is not kept.

        Parameters
        ----------
        deployment_job_id : str, optional
            Not kept.
        """
        return self._registry.registry.create_model(name, tags, description)

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Rename a registered model, with its versions, tags and aliases.

        Parameters
        ----------
        new_name : str
            No other model may have it.
        """
        return self._registry.registry.rename_model(name, new_name)

    def update_registered_model(
        self,
        name: str,
        description: str | None = None,
        deployment_job_id: str | None = None,
    ) -> RegisteredModel:
        """Update the description of a registered model; ``deployment_job_id`` is not kept.

        Parameters
        ----------
        deployment_job_id : str, optional
            Not kept.
        """
        return self._registry.registry.update_model(name, description)

    def delete_registered_model(self, name: str) -> None:
        """Remove a registered model with its versions, tags and aliases, for good."""
        self._registry.registry.delete_model(name)

    def get_registered_model(self, name: str) -> RegisteredModel:
        """Return a registered model with the latest version of each stage."""
        from nbtrack.store import get_registered_model

        with self._registry.read() as reader:
            return get_registered_model(reader, name)

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int = 100,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[RegisteredModel]:
        """Return one page of the registered models that match a filter."""
        from nbtrack.store.search import search_registered_models

        with self._registry.read() as reader:
            return search_registered_models(
                reader, filter_string, max_results, order_by, page_token
            )

    def list_registered_models(
        self, max_results: int = 100, page_token: str | None = None
    ) -> PagedList[RegisteredModel]:
        """Return one page of all registered models, by name: MLflow 1 had this method."""
        return self.search_registered_models(None, max_results, None, page_token)

    def set_registered_model_tag(self, name: str, key: str, value: Any) -> None:
        """Set a tag of a registered model."""
        self._registry.registry.set_model_tag(name, key, value)

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Remove a tag of a registered model."""
        self._registry.registry.delete_model_tag(name, key)

    def set_registered_model_alias(self, name: str, alias: str, version: str | int) -> None:
        """Set an alias to a version, also if it names another one."""
        self._registry.registry.set_alias(name, alias, version)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Remove an alias of a registered model."""
        self._registry.registry.delete_alias(name, alias)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """Return the version that an alias names."""
        from nbtrack.store import get_model_version_by_alias

        with self._registry.read() as reader:
            return get_model_version_by_alias(reader, name, alias)


class ModelVersionMethods(ClientBase):
    """Methods of the client for versions of registered models."""

    def _stores(self, uri: str | os.PathLike[str]) -> Stores:
        """Return where the model is that a URI names, and where versions are made."""
        from nbtrack.tracking.model_locations import store_of
        from nbtrack.tracking.registration import Stores

        models = self._store if self._is_given else store_of(uri, self._store)
        return Stores(models, self._registry)

    def create_model_version(
        self,
        name: str,
        source: str | os.PathLike[str],
        run_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        await_creation_for: int | None = 300,
        model_id: str | None = None,
    ) -> ModelVersion:
        """Create the next version of a registered model; it is READY at once.

        Parameters
        ----------
        name : str
        source : str or path
            A ``runs:/`` or ``models:/`` URI, a folder, or a URI that fsspec knows.
        run_id : str, optional
            By default the run that made it, if that is known.
        tags : mapping, optional
        run_link, description : str, optional
        await_creation_for : int, optional
            Nothing has to be waited for.
        model_id : str, optional
            The logged model that it is; by default what the source says.
        """
        from nbtrack.tracking.registration import create_model_version

        return create_model_version(
            self._stores(source), name, source, run_id, tags, run_link, description, model_id
        )

    def copy_model_version(self, src_model_uri: str, dst_name: str) -> ModelVersion:
        """Copy a version to another registered model.

        Parameters
        ----------
        src_model_uri : str
            ``models:/<name>/<version>`` or ``models:/<name>@<alias>``.
        dst_name : str
            The other model; it is made if need be.
        """
        from nbtrack.tracking.registration import copy_model_version

        return copy_model_version(self._stores(src_model_uri), src_model_uri, dst_name)

    def update_model_version(
        self, name: str, version: str | int, description: str | None = None
    ) -> ModelVersion:
        """Update the description of a version."""
        return self._registry.registry.update_version(name, version, description)

    def transition_model_version_stage(
        self,
        name: str,
        version: str | int,
        stage: str,
        archive_existing_versions: bool = False,
    ) -> ModelVersion:
        """Move a version to ``None``, ``Staging``, ``Production`` or ``Archived``.

        Parameters
        ----------
        archive_existing_versions : bool
            Whether other versions of that stage move to ``Archived``.
        """
        return self._registry.registry.transition_stage(
            name, version, stage, archive_existing=archive_existing_versions
        )

    def delete_model_version(self, name: str, version: str | int) -> None:
        """Remove a version and its aliases; its number is not given again."""
        self._registry.registry.delete_version(name, version)

    def get_model_version(self, name: str, version: str | int) -> ModelVersion:
        """Return a version."""
        from nbtrack.store import get_model_version

        with self._registry.read() as reader:
            return get_model_version(reader, name, version)

    def get_latest_versions(self, name: str, stages: list[str] | None = None) -> list[ModelVersion]:
        """Return the greatest version of each stage, or of some stages.

        Parameters
        ----------
        stages : list of str, optional
            By default all.
        """
        from nbtrack.store import get_latest_versions

        with self._registry.read() as reader:
            return get_latest_versions(reader, name, stages)

    def get_model_version_download_uri(self, name: str, version: str | int) -> str:
        """Return where the files of a version are."""
        from nbtrack.store import get_model_version_location

        with self._registry.read() as reader:
            return get_model_version_location(reader, name, version)

    def get_model_version_stages(self, name: str, version: str | int) -> list[str]:
        """Return the stages that a version can have."""
        return list(ALL_STAGES)

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int = 10000,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[ModelVersion]:
        """Return one page of the model versions that match a filter."""
        from nbtrack.store.search import search_model_versions

        with self._registry.read() as reader:
            return search_model_versions(reader, filter_string, max_results, order_by, page_token)

    def set_model_version_tag(
        self,
        name: str,
        version: str | int | None = None,
        key: str | None = None,
        value: Any = None,
        stage: str | None = None,
    ) -> None:
        """Set a tag of a version, or of the latest one of a stage."""
        number = self._version_of(name, version, stage)
        self._registry.registry.set_version_tag(name, number, _given(key), value)

    def delete_model_version_tag(
        self,
        name: str,
        version: str | int | None = None,
        key: str | None = None,
        stage: str | None = None,
    ) -> None:
        """Remove a tag of a version, or of the latest one of a stage."""
        number = self._version_of(name, version, stage)
        self._registry.registry.delete_version_tag(name, number, _given(key))

    def _version_of(self, name: str, version: str | int | None, stage: str | None) -> int:
        from nbtrack.store import get_model_version_number

        with self._registry.read() as reader:
            return get_model_version_number(reader, name, version, stage)


def _given(key: str | None) -> str:
    if key is None:
        raise missing("key")
    return key
