"""Artifacts that a server keeps: what is put there waits in the mirror until it is sent."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nbtrack.entities import FileInfo
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.protocol.artifact_urls import split_proxied
from nbtrack.protocol.client import RestClient
from nbtrack.protocol.transfer import ProxiedFolder
from nbtrack.store.artifacts.local import LocalArtifacts
from nbtrack.store.artifacts.roots import FileNow, StoredFile
from nbtrack.store.artifacts.transfers import copy_to

if TYPE_CHECKING:
    from nbtrack.store.remote.session import Session


class ProxiedArtifacts:
    """A folder of artifacts behind a server's artifact proxy.

    With a mirror, files are kept in a folder of it, which costs no waiting, and read from there
    until they are sent; without one, they are sent at once.

    Parameters
    ----------
    rest : RestClient
    top : str
        The path below the server's artifacts.
    pending : Path, optional
        The folder where files wait that go there.
    """

    transfers = 1

    def __init__(self, rest: RestClient, top: str, pending: Path | None) -> None:
        self._files = ProxiedFolder(rest, top)
        self._pending = None if pending is None else LocalArtifacts(pending, None)

    def write(self, path: str, source: BinaryIO) -> StoredFile:
        """Store what ``source`` holds."""
        if self._pending is not None:
            return self._pending.write(path, source)
        with tempfile.TemporaryDirectory(prefix="nbtrack-") as folder:
            stored = LocalArtifacts(Path(folder), None).write("content", source)
            self._send(Path(folder, "content"), path)
        return stored

    def write_file(self, path: str, local: Path) -> StoredFile:
        """Store a local file."""
        with FileNow(local) as source:
            return self.write(path, source)

    def write_by(self, path: str, write: Callable[[Path], StoredFile]) -> StoredFile:
        """Store the file that ``write`` makes on the local disk."""
        if self._pending is not None:
            return self._pending.write_by(path, write)
        with tempfile.TemporaryDirectory(prefix="nbtrack-") as folder:
            stored = write(Path(folder, "content"))
            self._send(Path(folder, "content"), path)
        return stored

    def open(self, path: str) -> BinaryIO:
        """Open an artifact for reading: the one that waits, else the server's."""
        if self._pending is not None and self._pending.kind(path) == "file":
            try:
                return self._pending.open(path)
            except NotFoundError:  # sent at this moment
                pass
        return self._files.open(path)

    def fetch(self, path: str, target: Path, sha256: str | None) -> None:
        """Write an artifact to a local file; the server's may be newer than what is recorded."""
        copy_to(self.open(path), target)

    def entries(self, path: str) -> list[FileInfo]:
        """Return what lies directly in a folder, at the server or on its way there."""
        found: dict[str, FileInfo] = {}
        for entry in self._listed(path):
            found[entry.path] = entry
        for entry in self._pending.entries(path) if self._pending is not None else ():
            found[entry.path] = entry
        return list(found.values())

    def kind(self, path: str) -> str | None:
        """Return ``"file"``, ``"folder"`` or None."""
        spooled = self._pending.kind(path) if self._pending is not None else None
        if spooled is not None:
            return spooled
        if not path:
            return "folder" if self._listed("") else None
        above, _, name = path.rpartition("/")
        for entry in self._listed(above):
            if entry.path.rpartition("/")[2] == name:
                return "folder" if entry.is_dir else "file"
        return None

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all in it."""
        if self._pending is not None and self._pending.kind(path) is not None:
            self._pending.delete(path)
        with contextlib.suppress(NotFoundError):  # it had not arrived yet
            self._files.delete(path)

    def in_place(self, path: str) -> Path | None:
        """Return None: what waits goes away once it is sent."""
        return None

    def _listed(self, path: str) -> list[FileInfo]:
        try:
            return self._files.list(path)
        except NotFoundError:
            return []

    def _send(self, local: Path, path: str) -> None:
        with local.open("rb") as content:
            self._files.put(path, content, local.stat().st_size)


def root_of(uri: str, servers: Iterable[Session]) -> ProxiedArtifacts:
    """Return the artifacts that a URL of a server's artifact proxy names.

    Parameters
    ----------
    uri : str
    servers : iterable of Session
        Those that this process tracks to: name and password go to no other.

    Raises
    ------
    InvalidParameterError
        If it is no such URL.
    """
    found = split_proxied(uri)
    if found is None:
        raise InvalidParameterError(f"{uri!r} is no folder of a tracking server's artifacts.")
    base, path = found
    for remote in servers:
        if remote.url == base:
            return ProxiedArtifacts(remote.rest, path, remote.sync_state.files / path)
    return ProxiedArtifacts(RestClient(base, anonymous=True), path, None)


@dataclass(frozen=True)
class PendingUpload:
    """A file that is still to be sent.

    Attributes
    ----------
    place : Path
    remote : Session
    spooled : bool
        Whether it lies there only until it is sent.
    """

    place: Path
    remote: Session
    spooled: bool

    def send(self, target: str, path: str) -> bool:
        """Send the file below a folder of artifacts; return whether it was still there."""
        proxied = split_proxied(target)
        try:
            before = self.place.stat()
            with self.place.open("rb") as content:
                if proxied is not None:
                    self.remote.sending.upload(f"{proxied[1]}/{path}", content, before.st_size)
                else:
                    self.remote.store.access.folder(target).put_stream(path, content)
        except FileNotFoundError:
            return False
        if self.spooled:
            self._remove(before.st_ino)
        return True

    def _remove(self, inode: int) -> None:
        try:
            if self.place.stat().st_ino == inode:  # not written anew meanwhile
                self.place.unlink()
        except FileNotFoundError:
            return
        folder = self.place.parent
        while folder != self.remote.sync_state.files and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


def pending_upload(remote: Session, target: str, owner: str, path: str) -> PendingUpload | None:
    """Return the file of a run or a model that waits to be sent, or None.

    Parameters
    ----------
    remote : Session
    target : str
        The server's folder of artifacts of the run or model.
    owner : str
        Its id in the mirror.
    path : str
    """
    proxied = split_proxied(target)
    if proxied is not None:
        place = remote.sync_state.files / proxied[1] / path
        if place.is_file():
            return PendingUpload(place, remote, spooled=True)
    for pattern in (f"*/{owner}", f"*/models/{owner}/artifacts"):
        for folder in remote.artifacts.glob(pattern):
            if (folder / path).is_file():
                return PendingUpload(folder / path, remote, spooled=False)
    return None
