"""Where the data of a dataset came from, and how to get it again."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import tempfile
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

from nbtrack.errors import (
    InvalidParameterError,
    InvalidStateError,
    MissingDependencyError,
    UntrustedError,
)
from nbtrack.store.artifacts import folder_and_path, is_chained_uri, local_path


class DatasetSource(Protocol):
    """Where data came from; MLflow's kinds and JSON."""

    @property
    def kind(self) -> str:
        """The type: ``code``, ``local``, ``http``, ``s3``, ``hugging_face``, ..."""

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored."""

    def load(self, dst_path: str | None = None) -> Any:
        """Return the data again: a local path, or a Hugging Face dataset.

        Parameters
        ----------
        dst_path : str or path, optional
            A folder to put it in.
        """


class CodeDatasetSource:
    """Data that the code of the run made or read itself.

    Parameters
    ----------
    tags : dict of str to str
        Who and what ran the code.

    Examples
    --------
    >>> from nbtrack.data import CodeDatasetSource
    >>> source = CodeDatasetSource({"mlflow.source.name": "make_data.py"})
    >>> source.to_dict()
    {'tags': {'mlflow.source.name': 'make_data.py'}}
    >>> source.load()
    Traceback (most recent call last):
    ...
    nbtrack.errors.InvalidStateError: This data was made by code (make_data.py) and cannot be ...
    """

    kind = "code"

    def __init__(self, tags: Mapping[str, str]) -> None:
        self.tags = dict(tags)

    def to_dict(self) -> dict[str, Any]:
        """Return the tags."""
        return {"tags": self.tags}

    def load(self, dst_path: str | None = None) -> Any:
        """Raise: only the code knows.

        Parameters
        ----------
        dst_path : str or path, optional
            Not used.

        Raises
        ------
        InvalidStateError
            Always.
        """
        raise InvalidStateError(
            f"This data was made by code ({self.tags.get('mlflow.source.name', 'unknown')}) and "
            "cannot be loaded. Run the code again, or give source= when logging the dataset."
        )


class FileDatasetSource:
    """A file or a folder, on this machine or in any place that fsspec reaches.

    Parameters
    ----------
    uri : str
        A path or a URI; its scheme is the kind, ``local`` for a path.
    stored : bool
        Whether a row of a store names it, rather than the user.

    Examples
    --------
    >>> from pathlib import Path
    >>> from nbtrack.data import FileDatasetSource
    >>> _ = Path("train.csv").write_text("x,y")
    >>> source = FileDatasetSource("train.csv")
    >>> source.kind, source.to_dict()
    ('local', {'uri': 'train.csv'})
    >>> Path(source.load()).read_text()
    'x,y'
    """

    def __init__(self, uri: str, *, stored: bool = False) -> None:
        self.uri = uri
        self._stored = stored
        self.kind = "local" if local_path(uri) is not None else urlsplit(uri).scheme

    def to_dict(self) -> dict[str, Any]:
        """Return the URI."""
        return {"uri": self.uri}

    def load(self, dst_path: str | None = None) -> str:
        """Return a local path of the data, copied to ``dst_path`` when that is given.

        Parameters
        ----------
        dst_path : str or path, optional
            A folder to put it in; by default local data stays where it is.
        """
        local = local_path(self.uri)
        if local is None and self._stored and is_chained_uri(self.uri):
            raise UntrustedError(
                f"The data is said to be at {self.uri}, one kind of storage inside another, which "
                "may be any file of this machine. If you know it, open it with fsspec yourself."
            )
        if local is not None and dst_path is None:
            return str(local)
        folder, path = folder_and_path(self.uri)
        return folder.download(path, dst_path)


class HTTPDatasetSource:
    """A file on the web.

    Parameters
    ----------
    url : str
        Without user and password, which are not kept.

    Examples
    --------
    >>> from nbtrack.data import HTTPDatasetSource
    >>> source = HTTPDatasetSource("https://ada:secret@example.org/train.csv")
    >>> source.to_dict()  # without name and password
    {'url': 'https://example.org/train.csv'}
    >>> path = source.load("data")  # doctest: +SKIP
    """

    kind = "http"

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    def to_dict(self) -> dict[str, Any]:
        """Return the URL."""
        return {"url": self.url}

    def load(self, dst_path: str | None = None) -> str:
        """Download the file to the folder ``dst_path``, or a new one; return its path.

        Parameters
        ----------
        dst_path : str or path, optional
            The folder.
        """
        name = Path(unquote(urlsplit(self.url).path)).name or "dataset"
        folder = Path(dst_path or tempfile.mkdtemp(prefix="nbtrack-"))
        folder.mkdir(parents=True, exist_ok=True)
        request = urllib.request.Request(self.url, headers={"User-Agent": "nbtrack"})  # noqa: S310
        if request.type not in ("http", "https"):
            raise InvalidParameterError(f"{self.url!r} is no address on the web.")
        with (
            urllib.request.urlopen(request, timeout=60) as answer,  # noqa: S310 - checked above
            (folder / name).open("wb") as file,
        ):
            shutil.copyfileobj(answer, file)
        return str(folder / name)


class HuggingFaceDatasetSource:
    """A dataset of the Hugging Face hub, or of files that its library reads.

    Parameters
    ----------
    path, config_name, data_dir, data_files, split, revision : optional
        What ``datasets.load_dataset`` takes.

    Examples
    --------
    >>> from nbtrack.data import HuggingFaceDatasetSource
    >>> source = HuggingFaceDatasetSource("imdb", split="train")
    >>> source.to_dict()["split"]
    'train'
    >>> dataset = source.load()  # doctest: +SKIP
    """

    kind = "hugging_face"

    def __init__(
        self,
        path: str,
        config_name: str | None = None,
        data_dir: str | None = None,
        data_files: Any = None,
        split: str | None = None,
        revision: str | None = None,
    ) -> None:
        self._values = {
            "path": path,
            "config_name": config_name,
            "data_dir": data_dir,
            "data_files": data_files,
            "split": split,
            "revision": revision,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return what ``datasets.load_dataset`` needs."""
        return dict(self._values)

    def load(self, dst_path: str | None = None) -> Any:
        """Return the dataset, loaded by ``datasets.load_dataset``.

        Parameters
        ----------
        dst_path : str or path, optional
            Not used: the library has a cache of its own.
        """
        try:
            datasets = importlib.import_module("datasets")
        except ImportError:
            raise MissingDependencyError(
                "This data comes from Hugging Face. Run: pip install datasets"
            ) from None
        values = dict(self._values)
        name = values.pop("config_name")
        return datasets.load_dataset(name=name, cache_dir=dst_path, **values)


