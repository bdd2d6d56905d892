"""Sockets that a server listens on, and the address that they have."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from nbtrack.errors import InvalidStateError

BACKLOG = 1024


def bind(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen on a port; 0 for one that is free.

    Raises
    ------
    InvalidStateError
        If the port cannot be had.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise InvalidStateError(
            f"Port {port} of {host!r} cannot be listened on: {error}. Another program may use it; "
            "port=0 finds a free one."
        ) from None
    listening.setblocking(False)
    return [listening]


def bind_preferred(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen on a port, or where that is taken on one that is free."""
    try:
        return bind(host, port)
    except InvalidStateError:
        return bind(host, 0)


def url_of(sockets: Sequence[socket.socket], host: str) -> str:
    """Return the address of a server for a client on this machine."""
    port = sockets[0].getsockname()[1]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"http://[{name}]:{port}" if ":" in name and name[0] != "[" else f"http://{name}:{port}"
