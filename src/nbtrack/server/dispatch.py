"""From a request to its endpoint, in a thread that may wait for the disk."""

from __future__ import annotations

from typing import BinaryIO, cast

from nbtrack.errors import NbtrackError
from nbtrack.server import wire
from nbtrack.server.messages import FileReply, Reply, Request, failure
from nbtrack.server.mlflow.answer import answer
from nbtrack.server.pipe import Pipe
from nbtrack.server.route import Route
from nbtrack.server.site import Site


def dispatch(
    site: Site, route: Route, request: Request, body: Pipe | None = None
) -> Reply | FileReply:
    """Return what an endpoint answers; its errors are replies, too.

    Parameters
    ----------
    site : Site
    route : Route
    request : Request
    body : Pipe, optional
        The body, where it is too large to be in the request.
    """
    try:
        if route.scope == "tracking":
            return answer(site.served(), route, request, cast("BinaryIO | None", body))
        if len(request.body) > route.max_body:
            raise NbtrackError(
                f"The body has {len(request.body):,} bytes; {route.path} takes at most "
                f"{route.max_body:,}.",
                "BODY_TOO_LARGE",
            )
        if route.scope == "site":
            return route.endpoint(site, request)
        known = site.catalog.known(request.query.get(wire.STORE, ""))
        if route.action(request) == "read":
            return route.endpoint(known.store, request)
        with known.changing:
            try:
                return route.endpoint(known.store, request)
            finally:
                known.store.close()  # no journal stays open here: runs belong to their kernels
    except NbtrackError as error:
        return failure(error)
    finally:
        if body is not None:
            body.give_up()
