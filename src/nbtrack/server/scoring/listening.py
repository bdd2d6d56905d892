"""A scoring server that listens: started in the background, or until a signal comes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from urllib.parse import urlsplit

from nbtrack.errors import NbtrackError
from nbtrack.models.scoring.expected import Scored
from nbtrack.models.served import ServedModel
from nbtrack.server.access import Access
from nbtrack.server.connections import Connections, affordable, bind, url_of
from nbtrack.server.scoring.access import Guard, check_reach, is_loopback
from nbtrack.server.scoring.adapter import application
from nbtrack.server.scoring.service import Limits, Service

GRACE_S = 5.0
IDLE_S = 300.0
MAX_HEADER = 64 * 1024
MAX_CONNECTIONS = 1000
PATIENCE_S = 30.0  # beyond the server's own timeout


def inherited(number: int) -> list[socket.socket]:
    """Return the socket that another process has passed on."""
    found = socket.socket(fileno=number)
    found.setblocking(False)
    return [found]


async def listen(
    service: Service,
    guard: Guard,
    sockets: Sequence[socket.socket],
    stopping: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """Answer requests until ``stopping`` is set; then those that came are still answered."""
    server = Connections(
        application(service, guard),
        own=guard.own,
        most=affordable(MAX_CONNECTIONS),
        idle_connection_timeout=IDLE_S,
        max_header_size=MAX_HEADER,
    )
    server.add_sockets(sockets)
    ready()
    try:
        await stopping.wait()
    finally:
        server.stop()
        await asyncio.to_thread(service.close, GRACE_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                while service.open_requests:  # the responses of what was scored last are written
                    await asyncio.sleep(0.01)
                await server.close_all_connections()
        server.drop()


class Background:
    """A server in a thread with a loop of its own.

    Parameters
    ----------
    service : Service
    guard : Guard
    sockets : sequence of socket
    """

    def __init__(self, service: Service, guard: Guard, sockets: Sequence[socket.socket]) -> None:
        self._service = service
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(
            target=self._run, args=(guard, sockets), name="nbtrack-serve", daemon=True
        )
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise NbtrackError(f"The server did not start: {self._error!r}") from self._error

    @property
    def running(self) -> bool:
        """Whether it answers."""
        return self._thread.is_alive()

    def wait(self) -> None:
        """Wait until it stops."""
        while self._thread.is_alive():
            self._thread.join(1.0)  # an interrupt is noticed in between

    def stop(self) -> None:
        """Stop; requests that came before are still answered."""
        with contextlib.suppress(RuntimeError):  # the loop has ended before
            self._loop.call_soon_threadsafe(self._stopping.set)
        if threading.current_thread() is not self._thread:  # a finalizer may run anywhere
            self._thread.join(3 * GRACE_S)

    def _run(self, guard: Guard, sockets: Sequence[socket.socket]) -> None:
        work = listen(self._service, guard, sockets, self._stopping, self._ready.set)
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(work)
        except Exception as error:  # noqa: BLE001  it is raised where the server was started
            self._error = error
        finally:
            self._ready.set()


def run_until_signal(
    service: Service, guard: Guard, sockets: Sequence[socket.socket], ready: Callable[[], None]
) -> None:
    """Serve until SIGTERM or SIGINT."""

    async def main() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            if sys.platform == "win32":
                signal.signal(name, lambda *_: loop.call_soon_threadsafe(stopping.set))
            else:
                loop.add_signal_handler(name, stopping.set)
        await listen(service, guard, sockets, stopping, ready)

    asyncio.run(main())


def start(
    load: Callable[[], tuple[Scored, str]],
    host: str,
    port: int,
    *,
    limits: Limits,
    token: str | None = None,
    no_auth: bool = False,
    allowed_hosts: Sequence[str] = (),
    stack_traces: bool | None = None,
) -> ServedModel:
    """Serve a model from a thread of this process; see `nbtrack.models.serve`.

    Parameters
    ----------
    load : callable
        Returns the model and what it is called. It is called when the port is taken: loading may
        take minutes.
    """
    check_reach(host, token, no_auth)
    access = Access.of(host, token, no_auth and not token)
    traces = is_loopback(host) if stack_traces is None else stack_traces
    sockets = bind(host, port)
    try:
        model, name = load()
        service = Service(model, limits, traces)
    except BaseException:
        for each in sockets:
            each.close()
        raise
    guard = access.guard((host, *allowed_hosts), lambda _: None)  # the object has it
    return ServedModel(
        url_of(sockets, host),
        name,
        model,
        access.token,
        Background(service, guard, sockets),
        service.batches.counts,
        lambda url, text, token: _post(url, text, token, limits.timeout_s + PATIENCE_S),
    )


def _post(url: str, text: str, token: str | None, timeout: float) -> tuple[int, bytes]:
    """Send JSON without a look at the proxies of the environment; return status and body."""
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=timeout)
    try:
        connection.request("POST", address.path, text, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


__all__ = ["Background", "Limits", "inherited", "run_until_signal", "start"]
