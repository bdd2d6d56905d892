"""Methods of the client for experiments and runs, and the store that every part of it works on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.entities import (
    DatasetInput,
    Experiment,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    PagedList,
    Param,
    Run,
    RunTag,
    ViewType,
)
from nbtrack.entities.runs import PARENT
from nbtrack.store import Store, open_store
from nbtrack.tracking import context
from nbtrack.tracking.background import RunOperations, operation_handle
from nbtrack.validation import check_run_id

if TYPE_CHECKING:
    from nbtrack.store import RunWriter


class ClientBase:
    """Holds the store of a client: the current one when it was created, or another."""

    def __init__(
        self,
        tracking_uri: str | os.PathLike[str] | None = None,
        registry_uri: str | None = None,
        workspace_store_uri: str | None = None,
    ) -> None:
        self._is_given = tracking_uri is not None
        # what it works on is settled now: neither chdir nor set_tracking_uri changes it
        self._store = context.store() if tracking_uri is None else open_store(tracking_uri)
        if registry_uri is not None:
            self._registry = open_store(registry_uri)
        else:
            self._registry = context.registry_store() if tracking_uri is None else self._store

    def _store_of(self, run_id: str) -> Store:
        """Return the store of a run: that of the client, or of a run that is open here."""
        return self._store if self._is_given else context.store_of(run_id, self._store)

    def _store_of_model(self, model_id: str) -> Store:
        return self._store if self._is_given else context.store_of_model(model_id, self._store)

    def _writer(self, run_id: str) -> RunWriter:
        return self._store_of(run_id).writer(check_run_id(run_id))

    @property
    def tracking_uri(self) -> str:
        """The store's URI."""
        return self._store.uri


class ExperimentMethods(ClientBase):
    """Methods of the client for experiments."""

    def create_experiment(
        self,
        name: str,
        artifact_location: str | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> str:
        """Create an experiment and return its id.

        Parameters
        ----------
        artifact_location : str, optional
            As in ``nbtrack.create_experiment``.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> experiment_id = client.create_experiment("digits", tags={"team": "vision"})
        >>> client.get_experiment(experiment_id).name
        'digits'
        """
        return self._store.experiments.create(name, artifact_location, tags)

    def get_experiment(self, experiment_id: str) -> Experiment:
        """Return an experiment, deleted ones too.

        Examples
        --------
        >>> nbtrack.Client().get_experiment("0").name
        'Default'
        """
        from nbtrack.store import get_experiment

        with self._store.read() as reader:
            return get_experiment(reader, experiment_id)

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """Return the experiment of a name, or None.

        Examples
        --------
        >>> nbtrack.Client().get_experiment_by_name("Default").experiment_id
        '0'
        """
        from nbtrack.store import find_experiment_by_name

        with self._store.read() as reader:
            return find_experiment_by_name(reader, name)

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int | None = 1000,
        filter_string: str | None = None,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Experiment]:
        """Return one page of the experiments that match a filter.

        Parameters
        ----------
        view_type : int
            One of ``nbtrack.entities.ViewType``.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> _ = client.create_experiment("letters")
        >>> [each.name for each in client.search_experiments(filter_string="name LIKE 'let%'")]
        ['letters']
        """
        from nbtrack.store.search import search_experiments

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
        """Rename an experiment.

        Parameters
        ----------
        new_name : str
            Unique among the experiments that are not deleted.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> experiment_id = client.create_experiment("digts")
        >>> client.rename_experiment(experiment_id, "digits, large")
        >>> client.get_experiment(experiment_id).name
        'digits, large'
        """
        self._store.experiments.rename(experiment_id, new_name)

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment and its runs as deleted.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> experiment_id = client.create_experiment("a mistake")
        >>> client.delete_experiment(experiment_id)
        >>> client.get_experiment(experiment_id).lifecycle_stage
        'deleted'
        """
        self._store.experiments.delete(experiment_id)

    def restore_experiment(self, experiment_id: str) -> None:
        """Restore a deleted experiment and its runs.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> experiment_id = client.create_experiment("needed after all")
        >>> client.delete_experiment(experiment_id)
        >>> client.restore_experiment(experiment_id)
        >>> client.get_experiment(experiment_id).lifecycle_stage
        'active'
        """
        self._store.experiments.restore(experiment_id)

    def set_experiment_tag(self, experiment_id: str, key: str, value: Any) -> None:
        """Set a tag of an experiment.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> client.set_experiment_tag("0", "team", "vision")
        >>> client.get_experiment("0").tags["team"]
        'vision'
        """
        self._store.experiments.set_tags(experiment_id, {key: value})

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of an experiment.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> client.set_experiment_tag("0", "phase", "2")
        >>> client.delete_experiment_tag("0", "phase")
        >>> "phase" in client.get_experiment("0").tags
        False
        """
        self._store.experiments.delete_tag(experiment_id, key)


