"""Artifacts that a server keeps for its clients, listed, read and written through the server."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

from nbtrack.entities import FileInfo
from nbtrack.errors import StoreError
from nbtrack.protocol.client import CHUNK, RestClient

IN_MEMORY = 16 << 20


class ProxiedFolder:
    """A folder of artifacts behind a server's artifact proxy.

    Parameters
    ----------
    client : RestClient
    top : str
        Its path below the server's artifacts.
    """

    def __init__(self, client: RestClient, top: str) -> None:
        self._client = client
        self._top = top
        self._sizes: dict[str, int] = {}

    def list(self, path: str) -> list[FileInfo]:
        """Return what lies directly in a folder.

        Raises
        ------
        NotFoundError
            If the server does not have it.
        """
        found = []
        for entry in self._client.files(self._place(path)):
            name = str(entry.get("path") or "").strip("/").rpartition("/")[2]
            if name in ("", ".", ".."):
                continue
            is_dir = bool(entry.get("is_dir"))
            size = None if is_dir else int(entry.get("file_size") or 0)
            found.append(FileInfo(f"{path}/{name}" if path else name, is_dir, size))
        return found

    def walk(self, path: str = "") -> Iterator[FileInfo]:
        """Yield every file in a folder."""
        for entry in self.list(path):
            if entry.is_dir:
                yield from self.walk(entry.path)
            else:
                self._sizes[entry.path] = entry.file_size or 0
                yield entry

    def open(self, path: str) -> BinaryIO:
        """Return a file that is wholly here, so that a connection that breaks leaves no half one.

        Raises
        ------
        NotFoundError
            If the server does not have it.
        StoreError
            If it did not come whole.
        """
        content = cast(BinaryIO, tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115  the caller closes it
        try:
            with self._client.download(self._place(path)) as body:
                shutil.copyfileobj(body, content, CHUNK)
            if content.tell() != self._sizes.get(path, content.tell()):
                raise StoreError(f"Only {content.tell():,} bytes of {path} came. Import again.")
        except BaseException:
            content.close()
            raise
        content.seek(0)
        return content

    def put(self, path: str, content: BinaryIO, size: int) -> None:
        """Write a file of so many bytes."""
        self._client.upload(self._place(path), content, size)

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all in it.

        Raises
        ------
        NotFoundError
            If the server does not have it.
        """
        self._client.delete_files(self._place(path))

    def _place(self, path: str) -> str:
        return "/".join(part for part in (self._top, path) if part)
