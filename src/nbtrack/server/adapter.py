"""The adapter: the table of routes as handlers of Tornado."""

from __future__ import annotations

import asyncio
import json
import re
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
from nbtrack.server.pipe import Pipe
from nbtrack.server.ranges import NoSuchPartError, part_of
from nbtrack.server.route import Action, Route
from nbtrack.server.routes import ROUTES
from nbtrack.server.site import Site

AUTH_RESOURCE = "nbtrack"
PIECE = 1024 * 1024
STREAMED = 64 * 1024 * 1024  # a body that may be larger is never held in memory

_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "ENDPOINT_NOT_FOUND",
    405: "BAD_REQUEST",
}


_Answer = tuple[Reply | FileReply, str]


class EndpointHandler(web.RequestHandler):
    """Serves the routes of one path; to be combined with the handler of a server.

    That one says who the user is, and may refuse in ``allows``.
    """

    site: Site
    pool: Executor
    routes: dict[str, Route]
    prefix: str

    def initialize(
        self, routes: Sequence[Route], site: Site, pool: Executor, prefix: str = ""
    ) -> None:
        """Take what Tornado passes on from the table of handlers."""
        self.routes = {route.method: route for route in routes}
        self.site = site
        self.pool = pool
        self.prefix = prefix

    async def allows(self, action: Action) -> bool:
        """Return whether the user may do this."""
        raise NotImplementedError

    @web.authenticated
    async def get(self, **path: str) -> None:
        """Answer a GET."""
        await self._serve(path)

    post = put = patch = delete = get

    def _route(self) -> Route:
        route = self.routes.get(self.request.method or "")
        if route is None:
            raise web.HTTPError(405)
        return route

    def _request(self, path: dict[str, str], body: bytes) -> Request:
        headers = self.request.headers
        base = self.settings.get("base_url", "").rstrip("/")
        queries = {name: self.get_query_arguments(name, strip=False)
                   for name in self.request.query_arguments}  # fmt: skip
        return Request(
            {name: values[-1] for name, values in queries.items()},
            body,
            queries,
            path,
            f"{self.request.protocol}://{self.request.host}{base}{self.prefix}",
            headers.get("Content-Type"),
            headers.get("Range"),
            headers.get("Authorization"),
        )

    async def _check(self, route: Route, request: Request) -> None:
        try:
            action = route.action(request)
        except NbtrackError:
            action = "read"  # the endpoint will say what is wrong with it
        if not await self.allows(action):
            raise web.HTTPError(403, f"You may not {action} the stores of this server.")

    async def _serve(self, path: dict[str, str]) -> None:
        route = self._route()
        request = self._request(path, self.request.body)
        await self._check(route, request)
        if route.is_quick is not None and self.site.is_quick(route, request):
            await self._reply(_answer(self.site, route, request))
            return
        loop = asyncio.get_running_loop()
        await self._reply(await loop.run_in_executor(self.pool, _answer, self.site, route, request))

    async def _reply(self, answer: _Answer) -> None:
        reply, text = answer
        if isinstance(reply, FileReply):
            await self._send_file(reply)
            return
        self.set_status(reply.status)
        self.set_header("Cache-Control", "no-store")
        for name, value in reply.headers.items():
            self.set_header(name, value)
        kind = "text/plain; charset=utf-8" if isinstance(reply.body, str) else "application/json"
        self.set_header("Content-Type", kind)
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
            left = self._begin_file(reply)
            await self.flush()
            while left is None or left > 0:
                size = PIECE if left is None else min(PIECE, left)
                piece = await loop.run_in_executor(self.pool, reply.file.read, size)
                if not piece:
                    break
                left = None if left is None else left - len(piece)
                self.write(piece)
                await self.flush()
            await self.finish()

    def _begin_file(self, reply: FileReply) -> int | None:
        """Send the headers of a file, or of a part; return the bytes to send, None for all."""
        if reply.size is None:
            return None
        self.set_header("Accept-Ranges", "bytes")
        try:
            part = part_of(reply.range, reply.size)
        except NoSuchPartError:
            self.set_status(416)
            self.set_header("Content-Range", f"bytes */{reply.size}")
            self.set_header("Content-Length", "0")
            return 0
        start, length = part or (0, reply.size)
        if part is not None:
            reply.file.seek(start)
            self.set_status(206)
            last = start + length - 1
            self.set_header("Content-Range", f"bytes {start}-{last}/{reply.size}")
        self.set_header("Content-Length", str(length))
        return length

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


