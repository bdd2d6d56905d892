"""What programs import from MLflow's inner modules: small functions, artifact repositories."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nbtrack import artifacts
from nbtrack.client import Client
from nbtrack.data import FileDatasetSource
from nbtrack.entities import FileInfo
from nbtrack.errors import InvalidParameterError
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.tracking import context
from nbtrack.tracking.dataset_digest import Digest
from nbtrack.tracking.environment import quick_tags
from nbtrack.tracking.git import git_state
from nbtrack.tracking.model_locations import split_run_uri

LocalArtifactDatasetSource = FileSystemDatasetSource = FileDatasetSource
S3ArtifactDatasetSource = R2ArtifactDatasetSource = B2ArtifactDatasetSource = FileDatasetSource
GCSArtifactDatasetSource = AzureBlobArtifactDatasetSource = FileDatasetSource
AzureDataLakeArtifactDatasetSource = HdfsArtifactDatasetSource = FileDatasetSource
FTPArtifactDatasetSource = SFTPArtifactDatasetSource = FileDatasetSource


def _get_experiment_id() -> str:
    from nbtrack.tracking.start import active_experiment_id

    return active_experiment_id(context.store())


def _download_artifact_from_uri(
    artifact_uri: str, output_path: str | None = None, **_ignored: Any
) -> str:
    return artifacts.download_artifacts(artifact_uri, dst_path=output_path)


def get_artifact_uri(
    run_id: str, artifact_path: str | None = None, tracking_uri: str | None = None
) -> str:
    """Return where the artifacts of a run lie, or one of them.

    Parameters
    ----------
    run_id : str
        The run.
    artifact_path : str, optional
        A path among its artifacts.
    tracking_uri : str, optional
        Its store, by default the current one.
    """
    from nbtrack.client import Client

    uri = Client(tracking_uri).get_run(run_id).info.artifact_uri
    return f"{uri.rstrip('/')}/{artifact_path}" if artifact_path else uri


def resolve_tags(
    tags: Mapping[str, str] | None = None, ignore: Iterable[object] | None = None
) -> dict[str, str]:
    """Return the tags that a new run gets: user, source and what ``tags`` adds.

    Parameters
    ----------
    tags : mapping, optional
        They come before those of the environment.
    ignore : iterable, optional
        Not used: MLflow's providers of tags have no counterpart.
    """
    return {**quick_tags(), **(tags or {})}


def get_git_commit(path: str) -> str | None:
    """Return the commit that a folder is at, None outside a repository.

    Parameters
    ----------
    path : str
        The folder, or a file in it.
    """
    place = Path(path)
    state = git_state(place if place.is_dir() else place.parent)
    return state.commit if state else None


def get_current_time_millis() -> int:
    """Return the time in milliseconds since the epoch."""
    return int(time.time() * 1000)


def eprint(*values: Any, **options: Any) -> None:
    """Print to the standard error stream.

    Parameters
    ----------
    *values, **options
        As in ``print``.
    """
    print(*values, file=sys.stderr, **options)  # noqa: T201  it is what was asked for


def path_to_local_file_uri(path: str | os.PathLike[str]) -> str:
    """Return a local path as a ``file:`` URI.

    Parameters
    ----------
    path : str or path
    """
    return Path(path).absolute().as_uri()


def local_file_uri_to_path(uri: str) -> str:
    """Return the local path of a ``file:`` URI; what is a path already comes back as it is.

    Parameters
    ----------
    uri : str
    """
    if not uri.startswith("file:"):
        return uri
    return urllib.request.url2pathname(urllib.parse.urlparse(uri).path)


class TempDir:
    """A temporary folder that is removed at the end of the ``with`` block.

    Parameters
    ----------
    chdr : bool
        Make it the current folder meanwhile.
    remove_on_exit : bool
        False to keep it.
    """

    def __init__(self, chdr: bool = False, remove_on_exit: bool = True) -> None:
        self._change = chdr
        self._remove = remove_on_exit
        self._path = ""
        self._before = ""

    def __enter__(self) -> TempDir:
        self._path = os.path.abspath(tempfile.mkdtemp())
        if self._change:
            self._before = str(Path.cwd())
            os.chdir(self._path)
        return self

    def __exit__(self, *error: object) -> None:
        if self._before:
            os.chdir(self._before)
        if self._remove:
            shutil.rmtree(self._path)

    def path(self, *parts: str) -> str:
        """Return the folder, or a path in it.

        Parameters
        ----------
        *parts : str
        """
        return str(Path("." if self._change else self._path, *parts))


def compute_pandas_digest(df: Any) -> str:
    """Return a digest of a DataFrame.

    Parameters
    ----------
    df : pandas.DataFrame
    """
    digest = Digest()
    digest.frame(df)
    return digest.text()


def compute_numpy_digest(features: Any, targets: Any = None) -> str:
    """Return a digest of arrays.

    Parameters
    ----------
    features, targets : numpy.ndarray
    """
    digest = Digest()
    for array in (features, targets):
        if array is not None:
            digest.array(array)
    return digest.text()


class ArtifactRepository:
    """The files at a URI.

    Parameters
    ----------
    artifact_uri : str
        ``runs:/...``, ``models:/...``, a local path, or any URI that fsspec knows.
    """

    def __init__(self, artifact_uri: str) -> None:
        self.artifact_uri = artifact_uri.rstrip("/")

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        """Return what lies in a folder.

        Parameters
        ----------
        path : str, optional
            Below the URI.
        """
        return artifacts.list_artifacts(self._at(path))

    def download_artifacts(self, artifact_path: str, dst_path: str | None = None) -> str:
        """Return a local path of a file or folder.

        Parameters
        ----------
        artifact_path : str
            Below the URI, "" for all of it.
        dst_path : str, optional
            A folder to copy to.
        """
        return artifacts.download_artifacts(self._at(artifact_path), dst_path=dst_path)

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Store a local file.

        Parameters
        ----------
        local_file : str
        artifact_path : str, optional
            The folder below the URI.
        """
        client, run_id, folder = self._run(artifact_path)
        if client:
            client.log_artifact(run_id, local_file, folder)
        else:
            ArtifactFolder(self.artifact_uri).put_file(local_file, artifact_path)

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        """Store what lies in a local folder.

        Parameters
        ----------
        local_dir : str
        artifact_path : str, optional
            The folder below the URI.
        """
        client, run_id, folder = self._run(artifact_path)
        if client:
            client.log_artifacts(run_id, local_dir, folder)
        else:
            ArtifactFolder(self.artifact_uri).put_folder(local_dir, artifact_path)

    def _at(self, path: str | None) -> str:
        return f"{self.artifact_uri}/{path}" if path else self.artifact_uri

    def _run(self, artifact_path: str | None) -> tuple[Client | None, str, str | None]:
        """Return the client, the run and the folder to write to, for a URI of a run."""
        if self.artifact_uri.startswith("models:"):
            raise InvalidParameterError(
                f"{self.artifact_uri!r} is only read: log_model writes models."
            )
        if not self.artifact_uri.startswith("runs:"):
            return None, "", None
        run_id, path = split_run_uri(self.artifact_uri)
        return Client(), run_id, "/".join(filter(None, [path, artifact_path])) or None


def get_artifact_repository(artifact_uri: str, **_servers: str | None) -> ArtifactRepository:
    """Return what reads and writes the files at a URI.

    Parameters
    ----------
    artifact_uri : str
        As in ``ArtifactRepository``.
    """
    return ArtifactRepository(artifact_uri)


LocalArtifactRepository = ArtifactRepository
MlflowArtifactsRepository = ArtifactRepository
ModelsArtifactRepository = ArtifactRepository
RunsArtifactRepository = ArtifactRepository
