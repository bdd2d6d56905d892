"""Artifacts that an MLflow server keeps for its clients."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

from nbtrack.entities import FileInfo
from nbtrack.errors import StoreError
from nbtrack.protocol.client import CHUNK, RestClient

IN_MEMORY = 16 << 20
_PROXY = re.compile(r"/api/2\.0/mlflow-artifacts/artifacts(?:/|$)")


def served_path(uri: str) -> str | None:
    """Return the path below the server's artifacts that a URI names; None for other URIs."""
    parts = urlsplit(uri)
    if parts.scheme == "mlflow-artifacts":
        return unquote(parts.path).strip("/")
    if parts.scheme in ("http", "https") and (found := _PROXY.search(parts.path)):
        return unquote(parts.path[found.end() :]).strip("/")
    return None


class ServedFiles:
    """A folder of artifacts behind a server's artifact proxy.

    Parameters
    ----------
    client : RestClient
    path : str
        Below the server's artifacts.
    """

    def __init__(self, client: RestClient, path: str) -> None:
        self._client = client
        self._path = path
        self._sizes: dict[str, int] = {}

    def walk(self) -> Iterator[FileInfo]:
        """Yield every file."""
        yield from self._walk("")

    def _walk(self, folder: str) -> Iterator[FileInfo]:
        for entry in self._client.files(f"{self._path}/{folder}".rstrip("/")):
            name = str(entry.get("path") or "").strip("/").rpartition("/")[2]
            path = f"{folder}/{name}".lstrip("/")
            if name in ("", ".", ".."):
                continue
            if entry.get("is_dir"):
                yield from self._walk(path)
            else:
                self._sizes[path] = int(entry.get("file_size") or 0)
                yield FileInfo(path, False, self._sizes[path])

    def open(self, path: str) -> BinaryIO:
        """Return a file that is wholly here, so that a connection that breaks leaves no half one.

        Raises
        ------
        StoreError
            If it did not come whole.
        """
        whole = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  the caller closes it
        with self._client.download(f"{self._path}/{path}") as body:
            shutil.copyfileobj(body, whole, CHUNK)
        if whole.tell() != self._sizes.get(path, whole.tell()):
            whole.close()
            raise StoreError(f"Only {whole.tell():,} bytes of {path} came. Import again.")
        whole.seek(0)
        return cast(BinaryIO, whole)

    def put(self, path: str, content: BinaryIO, size: int) -> None:
        """Write a file."""
        self._client.upload(f"{self._path}/{path}", content, size)
