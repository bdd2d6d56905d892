"""The client: versions of registered models."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbtrack.client.base import ClientBase
from nbtrack.entities import ModelVersion, PagedList
from nbtrack.validation import ALL_STAGES, missing

if TYPE_CHECKING:
    from nbtrack.tracking.registration import Stores


class ModelVersionMethods(ClientBase):
    """What the client does with versions of registered models."""

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
        """Make the next version of a registered model; it is READY at once.

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
        """Make a version of another registered model out of a version.

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
        """Give a version another description."""
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
        from nbtrack.store import registry

        with self._registry.read() as reader:
            return registry.get_model_version(reader, name, version)

    def get_latest_versions(self, name: str, stages: list[str] | None = None) -> list[ModelVersion]:
        """Return the greatest version of each stage, or of some stages.

        Parameters
        ----------
        stages : list of str, optional
            By default all.
        """
        from nbtrack.store import registry

        with self._registry.read() as reader:
            return registry.get_latest_versions(reader, name, stages)

    def get_model_version_download_uri(self, name: str, version: str | int) -> str:
        """Return where the files of a version are."""
        from nbtrack.store import registry

        with self._registry.read() as reader:
            return registry.get_model_version_location(reader, name, version)

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
        """Return one page of the model versions that fit a filter."""
        from nbtrack.store.search.registry import search_model_versions

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
        from nbtrack.store import registry

        with self._registry.read() as reader:
            return registry.get_model_version_number(reader, name, version, stage)


def _given(key: str | None) -> str:
    if key is None:
        raise missing("key")
    return key
