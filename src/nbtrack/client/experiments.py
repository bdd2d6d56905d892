"""The client: experiments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrack.client.base import ClientBase
from nbtrack.entities import Experiment, PagedList, ViewType


class ExperimentMethods(ClientBase):
    """What the client does with experiments."""

    def create_experiment(
        self,
        name: str,
        artifact_location: str | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> str:
        """Make an experiment and return its id.

        Parameters
        ----------
        artifact_location : str, optional
            As in ``nbtrack.create_experiment``.
        """
        return self._store.experiments.create(name, artifact_location, tags)

    def get_experiment(self, experiment_id: str) -> Experiment:
        """Return an experiment, deleted ones too."""
        from nbtrack.store import experiments

        with self._store.read() as reader:
            return experiments.get_experiment(reader, experiment_id)

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """Return the experiment of a name, or None."""
        from nbtrack.store import experiments

        with self._store.read() as reader:
            return experiments.find_experiment_by_name(reader, name)

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int | None = 1000,
        filter_string: str | None = None,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Experiment]:
        """Return one page of the experiments that fit a filter.

        Parameters
        ----------
        view_type : int
            One of ``nbtrack.entities.ViewType``.
        """
        from nbtrack.store.search.experiments import search_experiments

        with self._store.read() as reader:
            return search_experiments(
                reader,
                view_type,
                1000 if max_results is None else max_results,
                filter_string,
                order_by,
                page_token,
            )

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an experiment another name.

        Parameters
        ----------
        new_name : str
            Unique among the experiments that are not deleted.
        """
        self._store.experiments.rename(experiment_id, new_name)

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment and its runs as deleted."""
        self._store.experiments.delete(experiment_id)

    def restore_experiment(self, experiment_id: str) -> None:
        """Bring a deleted experiment and its runs back."""
        self._store.experiments.restore(experiment_id)

    def set_experiment_tag(self, experiment_id: str, key: str, value: Any) -> None:
        """Set a tag of an experiment."""
        self._store.experiments.set_tags(experiment_id, {key: value})

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of an experiment."""
        self._store.experiments.delete_tag(experiment_id, key)
