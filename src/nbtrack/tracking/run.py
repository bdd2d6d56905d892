"""A live run: started, logged to, and ended with the status that it really had."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from nbtrack.entities import Run, RunData, RunInfo, RunInputs, RunOutputs, RunStatus
from nbtrack.entities.runs import ERROR_TAG, TRACEBACK_FILE
from nbtrack.errors import InvalidParameterError
from nbtrack.store import RunWriter, Store, now_ms
from nbtrack.tracking.kernel import cell_number, running_task

if TYPE_CHECKING:
    from nbtrack.tracking.joining import Joining
    from nbtrack.tracking.system_metrics import SystemMetrics
    from nbtrack.tracking.system_settings import Settings

LEFT_OUT_TAG = "nbtrack.left_out"


class ActiveRun:
    """A run that is being logged to; also a context manager.

    On leaving the ``with`` block the run is FINISHED, after an exception FAILED
    with the traceback kept, after Ctrl-C KILLED.

    Attributes
    ----------
    writer : RunWriter
        Where what is logged goes.
    outer : tuple of ActiveRun
        The runs that were open when this one started, the outermost first.
    joining : Joining or None
        Of the run of a tracked cell: how ``start_run`` in that cell joins it.
    beside : bool
        Whether a tracked cell has started it beside its own run.
    joined : bool
        Whether the run belongs to another live process, or was open here already; then
        that one ends it.
    resumed : bool
        Whether it had ended, or was open, before.
    ended : bool
    cell_error : BaseException or None
        In a notebook, how the last cell ended that ran while the run was open.
    ending : threading.Event
        Set as soon as the run is about to end: background work should hurry.
    jobs : list of callable
        Each waits for something that is written in the background; the end of the run calls all.
    leave : callable
        Called with the run as it ends: what lists the open runs drops it.
    on_end : list of callable
        Called with the run once it has ended.
    """

    def __init__(
        self,
        store: Store,
        info: RunInfo,
        writer: RunWriter,
        outer: tuple[ActiveRun, ...] = (),
        *,
        joined: bool = False,
        resumed: bool = False,
    ) -> None:
        self._store = store
        self._info = info
        self.writer = writer
        self.outer = outer
        self.joined = joined
        self.resumed = resumed
        self.ended = False
        self.joining: Joining | None = None
        self.beside = False
        self.cell = cell_number()
        self.cell_error: BaseException | None = None
        self.on_end: list[Callable[[ActiveRun], None]] = []
        self.pid = os.getpid()
        self.thread = threading.get_ident()
        self.task = running_task()
        self._ending_now = threading.RLock()
        self.ending = threading.Event()
        self._background: list[threading.Thread] = []
        self.jobs: list[Callable[[], None]] = []
        self.leave: Callable[[ActiveRun], None] = lambda run: None
        self._left_out: dict[str, None] = {}
        self._system_metrics: SystemMetrics | None = None
        writer.pinned = True

    def __repr__(self) -> str:
        info = self._info
        return f"<ActiveRun: run_id={info.run_id!r}, name={info.run_name!r}, status={info.status}>"

    @property
    def info(self) -> RunInfo:
        """The run's id, name, status, times and artifact URI."""
        return self._info

    @property
    def store(self) -> Store:
        """The store that the run is logged to."""
        return self._store

    @property
    def data(self) -> RunData:
        """What was logged so far: latest metrics, params, tags."""
        return self.fetch().data

    @property
    def inputs(self) -> RunInputs:
        """The datasets that the run has read."""
        return self.fetch().inputs

    @property
    def outputs(self) -> RunOutputs:
        """The models that the run has made."""
        return self.fetch().outputs

    def fetch(self) -> Run:
        """Return the run as the store has it now.

        Examples
        --------
        >>> with nbtrack.start_run() as run:
        ...     nbtrack.log_metric("loss", 0.4)
        ...     print(run.fetch().data.metrics)
        {'loss': 0.4}
        """
        from nbtrack.store import get_run

        with self.store.read() as reader:
            return get_run(reader, self._info.run_id)

    def to_dictionary(self) -> dict[str, Any]:
        """Return the run as the store has it now, as a dictionary of plain values.

        Examples
        --------
        >>> with nbtrack.start_run() as run:
        ...     nbtrack.log_metric("loss", 0.4)
        >>> run.to_dictionary()["data"]["metrics"]
        {'loss': 0.4}
        """
        return self.fetch().to_dictionary()

    def __enter__(self) -> ActiveRun:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.joining is not None:  # it ends with its cell
            self.joining.leave_block(error)
        elif not self.ended:
            self.end_with(error)

    def end_with(self, error: BaseException | None) -> None:
        """End the run as an exception, or none, says it went.

        Parameters
        ----------
        error : BaseException or None
            None for FINISHED; after Ctrl-C the run is KILLED, after others FAILED.
        """
        told = None
        if error is None and self.joining is not None:
            error, told = self.joining.outcome()
        status = told or status_after(error)
        if error is not None and status == "FAILED":
            try:
                self.keep_error(error)
            except Exception as reason:  # noqa: BLE001  the user's error is what counts
                self.store.warn_once(
                    f"The traceback of {self._info.run_name} was not kept: {reason!r}"
                )
        self.end(status)

    def _know(self, **fields: Any) -> None:
        """Take note of what of ``info`` has changed."""
        self._info = RunInfo(**{**vars(self._info), **fields})

    def keep_error(self, error: BaseException) -> None:
        """Keep an exception, without secrets: one line as a tag, the traceback as an artifact.

        Parameters
        ----------
        error : BaseException
            With its traceback.
        """
        from nbtrack.redaction.secrets import Secrets, is_wanted, secrets_in_scope

        lines = traceback.format_exception(type(error), error, error.__traceback__)
        text, trace = f"{type(error).__name__}: {error}", "".join(lines)
        if is_wanted():
            found: set[str] = set()
            for frame, _ in traceback.walk_tb(error.__traceback__):
                found |= secrets_in_scope({**frame.f_globals, **frame.f_locals})
            secrets = Secrets(values=found, dense=True)
            kept = (secrets.text(text), secrets.text(trace))
            if kept != (text, trace):
                self.leave_out("error")
            text, trace = kept
        self.writer.set_tags({ERROR_TAG: text[:500]})
        self.writer.artifacts.put_bytes(TRACEBACK_FILE, trace.encode("utf-8", "backslashreplace"))

    def leave_out(self, what: str) -> None:
        """Note that something was not kept because it is a secret; the tag and the card say it.

        Parameters
        ----------
        what : str
            Its name or line.
        """
        self._left_out[what] = None

    @property
    def left_out(self) -> list[str]:
        """What was not kept because it is a secret, by name or line."""
        return list(self._left_out)

    def in_background(self, work: threading.Thread) -> None:
        """Start a thread that the end of the run waits for.

        Parameters
        ----------
        work : threading.Thread
            Not started yet.
        """
        self._background.append(work)
        work.start()

    def sample_system(self, settings: Settings, *, resumed: bool = False) -> None:
        """Log the load of the machine until the run ends.

        Parameters
        ----------
        settings : Settings
            How often, and under which names.
        resumed : bool
            Whether the run has points already: their steps and the energy go on.
        """
        from nbtrack.tracking.system_metrics import SystemMetrics

        self._system_metrics = SystemMetrics(
            lambda values, step: self.writer.log_metrics(values, step),
            self.store.warn_once,
            settings,
            self.data._metric_objs if resumed else (),
        )
        self._system_metrics.start()

    @property
    def samples_system(self) -> bool:
        """Whether this process measures the machine for the run."""
        return self._system_metrics is not None and not self.ended and self.pid == os.getpid()

    def end(self, status: str = "FINISHED", end_time: int | None = None) -> None:
        """End the run; logging to it goes on only after it is started again by its id.

        Parameters
        ----------
        status : {"FINISHED", "FAILED", "KILLED"}
            How it has ended.
        end_time : int, optional
            Milliseconds since the epoch; now when it is not given.

        Raises
        ------
        DiskFullError
            If a full disk has refused the last of what was logged: nothing is
            dropped, free some space and end the run again.

        Examples
        --------
        >>> run = nbtrack.start_run()
        >>> run.end("KILLED")
        >>> run.info.status
        'KILLED'
        """
        with self._ending_now:
            if self.ended:
                return
            finished = max(now_ms() if end_time is None else end_time, self._info.start_time)
            if self._system_metrics is not None:
                self._system_metrics.stop()
            self.ending.set()
            for settle in self.jobs:
                settle()
            for thread in self._background:
                thread.join(timeout=5.0)
            if self._left_out:
                self.writer.set_tags({LEFT_OUT_TAG: ", ".join(self._left_out)})
            self.writer.flush()
            if self._is_ours:
                self.writer.finish(status, finished)
            self.leave(self)
            self.ended = True
            self._info = RunInfo(**{**vars(self._info), "status": status, "end_time": finished})
        for tell in self.on_end:
            try:
                tell(self)
            except Exception as error:  # noqa: BLE001  the run has ended, whoever listens
                self.store.warn_once(f"After the end of {self._info.run_name}: {error!r}")

    @property
    def _is_ours(self) -> bool:
        """Whether this process ends the run: not when another one, or a parent, has started it."""
        return not self.joined and self.pid == os.getpid()


def status_after(error: BaseException | None) -> str:
    """Return the status of a run that an exception, or none, has ended."""
    if isinstance(error, SystemExit) and isinstance(error.__context__, KeyboardInterrupt):
        error = error.__context__  # Lightning makes an exit of Ctrl-C
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "FINISHED"
    if isinstance(error, (KeyboardInterrupt, GeneratorExit)) or type(error).__name__ in (
        "CancelledError",
    ):
        return "KILLED"
    return "FAILED"


def check_status(status: str | None) -> str | None:
    """Return a status name in capitals, or raise when there is none of that name."""
    if status is None:
        return None
    name = str(status).upper()
    if name not in (RunStatus.to_string(number) for number in RunStatus.all_status()):
        names = ", ".join(RunStatus.to_string(number) for number in RunStatus.all_status())
        raise InvalidParameterError(f"Invalid run status {status!r}. Valid values are {names}.")
    return name
