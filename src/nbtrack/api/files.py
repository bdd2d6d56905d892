"""Logging files, figures, images and tables to the active run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO

from nbtrack.api.runs import writer
from nbtrack.suggestions import suggests_keywords
from nbtrack.tracking import context
from nbtrack.tracking import start as _start

if TYPE_CHECKING:
    import pandas as pd

    from nbtrack.store.artifacts import ArtifactFolder
    from nbtrack.tracking.run_artifacts import RunArtifacts


@suggests_keywords
def log_artifact(
    local_path: str | os.PathLike[str],
    artifact_path: str | None = None,
    run_id: str | None = None,
) -> None:
    """Store a file, or a folder under its own name, among the artifacts.

    Parameters
    ----------
    local_path : str or path
        The file or the folder.
    artifact_path : str, optional
        The folder among the artifacts that it is put into.
    run_id : str, optional
        By default the active run.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("notes.txt").write_text("Trained on the small set.")
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_artifact("notes.txt", artifact_path="texts")
    >>> nbtrack.artifacts.load_text(f"{run.info.artifact_uri}/texts/notes.txt")
    'Trained on the small set.'
    """
    writer(run_id).artifacts.put_file(local_path, artifact_path)


@suggests_keywords
def log_artifacts(
    local_dir: str | os.PathLike[str],
    artifact_path: str | None = None,
    run_id: str | None = None,
) -> None:
    """Store the content of a folder among the artifacts.

    Parameters
    ----------
    local_dir : str or path
        The folder.
    artifact_path : str, optional
        The folder among the artifacts that all is put into.
    run_id : str, optional
        By default the active run.

    Examples
    --------
    >>> from pathlib import Path
    >>> Path("plots").mkdir()
    >>> _ = Path("plots", "loss.svg").write_text("<svg/>")
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_artifacts("plots")
    >>> [each.path for each in nbtrack.artifacts.list_artifacts(run_id=run.info.run_id)]
    ['loss.svg']
    """
    writer(run_id).artifacts.put_folder(local_dir, artifact_path)


@suggests_keywords
def log_text(text: str, artifact_file: str, run_id: str | None = None) -> None:
    """Store text as a file.

    Parameters
    ----------
    text : str
        Written as UTF-8.
    artifact_file : str
        Its path among the artifacts.
    run_id : str, optional
        By default the active run.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_text("It ran out of memory at 2,048.", "notes/batch.txt")
    >>> nbtrack.artifacts.load_text(f"{run.info.artifact_uri}/notes/batch.txt")
    'It ran out of memory at 2,048.'
    """
    from nbtrack.tracking import artifacts

    artifacts.log_text(writer(run_id), text, artifact_file)


@suggests_keywords
def log_dict(dictionary: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Store a dictionary as JSON, or YAML if the name ends in ``.yml`` or ``.yaml``.

    Parameters
    ----------
    dictionary : dict or list
        What JSON or YAML can say.
    artifact_file : str
        Its path among the artifacts.
    run_id : str, optional
        By default the active run.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_dict({"layers": [64, 10]}, "net.yaml")
    >>> nbtrack.artifacts.load_dict(f"{run.info.artifact_uri}/net.yaml")
    {'layers': [64, 10]}
    """
    from nbtrack.tracking import artifacts

    artifacts.log_dict(writer(run_id), dictionary, artifact_file)


@suggests_keywords
def log_stream(stream: BinaryIO, artifact_file: str, run_id: str | None = None) -> None:
    """Store the content of a binary stream, in constant memory.

    Parameters
    ----------
    stream : binary file
        Read to its end.
    artifact_file : str
        Its path among the artifacts.
    run_id : str, optional
        By default the active run.

    Examples
    --------
    >>> import io
    >>> with nbtrack.start_run():
    ...     nbtrack.log_stream(io.BytesIO(b"raw bytes"), "dump.bin")
    """
    from nbtrack.tracking import artifacts

    artifacts.log_stream(writer(run_id), stream, artifact_file)


@suggests_keywords
def log_figure(
    figure: Any, artifact_file: str, *, save_kwargs: dict[str, Any] | None = None
) -> None:
    """Store a figure of matplotlib or Plotly.

    Parameters
    ----------
    figure : matplotlib.figure.Figure or plotly.graph_objects.Figure
        The figure.
    artifact_file : str
        Its path among the artifacts; the ending says the format, for Plotly ``.html`` or a picture.
    save_kwargs : dict, optional
        What the library's own function for saving takes.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots()
    >>> _ = axes.plot([0.9, 0.5, 0.4])
    >>> with nbtrack.start_run():
    ...     nbtrack.log_figure(figure, "loss.png")
    >>> plt.close(figure)
    """
    from nbtrack.tracking import artifacts

    artifacts.log_figure(writer(None), figure, artifact_file, save_kwargs=save_kwargs)


