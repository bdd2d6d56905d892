"""The fluent functions: one-liners over the layers below.

Names, parameters and meaning are MLflow's, so ``import nbtrack as mlflow`` runs
the code that people have.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, overload

from nbtrack.entities import DatasetInput, Experiment, InputTag, LifecycleStage, Run, ViewType
from nbtrack.errors import InvalidParameterError
from nbtrack.tracking import context
from nbtrack.tracking import start as _start
from nbtrack.tracking.kernel import in_notebook
from nbtrack.tracking.operations import RunOperations, done
from nbtrack.tracking.run import ActiveRun, check_status

if TYPE_CHECKING:
    import pandas as pd

    from nbtrack.store.artifacts import ArtifactFolder
    from nbtrack.store.writer import RunWriter
    from nbtrack.tracking.datasets import Dataset


# -- where runs go -----------------------------------------------------------------------------


def set_tracking_uri(uri: str | os.PathLike[str] | None) -> None:
    """Choose the store: a DuckDB file or a folder; "" or None for the default again.

    Parameters
    ----------
    uri : str or path
        ``"nbtrack.duckdb"``, a folder, ``"file:..."``. A URI of another kind of local store
        (``sqlite:///mlflow.db``, ``./mlruns``) means a store of nbtrack's own beside it.

    Raises
    ------
    InvalidParameterError
        If it names something that nbtrack cannot write to.
    """
    context.set_uri(uri)


def get_tracking_uri() -> str:
    """Return the path of the store's database file."""
    return str(context.store().path)


def is_tracking_uri_set() -> bool:
    """Return whether a store was chosen, here or by ``NBTRACK_URI`` or ``MLFLOW_TRACKING_URI``."""
    return context.is_uri_set()


def set_experiment(
    experiment_name: str | None = None, experiment_id: str | None = None
) -> Experiment:
    """Make an experiment the active one: new runs belong to it.

    Parameters
    ----------
    experiment_name : str, optional
        Made if there is none of that name; a deleted one stays deleted.
    experiment_id : str, optional
        Instead of a name; must exist and be active.
    """
    from nbtrack.store import experiments

    if (experiment_name is None) == (experiment_id is None):
        raise InvalidParameterError(
            "Must specify exactly one of: `experiment_id` or `experiment_name`."
        )
    store = context.store()
    if experiment_name is not None:
        experiment_id = _start.get_or_create_experiment(store, experiment_name)
    with store.read() as reader:
        experiment = experiments.get(reader, str(experiment_id))
    if experiment.lifecycle_stage == LifecycleStage.DELETED:
        raise InvalidParameterError(
            f"Cannot set a deleted experiment {experiment.name!r} as the active experiment. You "
            "can restore the experiment, or permanently delete the experiment to create a new one."
        )
    context.set_experiment(store, experiment.experiment_id)
    return experiment


# -- runs --------------------------------------------------------------------------------------


def start_run(
    run_id: str | None = None,
    experiment_id: str | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
    log_system_metrics: bool | None = None,
) -> ActiveRun:
    """Start a run, or go on with one, and make it the active run.

    In a notebook, a run that an earlier cell has left open is closed first.

    Parameters
    ----------
    run_id : str, optional
        A run to go on with. If another live process owns it, this one joins in.
    experiment_id : str, optional
        By default the active experiment.
    run_name : str, optional
        By default a readable random one.
    nested : bool
        Whether the run belongs under the active one.
    parent_run_id : str, optional
        The run that it belongs under.
    tags : mapping, optional
    description : str, optional
        The tag ``mlflow.note.content``.
    log_system_metrics : bool, optional
        Whether to log the load of CPU, memory, disk, network and GPU.

    Returns
    -------
    ActiveRun
        Use it in a ``with`` statement, or call ``end_run``.
    """
    return _begin(
        run_id,
        experiment_id,
        run_name,
        nested,
        parent_run_id,
        tags,
        description,
        log_system_metrics,
    )


def end_run(status: str = "FINISHED") -> None:
    """End the active run, if there is one."""
    name = check_status(status)
    run = context.current()
    if run is not None:
        run.end(name or "FINISHED")


def active_run() -> ActiveRun | None:
    """Return the active run, or None."""
    return context.current()


def last_active_run() -> Run | None:
    """Return the active run, or the one that ended last, as the store has it; or None."""
    run = context.current() or context.last()
    return run.fetch() if run is not None else None


def _begin(*args: Any) -> ActiveRun:
    run = _start.start_run(*args)
    if in_notebook():
        from nbtrack.notebook.cards import show_card

        show_card(run)
    return run


def _run() -> ActiveRun:
    """Return the active run; one is started if there is none."""
    return context.current() or _begin()


def _writer(run_id: str | None) -> RunWriter:
    if run_id is None:
        return (context.current() or _begin()).writer
    return context.store().writer(run_id)


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
    value : number
        NaN and the infinities too; arrays and tensors of one element.
    step : int
        0 when it is not given.
    timestamp : int, optional
        Milliseconds since the epoch; now when it is not given.
    run_id : str, optional
        By default the active run; one is started if there is none.
    """
    if model_id is not None:
        context.check_no_models(model_id=model_id)
    _writer(run_id).log_metrics({key: value}, 0 if step is None else step, timestamp)
    return None if synchronous is None else done(synchronous)


def log_metrics(
    metrics: Mapping[str, float],
    step: int | None = None,
    synchronous: bool | None = None,
    run_id: str | None = None,
    timestamp: int | None = None,
    model_id: str | None = None,
    dataset: Dataset | None = None,
) -> RunOperations | None:
    """Log one point of several metrics: all or, if one value is no number, none."""
    if model_id is not None:
        context.check_no_models(model_id=model_id)
    _writer(run_id).log_metrics(metrics, 0 if step is None else step, timestamp)
    return None if synchronous is None else done(synchronous)


def log_param(key: str, value: Any, synchronous: bool | None = None) -> Any:
    """Log a param, written once, and return its value."""
    _writer(None).log_params({key: value})
    return (None if synchronous is None else done(synchronous)) or value


def log_params(
    params: Mapping[str, Any], synchronous: bool | None = None, run_id: str | None = None
) -> RunOperations | None:
    """Log several params: all or, if one has another value already, none."""
    _writer(run_id).log_params(params)
    return None if synchronous is None else done(synchronous)


def set_tag(key: str, value: Any, synchronous: bool | None = None) -> RunOperations | None:
    """Set a tag of the active run."""
    _writer(None).set_tags({key: value})
    return None if synchronous is None else done(synchronous)


def set_tags(tags: Mapping[str, Any], synchronous: bool | None = None) -> RunOperations | None:
    """Set several tags of the active run."""
    _writer(None).set_tags(tags)
    return None if synchronous is None else done(synchronous)


def delete_tag(key: str) -> None:
    """Remove a tag of the active run."""
    _writer(None).delete_tag(key)


def flush_async_logging() -> None:
    """Return at once: what was logged is on disk already."""


def flush_artifact_async_logging() -> None:
    """Return at once: what was logged is on disk already."""


# -- artifacts and datasets --------------------------------------------------------------------


def log_artifact(
    local_path: str | os.PathLike[str],
    artifact_path: str | None = None,
    run_id: str | None = None,
) -> None:
    """Store a file, or a folder under its own name, among the artifacts."""
    _writer(run_id).artifacts.put_file(local_path, artifact_path)


def log_artifacts(
    local_dir: str | os.PathLike[str],
    artifact_path: str | None = None,
    run_id: str | None = None,
) -> None:
    """Store what a folder holds among the artifacts."""
    _writer(run_id).artifacts.put_folder(local_dir, artifact_path)


def log_text(text: str, artifact_file: str, run_id: str | None = None) -> None:
    """Store text as a file."""
    from nbtrack.tracking import artifacts

    artifacts.log_text(_writer(run_id), text, artifact_file)


def log_dict(dictionary: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Store a dictionary as JSON, or YAML if the name ends in ``.yml`` or ``.yaml``."""
    from nbtrack.tracking import artifacts

    artifacts.log_dict(_writer(run_id), dictionary, artifact_file)


def log_stream(stream: BinaryIO, artifact_file: str, run_id: str | None = None) -> None:
    """Store what a binary stream holds, in constant memory."""
    from nbtrack.tracking import artifacts

    artifacts.log_stream(_writer(run_id), stream, artifact_file)


def log_figure(
    figure: Any, artifact_file: str, *, save_kwargs: dict[str, Any] | None = None
) -> None:
    """Store a figure of matplotlib or Plotly."""
    from nbtrack.tracking import artifacts

    artifacts.log_figure(_writer(None), figure, artifact_file, save_kwargs=save_kwargs)


def log_image(
    image: Any,
    artifact_file: str | None = None,
    key: str | None = None,
    step: int | None = None,
    timestamp: int | None = None,
    synchronous: bool | None = False,
) -> None:
    """Store a picture as a file, or as one step of the series ``key``."""
    from nbtrack.tracking.images import log_image as log

    log(_writer(None), image, artifact_file, key, step, timestamp)


def log_table(data: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Store a table, or add rows to the one that is there."""
    from nbtrack.tracking.tables import log_table as log

    log(_writer(run_id), data, artifact_file)


def load_table(
    artifact_file: str,
    run_ids: list[str] | None = None,
    extra_columns: list[str] | None = None,
) -> pd.DataFrame:
    """Return a table of the runs of the active experiment, one below the other."""
    from nbtrack.tracking.stored import load_table as load

    store = context.store()
    experiment_id = _start.active_experiment_id(store)
    return load(store, experiment_id, artifact_file, run_ids, extra_columns)


def get_artifact_uri(artifact_path: str | None = None) -> str:
    """Return where the artifacts of the active run lie, or one of them."""
    uri = _run().info.artifact_uri
    return f"{uri.rstrip('/')}/{artifact_path}" if artifact_path else uri


def artifact_folder(
    run_id: str, tracking_uri: str | os.PathLike[str] | None = None
) -> ArtifactFolder:
    """Return the artifacts of a run, for reading."""
    from nbtrack.store.store import open_store
    from nbtrack.tracking.stored import artifacts_of

    return artifacts_of(open_store(tracking_uri) if tracking_uri else context.store(), run_id)


def log_input(
    dataset: Dataset | None = None,
    context: str | None = None,
    tags: Mapping[str, str] | None = None,
    model: Any = None,
) -> None:
    """Record a dataset that the active run reads, and what for (``context="train"``)."""
    log_inputs([dataset], [context], [tags], [model] if model is not None else None)


def log_inputs(
    datasets: Sequence[Dataset | None] | None = None,
    contexts: Sequence[str | None] | None = None,
    tags_list: Sequence[Mapping[str, str] | None] | None = None,
    models: Sequence[Any] | None = None,
) -> None:
    """Record several datasets that the active run reads."""
    context.check_no_models(models=models or None)
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
        found = {**(tags or {}), **({"mlflow.data.context": what} if what else {})}
        entity: Any = dataset.to_entity() if hasattr(dataset, "to_entity") else dataset
        inputs.append(DatasetInput(entity, [InputTag(k, str(v)) for k, v in found.items()]))
    _writer(None).log_inputs(inputs)


# -- looking things up -------------------------------------------------------------------------


def get_run(run_id: str) -> Run:
    """Return a run with its latest metrics, params and tags."""
    from nbtrack.store.runs import get_run as get

    with context.store().read() as reader:
        return get(reader, run_id)


def get_parent_run(run_id: str) -> Run | None:
    """Return the run that a run is nested in, or None."""
    from nbtrack.tracking.run import PARENT

    parent = get_run(run_id).data.tags.get(PARENT)
    return get_run(parent) if parent else None


def delete_run(run_id: str) -> None:
    """Mark a run as deleted; ``restore_run`` brings it back."""
    from nbtrack.store.lifecycle import delete_run as delete

    delete(context.store(), run_id)


def restore_run(run_id: str) -> None:
    """Bring a deleted run back."""
    from nbtrack.store.lifecycle import restore_run as restore

    restore(context.store(), run_id)


def create_experiment(
    name: str,
    artifact_location: str | None = None,
    tags: Mapping[str, Any] | None = None,
) -> str:
    """Make an experiment and return its id.

    Parameters
    ----------
    name : str
        Unique among the experiments that are not deleted.
    artifact_location : str, optional
        A folder or a URI for the artifacts of its runs; by default beside the database.
    tags : mapping, optional
    """
    from nbtrack.store import experiments

    return experiments.create(context.store(), name, artifact_location, tags)


def get_experiment(experiment_id: str) -> Experiment:
    """Return an experiment, deleted ones too."""
    from nbtrack.store import experiments

    with context.store().read() as reader:
        return experiments.get(reader, experiment_id)


def get_experiment_by_name(name: str) -> Experiment | None:
    """Return the experiment of a name, or None; an active one before deleted ones."""
    from nbtrack.store import experiments

    with context.store().read() as reader:
        return experiments.find_by_name(reader, name)


def search_experiments(
    view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: list[str] | None = None,
) -> list[Experiment]:
    """Return the experiments that fit a filter, by default the newest first."""
    from nbtrack.tracking.search import search_experiments as search

    return search(context.store(), view_type, max_results, filter_string, order_by)


def delete_experiment(experiment_id: str) -> None:
    """Mark an experiment and its runs as deleted."""
    from nbtrack.store import experiments

    experiments.delete(context.store(), experiment_id)


def restore_experiment(experiment_id: str) -> None:
    """Bring a deleted experiment and all its runs back."""
    from nbtrack.store import experiments

    experiments.restore(context.store(), experiment_id)


def set_experiment_tag(key: str, value: Any) -> None:
    """Set a tag of the active experiment."""
    set_experiment_tags({key: value})


def set_experiment_tags(tags: Mapping[str, Any]) -> None:
    """Set several tags of the active experiment."""
    from nbtrack.store import experiments

    store = context.store()
    experiments.set_tags(store, _start.active_experiment_id(store), tags)


def delete_experiment_tag(key: str) -> None:
    """Remove a tag of the active experiment."""
    from nbtrack.store import experiments

    store = context.store()
    experiments.delete_tag(store, _start.active_experiment_id(store), key)


@overload
def search_runs(
    experiment_ids: Sequence[str] | None = ...,
    filter_string: str = ...,
    run_view_type: int = ...,
    max_results: int = ...,
    order_by: list[str] | None = ...,
    *,
    output_format: Literal["list"],
    search_all_experiments: bool = ...,
    experiment_names: list[str] | None = ...,
) -> list[Run]: ...


@overload
def search_runs(
    experiment_ids: Sequence[str] | None = ...,
    filter_string: str = ...,
    run_view_type: int = ...,
    max_results: int = ...,
    order_by: list[str] | None = ...,
    output_format: Literal["pandas"] = ...,
    search_all_experiments: bool = ...,
    experiment_names: list[str] | None = ...,
) -> pd.DataFrame: ...


def search_runs(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str = "",
    run_view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int = 100000,
    order_by: list[str] | None = None,
    output_format: str = "pandas",
    search_all_experiments: bool = False,
    experiment_names: list[str] | None = None,
) -> pd.DataFrame | list[Run]:
    """Return the runs that fit a filter, as a DataFrame or a list.

    Parameters
    ----------
    experiment_ids, experiment_names : list of str, optional
        Which experiments; by default the active one.
    filter_string : str
        MLflow's grammar with ``OR``, ``NOT``, parentheses and aggregates, such as
        ``"metrics.val_loss.min < 0.3 AND (params.lr = '0.1' OR tags.team = 'a')"``.
    run_view_type : int
        One of ``nbtrack.entities.ViewType``.
    max_results : int
    order_by : list of str, optional
        Such as ``["metrics.val_loss.min ASC"]``.
    output_format : {"pandas", "list"}
    search_all_experiments : bool

    Returns
    -------
    pandas.DataFrame or list of Run
    """
    from nbtrack.tracking.search import search_runs as search

    return search(
        context.store(),
        _experiment_scope(experiment_ids, experiment_names, all_of_them=search_all_experiments),
        filter_string,
        run_view_type,
        max_results,
        order_by,
        output_format,
    )


def _experiment_scope(
    ids: Sequence[str] | None, names: Sequence[str] | None, *, all_of_them: bool
) -> list[str] | None:
    """Return the ids of the experiments that a search looks at; None for all."""
    from nbtrack.tracking.search import ids_of

    if ids is not None and names is not None:
        raise InvalidParameterError(
            "Only experiment_ids or experiment_names can be used, but not both"
        )
    if ids is not None and not (all_of_them and not ids):
        return [str(i) for i in ([ids] if isinstance(ids, str | int) else ids)]
    if names is not None:
        return ids_of(context.store(), names)
    return None if all_of_them else [_start.active_experiment_id(context.store())]


def sql(query: str, /, **frames: Any) -> pd.DataFrame:
    """Run SQL on the store and return a DataFrame.

    Parameters
    ----------
    query : str
        Reads ``experiments, runs, params, metrics, latest, tags, artifacts, datasets``, and
        data frames of the caller by the names of their variables.
    **frames : DataFrame
        More data frames, by name.
    """
    import sys

    caller = sys._getframe(1)
    with context.store().read() as reader:
        return reader.query(query, {**caller.f_globals, **caller.f_locals, **frames})
