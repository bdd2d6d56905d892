"""The stand-alone server: a process that serves one store to clients of MLflow.

It listens first, and opens the store when the first client asks. On SIGTERM or SIGINT the
requests that came are still answered, then everything is folded into the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tornado import web
from tornado.httpserver import HTTPServer

from nbtrack.config import default_uri, find_default, resolve
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.server.adapter import EndpointHandler, StreamHandler, handlers
from nbtrack.server.catalog import Catalog
from nbtrack.server.mlflow.places import PROXY
from nbtrack.server.mlflow.served import Served
from nbtrack.server.mlflow.table import MLFLOW
from nbtrack.server.mlflow.wire import SCHEME
from nbtrack.server.route import Action
from nbtrack.server.scoring.guard import Guard, is_loopback
from nbtrack.server.site import Site
from nbtrack.server.sockets import bind, url_of
from nbtrack.server.watching import Leases

PORT = 5000
THREADS = 8
MAX_HELD = 64 * 1024 * 1024
MAX_HEADER = 64 * 1024
IDLE_S = 300.0
GRACE_S = 10.0
OPEN_RUNS = 1000
TOKEN_BYTES = 24


@dataclass(frozen=True)
class ServerOptions:
    """What a server is started with.

    Attributes
    ----------
    store_uri : str, optional
        The store; by default ``NBTRACK_URI``, else ``nbtrack.duckdb`` here or above.
    host : str
        Where to listen: this machine only, unless another address is named.
    port : int
        0 for one that is free.
    registry_uri : str, optional
        The store whose model registry is served; by default the same.
    default_artifact_root : str, optional
        Where clients put the artifacts of new runs themselves: a path or URI that they reach.
        The server's own proxy (``mlflow-artifacts:/``) is the default.
    artifacts_destination : str, optional
        Where the server keeps artifacts that clients send to it; by default beside the store.
    serve_artifacts : bool
        Whether artifacts go through the server.
    token : str, optional
        What clients must have: as MLFLOW_TRACKING_TOKEN, or as MLFLOW_TRACKING_PASSWORD with any
        user name. Beyond loopback one is made, and printed, where none is given.
    no_auth : bool
        Answer everybody who reaches the host.
    allowed_hosts : sequence of str
        Names of this server, beside ``localhost``, ``host`` and addresses in numbers.
    """

    store_uri: str | None = None
    host: str = "127.0.0.1"
    port: int = PORT
    registry_uri: str | None = None
    default_artifact_root: str | None = None
    artifacts_destination: str | None = None
    serve_artifacts: bool = True
    token: str | None = None
    no_auth: bool = False
    allowed_hosts: Sequence[str] = field(default_factory=tuple)


def serve(
    options: ServerOptions,
    *,
    ready: Callable[[str], None] | None = None,
    sockets: Sequence[socket.socket] | None = None,
) -> int:
    """Serve a store until SIGTERM or SIGINT; return the exit status.

    Parameters
    ----------
    options : ServerOptions
    ready : callable, optional
        Called with the URL once the server listens; by default it is printed.
    sockets : sequence of socket.socket, optional
        What it listens on instead of host and port.

    Raises
    ------
    InvalidParameterError
        If an option makes no sense.
    InvalidStateError
        If the port cannot be had.
    """
    token = options.token or None
    if token is not None and options.no_auth:
        raise InvalidParameterError("There is a token and no_auth too: choose one of them.")
    made = token is None and not options.no_auth and not is_loopback(options.host)
    if made:
        token = secrets.token_urlsafe(TOKEN_BYTES)
    location = resolve(options.store_uri or default_uri())
    site = Site(Catalog(location.path.parent), Leases(lambda _: None), lambda: _open(options))
    sockets = sockets or bind(options.host, options.port)
    url = url_of(sockets, options.host)
    if made:
        _say(
            f"Token: {token}\nClients bring it as MLFLOW_TRACKING_TOKEN, or as "
            "MLFLOW_TRACKING_PASSWORD with any MLFLOW_TRACKING_USERNAME."
        )
    guard = Guard(token, (options.host, *options.allowed_hosts))
    announce = ready or (lambda found: _say(f"nbtrack tracks {location.path} at {found}"))
    asyncio.run(_run(site, guard, sockets, lambda: announce(url)))
    return 0


def _open(options: ServerOptions) -> Served:
    """Open the store, as a thread does when the first client asks."""
    from nbtrack.store.store import open_store

    root = options.default_artifact_root
    proxied = options.serve_artifacts
    if root is not None and not root.startswith(SCHEME) and PROXY not in root:
        proxied = False
    else:
        root = options.artifacts_destination
    uri = options.store_uri or default_uri() or str(find_default())
    store = open_store(uri)
    registry = None if options.registry_uri is None else open_store(options.registry_uri)
    store.artifact_root = root
    store.writers.max_loose = _affordable(OPEN_RUNS)
    return Served.of(store, registry, proxied=proxied, destination=options.artifacts_destination)


def _affordable(runs: int) -> int:
    """Let the process have more open files if it may; return how many runs can stay open."""
    if sys.platform == "win32":
        return runs // 4
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * runs
    if soft != resource.RLIM_INFINITY and soft < wanted:
        new = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (new, hard))
            soft = new
        return max(16, min(runs, soft // 4))
    return runs


class StandaloneHandler(EndpointHandler):
    """Serves who has the token."""

    def set_default_headers(self) -> None:
        """Name no software, and let no browser guess at the content or show it elsewhere."""
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Frame-Options", "SAMEORIGIN")

    def compute_etag(self) -> str | None:
        """Answers are not kept anywhere."""
        return None

    def check_xsrf_cookie(self) -> None:
        """Cookies mean nothing here: the guard decides what a browser may send."""

    def get_current_user(self) -> str | None:
        """Return that somebody is there; who may not ask has been refused before."""
        return "client"

    def prepare(self) -> Any:
        """Refuse by the headers."""
        guard: Guard = self.settings["guard"]
        headers = self.request.headers
        try:
            guard.check(
                self.request.path,
                headers.get("Host"),
                headers.get("Origin"),
                headers.get("Authorization"),
            )
        except NbtrackError as error:
            status = error.get_http_status_code()
            raise web.HTTPError(status, str(error).replace("%", "%%")) from None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with what went wrong as JSON."""
        if status_code == 401:
            self.set_header("WWW-Authenticate", 'Basic realm="nbtrack"')
        super().write_error(status_code, **kwargs)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what is the server's fault only."""
        if not (isinstance(value, web.HTTPError) and value.status_code < 500):
            super().log_exception(typ, value, tb)

    async def allows(self, action: Action) -> bool:
        """Return that whoever has the token may do everything."""
        return True


