"""The sender: journals go to the server in the background, and stay until they are there."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbtrack.errors import NbtrackError, ServerDeniedError, ServerUnreachableError
from nbtrack.store import journal_reader
from nbtrack.store.journal_reader import Tail
from nbtrack.store.remote.upload import JournalUploader, NotYetError, UploadCounts

if TYPE_CHECKING:
    from nbtrack.store.remote.session import Session

SEND_EVERY_S = 1.0
MAX_PAUSE_S = 30.0


@dataclass
class SendReport(UploadCounts):
    """What one turn has sent.

    Attributes
    ----------
    left : int
        Journals that hold more than the server has.
    busy : bool
        Whether another process was sending: then this one sends nothing.
    problem : NbtrackError or None
        Why not everything was sent.
    """

    left: int = 0
    busy: bool = False
    problem: NbtrackError | None = None
    stuck: dict[str, str] = field(default_factory=dict)


class Sender:
    """Sends the journals of a mirror, one process at a time.

    Parameters
    ----------
    remote : Session
    """

    def __init__(self, remote: Session) -> None:
        self._remote = remote
        self._wake = threading.Event()
        self._stop = False
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pause = SEND_EVERY_S
        self._seen: journal_reader.Sizes = {}  # sent, but for half a line of a dead process

    def start(self) -> None:
        """Send in the background from now on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._go, name="nbtrack-send", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Send soon."""
        self._wake.set()

    def stop(self) -> None:
        """Stop the background thread; what it is sending is finished first."""
        self._stop = True
        self._wake.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=10.0)
        self._stop = False

    def after_fork(self) -> None:
        """Leave the thread and its lock to the parent."""
        self._wake, self._turn, self._thread = threading.Event(), threading.Lock(), None

    def _go(self) -> None:
        while not self._stop:
            self._wake.wait(self._pause)
            self._wake.clear()
            if self._stop:
                return
            try:
                failed = self.send().problem is not None
            except Exception as error:  # noqa: BLE001  the thread goes on; it is said once
                self._remote.warn_once(
                    f"nbtrack cannot send runs for now; nothing is lost. {error!r}"
                )
                failed = True
            self._pause = min(MAX_PAUSE_S, self._pause * 2) if failed else SEND_EVERY_S

    def is_behind(self) -> bool:
        """Return whether any journal holds more than the server has."""
        found = journal_reader.sizes(self._remote.journals)
        return any(self._waits(name, size) for name, size in found.items())

    def _waits(self, name: str, size: tuple[int, int]) -> bool:
        sync_state = self._remote.sync_state
        if not sync_state.is_sent(name, size) and self._seen.get(name) != size:
            return True
        if self._remote.store.writes(name) or sync_state.may_go(name, size, closed=False):
            return False
        found = journal_reader.state(self._remote.journals, name)
        return found.is_done and not found.closed  # the server is still to hear of that

    def send(self) -> SendReport:
        """Send what every journal holds by now; what stands in the way is said once."""
        from filelock import FileLock, Timeout

        report = SendReport()
        with self._turn:
            if not self.is_behind():
                return report
            lock = FileLock(self._remote.sync_state.lock, timeout=0)
            try:
                with lock:
                    self._send_all(report)
            except Timeout:
                report.busy = True
            except (ServerUnreachableError, ServerDeniedError) as error:
                report.problem = error
                self._remote.failed(error)
            except NbtrackError as error:
                report.problem = error
                self._remote.warn_once(
                    f"nbtrack cannot send runs for now; nothing is lost. {error}"
                )
            except Exception as error:  # noqa: BLE001  a thread has no caller: said once, by name
                report.problem = NbtrackError(f"{type(error).__name__}: {error}")
                self._remote.warn_once(
                    f"nbtrack cannot send runs for now; nothing is lost. {error!r}"
                )
        for reason, count in report.refused.items():
            self._remote.warn_once(
                f"The tracking server {self._remote.url} refuses {count} of what was logged: "
                f"{reason} It is kept in {self._remote.sync_state.folder / 'refused.jsonl'}."
            )
        return report

    def _send_all(self, report: SendReport) -> None:
        sync_state, folder = self._remote.sync_state, self._remote.journals
        present = journal_reader.sizes(folder)
        sync_state.forget(present)
        found: list[Tail] = []
        for name, size in present.items():
            if not sync_state.is_sent(name, size):
                with contextlib.suppress(OSError):  # the fold says that it cannot be read
                    found.append(journal_reader.read_tail(folder, name, *sync_state.sent(name)))
        found.sort(key=lambda tail: (not _makes_run(tail), _first_time(tail)))
        self._remote.set_pending(found)
        report.left = len(found)
        uploader = JournalUploader(self._remote, report)
        for tail in found:
            try:
                uploader.send(tail)
                report.left -= 1
                self._seen[tail.journal] = present[tail.journal]
                self._remote.succeeded()
            except NotYetError:
                continue
            except (ServerUnreachableError, ServerDeniedError):
                raise
            except Exception as failed:  # noqa: BLE001  of this journal only; the next ones may go
                error = failed if isinstance(failed, NbtrackError) else NbtrackError(repr(failed))
                report.problem = error
                report.stuck[tail.journal] = str(error)
                self._remote.warn_once(
                    f"The tracking server {self._remote.url} cannot take what run {tail.run_id} "
                    f"has logged, for now; it is tried again. {error}"
                )
        self._remote.tidy()
        self._remote.store.may_sweep()

    def finish(self, seconds: float, *, patient: bool = False) -> SendReport:
        """Send until nothing is left, or the server takes nothing.

        Parameters
        ----------
        seconds : float
            How long nothing may arrive.
        patient : bool
            Whether a server that does not answer is tried again within the time.
        """
        end = time.monotonic() + seconds
        total = SendReport()
        while True:
            report = self.send()
            total.points += report.points
            total.files += report.files
            total.left, total.problem = report.left, report.problem
            total.busy = report.busy
            for reason, count in report.refused.items():
                total.refused[reason] = total.refused.get(reason, 0) + count
            away = isinstance(report.problem, ServerUnreachableError) and not patient
            if away or isinstance(report.problem, ServerDeniedError):
                return total
            if report.points or report.files:  # it goes on: the server takes what it gets
                end = max(end, time.monotonic() + seconds)
            if not self.is_behind() or time.monotonic() > end:
                return total
            if report.problem is not None or report.busy:
                time.sleep(min(0.2, max(0.0, end - time.monotonic())))


def _makes_run(tail: Tail) -> bool:
    return any(event["event"] == "run" for event in tail.events)


def _first_time(tail: Tail) -> int:
    return int(tail.events[0]["t"]) if tail.events else 0
