"""The store: a database file, its journals and its artifacts, behind one object."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, final

from nbtrack.config import DEFAULT_NAME, StoreLocation
from nbtrack.errors import (
    DiskFullError,
    StoreError,
    StoreLockedError,
    StoreReadOnlyError,
)
from nbtrack.store.folding import IsSent, SyncReport
from nbtrack.store.journal import Journal
from nbtrack.store.keeping import Keeping
from nbtrack.store.reader import Reader
from nbtrack.store.writers import Writers

if TYPE_CHECKING:
    from nbtrack.store.artifacts.access import ArtifactAccess
    from nbtrack.store.experiments import Experiments
    from nbtrack.store.logged_models import LoggedModels
    from nbtrack.store.registry_edits import Registry
    from nbtrack.store.runs import Runs
    from nbtrack.store.writer import RunWriter

WAIT_S = 30.0


class Store(Keeping):
    """One database file with its folder; get it with ``open_store``.

    Parameters
    ----------
    location : StoreLocation
    is_sent : callable, optional
        Says whether a journal that is folded in may go; by default every one may.

    Attributes
    ----------
    path : Path
        The DuckDB file.
    folder : Path
        ``<path>.d``: lock, journals, artifacts.
    uri : str
    server : str or None
        The URL of the tracking server that the store mirrors; None for a store of its own.
    writers : Writers
        The runs that this process has open.
    artifact_root : str or None
        Where artifacts of new runs and models go whose experiment names no place; usually
        the folder. It belongs to this store alone: what nobody refers to is removed there.
    """

    server: str | None = None
    is_shared = False
    """Whether others have it too, over the network: that of a tracking server, or of a team."""
    moves_runs = True
    """Whether a run can come into another experiment than it was made in."""
    _rest_s = WAIT_S

    def __init__(self, location: StoreLocation, is_sent: IsSent | None = None) -> None:
        self._is_sent = is_sent
        self.path = location.path
        self.uri = location.uri
        self.folder = Path(f"{location.path}.d")
        self.journals = self.folder / "journal"
        self.artifacts = self.folder / "artifacts"
        self._open_journals: dict[str, Journal] = {}
        self.artifact_root: str | None = None
        self.writers = Writers(self)
        self._guard = threading.Lock()
        self._folder_thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._stop = False
        self._folded: dict[str, tuple[int, int]] = {}
        self._folded_into: tuple[int, int] | None = None
        self._beat = 0.0
        self._said: set[str] = set()
        self._pid = os.getpid()
        self._reader: Reader | None = None
        self._files = False
        self._locks = 0

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    @property
    def name(self) -> str:
        """What a person calls it: its file, or the folder of one with the usual name."""
        if self.path.name == DEFAULT_NAME and self.path.parent.name:
            return self.path.parent.name
        return self.path.stem

    @property
    def place(self) -> str:
        """Where the database is, as people are told: a path, or the address of a team's."""
        return str(self.path)

    @property
    def exists(self) -> bool:
        """Whether there is a database, or what is to come into one."""
        return self.path.is_file() or self.folder.is_dir()

    @functools.cached_property
    def id(self) -> str:
        """What tells this store from others: the same in every process of this machine."""
        place = f"{socket.gethostname()}:{os.path.realpath(self.path)}"
        return hashlib.sha256(place.encode()).hexdigest()[:16]

    @functools.cached_property
    def access(self) -> ArtifactAccess:
        """What decides which places of artifacts that rows name may be used."""
        from nbtrack.store.artifacts.access import ArtifactAccess

        return ArtifactAccess(self.folder, own=lambda: self.own_roots)

    @property
    def own_roots(self) -> tuple[str, ...]:
        """Roots of artifacts, beside the folder, that belong to this store alone."""
        return () if self.artifact_root is None else (self.artifact_root,)

    @property
    def content_cache(self) -> Path:
        """Where equal content of artifacts is kept once."""
        return self.artifacts / ".content"

    def place_for_artifacts(self, root: str) -> str:
        """Return where artifacts go that a server is told to keep at a root."""
        return root

    # -- the parts, by noun ------------------------------------------------------------

    @functools.cached_property
    def experiments(self) -> Experiments:
        """The experiments, as they are changed."""
        from nbtrack.store.experiments import Experiments

        return Experiments(self, self.writers)

    @functools.cached_property
    def runs(self) -> Runs:
        """The runs, as they are made and changed."""
        from nbtrack.store.runs import Runs

        return Runs(self, self.writers, self.experiments)

    @functools.cached_property
    def logged_models(self) -> LoggedModels:
        """The logged models, as they are made and deleted."""
        from nbtrack.store.logged_models import LoggedModels

        return LoggedModels(self, self.experiments)

    @functools.cached_property
    def registry(self) -> Registry:
        """The model registry, as it is changed."""
        from nbtrack.store.registry_edits import Registry

        return Registry(self)

    # -- writing what runs log ---------------------------------------------------------

    def journal(self, run_id: str) -> Journal:
        """Return this process's journal of a run, opened where it is not."""
        with self._guard:
            journal = self._open_journals.get(run_id)
            if journal is None or journal.closed:
                journal = self._open_journals[run_id] = Journal(self.journals, run_id)
            self._start_folding()
            return journal

    def has_open_journal(self, run_id: str) -> bool:
        """Return whether this process has a journal of a run, or of a model, open."""
        journal = self._open_journals.get(run_id)
        return journal is not None and not journal.closed

    def close_journal(self, run_id: str) -> None:
        """Close this process's journal of a run, and fold it soon."""
        with self._guard:
            journal = self._open_journals.get(run_id)
        if journal is not None:
            journal.close()
            with self._guard:
                self._open_journals.pop(run_id, None)
            self._wake.set()

    def writer(self, run_id: str) -> RunWriter:
        """Return this process's writer of a run that exists, opened where it is not.

        Raises
        ------
        NotFoundError
            If there is no such run.
        InvalidParameterError
            If it is deleted.
        """
        return self.writers.get(run_id)

    # -- reading and writing the database ----------------------------------------------

    @contextlib.contextmanager
    def read(self, *, files: bool = False) -> Iterator[Reader]:
        """Look at the store with everything that anyone has logged so far.

        Tails of journals are folded in first. Where that cannot be (the file is
        held by someone, or the folder is read-only), they are folded into a copy
        in memory, and the file stays as it is. Within one thread, a second use
        inside the first sees the same state. Values that are still on a GPU are
        waited for.

        Parameters
        ----------
        files : bool
            Whether SQL may read and write the user's files, as the SQL of a user may; by
            default it reaches nothing but the store.
        """
        from nbtrack.store import database

        self.writers.flush()
        self.restore_journals()
        with database.exclusive(self.path):
            if self._reader is not None:
                yield self._reader
                return
            with contextlib.ExitStack() as stack:
                self._files = files
                self._reader = self._enter(stack)
                try:
                    yield self._reader
                finally:
                    self._reader, self._files = None, False

    def look(self) -> contextlib.AbstractContextManager[Reader]:
        """Look at what no journal has, such as where experiments keep their artifacts."""
        return self.read()

    def _enter(self, stack: contextlib.ExitStack) -> Reader:
        from nbtrack.store import database

        if not self.path.exists() and not self.folder.exists():
            nothing = database.overlaid(None, files=self._files)
            return Reader(stack.enter_context(nothing), self.folder, self.access)
        try:
            with contextlib.ExitStack() as attempt:
                writable = attempt.enter_context(self._locked())
                if self._is_behind() or not database.database_exists(self.path):
                    self._fold_now(writable)
                reader = self._attach(attempt)
                if writable and self._has_dead(reader):
                    attempt.pop_all().close()
                    attempt.enter_context(self._locked())
                    self._fold_now(writable)
                    reader = self._attach(attempt)
                stack.push(attempt.pop_all())
                return reader
        except (StoreLockedError, StoreReadOnlyError, DiskFullError) as error:
            source = self.path if database.database_exists(self.path) else None
            is_held = isinstance(error, StoreLockedError)
            copy = database.overlaid(source, files=self._files, is_held=is_held)
            reader = Reader(stack.enter_context(copy), self.folder, self.access)
            self._fold_into(reader)
            return reader

    def _attach(self, stack: contextlib.ExitStack, *, read_only: bool = True) -> Reader:
        from nbtrack.store import database

        files = self._files and read_only
        attached = database.attached(self.path, read_only=read_only, files=files)
        return Reader(stack.enter_context(attached), self.folder, self.access)

    @contextlib.contextmanager
    def write(self) -> Iterator[Reader]:
        """Change the database in one transaction, under the lock, with everything folded in.

        Raises
        ------
        StoreLockedError
            If someone holds the file: it says which process.
        StoreReadOnlyError, StoreCorruptError, DiskFullError
        """
        self.writers.flush()
        self.restore_journals()
        with contextlib.ExitStack() as stack:
            writable = stack.enter_context(self._locked())
            self._fold_now(writable)
            reader = self._attach(stack, read_only=False)
            reader.connection.execute("BEGIN")
            yield reader
            reader.connection.execute("COMMIT")

    def fold(self, timeout_s: float = WAIT_S) -> int:
        """Fold all journals into the database now; return the number of points folded in.

        Raises
        ------
        StoreLockedError
            If someone holds the file: it says which process. Nothing is lost.
        StoreReadOnlyError, StoreCorruptError, DiskFullError
        """
        self.restore_journals()
        with self._locked(timeout_s) as writable:
            return self._fold_now(writable)

    @final
    def sync(self) -> SyncReport:
        """Fold the journals, and send them to the server that the store mirrors, if it does.

        Raises
        ------
        StoreLockedError
            If someone holds the database: it says which process. Nothing is lost.
        """
        return self._send(SyncReport(self.uri, self.fold() if self.folder.exists() else 0))

    def _send(self, report: SyncReport) -> SyncReport:
        """Send what is folded to whom it belongs; return what was done in all."""
        return report

    @contextlib.contextmanager
    def locked_for_writing(self) -> Iterator[None]:
        """Keep every other process away from the database while several steps are done."""
        with self._locked() as writable:
            self._fold_now(writable)
            self._locks += 1
            try:
                yield
            finally:
                self._locks -= 1

    @contextlib.contextmanager
    def _locked(self, timeout_s: float = WAIT_S) -> Iterator[bool]:
        from nbtrack.store import database
        from nbtrack.store.lock import hold_lock

        with database.exclusive(self.path):
            if self._locks:
                yield True
                return
            with hold_lock(self.folder, timeout_s) as writable:
                yield writable

    def close(self) -> None:
        """Stop the background thread, fold what is left, close the journals."""
        self.end_writing()

    def end_writing(self) -> None:
        """Close the journals of this process, and fold them; the store goes on being read."""
        self.rest()
        self.writers.flush()
        for run_id in list(self._open_journals):
            try:
                self.close_journal(run_id)
            except StoreError as error:
                sys.stderr.write(f"nbtrack: {error}\n")
        if self.folder.exists():
            self.fold_quietly()

    def rest(self) -> None:
        """Stop the background thread; what is logged waits in the journals."""
        self._stop = True
        self._wake.set()
        thread, self._folder_thread = self._folder_thread, None
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join(timeout=self._rest_s)
        self._stop = False

    def _after_fork(self) -> None:
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._folder_thread = None
        self._reader, self._files = None, False
        self._locks = 0
        self._open_journals = {k: j for k, j in self._open_journals.items() if not j.closed}
        self.writers.after_fork()
