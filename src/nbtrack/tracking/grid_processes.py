"""The runs of a grid in several processes, which end with the one that started them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from nbtrack.entities.runs import ERROR_TAG
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.tracking.grid import Grid, GridRun

LOOK_EVERY_S = 0.5
GRACE_S = 8.0
Tell = Callable[[], None]


class Work(Protocol):
    """What a process does; it is pickled on its way there."""

    def prepare(self) -> None:
        """Get ready: done once in each process."""

    def run(self, params: dict[str, Any], name: str, started: Callable[[str], None]) -> str:
        """Run a combination; say the id of its run as soon as it has started; return its status."""


def run_in_processes(grid: Grid, jobs: int, work: Work, tell: Tell = lambda: None) -> None:
    """Run what is left of a grid in processes.

    Parameters
    ----------
    grid : Grid
        Its parent has started.
    jobs : int
        How many processes.
    work : Work
    tell : callable
        Called when something has changed, and at least twice a second.

    Raises
    ------
    InvalidParameterError
        If the work cannot be sent to a process, or a process cannot get ready for it.
    KeyboardInterrupt
        After the runs were killed.
    """
    try:
        pickle.dumps(work)
    except Exception as error:  # noqa: BLE001  whatever cannot be pickled says so in its own way
        raise InvalidParameterError(
            f"This cannot be sent to another process: {error}. Give a function of a module, or "
            "leave jobs out."
        ) from None
    workers: list[_Worker] = []
    try:
        more = True
        while more or any(worker.run for worker in workers):
            workers = [worker for worker in workers if worker.alive]
            while more and (worker := _free(workers, jobs, work)) is not None:
                following = grid.next()
                more = following is not None
                if following is not None:
                    worker.begin(following)
            for worker in _ready(workers):
                worker.take(grid)
            tell()
    except BaseException:
        _interrupt(grid, workers)
        raise
    finally:
        for worker in workers:
            worker.close()


def _free(workers: list[_Worker], jobs: int, work: Work) -> _Worker | None:
    """Return a process that has nothing to do, a new one if there may be more."""
    found = next((worker for worker in workers if worker.run is None), None)
    if found is None and len(workers) < jobs:
        found = _Worker(work)
        workers.append(found)
    return found


def _ready(workers: list[_Worker]) -> list[_Worker]:
    """Wait for what processes have to say."""
    busy = {worker.connection: worker for worker in workers if worker.run is not None}
    if not busy:
        return []
    return [busy[each] for each in wait(list(busy), LOOK_EVERY_S)]  # type: ignore[index]


def _interrupt(grid: Grid, workers: list[_Worker]) -> None:
    """Interrupt the runs that go on, and wait a little for them to end."""
    for worker in workers:
        if worker.run is not None and worker.process.pid and worker.alive:
            with contextlib.suppress(OSError):
                os.kill(worker.process.pid, signal.SIGINT)
    until = time.monotonic() + GRACE_S
    while any(worker.run for worker in workers) and time.monotonic() < until:
        for worker in _ready(workers):
            with contextlib.suppress(NbtrackError):
                worker.take(grid)


class _Worker:
    """A process, and what it runs."""

    def __init__(self, work: Work) -> None:
        spawning = multiprocessing.get_context("spawn")  # a fork has no threads of torch and DuckDB
        self.connection, theirs = spawning.Pipe()
        self.process = spawning.Process(target=_serve, args=(theirs, work), daemon=True)
        self.process.start()
        theirs.close()
        self.run: GridRun | None = None
        self.alive = True

    def begin(self, run: GridRun) -> None:
        """Give it something to do."""
        self.run = run
        run.status, run.began = "SCHEDULED", time.monotonic()
        self.connection.send((run.params, run.name))

    def take(self, grid: Grid) -> None:
        """Take in what it has to say."""
        run = self.run
        if run is None:
            return
        try:
            kind, text = self.connection.recv()
        except (EOFError, OSError):
            self._lost(grid, run)
            return
        if kind == "started":
            grid.started(run, text)
        elif kind == "ended":
            self.run = None
            grid.ended(run, text)
        else:
            self.run, self.alive = None, False
            run.status = "FAILED"
            raise InvalidParameterError(text)

    def _lost(self, grid: Grid, run: GridRun) -> None:
        """Say of its run that the process has died."""
        from nbtrack.tracking.start import terminate

        self.run, self.alive = None, False
        self.process.join(timeout=GRACE_S)
        store = grid.parent.store
        if not run.run_id:
            raise InvalidParameterError(
                f"A process for the runs has died before it began (exit status "
                f"{self.process.exitcode})."
            )
        text = f"The process of this run has died, with exit status {self.process.exitcode}."
        store.writer(run.run_id).set_tags({ERROR_TAG: text})
        terminate(store, run.run_id, "FAILED")
        grid.ended(run, "FAILED")

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self.connection.close()
        self.process.join(timeout=GRACE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(connection: Connection, work: Work) -> None:
    """Run what comes, in a process of its own, until nothing comes any more."""
    interrupts = _Once()
    _end_with_parent()
    try:
        work.prepare()
    except BaseException as error:  # noqa: BLE001  it is said where the user is
        _say(connection, "unready", f"{type(error).__name__}: {error}")
        return
    while True:
        try:
            params, name = connection.recv()
        except (EOFError, OSError):
            return
        with interrupts:
            status = work.run(params, name, lambda run_id: _say(connection, "started", run_id))
        _say(connection, "ended", status)


def _say(connection: Connection, kind: str, text: str) -> None:
    with contextlib.suppress(OSError):
        connection.send((kind, text))


class _Once:
    """Lets Ctrl-C raise ``KeyboardInterrupt`` while it is entered, and only once."""

    def __init__(self) -> None:
        self._armed = False
        signal.signal(signal.SIGINT, self._on_signal)

    def __enter__(self) -> None:
        self._armed = True

    def __exit__(self, *error: object) -> None:
        self._armed = False

    def _on_signal(self, number: int, frame: Any) -> None:
        if self._armed:
            self._armed = False
            raise KeyboardInterrupt


def _end_with_parent() -> None:
    """End this process at once when the one that started it is gone, whatever it is doing."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, name="nbtrack-parent", daemon=True).start()
