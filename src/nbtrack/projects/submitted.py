"""A run that a project has been started for."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from nbtrack.entities import RunStatus
from nbtrack.entities.runs import ERROR_TAG
from nbtrack.errors import NbtrackError
from nbtrack.projects.process import Command

if TYPE_CHECKING:
    from nbtrack.store import Store


class SubmittedRun:
    """What `nbtrack.projects.run` returns: MLflow's object of that name.

    Parameters
    ----------
    store : Store
    run_id : str
    command : Command
    held : contextlib.ExitStack
        What the command needs as long as it runs; closed when it has ended.

    Examples
    --------
    >>> from pathlib import Path
    >>> Path("short").mkdir()
    >>> _ = Path("short", "main.py").write_text("print('done')")
    >>> submitted = nbtrack.run("short", "main.py", env_manager="local", synchronous=False)
    >>> submitted.wait(), submitted.get_status()
    (True, 'FINISHED')
    """

    def __init__(
        self, store: Store, run_id: str, command: Command, held: contextlib.ExitStack
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._command = command
        self._held = held
        self._settled = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="nbtrack-project")
        self._watcher.start()

    def __repr__(self) -> str:
        return f"<SubmittedRun: run_id={self._run_id!r}, status={self.get_status()}>"

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._run_id

    def wait(self) -> bool:
        """Wait for the end; return whether the run has FINISHED.

        Ctrl-C ends the command and all that it has started; the run is KILLED.
        """
        try:
            self._settled.wait()
        except KeyboardInterrupt:
            self.cancel()
            raise
        return self.get_status() == "FINISHED"

    def get_status(self) -> str:
        """Return the status of the run, such as ``"RUNNING"``."""
        from nbtrack.store import get_run

        with self._store.read() as reader:
            return get_run(reader, self._run_id).info.status

    def cancel(self) -> None:
        """End the command and all that it has started; the run is KILLED.

        Examples
        --------
        >>> from pathlib import Path
        >>> Path("endless").mkdir()
        >>> _ = Path("endless", "main.py").write_text("import time; time.sleep(600)")
        >>> submitted = nbtrack.run("endless", "main.py", env_manager="local", synchronous=False)
        >>> submitted.cancel()
        >>> submitted.get_status()
        'KILLED'
        """
        if not self._settled.is_set():
            self._command.stop()
            self._settled.wait()

    def _watch(self) -> None:
        try:
            self._command.wait()
            self._held.close()  # what the command has sent to its server is in the store then
            self._settle()
        except NbtrackError as error:
            self._store.warn_once(f"The end of run {self._run_id} could not be recorded: {error}")
        finally:
            self._settled.set()

    def _settle(self) -> None:
        """End the run as the command went, unless what ran in it has said FINISHED itself."""
        from nbtrack.store import get_run
        from nbtrack.tracking.start import terminate

        status = self._command.status()
        with self._store.read() as reader:
            run = get_run(reader, self._run_id)
        if status == "FINISHED" and RunStatus.is_terminated(run.info.status):
            return
        if status == "FAILED" and ERROR_TAG not in run.data.tags:
            code = self._command.process.returncode
            self._store.writer(self._run_id).set_tags(
                {ERROR_TAG: f"The command ended with exit status {code}."}
            )
        terminate(self._store, self._run_id, status)
