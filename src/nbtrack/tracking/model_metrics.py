"""Metrics that are a model's as well as a run's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrack.entities import DatasetInput
from nbtrack.store import Journals, RunWriter, get_logged_model, model_metric_events, now_ms
from nbtrack.tracking import context


def log_metrics(
    writer: RunWriter,
    metrics: Mapping[str, Any],
    step: int | None = None,
    timestamp: int | None = None,
    *,
    model_id: str | None = None,
    dataset: Any = None,
) -> None:
    """Log metrics to a run, and to a model: the one that is named, else the active one.

    The run gets the model, and the dataset, as inputs. What a run logs at the step of a model
    that it has made is the model's without a word: the fold sees to that.

    Parameters
    ----------
    writer : RunWriter
    metrics : mapping of str to number
    step : int, optional
    timestamp : int, optional
    model_id : str, optional
    dataset : Dataset, optional
        What the metrics were computed on: of ``nbtrack.data``, or an entity.

    Raises
    ------
    NotFoundError
        If there is no such model.
    """
    model_id = model_id or context.active_model()
    entity = None if dataset is None else dataset_entity(dataset)
    at = now_ms() if timestamp is None else timestamp
    if model_id is None:
        writer.log_metrics(metrics, step, at)
    else:
        names = None if entity is None else (str(entity.name), str(entity.digest))
        log_model_metrics(writer, metrics, step, at, model_id, names)
        writer.append([("model_input", {"model_id": model_id})])
    if entity is not None:
        writer.log_inputs([DatasetInput(entity, [])])


def log_model_metrics(
    writer: RunWriter,
    metrics: Mapping[str, Any],
    step: int | None,
    timestamp: int | None,
    model_id: str,
    dataset: tuple[str, str] | None = None,
) -> None:
    """Log metrics to a run and to a model, without making the model an input of the run."""
    check_exists(writer.store, model_id)
    at = now_ms() if timestamp is None else timestamp
    events = model_metric_events(metrics, step, at, model_id, writer.run_id, dataset)
    values = {fields["key"]: fields["value"] for _, fields in events}
    writer.append(events)
    writer.log_metrics(values, step, at)


def check_exists(store: Journals, model_id: str) -> None:
    """Raise NotFoundError unless there is such a model; one seen before is not looked up."""
    if (store.id, model_id) not in context.known_models():
        with store.read() as reader:
            get_logged_model(reader, model_id)
        context.known_models().add((store.id, model_id))


def dataset_entity(dataset: Any) -> Any:
    """Return a dataset of ``nbtrack.data``, or of MLflow, as an entity."""
    if hasattr(dataset, "to_entity"):
        return dataset.to_entity()
    return dataset._to_mlflow_entity() if hasattr(dataset, "_to_mlflow_entity") else dataset
