"""Artifacts in S3, or in any storage that speaks its protocol.

An object that nbtrack writes says in its metadata what its SHA-256 is, so that whoever fetches it
knows whether it is whole. Objects appear whole: S3 shows none that is not complete.
"""

from __future__ import annotations

import hashlib
import mimetypes
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from nbtrack.entities import FileInfo
from nbtrack.errors import NotFoundError, StoreError
from nbtrack.store.artifacts.bucket import PART_BYTES, SHA256, Bucket, StoredObject
from nbtrack.store.artifacts.bucket_errors import CHANGED
from nbtrack.store.artifacts.bucket_reader import fetch_object, open_object
from nbtrack.store.artifacts.bucket_signing import SigningArtifacts
from nbtrack.store.artifacts.bucket_upload import PartsUpload
from nbtrack.store.artifacts.paths import check_artifact_path
from nbtrack.store.artifacts.roots import FileNow, StoredFile, copy_in_chunks
from nbtrack.store.artifacts.transfers import check_digest

ASKED_FROM = 256 << 10
"""Of files from this size on it is asked whether they are there already; others are just sent."""

_MANY = 1000


class S3Artifacts(SigningArtifacts):
    """A folder of artifacts in a bucket.

    Parameters
    ----------
    uri : str
        Such as ``s3://bucket/runs/1``.

    Raises
    ------
    MissingDependencyError
        If s3fs is not installed.
    InvalidParameterError
        If the URI names no bucket.
    """

    transfers = 8

    def __init__(self, uri: str) -> None:
        self.bucket = Bucket(uri)

    def key(self, path: str) -> str:
        """Return the key of an artifact; ``""`` is the folder."""
        below = check_artifact_path(path) if path else ""
        return "/".join(part for part in (self.bucket.top, below) if part)

    def write(self, path: str, source: BinaryIO) -> StoredFile:
        """Store what ``source`` holds: gathered on the local disk first, then sent."""
        self.key(path)
        with tempfile.TemporaryDirectory(prefix="nbtrack-") as folder:
            gathered = Path(folder, "content")
            with gathered.open("wb") as file:
                stored = copy_in_chunks(source, file.write)
            self._send_own(path, gathered, stored)
        return stored

    def write_file(self, path: str, local: Path) -> StoredFile:
        """Store a local file."""
        self.key(path)
        with FileNow(local) as source:
            stored = copy_in_chunks(source, lambda _: None)
        if self._send(path, local, stored):
            return stored
        with FileNow(local) as changing:  # what is recorded must be what was sent
            return self.write(path, changing)

    def write_by(self, path: str, write: Callable[[Path], StoredFile]) -> StoredFile:
        """Store the file that ``write`` makes on the local disk."""
        self.key(path)
        with tempfile.TemporaryDirectory(prefix="nbtrack-") as folder:
            made = Path(folder, "content")
            stored = write(made)
            self._send_own(path, made, stored)
        return stored

    def open(self, path: str) -> BinaryIO:
        """Open an artifact for reading: what is read is fetched."""
        return open_object(self.bucket, self._about(path))

    def fetch(self, path: str, target: Path, sha256: str | None) -> None:
        """Write an artifact to a local file; what the object says of itself counts first."""
        about = self._about(path)
        try:
            found = fetch_object(self.bucket, about, target)
        except StoreError as error:
            if error.json_kwargs.get("storage_code") != CHANGED:
                raise
            about = self._about(path)  # somebody has just written it anew
            found = fetch_object(self.bucket, about, target)
        check_digest(f"s3://{self.bucket.name}/{about.key}", found, about.sha256 or sha256)

    def entries(self, path: str) -> list[FileInfo]:
        """Return what lies directly in a folder."""
        top = self._prefix(path)
        found = []
        for page in self.bucket.pages(top, "/"):
            for folder in page.get("CommonPrefixes", ()):
                name = str(folder["Prefix"])[len(top) :].strip("/")
                if name:
                    found.append(FileInfo(f"{path}/{name}" if path else name, True))
            for item in page.get("Contents", ()):
                name = str(item["Key"])[len(top) :]
                if name:  # else it stands for the folder, as some programs leave one
                    found.append(
                        FileInfo(f"{path}/{name}" if path else name, False, int(item["Size"]))
                    )
        return found

    def kind(self, path: str) -> str | None:
        """Return ``"file"``, ``"folder"`` or None."""
        if path and self.bucket.head(self.key(path)) is not None:
            return "file"
        page = next(self.bucket.pages(self._prefix(path), most=1))
        return "folder" if page.get("KeyCount") or page.get("Contents") else None

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all in it."""
        if path:
            self.bucket.remove([self.key(path)])
        keys: list[str] = []
        for each in self.bucket.objects(self._prefix(path)):
            keys.append(each.key)
            if len(keys) == _MANY:
                self.bucket.remove(keys)
                keys.clear()
        self.bucket.remove(keys)

    def in_place(self, path: str) -> Path | None:
        """Return None: an object has no local path."""
        return None

    def _about(self, path: str) -> StoredObject:
        found = self.bucket.head(self.key(path))
        if found is None:
            raise NotFoundError(f"No such artifact: {path!r}. See list_artifacts.")
        return found

    def _prefix(self, path: str) -> str:
        key = self.key(path)
        return f"{key}/" if key else ""

    def _send_own(self, path: str, local: Path, stored: StoredFile) -> None:
        if not self._send(path, local, stored):
            raise StoreError(f"The file for the artifact {path!r} has changed while it was sent.")

    def _send(self, path: str, local: Path, stored: StoredFile) -> bool:
        """Send a file that is not there yet; return False where it is not any more what it was."""
        key = self.key(path)
        if stored.size >= ASKED_FROM:
            there = self.bucket.head(key)
            if there is not None and (there.size, there.sha256) == tuple(stored):
                return True
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        fields: dict[str, Any] = {"ContentType": kind}
        if stored.size > PART_BYTES:
            return PartsUpload(self.bucket, key, stored, fields).send(local)
        with FileNow(local) as source:
            data = source.read(stored.size + 1)
        if hashlib.sha256(data).hexdigest() != stored.sha256:
            return False
        self.bucket.put(key, data, Metadata={SHA256: stored.sha256}, **fields)
        return True
