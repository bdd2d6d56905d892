"""The two files of a journal: opened, written to, and written again when they were taken away."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import threading
from pathlib import Path

from nbtrack.errors import DiskFullError, StoreError, StoreReadOnlyError
from nbtrack.store.owner import host

EVENTS, POINTS = 0, 1
SUFFIXES = (".events", ".points")

DAMAGED = "damaged"
"""The folder, below that of the journals, of those that held what makes no sense."""

_FLAGS = os.O_CREAT | os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0)
_PIECE = 4_000_000


class JournalFiles:
    """The files that one process has open for one run.

    Parameters
    ----------
    folder : Path
        The ``journal`` folder of the store.
    run_id : str

    Attributes
    ----------
    name : str
        That of the files, without their ends.
    closed : bool
        Whether nothing follows any more.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        self.folder = folder
        self.run_id = run_id
        self.name = ""
        self.closed = False
        self._lock = threading.Lock()
        self._fds = [-1, -1]

    def _make_files(self) -> None:
        machine = re.sub(r"[^A-Za-z0-9-]", "-", host())[:32]
        self.name = f"{self.run_id}.{machine}-{os.getpid()}-{os.urandom(3).hex()}"
        self.folder.mkdir(parents=True, exist_ok=True)
        for part, suffix in enumerate(SUFFIXES):
            self._fds[part] = os.open(self.folder / (self.name + suffix), _FLAGS, 0o644)

    def _write(self, part: int, data: bytes) -> None:
        written = os.write(self._fds[part], data)
        if written != len(data):
            self._take_back(part, written)

    def _take_back(self, part: int, written: int) -> None:
        """Undo a write that the disk took only in part: no later one may follow half a record."""
        fd = self._fds[part]
        os.ftruncate(fd, os.fstat(fd).st_size - written)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def touch(self) -> None:
        """Mark the journal as alive, for processes of other machines."""
        with self._lock:
            if self._fds[EVENTS] >= 0 and os.utime in os.supports_fd:
                os.utime(self._fds[EVENTS])

    def restore(self) -> bool:
        """Write again what somebody has deleted or set aside, while it can still be read.

        The files that are open have all of it, whoever removed their names. Everything goes into
        files of a new name, from their beginning: what the database has already counts once.

        Returns
        -------
        bool
            Whether there was something to write again.

        Raises
        ------
        StoreError
            If it cannot be written now. Nothing is lost yet: logging goes on into the files that
            have no name any more.
        """
        with self._lock:
            if self.closed or self._fds[EVENTS] < 0 or not self._is_lost():
                return False
            name, fds, self._fds = self.name, self._fds, [-1, -1]
            try:
                self._make_files()
                for part, fd in enumerate(fds):
                    _copy(fd, self._fds[part])
            except OSError as error:
                self._remove()
                self._close_files()
                self.name, self._fds = name, fds
                raise translated(error, self.folder) from error
            self.name, made = name, self.name
            self._remove()  # one of the two may be left
            self.name = made
            for fd in fds:
                os.close(fd)
            return True

    def _is_lost(self) -> bool:
        for fd, suffix in zip(self._fds, SUFFIXES, strict=True):
            if os.fstat(fd).st_nlink == 0:
                return True
            try:
                aside = (self.folder / DAMAGED / (self.name + suffix)).stat()
            except OSError:
                continue
            if os.path.samestat(aside, os.fstat(fd)):  # it was taken for a dead one
                return True
        return False

    def _remove(self) -> None:
        for suffix in SUFFIXES:
            with contextlib.suppress(OSError):
                (self.folder / (self.name + suffix)).unlink()

    def _close_files(self) -> None:
        for part, fd in enumerate(self._fds):
            if fd >= 0:
                os.close(fd)
            self._fds[part] = -1


def _copy(source: int, target: int) -> None:
    """Append all of an open file to another."""
    os.lseek(source, 0, os.SEEK_SET)  # what is written goes to the end all the same
    while piece := os.read(source, _PIECE):
        while piece:
            piece = piece[os.write(target, piece) :]


def translated(error: OSError, folder: Path) -> StoreError:
    """Return what an error of the file system means for the store."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return DiskFullError(
            f"The disk of {folder} is full: free some space, or choose another place with "
            "nbtrack.set_tracking_uri(...) or the environment variable NBTRACK_URI."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreReadOnlyError(
            f"nbtrack cannot write in {folder}: {error.strerror}. Make the folder writable, or "
            "choose another place with nbtrack.set_tracking_uri(...) or the environment variable "
            "NBTRACK_URI."
        )
    return StoreError(f"nbtrack cannot use {folder}: {error.strerror or error}.")
