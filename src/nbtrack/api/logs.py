"""Logging metrics, params, tags and datasets to the active run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.api.runs import writer
from nbtrack.config import AsyncLogging
from nbtrack.entities import DatasetInput, InputTag, LoggedModelInput, LoggedModelOutput
from nbtrack.entities.runs import DATA_CONTEXT
from nbtrack.errors import InvalidParameterError
from nbtrack.suggestions import suggests_keywords
from nbtrack.tracking.background import RunOperations, operation_handle
from nbtrack.tracking.context import Models

if TYPE_CHECKING:
    from nbtrack.tracking.datasets import Dataset


def log_metric(
    key: str,
    value: float,
    step: int | None = None,
    synchronous: bool | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
    model_id: str | None = None,
    dataset: Dataset | None = None,
) -> RunOperations | None:
    """Log one point of a metric; it is on disk when the call returns.

    Parameters
    ----------
    key : str
        Its name.
    value : number
        NaN and the infinities too; arrays and tensors of one element.
    step : int
        0 when it is not given.
    timestamp : int, optional
        Milliseconds since the epoch; now when it is not given.
    run_id : str, optional
        By default the active run; one is started if there is none.
    model_id : str, optional
        A logged model that it is a metric of; by default the active one, if there is one.
    dataset : Dataset, optional
        What it was computed on.
    synchronous : bool, optional
        False to get a handle, as MLflow's asynchronous calls give one.

    Examples
    --------
    >>> with nbtrack.start_run():
    ...     for step, loss in enumerate([0.9, 0.5, 0.4]):
    ...         nbtrack.log_metric("loss", loss, step=step)
    >>> nbtrack.last_active_run().data.metrics
    {'loss': 0.4}
    """
    if model_id is not None or dataset is not None or Models.wanted is not False:
        log_with_model({key: value}, step, timestamp, run_id, model_id, dataset)
    else:
        writer(run_id).log_metrics({key: value}, 0 if step is None else step, timestamp)
    return (
        None
        if synchronous is None and AsyncLogging.enabled is False
        else operation_handle(synchronous)
    )


def log_metrics(
    metrics: Mapping[str, float],
    step: int | None = None,
    synchronous: bool | None = None,
    run_id: str | None = None,
    timestamp: int | None = None,
    model_id: str | None = None,
    dataset: Dataset | None = None,
) -> RunOperations | None:
    """Log one point of several metrics: all or, if one value is no number, none.

    Parameters
    ----------
    metrics : mapping of str to number
        Values by name.
    step, run_id, timestamp, model_id, dataset, synchronous : optional
        As in ``log_metric``.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_metrics({"loss": 0.4, "accuracy": 0.9}, step=1)
    >>> nbtrack.get_run(run.info.run_id).data.metrics["accuracy"]
    0.9
    """
    if model_id is not None or dataset is not None or Models.wanted is not False:
        log_with_model(metrics, step, timestamp, run_id, model_id, dataset)
    else:
        writer(run_id).log_metrics(metrics, 0 if step is None else step, timestamp)
    return (
        None
        if synchronous is None and AsyncLogging.enabled is False
        else operation_handle(synchronous)
    )


@suggests_keywords
def log_with_model(
    metrics: Mapping[str, float],
    step: int | None,
    timestamp: int | None,
    run_id: str | None,
    model_id: str | None,
    dataset: Dataset | None,
) -> None:
    """Log metrics to a run and to a model; kept apart, so that what has none stays quick."""
    from nbtrack.tracking.model_metrics import log_metrics

    log_metrics(writer(run_id), metrics, step, timestamp, model_id=model_id, dataset=dataset)


def log_param(key: str, value: Any, synchronous: bool | None = None) -> Any:
    """Log a param, written once, and return its value.

    Parameters
    ----------
    key : str
        Its name.
    value : object
        Kept as text.
    synchronous : bool, optional
        False to get a handle, as MLflow's asynchronous calls give one.

    Examples
    --------
    >>> nbtrack.log_param("lr", 0.01)
    0.01
    >>> nbtrack.active_run().fetch().data.params  # kept as text
    {'lr': '0.01'}
    """
    writer(None).log_params({key: value})
    return operation_handle(synchronous) or value


def log_params(
    params: Mapping[str, Any], synchronous: bool | None = None, run_id: str | None = None
) -> RunOperations | None:
    """Log several params: all or, if one has another value already, none.

    Parameters
    ----------
    params : mapping
        Values by name, kept as text.
    synchronous : bool, optional
        False to get a handle, as MLflow's asynchronous calls give one.
    run_id : str, optional
        By default the active run.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_params({"lr": 0.01, "optimizer": "adam"})
    >>> nbtrack.get_run(run.info.run_id).data.params["optimizer"]
    'adam'
    """
    writer(run_id).log_params(params)
    return operation_handle(synchronous)


def set_tag(key: str, value: Any, synchronous: bool | None = None) -> RunOperations | None:
    """Set a tag of the active run.

    Parameters
    ----------
    key : str
        Its name.
    value : object
        Kept as text.
    synchronous : bool, optional
        False to get a handle, as MLflow's asynchronous calls give one.

    Examples
    --------
    >>> with nbtrack.start_run():
    ...     nbtrack.set_tag("stage", "draft")
    >>> nbtrack.last_active_run().data.tags["stage"]
    'draft'
    """
    writer(None).set_tags({key: value})
    return operation_handle(synchronous)


def set_tags(tags: Mapping[str, Any], synchronous: bool | None = None) -> RunOperations | None:
    """Set several tags of the active run.

    Parameters
    ----------
    tags : mapping
        Values by name, kept as text.
    synchronous : bool, optional
        False to get a handle, as MLflow's asynchronous calls give one.

    Examples
    --------
    >>> with nbtrack.start_run():
    ...     nbtrack.set_tags({"team": "vision", "stage": "draft"})
    """
    writer(None).set_tags(tags)
    return operation_handle(synchronous)


@suggests_keywords
def delete_tag(key: str) -> None:
    """Remove a tag of the active run.

    Parameters
    ----------
    key : str
        Its name.

    Examples
    --------
    >>> with nbtrack.start_run():
    ...     nbtrack.set_tag("stage", "draft")
    ...     nbtrack.delete_tag("stage")
    >>> "stage" in nbtrack.last_active_run().data.tags
    False
    """
    writer(None).delete_tag(key)


@suggests_keywords
def log_input(
    dataset: Dataset | None = None,
    context: str | None = None,
    tags: Mapping[str, str] | None = None,
    model: LoggedModelInput | None = None,
) -> None:
    """Record a dataset, or a logged model, that the active run reads, and what for.

    Parameters
    ----------
    dataset : Dataset, optional
        As one of ``nbtrack.data`` describes it.
    context : str, optional
        What for, such as ``"training"``.
    tags : mapping of str to str, optional
        Tags of this use.
    model : LoggedModelInput, optional
        A logged model that is read.

    Examples
    --------
    >>> import pandas as pd
    >>> train = nbtrack.data.from_pandas(pd.DataFrame({"x": [1.0, 2.0]}), name="train")
    >>> with nbtrack.start_run():
    ...     nbtrack.log_input(train, context="training")
    >>> [each.dataset.name for each in nbtrack.last_active_run().inputs.dataset_inputs]
    ['train']
    """
    log_inputs([dataset], [context], [tags], [model] if model is not None else None)


@suggests_keywords
def log_inputs(
    datasets: Sequence[Dataset | None] | None = None,
    contexts: Sequence[str | None] | None = None,
    tags_list: Sequence[Mapping[str, str] | None] | None = None,
    models: Sequence[LoggedModelInput | None] | None = None,
) -> None:
    """Record several datasets, and logged models, that the active run reads.

    Parameters
    ----------
    datasets : list of Dataset, optional
        As those of ``nbtrack.data`` describe them; None is passed over.
    contexts : list of str, optional
        What each is for.
    tags_list : list of mapping, optional
        Tags of the use of each.
    models : list of LoggedModelInput, optional
        Logged models that are read.

    Raises
    ------
    InvalidParameterError
        If there are not as many contexts or tags as datasets.

    Examples
    --------
    >>> import numpy as np
    >>> train, test = (nbtrack.data.from_numpy(np.zeros((n, 2)), name=f"of {n}") for n in (8, 2))
    >>> with nbtrack.start_run():
    ...     nbtrack.log_inputs([train, test], contexts=["training", "test"], tags_list=[None, None])
    >>> len(nbtrack.last_active_run().inputs.dataset_inputs)
    2
    """
    from nbtrack.tracking.model_metrics import dataset_entity

    given = list(datasets or [])
    whats = list(contexts or [None] * len(given))
    all_tags = list(tags_list or [None] * len(given))
    if not len(given) == len(whats) == len(all_tags):
        raise InvalidParameterError(
            f"log_inputs needs one context and one set of tags for each dataset; got {len(given)} "
            f"datasets, {len(whats)} contexts, {len(all_tags)} sets of tags."
        )
    inputs = []
    for dataset, what, tags in zip(given, whats, all_tags, strict=True):
        if dataset is None:
            continue
        found = {**(tags or {}), **({DATA_CONTEXT: what} if what else {})}
        inputs.append(
            DatasetInput(dataset_entity(dataset), [InputTag(k, str(v)) for k, v in found.items()])
        )
    writer(None).log_inputs(inputs, [model for model in models or [] if model is not None])


@suggests_keywords
def log_outputs(models: Sequence[LoggedModelOutput] | None = None) -> None:
    """Record logged models as made by the active run, each at a step.

    Parameters
    ----------
    models : list of LoggedModelOutput, optional
        Each with the step that it was made at.

    Examples
    --------
    >>> from nbtrack.entities import LoggedModelOutput
    >>> with nbtrack.start_run():
    ...     model = nbtrack.initialize_logged_model("net")
    ...     nbtrack.log_outputs([LoggedModelOutput(model.model_id, step=10)])
    """
    writer(None).log_outputs(models or [])


def flush_async_logging() -> None:
    """Return at once: what was logged is on disk already.

    Examples
    --------
    >>> nbtrack.flush_async_logging()
    """


def flush_artifact_async_logging() -> None:
    """Return at once: what was logged is on disk already.

    Examples
    --------
    >>> nbtrack.flush_artifact_async_logging()
    """