class StreamHandler(EndpointHandler):
    """Serves the routes of a path whose bodies are too large to be held.

    The body is handed to the endpoint as a stream while it arrives; a server's handler class is
    to be decorated with ``tornado.web.stream_request_body``.
    """

    _pipe: Pipe | None = None
    _work: asyncio.Future[_Answer] | None = None

    def initialize(self, *given: Any, **named: Any) -> None:
        """Take what Tornado passes on from the table of handlers."""
        super().initialize(*given, **named)
        self._held = bytearray()

    async def begin(self, path: dict[str, str]) -> None:
        """Start the endpoint; to be awaited in ``prepare``, when it is known who asks."""
        route = self.routes.get(self.request.method or "")
        if route is None or route.max_body <= STREAMED:
            return
        request = self._request(path, b"")
        await self._check(route, request)
        connection: Any = self.request.connection
        connection.set_max_body_size(route.max_body)
        self._pipe = Pipe()
        self._work = asyncio.get_running_loop().run_in_executor(
            self.site.uploads, _answer, self.site, route, request, self._pipe
        )

    async def data_received(self, chunk: bytes) -> None:
        """Take a piece of the body; a disk that is slower than the network makes it wait."""
        if self._pipe is None:
            self._held += chunk
            if len(self._held) > STREAMED:
                raise web.HTTPError(413, "The body is too large.")
            return
        self._pipe.feed(chunk)
        while self._pipe.is_full:
            await asyncio.sleep(0.001)

    async def _serve(self, path: dict[str, str]) -> None:
        if self._work is None or self._pipe is None:
            self.request.body = bytes(self._held)
            await super()._serve(path)
            return
        self._pipe.end()
        await self._reply(await self._work)

    def on_connection_close(self) -> None:
        """Give up what does not arrive whole."""
        if self._pipe is not None:
            self._pipe.abort()
        super().on_connection_close()


def _answer(site: Site, route: Route, request: Request, body: Pipe | None = None) -> _Answer:
    """Return what an endpoint answers, and its text: that may be megabytes of JSON."""
    reply = dispatch(site, route, request, body)
    if isinstance(reply, FileReply):
        return reply, ""
    if isinstance(reply.body, str):
        return reply, reply.body
    return reply, json.dumps(reply.body, allow_nan=False)


def pattern_of(path: str) -> str:
    """Return the regular expression of a path of the table."""
    parts = re.split(r"\{(\w+)(:path)?\}", path)
    made = re.escape(parts[0])
    for name, is_rest, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        made += f"(?P<{name}>{'.+' if is_rest else '[^/]+'})" + re.escape(after)
    return made + "/?" if path.endswith("}") else made


Handlers = list[tuple[str, type[EndpointHandler], dict[str, Any]]]


def handlers(
    prefix: str,
    site: Site,
    pool: Executor,
    handler: type[EndpointHandler],
    streaming: type[StreamHandler],
    routes: Sequence[Route] = ROUTES,
) -> Handlers:
    """Return the table of routes as Tornado wants it.

    Parameters
    ----------
    prefix : str
        What comes before every path.
    site : Site
    pool : Executor
        Where endpoints run: they wait for the disk.
    handler, streaming : type
        Of a server: they know its users.
    routes : sequence of Route
    """
    found: Handlers = []
    for path in dict.fromkeys(route.path for route in routes):
        own = [route for route in routes if route.path == path]
        is_large = any(route.max_body > STREAMED for route in own)
        given = {"routes": own, "site": site, "pool": pool, "prefix": prefix}
        pattern = re.escape(prefix) + pattern_of(path)
        found.append((pattern, streaming if is_large else handler, given))
    return found
