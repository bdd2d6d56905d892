"""Work that goes on while the user's code does, and handles of asynchronous logging."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable

from nbtrack.config import is_async_logging
from nbtrack.errors import NbtrackError, warn
from nbtrack.tracking import context


class Job:
    """Work in a thread of its own; the process does not end before it.

    Parameters
    ----------
    what : str
        Its name in messages, such as ``"The model 'net'"``.
    work : callable
    """

    def __init__(self, what: str, work: Callable[[], None]) -> None:
        self.what = what
        self._work = work
        self._error: BaseException | None = None
        self._reported = False
        self._thread = threading.Thread(target=self._run, name=what)
        self._thread.start()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the work is done.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Raises
        ------
        NbtrackError
            If the work goes on after ``timeout``. What the work raised is raised here.
        """
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise NbtrackError(
                f"{self.what} is still being written after {timeout:g} s. Wait longer."
            )
        if self._error is not None:
            self._reported = True
            raise self._error

    def settle(self) -> None:
        """Wait until the work is done, and say once how it failed if nobody has heard yet."""
        self._thread.join()
        if self._error is not None and not self._reported:
            self._reported = True
            warn(f"{self.what} was not saved: {type(self._error).__name__}: {self._error}")

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  it is raised or said where the user waits
            self._error = error


def start(what: str, work: Callable[[], None]) -> Job:
    """Start work that the end of the active run waits for.

    What is still being written of the same run is waited for, so that copies that are not
    written yet do not fill the memory.
    """
    run = context.current()
    if run is None:
        alone = Job(what, work)
        atexit.register(alone.settle)
        return alone
    for before in run.jobs:
        before()
    job = Job(what, work)
    run.jobs[:] = [job.settle]
    return job


class RunOperations:
    """The handle that ``synchronous=False`` asks for; what it stands for is done already.

    Examples
    --------
    >>> with nbtrack.start_run():
    ...     handle = nbtrack.log_metric("loss", 0.4, synchronous=False)
    >>> handle.wait()
    """

    def wait(self) -> None:
        """Return at once."""


def operation_handle(synchronous: bool | None) -> RunOperations | None:
    """Return a handle where one was asked for, by the call or for the whole process."""
    if synchronous is None:
        synchronous = not is_async_logging()
    return None if synchronous else RunOperations()