class RunMethods(ClientBase):
    """Methods of the client for runs."""

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Create a run that is RUNNING until ``set_terminated``.

        Parameters
        ----------
        start_time : int, optional
            Milliseconds since the epoch; now when it is not given.
        run_name : str, optional
            By default a random one.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0", run_name="baseline", tags={"stage": "draft"})
        >>> run.info.status
        'RUNNING'
        >>> client.set_terminated(run.info.run_id)
        """
        from nbtrack.tracking.new_runs import create

        info, _ = create(
            self._store, str(experiment_id), run_name=run_name, start_time=start_time, tags=tags
        )
        return self.get_run(info.run_id)

    def get_run(self, run_id: str) -> Run:
        """Return a run with its latest metrics, params and tags.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0", run_name="baseline")
        >>> client.get_run(run.info.run_id).info.run_name
        'baseline'
        """
        from nbtrack.store import get_run

        with self._store_of(run_id).read() as reader:
            return get_run(reader, run_id)

    def get_parent_run(self, run_id: str) -> Run | None:
        """Return the run that a run is nested in, or None.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> search = client.create_run("0", run_name="search")
        >>> trial = client.create_run("0", tags={"mlflow.parentRunId": search.info.run_id})
        >>> client.get_parent_run(trial.info.run_id).info.run_name
        'search'
        """
        parent = self.get_run(run_id).data.tags.get(PARENT)
        return self.get_run(parent) if parent else None

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str = "",
        run_view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = 1000,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Run]:
        """Return one page of the runs that match a filter.

        Parameters
        ----------
        experiment_ids : list of str
            Where to look.
        run_view_type : int
            One of ``nbtrack.entities.ViewType``.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> experiment_id = client.create_experiment("searched")
        >>> for loss in (0.3, 0.2):
        ...     client.log_metric(client.create_run(experiment_id).info.run_id, "loss", loss)
        >>> best = client.search_runs([experiment_id], "", order_by=["metrics.loss"])
        >>> [each.data.metrics["loss"] for each in best]
        [0.2, 0.3]
        """
        from nbtrack.store.search import search_runs

        ids = [experiment_ids] if isinstance(experiment_ids, str | int) else experiment_ids
        asked = (filter_string, run_view_type, max_results, order_by, page_token)
        with self._store.read() as reader:
            return search_runs(reader, ids, *asked)

    def set_terminated(
        self, run_id: str, status: str | None = None, end_time: int | None = None
    ) -> None:
        """End a run, by default as FINISHED, now.

        Parameters
        ----------
        status : {"FINISHED", "FAILED", "KILLED"}, optional
            How it has ended.
        end_time : int, optional
            Milliseconds since the epoch.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.set_terminated(run.info.run_id, status="FAILED")
        >>> client.get_run(run.info.run_id).info.status
        'FAILED'
        """
        from nbtrack.tracking.start import terminate

        terminate(self._store_of(run_id), check_run_id(run_id), status or "FINISHED", end_time)

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Change status or name of a run.

        Parameters
        ----------
        status : str, optional
            A name of ``nbtrack.entities.RunStatus``.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.update_run(run.info.run_id, name="the best one")
        >>> client.get_run(run.info.run_id).info.run_name
        'the best one'
        """
        from nbtrack.tracking.run import check_status

        self._writer(run_id).update(status=check_status(status), name=name)

    def delete_run(self, run_id: str) -> None:
        """Mark a run as deleted.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.delete_run(run.info.run_id)
        >>> client.get_run(run.info.run_id).info.lifecycle_stage
        'deleted'
        """
        self._store_of(run_id).runs.delete(run_id)

    def restore_run(self, run_id: str) -> None:
        """Restore a deleted run.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.delete_run(run.info.run_id)
        >>> client.restore_run(run.info.run_id)
        >>> client.get_run(run.info.run_id).info.lifecycle_stage
        'active'
        """
        self._store_of(run_id).runs.restore(run_id)


