"""Artifacts as plain files in a local folder."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nbtrack.entities import FileInfo
from nbtrack.errors import (
    DiskFullError,
    InvalidParameterError,
    NotFoundError,
    StoreError,
    StoreReadOnlyError,
)
from nbtrack.store.artifacts.content import (
    ContentCache,
    is_part_file,
    part_file_in,
    remove_file,
    replace_file,
)
from nbtrack.store.artifacts.paths import place_below, stays_below
from nbtrack.store.artifacts.roots import (
    CHUNK_BYTES,
    FileNow,
    StoredFile,
    copy_in_chunks,
)
from nbtrack.store.artifacts.transfers import copy_to

_BINARY = getattr(os, "O_BINARY", 0)
_FULL = {errno.ENOSPC, errno.EDQUOT}
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
_BAD_NAME = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EILSEQ}


class LocalArtifacts:
    """A local folder of artifacts: files appear whole, are read-only, and share content.

    Parameters
    ----------
    root : Path
        The folder; it is made by the first file.
    cache : Path, optional
        Where equal content is kept once; None for no sharing.
    """

    transfers = 1

    def __init__(self, root: Path, cache: Path | None) -> None:
        self.root = root
        self._cache = None if cache is None else ContentCache(cache)
        self._written: dict[str, str] = {}

    def write(self, path: str, source: BinaryIO) -> StoredFile:
        """Store what ``source`` holds under ``path``, or nothing if that fails."""
        target = place_below(self.root, path)
        with artifact_errors(path):
            if target.is_dir():
                raise InvalidParameterError(
                    f"Artifact {path!r} cannot be written: it is a folder. Choose another name."
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            part = part_file_in(target.parent)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
        try:
            try:
                stored = copy_in_chunks(source, lambda chunk: _write_all(descriptor, chunk, path))
            finally:
                with artifact_errors(path):
                    os.close(descriptor)
            with artifact_errors(path):
                self._place(part, target, path, stored)
        finally:
            part.unlink(missing_ok=True)
        return stored

    def write_file(self, path: str, local: Path) -> StoredFile:
        """Store a local file under ``path``."""
        with FileNow(local) as source:
            return self.write(path, source)

    def write_by(self, path: str, write: Callable[[Path], StoredFile]) -> StoredFile:
        """Store the file that ``write`` makes beside where it will be."""
        target = place_below(self.root, path)
        with artifact_errors(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            part = part_file_in(target.parent)
            try:
                stored = write(part)
                self._place(part, target, path, stored)
            finally:
                part.unlink(missing_ok=True)
        return stored

    def open(self, path: str) -> BinaryIO:
        """Open an artifact for reading."""
        place = place_below(self.root, path)
        with artifact_errors(path):
            if not stat.S_ISREG(place.stat().st_mode):
                raise InvalidParameterError(f"Artifact {path!r} is no regular file.")
            return place.open("rb")

    def fetch(self, path: str, target: Path, sha256: str | None) -> None:
        """Copy an artifact to a local file."""
        copy_to(self.open(path), target)

    def entries(self, path: str) -> list[FileInfo]:
        """Return what lies in a folder; unfinished files and links that leave it do not show."""
        if self.kind(path) != "folder":
            return []
        folder = place_below(self.root, path) if path else self.root
        found = []
        with artifact_errors(path), os.scandir(folder) as entries:
            for entry in entries:
                name = f"{path}/{entry.name}" if path else entry.name
                hidden = is_part_file(entry.name) or (
                    entry.is_symlink() and not stays_below(self.root, Path(entry.path))
                )
                if hidden:
                    continue
                if entry.is_dir():
                    found.append(FileInfo(name, True))
                elif entry.is_file():
                    found.append(FileInfo(name, False, entry.stat().st_size))
        return found

    def kind(self, path: str) -> str | None:
        """Return ``"file"``, ``"folder"`` or None."""
        place = place_below(self.root, path) if path else self.root
        with artifact_errors(path):
            if place.is_dir():
                return "folder"
            return "file" if place.is_file() else None

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all in it, and content nobody else shares."""
        place = place_below(self.root, path) if path else self.root
        with artifact_errors(path):
            if place.is_dir() and not place.is_symlink():
                _remove_tree(place)
            else:
                remove_file(place)
        if self._cache is not None:
            self._cache.sweep()

    def in_place(self, path: str) -> Path | None:
        """Return where the artifact lies."""
        return place_below(self.root, path) if path else self.root

    def _place(self, part: Path, target: Path, path: str, stored: StoredFile) -> None:
        part.chmod(part.stat().st_mode & 0o444)
        if self._cache is not None:
            self._cache.share(part, stored)
        replaced = _links(target) == 2
        replace_file(part, target)
        if self._cache is not None and replaced:
            before = self._written.get(path)
            if before is None:
                self._cache.sweep()
            else:
                self._cache.release(before)
        self._written[path] = stored.sha256


@contextmanager
def artifact_errors(path: str) -> Iterator[None]:
    """Turn what the file system says about an artifact into an error of nbtrack."""
    what = f"Artifact {path!r}" if path else "The artifact folder"
    try:
        yield
    except FileNotFoundError:
        raise NotFoundError(f"No such artifact: {path!r}. See list_artifacts.") from None
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFullError(
                f"{what} was not stored: the disk is full. Nothing of it was kept; "
                "make room and log it again."
            ) from error
        if error.errno in _READ_ONLY:
            raise StoreReadOnlyError(
                f"{what} cannot be changed: {error.strerror} ({error.filename}). "
                "Check the permissions of the store's folder."
            ) from error
        if error.errno in _BAD_NAME:
            raise InvalidParameterError(
                f"{what} cannot have this name: {error.strerror}. Choose another one."
            ) from error
        raise StoreError(f"{what} cannot be used: {error}") from error


def claim_file(file: Path, sha256: str | None) -> StoredFile:
    """Make a file read-only and a file of its own; return its size and digest."""
    import hashlib

    if file.is_symlink():
        content = file.resolve()
        file.unlink()
        shutil.copyfile(content, file)
    mode = file.stat().st_mode
    file.chmod(mode & 0o444)
    if sha256 is None:
        digest = hashlib.sha256()
        with file.open("rb") as source:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
        sha256 = digest.hexdigest()
    return StoredFile(file.stat().st_size, sha256)


def _write_all(descriptor: int, chunk: bytes, path: str) -> None:
    rest = memoryview(chunk)
    with artifact_errors(path):
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def _links(path: Path) -> int:
    try:
        return path.stat(follow_symlinks=False).st_nlink
    except OSError:
        return 0


def _remove_tree(folder: Path) -> None:
    for below, folders, names in os.walk(folder, topdown=False):
        for name in names:
            remove_file(Path(below, name))
        for name in folders:
            place = Path(below, name)
            if place.is_symlink():
                remove_file(place)
            else:
                place.rmdir()
    folder.rmdir()
