"""The API with explicit ids: ``Client``, also known as ``MlflowClient``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from nbtrack._later import LATER_METHODS, missing_attribute
from nbtrack.entities import (
    DatasetInput,
    Experiment,
    FileInfo,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    PagedList,
    Param,
    Run,
    RunTag,
    ViewType,
)
from nbtrack.limits import check_run_id
from nbtrack.store.store import Store, open_store
from nbtrack.tracking.operations import RunOperations, done

if TYPE_CHECKING:
    import pandas as pd

    from nbtrack.store.writer import RunWriter


class Client:
    """Reads and writes experiments and runs by their ids.

    Every method has the name, the parameters and the meaning of
    ``mlflow.MlflowClient``.

    Parameters
    ----------
    tracking_uri : str or path, optional
        The store; by default the one that ``nbtrack.get_tracking_uri`` names.
    registry_uri, workspace_store_uri : str, optional
        Not used: everything is kept where runs are tracked.
    """

    def __init__(
        self,
        tracking_uri: str | os.PathLike[str] | None = None,
        registry_uri: str | None = None,
        workspace_store_uri: str | None = None,
    ) -> None:
        self._uri = tracking_uri
        if tracking_uri is not None:
            open_store(tracking_uri)  # an error now is better than at the first use

    @property
    def _store(self) -> Store:
        if self._uri is not None:
            return open_store(self._uri)
        from nbtrack.tracking import context

        return context.store()

    def _writer(self, run_id: str) -> RunWriter:
        return self._store.writer(check_run_id(run_id))

    @property
    def tracking_uri(self) -> str:
        """The store's URI."""
        return str(self._store.path)

    # -- experiments -----------------------------------------------------------------------

    def create_experiment(
        self,
        name: str,
        artifact_location: str | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> str:
        """Make an experiment and return its id."""
        from nbtrack.store import experiments

        return experiments.create(self._store, name, artifact_location, tags)

    def get_experiment(self, experiment_id: str) -> Experiment:
        """Return an experiment, deleted ones too."""
        from nbtrack.store import experiments

        with self._store.read() as reader:
            return experiments.get(reader, experiment_id)

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """Return the experiment of a name, or None."""
        from nbtrack.store import experiments

        with self._store.read() as reader:
            return experiments.find_by_name(reader, name)

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int | None = 1000,
        filter_string: str | None = None,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Experiment]:
        """Return one page of the experiments that fit a filter."""
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
        """Give an experiment another name."""
        from nbtrack.store import experiments

        experiments.rename(self._store, experiment_id, new_name)

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment and its runs as deleted."""
        from nbtrack.store import experiments

        experiments.delete(self._store, experiment_id)

    def restore_experiment(self, experiment_id: str) -> None:
        """Bring a deleted experiment and its runs back."""
        from nbtrack.store import experiments

        experiments.restore(self._store, experiment_id)

    def set_experiment_tag(self, experiment_id: str, key: str, value: Any) -> None:
        """Set a tag of an experiment."""
        from nbtrack.store import experiments

        experiments.set_tags(self._store, experiment_id, {key: value})

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of an experiment."""
        from nbtrack.store import experiments

        experiments.delete_tag(self._store, experiment_id, key)

    # -- runs ------------------------------------------------------------------------------

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Make a run that is RUNNING until ``set_terminated``."""
        from nbtrack.tracking.run import create

        info, _ = create(
            self._store, str(experiment_id), run_name=run_name, start_time=start_time, tags=tags
        )
        return self.get_run(info.run_id)

    def get_run(self, run_id: str) -> Run:
        """Return a run with its latest metrics, params and tags."""
        from nbtrack.store.runs import get_run

        with self._store.read() as reader:
            return get_run(reader, run_id)

    def get_parent_run(self, run_id: str) -> Run | None:
        """Return the run that a run is nested in, or None."""
        from nbtrack.tracking.run import PARENT

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
        """Return one page of the runs that fit a filter."""
        from nbtrack.store.search.runs import search_runs

        with self._store.read() as reader:
            return search_runs(
                reader,
                [experiment_ids] if isinstance(experiment_ids, str | int) else experiment_ids,
                filter_string,
                run_view_type,
                max_results,
                order_by,
                page_token,
            )

    def set_terminated(
        self, run_id: str, status: str | None = None, end_time: int | None = None
    ) -> None:
        """End a run, by default as FINISHED, now."""
        from nbtrack.tracking.run import terminate

        terminate(self._store, check_run_id(run_id), status or "FINISHED", end_time)

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Change status or name of a run."""
        from nbtrack.tracking.run import check_status

        self._writer(run_id).update(status=check_status(status), name=name)

    def delete_run(self, run_id: str) -> None:
        """Mark a run as deleted."""
        from nbtrack.store.lifecycle import delete_run

        delete_run(self._store, run_id)

    def restore_run(self, run_id: str) -> None:
        """Bring a deleted run back."""
        from nbtrack.store.lifecycle import restore_run

        restore_run(self._store, run_id)

    # -- metrics, params, tags, inputs ---------------------------------------------------------

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
        """Log one point of a metric."""
        from nbtrack.tracking.model_metrics import log_model_metrics

        dataset = (dataset_name, dataset_digest or "") if dataset_name else None
        if model_id is None:
            self._writer(run_id).log_metrics({key: value}, step or 0, timestamp)
        else:
            metric = {key: value}
            log_model_metrics(self._writer(run_id), metric, step, timestamp, model_id, dataset)
        return done(synchronous)

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Return all points of a metric by (timestamp, step, value)."""
        from nbtrack.store.history import metric_history

        with self._store.read() as reader:
            return metric_history(reader, check_run_id(run_id), key)

    def log_param(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Log a param and return its value."""
        self._writer(run_id).log_params({key: value})
        return done(synchronous) or value

    def set_tag(
        self, run_id: str, key: str, value: Any, synchronous: bool | None = None
    ) -> RunOperations | None:
        """Set a tag of a run."""
        self._writer(run_id).set_tags({key: value})
        return done(synchronous)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag of a run."""
        self._writer(run_id).delete_tag(key)

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,
    ) -> RunOperations | None:
        """Log many metrics, params and tags; all are checked before anything is written."""
        from nbtrack.tracking.batch import log_batch

        log_batch(self._writer(run_id), metrics, params, tags)
        return done(synchronous)

    def log_inputs(
        self,
        run_id: str,
        datasets: Sequence[DatasetInput] | None = None,
        models: Sequence[LoggedModelInput] | None = None,
    ) -> None:
        """Record the datasets and the logged models that a run reads."""
        self._writer(run_id).log_inputs(datasets or [], models or [])

    def log_outputs(self, run_id: str, models: Sequence[LoggedModelOutput]) -> None:
        """Record logged models as made by a run, each at a step."""
        self._writer(run_id).log_outputs(models)

    # -- artifacts -----------------------------------------------------------------------------

    def log_artifact(
        self, run_id: str, local_path: str | os.PathLike[str], artifact_path: str | None = None
    ) -> None:
        """Store a file (or a folder) among a run's artifacts."""
        self._writer(run_id).artifacts.put_file(local_path, artifact_path)

    def log_artifacts(
        self, run_id: str, local_dir: str | os.PathLike[str], artifact_path: str | None = None
    ) -> None:
        """Store what a folder holds among a run's artifacts."""
        self._writer(run_id).artifacts.put_folder(local_dir, artifact_path)

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        """Store text as a file."""
        from nbtrack.tracking import artifacts

        artifacts.log_text(self._writer(run_id), text, artifact_file)

    def log_dict(self, run_id: str, dictionary: Any, artifact_file: str) -> None:
        """Store a dictionary as JSON or YAML."""
        from nbtrack.tracking import artifacts

        artifacts.log_dict(self._writer(run_id), dictionary, artifact_file)

    def log_stream(self, run_id: str, stream: BinaryIO, artifact_file: str) -> None:
        """Store what a binary stream holds."""
        from nbtrack.tracking import artifacts

        artifacts.log_stream(self._writer(run_id), stream, artifact_file)

    def log_figure(
        self,
        run_id: str,
        figure: Any,
        artifact_file: str,
        *,
        save_kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Store a figure of matplotlib or Plotly."""
        from nbtrack.tracking import artifacts

        artifacts.log_figure(self._writer(run_id), figure, artifact_file, save_kwargs=save_kwargs)

    def log_image(
        self,
        run_id: str,
        image: Any,
        artifact_file: str | None = None,
        key: str | None = None,
        step: int | None = None,
        timestamp: int | None = None,
        synchronous: bool | None = None,
    ) -> None:
        """Store a picture as a file, or as one step of the series ``key``."""
        from nbtrack.tracking.images import log_image

        log_image(self._writer(run_id), image, artifact_file, key, step, timestamp)

    def log_table(self, run_id: str, data: Any, artifact_file: str) -> None:
        """Store a table, or add rows to the one that is there."""
        from nbtrack.tracking.tables import log_table

        log_table(self._writer(run_id), data, artifact_file)

    def load_table(
        self,
        experiment_id: str,
        artifact_file: str,
        run_ids: list[str] | None = None,
        extra_columns: list[str] | None = None,
    ) -> pd.DataFrame:
        """Return a table of the runs of an experiment, one below the other."""
        from nbtrack.tracking.stored import load_table

        return load_table(self._store, experiment_id, artifact_file, run_ids, extra_columns)

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """Return the files and folders at a place among a run's artifacts."""
        from nbtrack.tracking.stored import artifacts_of

        return artifacts_of(self._store, run_id).list(path)

    def download_artifacts(self, run_id: str, path: str, dst_path: str | None = None) -> str:
        """Copy a file or a folder of a run's artifacts and return the local path."""
        from nbtrack.tracking.stored import artifacts_of

        return artifacts_of(self._store, run_id).download(path, dst_path)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(missing_attribute("nbtrack.Client", name, LATER_METHODS))


MlflowClient = Client
