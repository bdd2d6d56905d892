"""Artifacts in any place that fsspec reaches: object stores, servers, memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from nbtrack.entities import FileInfo
from nbtrack.errors import (
    InvalidParameterError,
    MissingDependencyError,
    NbtrackError,
    NotFoundError,
    StoreError,
)
from nbtrack.store.artifacts.paths import check_artifact_path
from nbtrack.store.artifacts.roots import (
    FileNow,
    StoredFile,
    copy_in_chunks,
)
from nbtrack.store.artifacts.transfers import check_digest, copy_to


class RemoteArtifacts:
    """A folder of artifacts behind an fsspec URI.

    Parameters
    ----------
    uri : str
        Such as ``s3://bucket/runs/1`` or ``memory://runs/1``.
    redirects : bool
        Whether a web server may send on to another address.

    Raises
    ------
    MissingDependencyError
        If fsspec, or the package that knows this kind of URI, is not installed.
    """

    transfers = 1

    def __init__(self, uri: str, *, redirects: bool = True) -> None:
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise MissingDependencyError(
                f"Artifacts at {_safe(uri)} need fsspec, which is not installed. "
                'Run: pip install "nbtrack[remote]"'
            ) from None
        try:
            filesystem, root = url_to_fs(uri, **({} if redirects else _no_redirects(uri)))
        except ImportError as error:
            raise MissingDependencyError(
                f"Artifacts at {_safe(uri)} need a package that is not installed: {error}"
            ) from None
        except ValueError as error:
            raise InvalidParameterError(
                f"Artifacts cannot be kept at {_safe(uri)}: {error}"
            ) from None
        self._fs: Any = filesystem
        self._top: str = root.rstrip("/")
        self._where = _safe(uri)

    def write(self, path: str, source: BinaryIO) -> StoredFile:
        """Store what ``source`` holds: gathered on the local disk first, then sent whole."""
        self._place(path)
        with tempfile.TemporaryDirectory(prefix="nbtrack-") as folder:
            gathered = Path(folder, "content")
            with gathered.open("wb") as file:
                stored = copy_in_chunks(source, file.write)
            self._send(gathered, path)
        return stored

    def write_file(self, path: str, local: Path) -> StoredFile:
        """Store a local file."""
        before = local.stat()
        with FileNow(local) as source:
            stored = copy_in_chunks(source, lambda _: None)
        self._send(local, path)
        after = local.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            with FileNow(local) as source:  # what is recorded must be what was sent
                return self.write(path, source)
        return stored

    def write_by(self, path: str, write: Callable[[Path], StoredFile]) -> StoredFile:
        """Store the file that ``write`` makes on the local disk."""
        self._place(path)
        with tempfile.TemporaryDirectory(prefix="nbtrack-") as folder:
            made = Path(folder, "content")
            stored = write(made)
            self._send(made, path)
        return stored

    def open(self, path: str) -> BinaryIO:
        """Open an artifact for reading."""
        with self._translated(path):
            return cast(BinaryIO, self._fs.open(self._place(path), "rb"))

    def fetch(self, path: str, target: Path, sha256: str | None) -> None:
        """Write an artifact to a local file."""
        with self._translated(path):
            found = copy_to(self.open(path), target)
        check_digest(f"{self._where.rstrip('/')}/{path}", found, sha256)

    def entries(self, path: str) -> list[FileInfo]:
        """Return what lies directly in a folder."""
        folder = self._place(path)
        with self._translated(path):
            self._fs.invalidate_cache()
            try:
                if not self._fs.isdir(folder):
                    return []
                listed = self._fs.ls(folder, detail=True)
            except FileNotFoundError:
                return []
        found = []
        for entry in listed:
            name = str(entry["name"]).rstrip("/").rsplit("/", 1)[-1]
            if str(entry["name"]).rstrip("/") == folder.rstrip("/") or not name:
                continue
            is_dir = entry["type"] == "directory"
            size = None if is_dir else entry.get("size")
            found.append(FileInfo(f"{path}/{name}" if path else name, is_dir, size))
        return found

    def kind(self, path: str) -> str | None:
        """Return ``"file"``, ``"folder"`` or None."""
        place = self._place(path)
        with self._translated(path):
            self._fs.invalidate_cache()
            if self._fs.isdir(place):
                return "folder"
            return "file" if self._fs.isfile(place) else None

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all in it."""
        with self._translated(path):
            self._fs.rm(self._place(path), recursive=True)

    def in_place(self, path: str) -> Path | None:
        """Return None: a remote artifact has no local path."""
        return None

    def _place(self, path: str) -> str:
        return f"{self._top}/{check_artifact_path(path)}" if path else self._top

    def _send(self, local: Path, path: str) -> None:
        place = self._place(path)
        with self._translated(path):
            self._fs.makedirs(place.rsplit("/", 1)[0], exist_ok=True)
            self._fs.put_file(str(local), place)

    @contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        try:
            yield
        except NbtrackError:
            raise
        except FileNotFoundError:
            raise NotFoundError(f"No such artifact: {path!r}. See list_artifacts.") from None
        except Exception as error:  # each kind of storage has errors of its own
            raise StoreError(
                f"Artifact {path!r} cannot be used at {self._where}: "
                f"{type(error).__name__}: {error}"
            ) from error


def _no_redirects(uri: str) -> dict[str, Any]:
    """Return the options of fsspec that keep a web server from sending on to another address."""
    if urlsplit(uri).scheme.lower() not in ("http", "https"):
        return {}

    async def refuse(answer: Any) -> None:
        if 300 <= answer.status < 400:
            raise PermissionError(f"The server sends on to another address ({answer.status}).")

    return {"allow_redirects": False, "client_kwargs": {"raise_for_status": refuse}}


def _safe(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc.rsplit('@', 1)[-1]}{parts.path}"
