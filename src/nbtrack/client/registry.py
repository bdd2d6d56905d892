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

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> model = client.create_registered_model("classifier", description="Of digits.")
        >>> model.name, model.description
        ('classifier', 'Of digits.')
        """
        return self._registry.registry.create_model(name, tags, description)

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Rename a registered model, with its versions, tags and aliases.

        Parameters
        ----------
        new_name : str
            No other model may have it.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> _ = client.create_registered_model("clasifier")
        >>> client.rename_registered_model("clasifier", "digit classifier").name
        'digit classifier'
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

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> _ = client.create_registered_model("segmenter")
        >>> client.update_registered_model("segmenter", "Of cells.").description
        'Of cells.'
        """
        return self._registry.registry.update_model(name, description)

    def delete_registered_model(self, name: str) -> None:
        """Remove a registered model with its versions, tags and aliases, for good.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> _ = client.create_registered_model("a mistake")
        >>> client.delete_registered_model("a mistake")
        >>> client.search_registered_models("name = 'a mistake'")
        []
        """
        self._registry.registry.delete_model(name)

    def get_registered_model(self, name: str) -> RegisteredModel:
        """Return a registered model with the latest version of each stage.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> _ = client.create_registered_model("ranker")
        >>> client.get_registered_model("ranker").aliases
        {}
        """
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
        """Return one page of the registered models that match a filter.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> _ = client.create_registered_model("small net")
        >>> [each.name for each in client.search_registered_models("name LIKE 'small%'")]
        ['small net']
        """
        from nbtrack.store.search import search_registered_models

        with self._registry.read() as reader:
            return search_registered_models(
                reader, filter_string, max_results, order_by, page_token
            )

    def list_registered_models(
        self, max_results: int = 100, page_token: str | None = None
    ) -> PagedList[RegisteredModel]:
        """Return one page of all registered models, by name: MLflow 1 had this method.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> _ = client.create_registered_model("listed")
        >>> "listed" in [each.name for each in client.list_registered_models()]
        True
        """
        return self.search_registered_models(None, max_results, None, page_token)

    def set_registered_model_tag(self, name: str, key: str, value: Any) -> None:
        """Set a tag of a registered model.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> _ = client.create_registered_model("tagged")
        >>> client.set_registered_model_tag("tagged", "team", "vision")
        >>> client.get_registered_model("tagged").tags
        {'team': 'vision'}
        """
        self._registry.registry.set_model_tag(name, key, value)

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Remove a tag of a registered model.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> _ = client.create_registered_model("untagged", tags={"team": "vision"})
        >>> client.delete_registered_model_tag("untagged", "team")
        >>> client.get_registered_model("untagged").tags
        {}
        """
        self._registry.registry.delete_model_tag(name, key)

    def set_registered_model_alias(self, name: str, alias: str, version: str | int) -> None:
        """Set an alias to a version, also if it names another one.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> net = nbtrack.create_external_model("net").model_uri
        >>> _ = client.create_registered_model("aliased")
        >>> version = client.create_model_version("aliased", net)
        >>> client.set_registered_model_alias("aliased", "champion", version.version)
        >>> client.get_model_version_by_alias("aliased", "champion").version
        1
        """
        self._registry.registry.set_alias(name, alias, version)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Remove an alias of a registered model.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> net = nbtrack.create_external_model("net").model_uri
        >>> _ = client.create_registered_model("no alias")
        >>> _ = client.create_model_version("no alias", net)
        >>> client.set_registered_model_alias("no alias", "champion", 1)
        >>> client.delete_registered_model_alias("no alias", "champion")
        >>> client.get_registered_model("no alias").aliases
        {}
        """
        self._registry.registry.delete_alias(name, alias)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """Return the version that an alias names.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> net = nbtrack.create_external_model("net").model_uri
        >>> _ = client.create_registered_model("by alias")
        >>> _ = client.create_model_version("by alias", net)
        >>> client.set_registered_model_alias("by alias", "champion", 1)
        >>> client.get_model_version_by_alias("by alias", "champion").version
        1
        """
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
            The registered model; there must be one of this name.
        source : str or path
            A ``runs:/`` or ``models:/`` URI, a folder, or a URI that fsspec knows.
        run_id : str, optional
            By default the run that made it, if that is known.
        tags : mapping, optional
            Tags of the version, by name.
        run_link, description : str, optional
            The address of the run in another system; what people read about the version.
        await_creation_for : int, optional
            Nothing has to be waited for.
        model_id : str, optional
            The logged model that it is; by default what the source says.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> net = nbtrack.create_external_model("net").model_uri
        >>> _ = client.create_registered_model("versioned")
        >>> client.create_model_version("versioned", net, tags={"stage": "test"}).version
        1
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

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> net = nbtrack.create_external_model("net").model_uri
        >>> _ = client.create_registered_model("staging")
        >>> _ = client.create_model_version("staging", net)
        >>> copy = client.copy_model_version("models:/staging/1", "production")
        >>> copy.name, copy.version
        ('production', 1)
        """
        from nbtrack.tracking.registration import copy_model_version

        return copy_model_version(self._stores(src_model_uri), src_model_uri, dst_name)

    def update_model_version(
        self, name: str, version: str | int, description: str | None = None
    ) -> ModelVersion:
        """Update the description of a version.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> net = nbtrack.create_external_model("net").model_uri
        >>> _ = client.create_registered_model("described")
        >>> _ = client.create_model_version("described", net)
        >>> client.update_model_version("described", 1, "With dropout.").description
        'With dropout.'
        """
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

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> net = nbtrack.create_external_model("net").model_uri
        >>> _ = client.create_registered_model("staged")
        >>> _ = client.create_model_version("staged", net)
        >>> client.transition_model_version_stage("staged", 1, "Production").current_stage
        'Production'
        """
        return self._registry.registry.transition_stage(
            name, version, stage, archive_existing=archive_existing_versions
        )

    def delete_model_version(self, name: str, version: str | int) -> None:
        """Remove a version and its aliases; its number is not given again.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> net = nbtrack.create_external_model("net").model_uri
        >>> _ = client.create_registered_model("shrinking")
        >>> _ = client.create_model_version("shrinking", net)
        >>> client.delete_model_version("shrinking", 1)
        >>> client.search_model_versions("name = 'shrinking'")
        []
        """
        self._registry.registry.delete_version(name, version)

    def get_model_version(self, name: str, version: str | int) -> ModelVersion:
        """Return a version.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> net = nbtrack.create_external_model("net").model_uri
        >>> _ = client.create_registered_model("looked up")
        >>> _ = client.create_model_version("looked up", net)
        >>> client.get_model_version("looked up", 1).status
        'READY'
        """
        from nbtrack.store import get_model_version

        with self._registry.read() as reader:
            return get_model_version(reader, name, version)

    def get_latest_versions(self, name: str, stages: list[str] | None = None) -> list[ModelVersion]:
        """Return the greatest version of each stage, or of some stages.

        Parameters
        ----------
        stages : list of str, optional
            By default all.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> net = nbtrack.create_external_model("net").model_uri
        >>> _ = client.create_registered_model("growing")
        >>> for _ in range(2):
        ...     version = client.create_model_version("growing", net)
        >>> [each.version for each in client.get_latest_versions("growing")]
        [2]
        """
        from nbtrack.store import get_latest_versions

        with self._registry.read() as reader:
            return get_latest_versions(reader, name, stages)

    def get_model_version_download_uri(self, name: str, version: str | int) -> str:
        """Return where the files of a version are.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> net = nbtrack.create_external_model("net").model_uri
        >>> _ = client.create_registered_model("elsewhere")
        >>> _ = client.create_model_version("elsewhere", net)
        >>> client.get_model_version_download_uri("elsewhere", 1)
        '/...artifacts'
        """
        from nbtrack.store import get_model_version_location

        with self._registry.read() as reader:
            return get_model_version_location(reader, name, version)

    def get_model_version_stages(self, name: str, version: str | int) -> list[str]:
        """Return the stages that a version can have.

        Examples
        --------
        >>> nbtrack.Client().get_model_version_stages("any", 1)
        ['None', 'Staging', 'Production', 'Archived']
        """
        return list(ALL_STAGES)

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int = 10000,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[ModelVersion]:
        """Return one page of the model versions that match a filter.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> net = nbtrack.create_external_model("net").model_uri
        >>> _ = client.create_registered_model("found")
        >>> _ = client.create_model_version("found", net)
        >>> [each.version for each in client.search_model_versions("name = 'found'")]
        [1]
        """
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
        """Set a tag of a version, or of the latest one of a stage.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> net = nbtrack.create_external_model("net").model_uri
        >>> _ = client.create_registered_model("reviewed")
        >>> _ = client.create_model_version("reviewed", net)
        >>> client.set_model_version_tag("reviewed", 1, "by", "ada")
        >>> client.get_model_version("reviewed", 1).tags
        {'by': 'ada'}
        """
        number = self._version_of(name, version, stage)
        self._registry.registry.set_version_tag(name, number, _given(key), value)

    def delete_model_version_tag(
        self,
        name: str,
        version: str | int | None = None,
        key: str | None = None,
        stage: str | None = None,
    ) -> None:
        """Remove a tag of a version, or of the latest one of a stage.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> net = nbtrack.create_external_model("net").model_uri
        >>> _ = client.create_registered_model("not reviewed")
        >>> _ = client.create_model_version("not reviewed", net, tags={"by": "ada"})
        >>> client.delete_model_version_tag("not reviewed", 1, "by")
        >>> client.get_model_version("not reviewed", 1).tags
        {}
        """
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
