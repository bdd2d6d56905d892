"""The client: metrics, params, tags, inputs and outputs of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbtrack.client.base import ClientBase
from nbtrack.entities import (
    DatasetInput,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunTag,
)
from nbtrack.tracking.operations import RunOperations, operation_handle
from nbtrack.validation import check_run_id


class LogMethods(ClientBase):
    """What the client logs to runs."""

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
        """Return all points of a metric by (timestamp, step, value)."""
        from nbtrack.store.history import metric_history

        with self._store_of(run_id).read() as reader:
            return metric_history(reader, check_run_id(run_id), key)

    def log_param(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Log a param and return its value."""
        self._writer(run_id).log_params({key: value})
        return operation_handle(synchronous) or value

    def set_tag(
        self, run_id: str, key: str, value: Any, synchronous: bool | None = None
    ) -> RunOperations | None:
        """Set a tag of a run."""
        self._writer(run_id).set_tags({key: value})
        return operation_handle(synchronous)

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
        """Log many metrics, params and tags; all are checked before anything is written.

        Parameters
        ----------
        metrics : list of Metric
            Points.
        params : list of Param
            Written once.
        tags : list of RunTag
            Set anew.
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
        """
        self._writer(run_id).log_inputs(datasets or [], models or [])

    def log_outputs(self, run_id: str, models: Sequence[LoggedModelOutput]) -> None:
        """Record logged models as made by a run, each at a step.

        Parameters
        ----------
        models : list of LoggedModelOutput
            Each with its step.
        """
        self._writer(run_id).log_outputs(models)
