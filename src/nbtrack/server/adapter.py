"""The adapter: the table of routes as handlers of Tornado."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from http.client import responses
from typing import Any
from urllib.parse import quote

from tornado import web
from tornado.iostream import StreamClosedError

from nbtrack.errors import NbtrackError
from nbtrack.server import wire
from nbtrack.server.dispatch import dispatch
from nbtrack.server.messages import FileReply, Reply, Request
from nbtrack.server.routes import ROUTES, Action, Route
from nbtrack.server.site import Site

AUTH_RESOURCE = "nbtrack"
PIECE = 1024 * 1024

_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "ENDPOINT_NOT_FOUND",
    405: "BAD_REQUEST",
}


class EndpointHandler(web.RequestHandler):
    """Serves the routes of one path; to be combined with the handler of a server.

    That one says who the user is, and may refuse in ``allows``.
    """

    site: Site
    pool: Executor
    routes: dict[str, Route]

    def initialize(self, routes: Sequence[Route], site: Site, pool: Executor) -> None:
        """Take what Tornado passes on from the table of handlers."""
        self.routes = {route.method: route for route in routes}
        self.site = site
        self.pool = pool

    async def allows(self, action: Action) -> bool:
        """Return whether the user may do this."""
        raise NotImplementedError

    @web.authenticated
    async def get(self) -> None:
        """Answer a GET."""
        await self._serve()

    @web.authenticated
    async def post(self) -> None:
        """Answer a POST."""
        await self._serve()

    async def _serve(self) -> None:
        route = self.routes.get(self.request.method or "")
        if route is None:
            raise web.HTTPError(405)
        query = {name: self.get_query_argument(name) for name in self.request.query_arguments}
        request = Request(query, self.request.body)
        try:
            action = route.action(request)
        except NbtrackError:
            action = "read"  # the endpoint will say what is wrong with it
        if not await self.allows(action):
            raise web.HTTPError(403, f"You may not {action} the stores of this server.")
        loop = asyncio.get_running_loop()
        reply = await loop.run_in_executor(self.pool, dispatch, self.site, route, request)
        if isinstance(reply, FileReply):
            await self._send_file(reply)
            return
        # the dictionary may have a megabyte of buffers: the loop goes on meanwhile
        text = await loop.run_in_executor(self.pool, _as_json, reply)
        self.set_status(reply.status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        await self.finish(text)

    async def _send_file(self, reply: FileReply) -> None:
        """Send a file piece by piece, as something to save: it may be anybody's."""
        loop = asyncio.get_running_loop()
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(reply.name)}")
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        with reply.file, suppress(StreamClosedError):  # who asked may have gone away
            await self.flush()
            while piece := await loop.run_in_executor(self.pool, reply.file.read, PIECE):
                self.write(piece)
                await self.flush()
            await self.finish()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with what went wrong as JSON."""
        error = (kwargs.get("exc_info") or (None, None))[1]
        code = _CODES.get(status_code, "INTERNAL_ERROR")
        message = responses.get(status_code, "Unknown error")
        if isinstance(error, web.HTTPError):
            message = error.log_message or message
        elif error is not None:
            message = f"nbtrack could not answer: {error!r}. The server's log has the details."
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({wire.ERROR_CODE: code, wire.MESSAGE: message}))


def _as_json(reply: Reply) -> str:
    return json.dumps(reply.body, allow_nan=False)


def handlers(
    base_url: str,
    site: Site,
    pool: Executor,
    handler: type[EndpointHandler],
) -> list[tuple[str, type[EndpointHandler], dict[str, Any]]]:
    """Return the table of routes as Tornado wants it.

    Parameters
    ----------
    base_url : str
        Of the server; the routes lie below it, under ``nbtrack``.
    site : Site
    pool : Executor
        Where endpoints run: they wait for the disk.
    handler : type
        An `EndpointHandler` that knows the server's users.
    """
    root = f"{base_url.rstrip('/')}/{wire.PREFIX}"
    paths = dict.fromkeys(route.path for route in ROUTES)
    return [
        (
            root + path,
            handler,
            {"routes": [r for r in ROUTES if r.path == path], "site": site, "pool": pool},
        )
        for path in paths
    ]
