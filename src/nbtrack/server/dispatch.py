"""From a request to its endpoint, in a thread that may wait for the disk."""

from __future__ import annotations

from pathlib import Path

from nbtrack.errors import NbtrackError
from nbtrack.server.context import ServerContext
from nbtrack.server.messages import STORE, FileResponse, Request, Response, Route, failure
from nbtrack.server.mlflow.dispatch import call_endpoint, upload_folder
from nbtrack.server.upload_spool import Spool
from nbtrack.store import time_limit
from nbtrack.views.this_machine import looking

ANSWER_S = 20.0
CHANGE_S = 60.0


def dispatch(
    context: ServerContext, route: Route, request: Request, body: Spool | None = None
) -> Response | FileResponse:
    """Return the response of an endpoint; errors become responses, too.

    Parameters
    ----------
    context : ServerContext
    route : Route
    request : Request
    body : Spool, optional
        The body, where it is a file; what is left of it is removed.
    """
    try:
        if route.scope == "tracking":
            return call_endpoint(context.service(), route, request, body)
        if request.size > route.max_body:
            raise NbtrackError(
                f"The body has {request.size:,} bytes; {route.path} takes at most "
                f"{route.max_body:,}.",
                "BODY_TOO_LARGE",
            )
        if route.scope == "context":
            return route.endpoint(context, request)
        known = context.catalog.known(request.query.get(STORE, ""))
        if route.action(request) == "read":
            with time_limit(ANSWER_S), looking(request.may_look):
                return route.endpoint(known.store, request)
        with known.changing, time_limit(CHANGE_S), looking(request.may_look):
            try:
                return route.endpoint(known.store, request)
            finally:
                known.store.end_writing()  # no journal stays open: runs belong to kernels
    except NbtrackError as error:
        return failure(error)
    finally:
        if body is not None:
            body.discard()


def opened(context: ServerContext, route: Route, request: Request) -> Path | Response:
    """Return the folder in which the file is gathered that a body is, or why it cannot be kept."""
    try:
        return upload_folder(context.service(), route, request)
    except NbtrackError as error:
        return failure(error)