@suggests_keywords
def log_image(
    image: Any,
    artifact_file: str | None = None,
    key: str | None = None,
    step: int | None = None,
    timestamp: int | None = None,
    synchronous: bool | None = False,
) -> None:
    """Store a picture as a file, or as one step of the series ``key``.

    Parameters
    ----------
    image : numpy.ndarray, PIL.Image.Image, Image or tensor
        As ``nbtrack.Image`` takes it.
    artifact_file : str, optional
        Its path among the artifacts; instead of ``key``.
    key : str, optional
        The series that it is a step of.
    step : int, optional
        0 when it is not given.
    timestamp : int, optional
        Milliseconds since the epoch; now when it is not given.
    synchronous : bool, optional
        Not used: the picture is on disk when the call returns.

    Examples
    --------
    >>> import numpy as np
    >>> with nbtrack.start_run():
    ...     for step in range(2):
    ...         image = np.full((8, 8, 3), step * 100, dtype=np.uint8)
    ...         nbtrack.log_image(image, key="samples", step=step)
    """
    from nbtrack.tracking.images import log_image as log

    log(writer(None), image, artifact_file, key, step, timestamp)


@suggests_keywords
def log_table(data: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Store a table, or add rows to the one that is there.

    Parameters
    ----------
    data : pandas.DataFrame or dict
        Columns by name; a dictionary of single values is one row. Cells may be pictures.
    artifact_file : str
        Its path among the artifacts. It ends with ``.json`` or ``.parquet``.
    run_id : str, optional
        By default the active run.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_table({"text": ["good", "bad"], "score": [0.9, 0.2]}, "scores.json")
    ...     nbtrack.log_table({"text": ["fine"], "score": [0.6]}, "scores.json")  # one more row
    >>> nbtrack.load_table("scores.json", run_ids=[run.info.run_id])
       text  score
    0  good    0.9
    1   bad    0.2
    2  fine    0.6
    """
    from nbtrack.tracking.tables import log_table as log

    log(writer(run_id), data, artifact_file)


@suggests_keywords
def load_table(
    artifact_file: str,
    run_ids: list[str] | None = None,
    extra_columns: list[str] | None = None,
) -> pd.DataFrame:
    """Return a table of the runs of the active experiment, concatenated.

    Parameters
    ----------
    artifact_file : str
        Its path among the artifacts.
    run_ids : list of str, optional
        By default all runs of the experiment.
    extra_columns : list of str, optional
        Such as ``"run_id"``: what to put into more columns.

    Examples
    --------
    >>> for score in (0.7, 0.9):
    ...     with nbtrack.start_run(run_name=f"scored {score}"):
    ...         nbtrack.log_table({"score": [score]}, "eval.json")
    >>> sorted(nbtrack.load_table("eval.json")["score"])  # of all runs of the experiment
    [0.7, 0.9]
    """
    from nbtrack.tracking.tables import load_table as load

    store = context.store()
    experiment_id = _start.active_experiment_id(store)
    return load(store, experiment_id, artifact_file, run_ids, extra_columns)


@suggests_keywords
def get_artifact_uri(artifact_path: str | None = None) -> str:
    """Return the URI of the artifacts of the active run, or of one of them.

    Parameters
    ----------
    artifact_path : str, optional
        A path among the artifacts.

    Examples
    --------
    >>> with nbtrack.start_run():
    ...     print(nbtrack.get_artifact_uri("model"))
    /...nbtrack.duckdb.d/artifacts/0/.../model
    """
    uri = writer().artifact_uri
    return f"{uri.rstrip('/')}/{artifact_path}" if artifact_path else uri


@suggests_keywords
def stored_artifacts(
    uri: str | None, run_id: str | None = None, tracking_uri: str | os.PathLike[str] | None = None
) -> tuple[ArtifactFolder | RunArtifacts, str | None]:
    """Return what keeps the artifacts that a ``runs:/`` or ``models:/`` URI names, and the path."""
    from nbtrack.store import open_store
    from nbtrack.tracking.model_locations import locate, split_run_uri
    from nbtrack.tracking.model_uris import split_model_uri
    from nbtrack.tracking.run_artifacts import artifacts_of

    store = open_store(tracking_uri) if tracking_uri else None
    if uri is None:
        return artifacts_of(store or context.store_of(str(run_id)), str(run_id)), None
    if uri.startswith("runs:"):
        run_id, path = split_run_uri(uri)
        return artifacts_of(store or context.store_of(run_id), run_id), path or None
    _, path = split_model_uri(uri)
    whole = uri.rstrip("/").removesuffix(f"/{path}") if path else uri
    return locate(whole, store).folder, path or None
