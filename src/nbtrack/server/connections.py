"""Sockets of a server of our own; their connections, whose they are, how many there may be."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.web import Application as TornadoApplication
from tornado.web import RequestHandler

from nbtrack.errors import InvalidStateError
from nbtrack.server.peer_owner import QUICK, is_own

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


class OwnConnections:
    """The open connections whose other ends belong to the user of this process."""

    def __init__(self) -> None:
        self._streams: WeakSet[IOStream] = WeakSet()

    def add(self, stream: IOStream) -> None:
        """Remember one."""
        self._streams.add(stream)

    def has(self, handler: RequestHandler) -> bool:
        """Return whether a request has come by one of them."""
        return getattr(handler.request.connection, "stream", None) in self._streams


class Application(TornadoApplication):
    """The application of a server of our own.

    Attributes
    ----------
    begun : callable
        Called with a connection when a request has come by it.
    """

    begun: Callable[[Any], None] = staticmethod(lambda _connection: None)

    def find_handler(self, request: Any, **given: Any) -> Any:
        """Return what answers a request."""
        self.begun(request.server_connection)
        return super().find_handler(request, **given)


class Connections(HTTPServer):
    """Tornado's server; its connections are looked at when they are accepted.

    Where there are as many as there may be, the one closes for a new one that has waited for a
    request for the longest time: who only connects keeps nobody out.

    Parameters
    ----------
    application : Application
    own : OwnConnections, optional
        Where this user's connections are remembered; without it nobody asks whose they are.
    most : int
        How many there may be.
    **options
        Tornado's.
    """

    def initialize(  # type: ignore[override]
        self, application: Application, own: OwnConnections | None, most: int, **options: Any
    ) -> None:
        """Take the parameters: Tornado's way of a constructor."""
        super().initialize(application, **options)
        application.begun = self._begun
        self._own = own
        self._most = most
        self._waiting: dict[IOStream, None] = {}  # those that wait longest come first
        self._count = 0

    def handle_stream(self, stream: IOStream, address: Any) -> Any:
        """Take a new connection."""
        if self._own is None:
            return self._take(stream, address)
        if not QUICK:
            return self._look(stream, address)
        if is_own(stream.socket):
            self._own.add(stream)
        return self._take(stream, address)

    async def _look(self, stream: IOStream, address: Any) -> None:
        accepted = stream.socket
        if await asyncio.to_thread(is_own, accepted) and self._own is not None:
            self._own.add(stream)
        self._take(stream, address)

    def _take(self, stream: IOStream, address: Any) -> None:
        if self._count >= self._most:
            oldest = next(iter(self._waiting), None)
            if oldest is None:
                stream.close()
                return
            del self._waiting[oldest]
            oldest.close()
        self._count += 1
        self._waiting[stream] = None
        super().handle_stream(stream, address)

    def start_request(self, server_conn: Any, request_conn: Any) -> Any:
        """Wait for the next request of a connection."""
        self._waiting.pop(server_conn.stream, None)
        self._waiting[server_conn.stream] = None
        return super().start_request(server_conn, request_conn)

    def _begun(self, server_conn: Any) -> None:
        self._waiting.pop(server_conn.stream, None)

    def on_close(self, server_conn: Any) -> None:
        """Forget a connection."""
        self._waiting.pop(server_conn.stream, None)
        self._count -= 1
        super().on_close(server_conn)

    def drop(self) -> None:
        """Close what is open still, and wait for nobody."""
        for each in list(self._connections):
            each.stream.close()


def affordable(wanted: int) -> int:
    """Let the process have more open files if it may; return how many of a kind it can have."""
    if sys.platform == "win32":
        return wanted // 4
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < 4 * wanted:
        new = 4 * wanted if hard == resource.RLIM_INFINITY else min(4 * wanted, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (new, hard))
            soft = new
    return max(16, min(wanted, soft // 4))
