"""A command that runs in a process group of its own, and ends with all that it has started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

PATIENCE_S = 8.0
_ASKED_TO_END = (signal.SIGINT, signal.SIGTERM, *((signal.SIGKILL,) if os.name != "nt" else ()))


class Command:
    """A process and what it has started.

    Parameters
    ----------
    words : sequence of str
    folder : Path
        Its working directory.
    variables : mapping
        Its environment.
    output : binary file, optional
        Takes what it prints; it has no input then. By default both are those of this process.
    """

    def __init__(
        self,
        words: Sequence[str],
        folder: Path,
        variables: Mapping[str, str],
        output: BinaryIO | None = None,
    ) -> None:
        self.stopped = False
        self.process = subprocess.Popen(
            list(words),
            cwd=folder,
            env=dict(variables),
            stdin=None if output is None else subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=os.name != "nt",
        )

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for the end and return the exit status; below 0 the number of a signal.

        Raises
        ------
        subprocess.TimeoutExpired
        """
        return self.process.wait(timeout_s)

    def stop(self) -> int:
        """End the whole group: asked first, then made to; return the exit status.

        A second Ctrl-C waits no longer.
        """
        self.stopped = True
        for number in _ASKED_TO_END:
            if self.process.poll() is not None:
                break
            self._send(number)
            with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                self.process.wait(PATIENCE_S)
        self._send(_ASKED_TO_END[-1])  # what it has left behind
        return self.process.wait()

    def status(self) -> str:
        """Return the status of a run that such an end means; call it after the end."""
        code = self.process.returncode
        if self.stopped:
            return "KILLED"
        if code == 0:
            return "FINISHED"
        # a shell says 128 + the number of the signal that has ended what it ran
        number = -code if code < 0 else code - 128
        return "KILLED" if number in [int(each) for each in _ASKED_TO_END] else "FAILED"

    def _send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "nt":
                self.process.terminate()
            else:
                os.killpg(self.process.pid, number)


@contextlib.contextmanager
def signals_held_back() -> Iterator[None]:
    """Let signals that end this process come when the block is over: none falls into its middle."""
    if threading.current_thread() is not threading.main_thread():  # they never come to others
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
        if callable(signal.getsignal(number))
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def shell_words(command: str) -> list[str]:
    """Return the words that run a command in a shell."""
    return ["cmd", "/c", command] if os.name == "nt" else ["bash", "-c", command]