class LogMethods(ClientBase):
    """Methods of the client for logging to runs."""

    def log_metric(
        self,
        run_id: str,
        key: str,
        value: float,
        timestamp: int | None = None,
        step: int | None = None,
        synchronous: bool | None = None,
        dataset_name: str | None = None,
        dataset_digest: str | None = None,
        model_id: str | None = None,
    ) -> RunOperations | None:
        """Log one point of a metric.

        Parameters
        ----------
        timestamp, step : int, optional
            As in ``nbtrack.log_metric``.
        dataset_name, dataset_digest : str, optional
            The dataset that it was computed on.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> for step, loss in enumerate([0.9, 0.5]):
        ...     client.log_metric(run.info.run_id, "loss", loss, step=step)
        >>> client.get_run(run.info.run_id).data.metrics
        {'loss': 0.5}
        """
        from nbtrack.tracking.model_metrics import log_model_metrics

        dataset = (dataset_name, dataset_digest or "") if dataset_name else None
        if model_id is None:
            self._writer(run_id).log_metrics({key: value}, step or 0, timestamp)
        else:
            metric = {key: value}
            log_model_metrics(self._writer(run_id), metric, step, timestamp, model_id, dataset)
        return operation_handle(synchronous)

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Return all points of a metric by (timestamp, step, value).

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> for step, loss in enumerate([0.9, 0.5]):
        ...     client.log_metric(run.info.run_id, "loss", loss, step=step)
        >>> [(each.step, each.value) for each in client.get_metric_history(run.info.run_id, "loss")]
        [(0, 0.9), (1, 0.5)]
        """
        from nbtrack.store import metric_history

        with self._store_of(run_id).read() as reader:
            return metric_history(reader, check_run_id(run_id), key)

    def log_param(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Log a param and return its value.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.log_param(run.info.run_id, "lr", 0.01)
        0.01
        """
        self._writer(run_id).log_params({key: value})
        return operation_handle(synchronous) or value

    def set_tag(
        self, run_id: str, key: str, value: Any, synchronous: bool | None = None
    ) -> RunOperations | None:
        """Set a tag of a run.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.set_tag(run.info.run_id, "stage", "draft")
        >>> client.get_run(run.info.run_id).data.tags["stage"]
        'draft'
        """
        self._writer(run_id).set_tags({key: value})
        return operation_handle(synchronous)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag of a run.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0", tags={"stage": "draft"})
        >>> client.delete_tag(run.info.run_id, "stage")
        >>> "stage" in client.get_run(run.info.run_id).data.tags
        False
        """
        self._writer(run_id).delete_tag(key)

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,
    ) -> RunOperations | None:
        """Log many metrics, params and tags; all are checked before anything is written.

        Parameters
        ----------
        metrics : list of Metric
            Points.
        params : list of Param
            Written once.
        tags : list of RunTag
            Set anew.

        Examples
        --------
        >>> from nbtrack.entities import Metric, Param
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> points = [Metric("loss", 1 / (step + 1), timestamp=0, step=step) for step in range(3)]
        >>> client.log_batch(run.info.run_id, metrics=points, params=[Param("lr", "0.01")])
        >>> len(client.get_metric_history(run.info.run_id, "loss"))
        3
        """
        from nbtrack.tracking.batch import log_batch

        log_batch(self._writer(run_id), metrics, params, tags)
        return operation_handle(synchronous)

    def log_inputs(
        self,
        run_id: str,
        datasets: Sequence[DatasetInput] | None = None,
        models: Sequence[LoggedModelInput] | None = None,
    ) -> None:
        """Record the datasets and the logged models that a run reads.

        Parameters
        ----------
        datasets : list of DatasetInput, optional
            Each with the tags of its use.
        models : list of LoggedModelInput, optional
            Logged models.

        Examples
        --------
        >>> from nbtrack.entities import Dataset, DatasetInput, InputTag
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> data = Dataset(name="train", digest="1a2b3c4d", source_type="local", source="train.csv")
        >>> use = DatasetInput(data, [InputTag("mlflow.data.context", "training")])
        >>> client.log_inputs(run.info.run_id, [use])
        >>> client.get_run(run.info.run_id).inputs.dataset_inputs[0].dataset.name
        'train'
        """
        self._writer(run_id).log_inputs(datasets or [], models or [])

    def log_outputs(self, run_id: str, models: Sequence[LoggedModelOutput]) -> None:
        """Record logged models as made by a run, each at a step.

        Parameters
        ----------
        models : list of LoggedModelOutput
            Each with its step.

        Examples
        --------
        >>> from nbtrack.entities import LoggedModelOutput
        >>> client = nbtrack.Client()
        >>> run, model = client.create_run("0"), client.create_logged_model("0", "net")
        >>> client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=10)])
        >>> client.get_run(run.info.run_id).outputs.model_outputs[0].step
        10
        """
        self._writer(run_id).log_outputs(models)
