"""Spools the body of an upload: a small one in memory, a larger one in a temporary file.

It arrives in the server's loop, which never waits for the disk, and is written by threads that
are asked for as long as a block takes: a client that sends nothing costs no thread.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import threading
from pathlib import Path
from typing import BinaryIO

from nbtrack.store.artifacts import (
    CHUNK_BYTES,
    ArtifactFolder,
    StoredFile,
    artifact_errors,
    part_file_in,
)

BLOCK = CHUNK_BYTES


class Spool:
    """Holds what has come of a body.

    Attributes
    ----------
    size : int
        Bytes that have come.
    """

    def __init__(self, content: bytes = b"") -> None:
        self.size = len(content)
        self._held = [content] if content else []
        self._waiting = self.size
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self._gone = False
        self._guard = threading.Lock()

    @property
    def is_due(self) -> bool:
        """Whether a block is to be written before more is taken."""
        return self._waiting >= BLOCK

    def feed(self, chunk: bytes) -> None:
        """Take a piece; called in the loop."""
        self._held.append(chunk)
        self._waiting += len(chunk)
        self.size += len(chunk)

    def take(self) -> list[bytes]:
        """Return what is to be written, for `write`; called in the loop."""
        held, self._held, self._waiting = self._held, [], 0
        return held

    def open(self, folder: Path) -> None:
        """Begin a file in a folder; called in a thread, before the first `write`."""
        with self._guard, artifact_errors(""):
            if not self._gone:
                self._digest = hashlib.sha256()
                folder.mkdir(parents=True, exist_ok=True)
                self._path = part_file_in(folder)
                self._file = self._path.open("xb")

    def write(self, pieces: list[bytes]) -> None:
        """Write a block; called in a thread, for one block after the other."""
        with self._guard, artifact_errors(""):
            if self._file is not None and not self._gone:
                for piece in pieces:
                    self._digest.update(piece)
                    self._file.write(piece)

    def content(self) -> bytes:
        """Return a body that is in memory, whole."""
        return b"".join(self._held)

    def put(self, folder: ArtifactFolder, path: str) -> None:
        """Make it a file among the artifacts, which appears whole."""
        if self._path is None:
            folder.put_bytes(path, self.content())
        else:
            folder.put_written(path, self.move)

    def move(self, place: Path) -> StoredFile:
        """Make it the file ``place``."""
        if self._file is None or self._path is None:
            content = self.content()
            place.write_bytes(content)
            return StoredFile(len(content), hashlib.sha256(content).hexdigest())
        self.write(self.take())
        with self._guard:
            self._file.close()
            try:
                self._path.rename(place)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                shutil.copyfile(self._path, place)
        return StoredFile(self.size, self._digest.hexdigest())

    def discard(self) -> None:
        """Remove what is left of it."""
        with self._guard:
            self._gone = True
            self._held.clear()
            if self._file is not None:
                self._file.close()
            if self._path is not None:
                self._path.unlink(missing_ok=True)
