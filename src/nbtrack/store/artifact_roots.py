"""What a place that keeps artifacts can do, whatever it is made of."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from nbtrack.entities import FileInfo
from nbtrack.errors import InvalidParameterError

CHUNK = 1 << 20
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]*):")


class Stored(NamedTuple):
    """What was written: its number of bytes and its SHA-256 in hexadecimal."""

    size: int
    sha256: str


class ArtifactRoot(Protocol):
    """A folder of artifacts; every path is a checked artifact path, ``""`` is the root."""

    def write(self, path: str, source: BinaryIO) -> Stored:
        """Store what ``source`` holds; nothing is seen of it before it is whole."""

    def write_file(self, path: str, local: Path) -> Stored:
        """Store a local file."""

    def write_by(self, path: str, write: Callable[[Path], Stored]) -> Stored:
        """Store the file that ``write`` makes at the local path it is given."""

    def open(self, path: str) -> BinaryIO:
        """Open an artifact for reading."""

    def entries(self, path: str) -> list[FileInfo]:
        """Return what lies directly in a folder, in no order; empty if there is none."""

    def kind(self, path: str) -> str | None:
        """Return ``"file"``, ``"folder"`` or None."""

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all in it."""

    def in_place(self, path: str) -> Path | None:
        """Return the artifact's own local path, if it has one."""


def pump(source: BinaryIO, sink: Callable[[bytes], object]) -> Stored:
    """Hand ``source`` on in chunks and return its size and digest.

    Raises
    ------
    InvalidParameterError
        If the source gives text instead of bytes.
    """
    import hashlib

    digest = hashlib.sha256()
    size = 0
    while chunk := source.read(CHUNK):
        if not hasattr(chunk, "decode"):
            raise InvalidParameterError(
                "An artifact is made of bytes, but the stream gives text. "
                "Open the file in binary mode ('rb')."
            )
        digest.update(chunk)
        size += len(chunk)
        sink(chunk)
    return Stored(size, digest.hexdigest())


def local_path(uri: str) -> Path | None:
    """Return the local folder that an artifact URI names, or None for a remote one.

    Raises
    ------
    InvalidParameterError
        If a ``file:`` URI names another machine.
    """
    match = _SCHEME.match(uri)
    if match is None or (sys.platform == "win32" and len(match.group(1)) == 1):
        return Path(os.path.abspath(os.path.expanduser(uri)))
    if match.group(1).lower() != "file":
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
