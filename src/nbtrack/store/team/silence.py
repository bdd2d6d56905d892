"""Gives up on a server that says nothing while DuckDB waits for it.

libpq limits how long it connects, and TCP how long nobody acknowledges; who has acknowledged and
stays silent is waited for without end, and DuckDB's interrupt does not reach into that. Ending the
sockets does: the statement fails, as with a server that is gone.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

from nbtrack.store import time_limits
from nbtrack.store.team.coordination import Coordination

LOOK_AFTER_S = 7.0
"""After so long it is asked whether the server answers others."""
_AGAIN_S = 1.0


@contextlib.contextmanager
def giving_up(coordination: Coordination) -> Iterator[None]:
    """End the connections to a server that falls silent in the block.

    A statement that takes long is left alone as long as the server answers a new connection, and
    as long as the caller has time (`time_limits`).
    """
    done = threading.Event()
    left = time_limits.left()

    def watch() -> None:
        wait = LOOK_AFTER_S if left is None else min(LOOK_AFTER_S, left)
        while not done.wait(wait):
            if wait != _AGAIN_S and coordination.answers():
                continue
            wait = _AGAIN_S  # the next statement of the block may connect again
            if not done.is_set() and coordination.peer is not None:
                end_sockets(*coordination.peer)

    watcher = threading.Thread(target=watch, name="nbtrack-silence", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()


def end_sockets(host: str, port: int) -> None:
    """End the TCP connections of this process to a server."""
    import psutil

    process: Any = psutil.Process()
    connections = getattr(process, "net_connections", None) or process.connections
    with contextlib.suppress(psutil.Error, OSError):
        for each in connections("tcp"):
            if each.fd >= 0 and each.raddr and tuple(each.raddr) == (host, port):
                with (
                    contextlib.suppress(OSError),
                    socket.socket(fileno=os.dup(each.fd)) as line,
                ):
                    line.shutdown(socket.SHUT_RDWR)
