"""What a place that keeps artifacts can do, whatever it is made of."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar, NamedTuple, Protocol, cast
from urllib.parse import unquote, urlsplit

from nbtrack.errors import InvalidParameterError, UntrustedError

if TYPE_CHECKING:
    from nbtrack.entities import FileInfo

CHUNK_BYTES = 1 << 20
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]*):")


class StoredFile(NamedTuple):
    """What was written: its number of bytes and its SHA-256 in hexadecimal."""

    size: int
    sha256: str


class ArtifactRoot(Protocol):
    """A folder of artifacts; every path is a checked artifact path, ``""`` is the root.

    Attributes
    ----------
    transfers : int
        How many files of a folder are sent or fetched at the same time.
    """

    transfers: int

    def write(self, path: str, source: BinaryIO) -> StoredFile:
        """Store what ``source`` holds; nothing is seen of it before it is whole."""

    def write_file(self, path: str, local: Path) -> StoredFile:
        """Store a local file."""

    def write_by(self, path: str, write: Callable[[Path], StoredFile]) -> StoredFile:
        """Store the file that ``write`` makes at the local path it is given."""

    def open(self, path: str) -> BinaryIO:
        """Open an artifact for reading."""

    def fetch(self, path: str, target: Path, sha256: str | None) -> None:
        """Write an artifact to a local file.

        Where damage on the way is possible, it is noticed: ``sha256`` is what was recorded.
        """

    def entries(self, path: str) -> list[FileInfo]:
        """Return what lies directly in a folder, in no order; empty if there is none."""

    def kind(self, path: str) -> str | None:
        """Return ``"file"``, ``"folder"`` or None."""

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all in it."""

    def in_place(self, path: str) -> Path | None:
        """Return the artifact's own local path, if it has one."""


class ProxiedRoots:
    """What opens artifacts that a tracking server keeps, given their URL: ``opening`` says."""

    open: ClassVar[Callable[[str], ArtifactRoot]]


class FileNow:
    """A local file as long as it was when it was opened: a log that grows ends somewhere.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._left: int | None = os.fstat(self._file.fileno()).st_size or None  # /proc says 0

    def __enter__(self) -> BinaryIO:
        return cast(BinaryIO, self)

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; all that is left for a negative size."""
        if self._left is None:
            return self._file.read(size)
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


class ClosedArtifacts:
    """A folder of artifacts that may not be used; every use says why.

    Parameters
    ----------
    why : str
    """

    transfers = 1

    def __init__(self, why: str) -> None:
        self._why = why

    def write(self, path: str, source: BinaryIO) -> StoredFile:
        """Raise."""
        raise UntrustedError(self._why)

    def write_file(self, path: str, local: Path) -> StoredFile:
        """Raise."""
        raise UntrustedError(self._why)

    def write_by(self, path: str, write: Callable[[Path], StoredFile]) -> StoredFile:
        """Raise."""
        raise UntrustedError(self._why)

    def open(self, path: str) -> BinaryIO:
        """Raise."""
        raise UntrustedError(self._why)

    def fetch(self, path: str, target: Path, sha256: str | None) -> None:
        """Raise."""
        raise UntrustedError(self._why)

    def entries(self, path: str) -> list[FileInfo]:
        """Raise."""
        raise UntrustedError(self._why)

    def kind(self, path: str) -> str | None:
        """Raise."""
        raise UntrustedError(self._why)

    def delete(self, path: str) -> None:
        """Raise."""
        raise UntrustedError(self._why)

    def in_place(self, path: str) -> Path | None:
        """Raise."""
        raise UntrustedError(self._why)


def copy_in_chunks(source: BinaryIO, sink: Callable[[bytes], object]) -> StoredFile:
    """Hand ``source`` on in chunks and return its size and digest.

    Raises
    ------
    InvalidParameterError
        If the source gives text instead of bytes.
    """
    import hashlib

    digest = hashlib.sha256()
    size = 0
    while chunk := source.read(CHUNK_BYTES):
        if not hasattr(chunk, "decode"):
            raise InvalidParameterError(
                "An artifact is made of bytes, but the stream gives text. "
                "Open the file in binary mode ('rb')."
            )
        digest.update(chunk)
        size += len(chunk)
        sink(chunk)
    return StoredFile(size, digest.hexdigest())


def local_path(uri: str) -> Path | None:
    """Return the local folder that an artifact URI names, or None for a remote one.

    ``local:`` is what fsspec calls ``file:``, too.

    Raises
    ------
    InvalidParameterError
        If a ``file:`` URI names another machine.
    """
    match = _SCHEME.match(uri)
    if match is None or (sys.platform == "win32" and len(match.group(1)) == 1):
        return Path(os.path.abspath(os.path.expanduser(uri)))
    if match.group(1).lower() not in ("file", "local"):
        return None
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise InvalidParameterError(
            f"{uri!r} names another machine ({parts.netloc}); use a path on this one."
        )
    path = unquote(parts.path)
    if sys.platform == "win32" and re.match(r"^/[A-Za-z]:", path):
        path = path[1:]
    return Path(os.path.abspath(path))
