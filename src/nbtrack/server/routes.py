"""What the pages of nbtrack ask: endpoints, which know no transport, and the table of routes."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import PurePosixPath

from nbtrack.errors import InvalidParameterError
from nbtrack.rpc import access_of, respond
from nbtrack.rpc.request import parse
from nbtrack.server.context import ServerContext
from nbtrack.server.messages import STORE, Action, FileResponse, Request, Response, Route
from nbtrack.server.mlflow.routes import MLFLOW
from nbtrack.store import Store, get_run

REFRESH = "refresh"
SECONDS = "seconds"
BODY = "body"
BUFFERS = "buffers"
STORES = "stores"
RUN_ID = "run_id"
PATH = "path"
MAX_WATCH_S = 300.0


def ask(store: Store, request: Request) -> Response:
    """Answer a request: the body of the request, as it would come over a widget's comm."""
    found = respond(store, request.json())
    buffers = [base64.b64encode(buffer).decode("ascii") for buffer in found.buffers]
    return Response({BODY: found.body, BUFFERS: buffers})


def artifact(store: Store, request: Request) -> FileResponse:
    """Open an artifact; it is only ever saved by the browser, never shown or run."""
    missing = [name for name in (RUN_ID, PATH) if not request.query.get(name)]
    if missing:
        raise InvalidParameterError(f"The address has no {' and no '.join(missing)}.")
    path = request.query[PATH]
    with store.read() as reader:
        run = get_run(reader, request.query[RUN_ID])
    opened = store.access.folder(run.info.artifact_uri).open(path)
    return FileResponse(opened, PurePosixPath(path).name)


@dataclass(frozen=True)
class WatchParams:
    """Which store, and for how many seconds."""

    store: str
    seconds: float = 60.0


def stores(context: ServerContext, request: Request) -> Response:
    """List the stores; ``?refresh=1`` looks for new ones at once."""
    refresh = request.query.get(REFRESH, "0") not in ("", "0", "false")
    return Response({STORES: context.catalog.listing(refresh=refresh)})


def watch(context: ServerContext, request: Request) -> Response:
    """Announce changes of a store for some seconds from now on; 0 seconds end it."""
    params = parse(WatchParams, request.json())
    if params.seconds < 0:
        raise InvalidParameterError(f"seconds is {params.seconds:g}; it cannot be negative.")
    seconds = min(params.seconds, MAX_WATCH_S)
    context.subscriptions.extend(context.catalog.find(params.store), seconds)
    return Response({STORE: params.store, SECONDS: seconds})


def action_of_request(request: Request) -> Action:
    """Return whether a request of the front end changes the store it is about."""
    return access_of(request.json())


OURS = (
    Route("POST", "/ask", ask, "store", action=action_of_request),
    Route("GET", "/artifact", artifact, "store"),
    Route("GET", "/stores", stores, "context"),
    Route("POST", "/watch", watch, "context"),
)
"""What the pages of nbtrack ask."""

ROUTES: tuple[Route, ...] = (*OURS, *MLFLOW)
