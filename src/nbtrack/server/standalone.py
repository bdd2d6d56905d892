"""The stand-alone server: a process that serves one store to clients of MLflow.

It listens first, and opens the store when the first client asks. On SIGTERM or SIGINT the
requests that came are still answered, then everything is folded into the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from nbtrack.config import StoreLocation, default_uri, find_default, resolve
from nbtrack.errors import InvalidParameterError, NbtrackError, StoreLockedError
from nbtrack.protocol.artifact_urls import PROXY, SCHEME
from nbtrack.server.access import Access
from nbtrack.server.application import application
from nbtrack.server.catalog import Catalog
from nbtrack.server.connections import Connections, affordable, bind, url_of
from nbtrack.server.context import ServerContext
from nbtrack.server.mlflow.service import TrackingService
from nbtrack.server.scoring.access import Guard
from nbtrack.server.slow_clients import ClientLimits, SlowClientWatch
from nbtrack.server.store_events import EventBroadcaster, Subscriptions
from nbtrack.store.artifacts import check_artifact_root, local_path

PORT = 5000
THREADS = 8
MAX_HELD = 64 * 1024 * 1024
MAX_FORM = 64 * 1024
MAX_HEADER = 64 * 1024
READ_AT_ONCE = 256 * 1024
IDLE_S = 300.0
GRACE_S = 10.0
OPEN_RUNS = 1000
GARBAGE = 50_000


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
        user name. Where none is given one is made: on loopback the user of this process needs
        none, and it is printed when somebody else asks; beyond it at once.
    no_auth : bool
        Answer everybody who reaches the host.
    allowed_hosts : sequence of str
        Names of this server, beside ``localhost``, ``host`` and addresses in numbers.
    page : bool
        Whether there is a page for browsers too.
    client_timeout, min_rate, body_timeout : float
        How slow clients may be: see `ClientLimits`.
    max_connections : int
        How many there may be; then the one is closed for a new one that has idled for longest.
    presigned_urls : bool
        Whether clients that ask get signed URLs of object storage.
    artifact_roots : sequence of str
        Places of artifacts, beside the server's own, that clients may name and the page may show:
        folders, URIs, ``s3://`` for all of a kind of storage.
    """

    store_uri: str | None = None
    host: str = "127.0.0.1"
    port: int = PORT
    registry_uri: str | None = None
    default_artifact_root: str | None = None
    artifacts_destination: str | None = None
    serve_artifacts: bool = True
    presigned_urls: bool = True
    token: str | None = None
    no_auth: bool = False
    allowed_hosts: Sequence[str] = field(default_factory=tuple)
    page: bool = False
    client_timeout: float = ClientLimits.still_s
    min_rate: float = ClientLimits.rate
    body_timeout: float = ClientLimits.body_s
    max_connections: int = 1000
    artifact_roots: Sequence[str] = field(default_factory=tuple)


def serve(
    options: ServerOptions,
    *,
    ready: Callable[[str, str | None], None] | None = None,
    sockets: Sequence[socket.socket] | None = None,
) -> int:
    """Serve a store until SIGTERM or SIGINT; return the exit status.

    Parameters
    ----------
    options : ServerOptions
    ready : callable, optional
        Called once the server listens, with the URL, and the token if this user needs one; by
        default they are printed.
    sockets : sequence of socket.socket, optional
        What it listens on instead of host and port.

    Raises
    ------
    InvalidParameterError
        If an option makes no sense.
    InvalidStateError
        If the port cannot be had.
    StoreError
        If the store cannot be read: the server stops then.
    """
    access = Access.of(options.host, options.token, options.no_auth)
    location = _location(options.store_uri)
    broadcaster = EventBroadcaster()
    catalog = Catalog(
        location.path.parent,
        settings=[location],
        search=False,
        artifact_roots=_artifact_roots(options),
    )
    context = ServerContext(
        catalog,
        Subscriptions(broadcaster.tell),
        lambda: _open(options, location),
        SlowClientWatch(
            ClientLimits(options.client_timeout, options.min_rate, options.body_timeout)
        ),
    )
    sockets = sockets or bind(options.host, options.port)
    url = url_of(sockets, options.host)
    guard = access.guard((options.host, *options.allowed_hosts))
    if location.notice:
        _say(location.notice)
    news = broadcaster if options.page else None

    def listening() -> None:
        if ready is not None:
            ready(url, None if access.own is not None else access.token)
            return
        if access.is_shown:
            _say(
                f"Token: {access.token}\nClients bring it as MLFLOW_TRACKING_TOKEN, or as "
                "MLFLOW_TRACKING_PASSWORD with any MLFLOW_TRACKING_USERNAME."
            )
        place = location.path if location.team is None else location.uri
        _say(f"nbtrack tracks {place} at {url}")

    try:
        asyncio.run(_run(context, guard, sockets, listening, news, options.max_connections))
    finally:
        gc.unfreeze()  # DuckDB counts what is left at the end, and says so
    return 0


