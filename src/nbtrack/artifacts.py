"""Get back what runs have stored: MLflow's ``mlflow.artifacts`` by the same names.

A URI is ``runs:/<run_id>/<path>``, ``models:/...``, a local path, ``file://``, or any that
fsspec knows.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, cast

from nbtrack._names import look_elsewhere
from nbtrack.entities import FileInfo
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.store.artifacts import ArtifactFolder, allow, folder_and_path
from nbtrack.untrusted_files import read_yaml

if TYPE_CHECKING:
    import PIL.Image

    from nbtrack.tracking.run_artifacts import RunArtifacts

look_elsewhere(__name__)
__all__ = ["allow", "download_artifacts", "list_artifacts", "load_dict", "load_image", "load_text"]


def download_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    dst_path: str | None = None,
    tracking_uri: str | None = None,
    registry_uri: str | None = None,
) -> str:
    """Return a local path of a file or a folder of artifacts.

    Parameters
    ----------
    artifact_uri : str, optional
        The artifact; or else ``run_id`` and, for less than all of it, ``artifact_path``.
    run_id, artifact_path : str, optional
        Instead of the URI.
    dst_path : str, optional
        A folder to copy to, made if need be. Without it, what is local already is
        returned where it lies, read-only.
    tracking_uri : str, optional
        The store of the run; the current one when nothing is said.
    registry_uri : str, optional
        Not used: ``set_registry_uri`` says where names of models are looked up.

    Returns
    -------
    str
        An absolute local path.

    Raises
    ------
    InvalidParameterError
        If not exactly one of ``artifact_uri`` and ``run_id`` is given.
    NotFoundError
        If there is no such artifact.

    Examples
    --------
    >>> from pathlib import Path
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_text("Converged.", "notes.txt")
    >>> folder = nbtrack.artifacts.download_artifacts(run_id=run.info.run_id, dst_path="copy")
    >>> Path(folder, "notes.txt").read_text()
    'Converged.'
    """
    folder, path = _find(artifact_uri, run_id, artifact_path, tracking_uri)
    return folder.download(path, dst_path)


def list_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    tracking_uri: str | None = None,
) -> list[FileInfo]:
    """Return the files and folders directly in a folder of artifacts, by path.

    The parameters are those of ``download_artifacts``; a file has nothing in it.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_text("Converged.", "notes.txt")
    >>> found = nbtrack.artifacts.list_artifacts(f"runs:/{run.info.run_id}")
    >>> [(each.path, each.file_size) for each in found]
    [('notes.txt', 10)]
    """
    folder, path = _find(artifact_uri, run_id, artifact_path, tracking_uri)
    return folder.list(path)


def load_text(artifact_uri: str) -> str:
    """Return the text of an artifact.

    Parameters
    ----------
    artifact_uri : str
        As in ``download_artifacts``.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_text("Converged.", "notes.txt")
    >>> nbtrack.artifacts.load_text(f"runs:/{run.info.run_id}/notes.txt")
    'Converged.'
    """
    try:
        return _read(artifact_uri).decode("utf-8")
    except UnicodeDecodeError:
        raise _unreadable(artifact_uri, "text (UTF-8)") from None


def load_dict(artifact_uri: str) -> dict[str, Any]:
    """Return the dictionary that ``log_dict`` stored, as JSON or YAML.

    Parameters
    ----------
    artifact_uri : str
        As in ``download_artifacts``. A name that ends with ``.yml`` or ``.yaml`` is read as YAML.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_dict({"layers": 2}, "net.json")
    >>> nbtrack.artifacts.load_dict(f"runs:/{run.info.run_id}/net.json")
    {'layers': 2}
    """
    text = load_text(artifact_uri)
    values: Any
    try:
        if artifact_uri.lower().endswith((".yml", ".yaml")):
            values = read_yaml(text, artifact_uri)
        else:
            values = json.loads(text)
    except Exception as error:  # json and yaml have errors of their own
        raise _unreadable(artifact_uri, "a dictionary") from error
    if type(values) not in (dict, list):
        raise _unreadable(artifact_uri, "a dictionary")
    return cast("dict[str, Any]", values)


def load_image(artifact_uri: str) -> PIL.Image.Image:
    """Return the picture that an artifact holds, as an image of Pillow.

    Parameters
    ----------
    artifact_uri : str
        As in ``download_artifacts``.

    Examples
    --------
    >>> import numpy as np
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_image(np.zeros((4, 6), dtype=np.uint8), "black.png")
    >>> nbtrack.artifacts.load_image(f"runs:/{run.info.run_id}/black.png").size
    (6, 4)
    """
    import io

    import PIL.Image

    try:
        picture = PIL.Image.open(io.BytesIO(_read(artifact_uri)))
        picture.load()
    except OSError as error:
        raise _unreadable(artifact_uri, "a picture") from error
    return picture


def _find(
    artifact_uri: str | None,
    run_id: str | None,
    artifact_path: str | None,
    tracking_uri: str | None,
) -> tuple[ArtifactFolder | RunArtifacts, str | None]:
    from nbtrack.api.files import stored_artifacts

    if (artifact_uri is None) == (run_id is None):
        raise InvalidParameterError("Exactly one of `run_id` or `artifact_uri` must be specified.")
    if artifact_uri is None:
        found, _ = stored_artifacts(None, run_id, tracking_uri)
        return found, artifact_path
    if artifact_path is not None:
        raise InvalidParameterError(
            "`artifact_path` cannot be specified if `artifact_uri` is specified: "
            "put it at the end of the URI."
        )
    uri = os.fspath(artifact_uri)
    if uri.startswith(("runs:", "models:")):
        return stored_artifacts(uri, None, tracking_uri)
    if uri.startswith("mlflow-artifacts:"):
        raise InvalidParameterError(
            f"{uri!r} cannot be resolved here: URIs that begin with mlflow-artifacts: are not "
            "available in this version. Use runs:/<run_id>/<path>, models:/... or a path."
        )
    return folder_and_path(uri)


def _read(artifact_uri: str) -> bytes:
    folder, path = _find(artifact_uri, None, None, None)
    if path is None:
        raise InvalidParameterError(f"{artifact_uri!r} names a folder; name a file in it.")
    return folder.read_bytes(path)


def _unreadable(artifact_uri: str, what: str) -> NbtrackError:
    return NbtrackError(
        f"Unable to form {what} from the content of {artifact_uri!r}. "
        "download_artifacts gives the file as it is.",
        "BAD_REQUEST",
    )