@web.stream_request_body
class StandaloneStreamHandler(StandaloneHandler, StreamHandler):
    """Serves the same clients, with bodies that are too large to be held."""

    async def prepare(self) -> None:
        """Refuse before anything of the body is taken."""
        super().prepare()
        await self.begin(self.path_kwargs)


class _NothingHandler(StandaloneHandler):
    """Answers what nobody has asked for before."""

    def initialize(self) -> None:  # type: ignore[override]
        """Take nothing."""

    def prepare(self) -> Any:
        super().prepare()
        if self.request.path == "/" and self.request.method in ("GET", "HEAD"):
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish("nbtrack serves MLflow's tracking API here. See docs/server.md.\n")
            return
        raise web.HTTPError(404, "There is nothing here.")


def application(site: Site, pool: ThreadPoolExecutor, guard: Guard) -> web.Application:
    """Return the application of a stand-alone server."""
    return web.Application(
        handlers("", site, pool, StandaloneHandler, StandaloneStreamHandler, MLFLOW),
        default_handler_class=_NothingHandler,
        guard=guard,
        log_function=lambda _handler: None,
    )


async def _run(
    site: Site, guard: Guard, sockets: Sequence[socket.socket], ready: Callable[[], None]
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
        else:
            loop.add_signal_handler(number, stopping.set)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="nbtrack")
    server = HTTPServer(
        application(site, pool, guard),
        idle_connection_timeout=IDLE_S,
        max_header_size=MAX_HEADER,
        max_body_size=MAX_HELD,
        max_buffer_size=MAX_HELD,
    )
    server.add_sockets(sockets)
    ready()
    loop.run_in_executor(pool, _warm_up, site)
    await stopping.wait()
    server.stop()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            await server.close_all_connections()
    await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)
    await asyncio.to_thread(site.close)


def _warm_up(site: Site) -> None:
    """Import what the first requests need, and open the store, while nobody waits for it."""
    with contextlib.suppress(NbtrackError), site.served().store.read():
        pass


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Serve with the default options and those of the environment."""
    return serve(ServerOptions())