def resolve_source(source: Any, tags: Callable[[], Mapping[str, str]]) -> DatasetSource:
    """Return the source that a user means.

    Parameters
    ----------
    source : str, path, DatasetSource or None
        A path, a URL or a URI; None for the code that runs.
    tags : callable
        Returns who and what runs the code.

    Raises
    ------
    InvalidParameterError
        If it is none of these.
    """
    if source is None:
        return CodeDatasetSource(tags())
    if hasattr(source, "to_dict") and hasattr(source, "load") and hasattr(source, "kind"):
        resolved: DatasetSource = source
        return resolved
    if not isinstance(source, str | os.PathLike):
        raise InvalidParameterError(
            f"The source of a dataset is a path, a URL or a URI; got {type(source).__name__}."
        )
    text = os.fspath(source)
    if urlsplit(text).scheme in ("http", "https"):
        return HTTPDatasetSource(text)
    return FileDatasetSource(text)


def source_from_json(kind: str, text: str) -> DatasetSource:
    """Return the source that was stored.

    Raises
    ------
    InvalidParameterError
        If the JSON does not fit the kind.
    """
    try:
        values = json.loads(text)
        if kind == "code":
            return CodeDatasetSource(values["tags"])
        if kind == "http":
            return HTTPDatasetSource(values["url"])
        if kind == "hugging_face":
            known = ("path", "config_name", "data_dir", "data_files", "split", "revision")
            return HuggingFaceDatasetSource(**{k: values[k] for k in known if k in values})
        return FileDatasetSource(values["uri"], stored=True)
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidParameterError(
            f"The source of the dataset ({kind}) cannot be read: {text[:200]!r} ({error!r})"
        ) from None
