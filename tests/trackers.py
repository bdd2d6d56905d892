"""The two APIs behind one face, so that one test proves both."""

from __future__ import annotations

from typing import Any

import nbtrack
from nbtrack.entities import Experiment, Metric, Run


class Fluent:
    """Logs with the functions of the package; the run is the active one."""

    def start(self, **options: Any) -> str:
        """Start a run and return its id."""
        return nbtrack.start_run(**options).info.run_id

    def end(self, run_id: str, status: str = "FINISHED") -> None:
        """End the run."""
        nbtrack.end_run(status)

    def run(self, run_id: str) -> Run:
        """Return the run as it is stored."""
        return nbtrack.get_run(run_id)

    def history(self, run_id: str, key: str) -> list[Metric]:
        """Return the points of a metric."""
        return nbtrack.MlflowClient().get_metric_history(run_id, key)

    def log(self, name: str, run_id: str, *args: Any, **options: Any) -> Any:
        """Call one of the ``log_*``, ``set_*`` or ``delete_tag`` functions for the run."""
        return getattr(nbtrack, name)(*args, **options)

    def log_params(self, run_id: str, params: dict[str, Any]) -> None:
        """Log several params at once."""
        nbtrack.log_params(params)

    def log_metrics(self, run_id: str, metrics: dict[str, Any], step: int = 0) -> None:
        """Log several metrics at once."""
        nbtrack.log_metrics(metrics, step=step)

    def set_tags(self, run_id: str, tags: dict[str, Any]) -> None:
        """Set several tags at once."""
        nbtrack.set_tags(tags)

    def search(self, experiment_id: str, filter_string: str = "", **options: Any) -> list[str]:
        """Return the names of the runs that fit."""
        found = nbtrack.search_runs([experiment_id], filter_string, output_format="list", **options)
        return [run.info.run_name for run in found]

    def create_experiment(self, name: str, **options: Any) -> str:
        """Make an experiment."""
        return nbtrack.create_experiment(name, **options)

    def experiment(self, name: str) -> Experiment | None:
        """Return an experiment by its name."""
        return nbtrack.get_experiment_by_name(name)

    def delete_experiment(self, experiment_id: str) -> None:
        """Delete an experiment."""
        nbtrack.delete_experiment(experiment_id)

    def restore_experiment(self, experiment_id: str) -> None:
        """Restore an experiment."""
        nbtrack.restore_experiment(experiment_id)

    def tag_experiment(self, experiment_id: str, key: str, value: Any) -> None:
        """Set a tag of an experiment."""
        nbtrack.set_experiment(experiment_id=experiment_id)
        nbtrack.set_experiment_tag(key, value)

    def untag_experiment(self, experiment_id: str, key: str) -> None:
        """Remove a tag of an experiment."""
        nbtrack.set_experiment(experiment_id=experiment_id)
        nbtrack.delete_experiment_tag(key)

    def experiments(self, **options: Any) -> list[str]:
        """Return the names of the experiments that fit."""
        return [e.name for e in nbtrack.search_experiments(**options)]

    def delete_run(self, run_id: str) -> None:
        """Delete a run."""
        nbtrack.delete_run(run_id)

    def restore_run(self, run_id: str) -> None:
        """Restore a run."""
        nbtrack.restore_run(run_id)

    def parent(self, run_id: str) -> Run | None:
        """Return the run that a run is nested in."""
        return nbtrack.get_parent_run(run_id)


class ByClient(Fluent):
    """Does the same with a client, by ids."""

    def __init__(self) -> None:
        self.client = nbtrack.MlflowClient()

    def start(self, **options: Any) -> str:
        experiment_id = options.pop("experiment_id", "0")
        return self.client.create_run(experiment_id, **options).info.run_id

    def end(self, run_id: str, status: str = "FINISHED") -> None:
        self.client.set_terminated(run_id, status)

    def run(self, run_id: str) -> Run:
        return self.client.get_run(run_id)

    def log(self, name: str, run_id: str, *args: Any, **options: Any) -> Any:
        return getattr(self.client, name)(run_id, *args, **options)

    def log_params(self, run_id: str, params: dict[str, Any]) -> None:
        given = [nbtrack.entities.Param(key, value) for key, value in params.items()]
        self.client.log_batch(run_id, params=given)

    def log_metrics(self, run_id: str, metrics: dict[str, Any], step: int = 0) -> None:
        given = [Metric(key, value, 1000, step) for key, value in metrics.items()]
        self.client.log_batch(run_id, metrics=given)

    def set_tags(self, run_id: str, tags: dict[str, Any]) -> None:
        given = [nbtrack.entities.RunTag(key, value) for key, value in tags.items()]
        self.client.log_batch(run_id, tags=given)

    def search(self, experiment_id: str, filter_string: str = "", **options: Any) -> list[str]:
        found = self.client.search_runs([experiment_id], filter_string, **options)
        return [run.info.run_name for run in found]

    def create_experiment(self, name: str, **options: Any) -> str:
        return self.client.create_experiment(name, **options)

    def experiment(self, name: str) -> Experiment | None:
        return self.client.get_experiment_by_name(name)

    def delete_experiment(self, experiment_id: str) -> None:
        self.client.delete_experiment(experiment_id)

    def restore_experiment(self, experiment_id: str) -> None:
        self.client.restore_experiment(experiment_id)

    def tag_experiment(self, experiment_id: str, key: str, value: Any) -> None:
        self.client.set_experiment_tag(experiment_id, key, value)

    def untag_experiment(self, experiment_id: str, key: str) -> None:
        self.client.delete_experiment_tag(experiment_id, key)

    def experiments(self, **options: Any) -> list[str]:
        return [e.name for e in self.client.search_experiments(**options)]

    def delete_run(self, run_id: str) -> None:
        self.client.delete_run(run_id)

    def restore_run(self, run_id: str) -> None:
        self.client.restore_run(run_id)

    def parent(self, run_id: str) -> Run | None:
        return self.client.get_parent_run(run_id)
