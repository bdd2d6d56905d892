"""The mirror of a tracking server: a local store whose journals are sent there."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from nbtrack.config import keep_private
from nbtrack.errors import (
    InvalidParameterError,
    NbtrackError,
    NotFoundError,
    StoreLockedError,
    StoreReadOnlyError,
)
from nbtrack.store import experiments
from nbtrack.store.folding import IsSent, SyncReport
from nbtrack.store.reader import Reader
from nbtrack.store.remote.reader import RemoteReader
from nbtrack.store.remote.remote import Remote
from nbtrack.store.remote.response_times import Response, ResponseTimes
from nbtrack.store.remote.sync_state import server_of_mirror
from nbtrack.store.store import Store

if TYPE_CHECKING:
    from nbtrack.config import StoreLocation
    from nbtrack.store.artifacts.access import ArtifactAccess
    from nbtrack.store.creation import NewStore, StoreReport
    from nbtrack.store.journal import Journal
    from nbtrack.store.remote.experiments import RemoteExperiments
    from nbtrack.store.remote.logged_models import RemoteLoggedModels
    from nbtrack.store.remote.registry import RemoteRegistry
    from nbtrack.store.remote.runs import RemoteRuns

END_S = 5.0
BUSY_S = 30.0


class RemoteStore(Store):
    """A store that mirrors a tracking server; get it with ``open_store("http://...")``.

    What runs log goes to journals on this machine, at the same cost and as safely as in any
    store; a thread sends it. What is read is fetched from the server first, as far as it
    answers; else the mirror says what it knows.
    """

    is_shared = True
    moves_runs = False

    def __init__(self, location: StoreLocation, is_sent: IsSent | None = None) -> None:
        super().__init__(location, is_sent)
        url = location.server or server_of_mirror(self.folder) or location.uri
        self.remote = Remote(self, url)
        self.uri = self.server = self.remote.url
        self._looking = False
        self._swept = True
        keep_private(self.path.parent)

    def __repr__(self) -> str:
        return f"RemoteStore({self.uri!r})"

    @functools.cached_property
    def access(self) -> ArtifactAccess:
        """What decides which places of artifacts may be used that the server names."""
        from nbtrack.store.artifacts.access import ArtifactAccess

        return ArtifactAccess(self.folder, server=self.remote.url)

    @functools.cached_property
    def experiments(self) -> RemoteExperiments:
        """The experiments, as the server changes them."""
        from nbtrack.store.remote.experiments import RemoteExperiments

        return RemoteExperiments(self, self.writers, self.remote)

    @functools.cached_property
    def runs(self) -> RemoteRuns:
        """The runs, as the server makes and changes them."""
        from nbtrack.store.remote.runs import RemoteRuns

        return RemoteRuns(self, self.writers, self.experiments, self.remote)

    @functools.cached_property
    def logged_models(self) -> RemoteLoggedModels:
        """The logged models, as the server makes and deletes them."""
        from nbtrack.store.remote.logged_models import RemoteLoggedModels

        return RemoteLoggedModels(self, self.experiments, self.remote)

    @functools.cached_property
    def registry(self) -> RemoteRegistry:
        """The model registry, as the server changes it."""
        from nbtrack.store.remote.registry import RemoteRegistry

        return RemoteRegistry(self, self.remote)

    def journal(self, run_id: str) -> Journal:
        """Return this process's journal of a run; it is sent in the background."""
        self.remote.sync_state.mark(self.uri)
        found = super().journal(run_id)
        self.remote.sender.start()
        return found

    def close_journal(self, run_id: str) -> None:
        """Close this process's journal of a run, and send it soon."""
        super().close_journal(run_id)
        self.remote.sender.wake()

    def _enter(self, stack: contextlib.ExitStack) -> Reader:
        inner = super()._enter(stack)
        if self._looking:
            return inner
        if self.remote.sender.is_behind():  # what a process before this one has left
            self.remote.sender.start()

        def reopen(responses: list[Response]) -> Reader:
            stack.close()
            if self._write_responses(responses):
                return Store._enter(self, stack)
            return self._copy_with(responses, stack)

        return RemoteReader(inner, self.remote, reopen)

    def _write_responses(self, responses: list[Response]) -> bool:
        """Write what the server has said, unless someone holds the mirror for long."""
        times = ResponseTimes(self.folder)
        try:
            with self._locked(2.0) as writable, contextlib.ExitStack() as stack:
                self._fold_now(writable)
                newer = times.newer(responses)
                reader = self._attach(stack, read_only=False)
                reader.connection.execute("BEGIN")
                for response in newer:
                    response.write(reader)
                reader.connection.execute("COMMIT")
                times.note(newer)
        except (StoreLockedError, StoreReadOnlyError):
            return False
        return True

    def _copy_with(self, responses: list[Response], stack: contextlib.ExitStack) -> Reader:
        """Return a copy of the mirror with what the server has said; the mirror gets it later."""
        from nbtrack.store import database

        self.remote.refresher.rewrite_all()
        source = self.path if database.database_exists(self.path) else None
        copy = database.overlaid(source, files=self._files)
        reader = Reader(stack.enter_context(copy), self.folder, self.access)
        self._fold_into(reader)
        for response in responses:
            response.write(reader)
        return reader

    def writes(self, journal: str) -> bool:
        """Return whether this process has a journal open."""
        return any(known.name == journal for known in list(self._open_journals.values()))

    @contextlib.contextmanager
    def read_mirror(self) -> Iterator[Reader]:
        """Read the mirror as it is, without a request to the server."""
        from nbtrack.store import database

        with database.exclusive(self.path):
            looked, self._looking = self._looking, True
            try:
                with super().read() as reader:
                    yield _inner(reader)
            finally:
                self._looking = looked

    def experiment_name(self, experiment_id: str) -> str:
        """Return the name of an experiment of the mirror."""
        with self.read_mirror() as reader:
            found = experiments.find_experiment(reader, experiment_id)
        if found is None:
            raise NotFoundError(f"No Experiment with id={experiment_id} exists")
        return found.name

    def rest(self) -> None:
        """Stop the background threads; what is logged waits in the journals."""
        self.remote.sender.stop()
        super().rest()

    def close(self) -> None:
        """Send what is left for some seconds, say what could not be; then as every store."""
        self.remote.sender.stop()
        for run_id in list(self._open_journals):
            with contextlib.suppress(NbtrackError):
                super().close_journal(run_id)
        if self.folder.exists() and self.remote.sender.is_behind():
            note = threading.Timer(
                END_S, sys.stderr.write, [f"nbtrack: sending what is left to {self.uri} ...\n"]
            )
            note.daemon = True
            note.start()
            report = self.remote.sender.finish(END_S, patient=not self.remote.is_unreachable)
            note.cancel()
            if self.remote.sender.is_behind():
                why = "" if report.problem is None else f" ({report.problem})"
                sys.stderr.write(
                    f"nbtrack: not all that was logged has reached {self.uri} yet{why}. It is "
                    f"kept in {self.folder}; `nbtrack sync --uri {self.uri}` or the next process "
                    "that tracks there sends it.\n"
                )
        super().close()
        self.remote.close()
        keep_private(self.path.parent)

    def _send(self, report: SyncReport) -> SyncReport:
        sender = self.remote.sender
        end = time.monotonic() + BUSY_S
        sent = sender.send()
        while sent.busy and time.monotonic() < end:  # another process sends
            time.sleep(0.2)
            sent = sender.send()
        self.fold_quietly()
        problem = None if sent.problem is None else str(sent.problem)
        if sent.busy:
            problem = "Another process is sending the same journals, and goes on."
        return replace(
            report,
            sent_points=sent.points,
            sent_files=sent.files,
            left=1 if sent.busy else sent.left,
            refused=dict(sent.refused),
            problem=problem,
        )

    def make(self, how: NewStore) -> StoreReport:
        """Refuse: a server has made its store itself."""
        raise InvalidParameterError(
            f"{self.remote.url} is a tracking server, which has its store: nothing is to be made."
        )

    def check_keeps_runs(self) -> None:
        """Refuse: what a server keeps is its own to remove."""
        raise InvalidParameterError(
            f"{self.remote.url} keeps its runs itself: run `nbtrack gc` or `nbtrack compact` (or "
            "`mlflow gc`) where the server's store is."
        )

    def may_sweep(self) -> None:
        """Let the next fold remove the journals that are sent by now."""
        self._swept = False

    def _is_behind(self) -> bool:
        swept, self._swept = self._swept, True
        return not swept or super()._is_behind()

    def _after_fork(self) -> None:
        super()._after_fork()
        self.remote.after_fork()


def _inner(reader: Reader) -> Reader:
    """Return a reader that asks no server, of the same mirror."""
    return Reader(reader.connection, reader.folder, reader.access)