def _location(uri: str | None) -> StoreLocation:
    """Return the store that is served: one of this machine, whatever clients here track to."""
    found = uri or default_uri()
    if found is None or not found.lower().startswith(("http:", "https:")):
        return resolve(found)
    if uri is None:
        return resolve(str(find_default()))
    raise InvalidParameterError(
        f"{uri!r} is a server itself. Name the store that is to be served: a path such as "
        "nbtrack.duckdb."
    )


def _open(options: ServerOptions, location: StoreLocation) -> TrackingService:
    """Open the store, as a thread does when the first client asks."""
    from nbtrack.store import open_store

    root = _absolute(options.default_artifact_root)
    destination = _absolute(options.artifacts_destination)
    if root is not None and (root.startswith(f"{SCHEME}:") or PROXY in root):
        root = None
    store = open_store(location)
    registry = None if options.registry_uri is None else open_store(options.registry_uri)
    root = root and store.place_for_artifacts(root)
    destination = destination and store.place_for_artifacts(destination)
    own = store.artifact_root  # a team's store has one, beside its data
    store.artifact_root = root or destination or own
    if root is None:
        destination = destination or own
    store.writers.max_loose = affordable(OPEN_RUNS)
    return TrackingService.of(
        store,
        registry,
        proxied=options.serve_artifacts,
        destination=destination,
        root=root,
        roots=_artifact_roots(options),
        presigned=options.presigned_urls,
    )


def _artifact_roots(options: ServerOptions) -> list[str]:
    """Return the places of artifacts that the operator has named, beside the store's folder."""
    own = (options.default_artifact_root, options.artifacts_destination)
    named = [*map(_absolute, own), *options.artifact_roots]
    return [
        check_artifact_root(root)
        for root in named
        if root is not None and not root.startswith(f"{SCHEME}:") and PROXY not in root
    ]


def _absolute(root: str | None) -> str | None:
    """Return a place for artifacts; a path of this machine does not depend on where we are."""
    if root is None or root.lower().startswith("file:") or (path := local_path(root)) is None:
        return root
    return str(path)


async def _run(
    context: ServerContext,
    guard: Guard,
    sockets: Sequence[socket.socket],
    ready: Callable[[], None],
    news: EventBroadcaster | None,
    max_connections: int,
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
        else:
            loop.add_signal_handler(number, stopping.set)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="nbtrack")
    server = Connections(
        application(context, pool, guard, news),
        own=guard.own,
        most=affordable(max_connections),
        idle_connection_timeout=IDLE_S,
        body_timeout=IDLE_S,
        max_header_size=MAX_HEADER,
        max_body_size=MAX_FORM,
        max_buffer_size=MAX_HELD,
        chunk_size=READ_AT_ONCE,
    )
    server.add_sockets(sockets)
    ready()
    warm = loop.run_in_executor(pool, _warm_up, context)

    def look(done: asyncio.Future[NbtrackError | None]) -> None:
        if not done.cancelled() and done.result() is not None:
            stopping.set()

    warm.add_done_callback(look)
    await stopping.wait()
    if news is not None:
        news.close()
    server.stop()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            await server.close_all_connections()
    await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)
    await asyncio.to_thread(context.close)
    if warm.done() and not warm.cancelled() and (error := warm.result()) is not None:
        raise error


def _warm_up(context: ServerContext) -> NbtrackError | None:
    """Import what the first requests need, and open the store; return what makes that hopeless."""
    try:
        with context.service().store.read():
            pass
        gc.collect()
        gc.freeze()  # what was imported stays; long lists of runs are made often
        gc.set_threshold(GARBAGE)
        return None
    except StoreLockedError:  # clients can log, and will read later
        return None
    except NbtrackError as error:
        return error


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Serve with the default options and those of the environment."""
    return serve(ServerOptions())
