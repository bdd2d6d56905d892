"""Several processes that serve one port: each loads the model, the system deals out connections."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from nbtrack.errors import InvalidParameterError

GRACE_S = 15.0
LOOK_EVERY_S = 0.2


def run_workers(
    sockets: Sequence[socket.socket],
    command: Sequence[str],
    count: int,
    ready: Callable[[], None],
) -> int:
    """Run processes that accept from one socket, until a signal comes or one of them ends.

    Parameters
    ----------
    sockets : sequence of socket
        The first one is passed on.
    command : sequence of str
        Serves from the socket that ``--inherit`` names.
    count : int
    ready : callable
        Called when all of them serve.

    Returns
    -------
    int
        0 after a signal, 1 if a process ended by itself.
    """
    if sys.platform == "win32":
        raise InvalidParameterError("Several workers need a system that is not Windows: use 1.")
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    number = sockets[0].fileno()
    started = [
        subprocess.Popen(
            [*command, "--inherit", str(number)],
            pass_fds=[number],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    try:
        if all(process.stdout and process.stdout.readline() for process in started):
            ready()
            while not stopping.wait(LOOK_EVERY_S):
                if any(process.poll() is not None for process in started):
                    break
        return 0 if stopping.is_set() else 1
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.communicate(timeout=GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
