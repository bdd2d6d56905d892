"""The client: registered models, their tags and aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrack.client.base import ClientBase
from nbtrack.entities import ModelVersion, PagedList, RegisteredModel


class RegisteredModelMethods(ClientBase):
    """What the client does with registered models."""

    def create_registered_model(
        self,
        name: str,
        tags: Mapping[str, Any] | None = None,
        description: str | None = None,
        deployment_job_id: str | None = None,
    ) -> RegisteredModel:
        """Make a registered model without versions; ``deployment_job_id`` is not kept.

        Parameters
        ----------
        deployment_job_id : str, optional
            Not kept.
        """
        return self._registry.registry.create_model(name, tags, description)

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Give a registered model, with all that belongs to it, another name.

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
        """Give a registered model another description; ``deployment_job_id`` is not kept.

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
        from nbtrack.store import registry

        with self._registry.read() as reader:
            return registry.get_registered_model(reader, name)

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int = 100,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[RegisteredModel]:
        """Return one page of the registered models that fit a filter."""
        from nbtrack.store.search.registry import search_registered_models

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
        """Let an alias name a version, whichever it has named before."""
        self._registry.registry.set_alias(name, alias, version)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Remove an alias of a registered model."""
        self._registry.registry.delete_alias(name, alias)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """Return the version that an alias names."""
        from nbtrack.store import registry

        with self._registry.read() as reader:
            return registry.get_model_version_by_alias(reader, name, alias)
