"""The adapter: the table of routes as handlers of Tornado."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from http.client import responses
from pathlib import Path
from typing import Any

from tornado import web
from tornado.iostream import StreamClosedError

from nbtrack.errors import NbtrackError
from nbtrack.server.context import ServerContext
from nbtrack.server.dispatch import dispatch, opened
from nbtrack.server.messages import (
    ERROR_CODE,
    MESSAGE,
    Action,
    FileResponse,
    NoSuchPartError,
    Request,
    Response,
    Route,
    failure,
    part_of,
)
from nbtrack.server.routes import ROUTES
from nbtrack.server.slow_clients import ClientHandler, Transfer
from nbtrack.server.upload_spool import Spool

AUTH_RESOURCE = "nbtrack"
PIECE = 1024 * 1024
DRAINED = 64 * 1024 * 1024  # so much is read of a body that is too large: its response arrives
SMALL = 64 * 1024  # so much of the body of a request that is refused is read, too
_MORE = {"Expect", "Transfer-Encoding"}

_REFUSED = {
    "read": "You may not read the stores of this server.",
    "write": "You may not write the stores of this server.",
    "execute": "This server runs no code for you. Use `nbtrack rerun RUN` where you may run it.",
}
_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "ENDPOINT_NOT_FOUND",
    405: "BAD_REQUEST",
    408: "DEADLINE_EXCEEDED",
}


_EncodedResponse = tuple[Response | FileResponse, bytes]


@web.stream_request_body
class EndpointHandler(ClientHandler):
    """Serves the routes of one path; to be combined with the handler of a server.

    That one says who the user is, and may refuse in ``allows``; it calls ``begin`` when it is
    known who asks. Nothing of a body is taken before, and what is a file is never held.
    """

    context: ServerContext
    pool: Executor
    routes: dict[str, Route]
    prefix: str
    _transfer: Transfer | None = None
    _saving: Awaitable[_EncodedResponse | None] | None = None
    _refused: _EncodedResponse | None = None
    _error: web.HTTPError | None = None
    _is_handed_on = _is_last = False

    def initialize(
        self, routes: Sequence[Route], context: ServerContext, pool: Executor, prefix: str = ""
    ) -> None:
        """Take what Tornado passes on from the table of handlers."""
        self.routes = {route.method: route for route in routes}
        self.context = context
        self.slow_clients = context.slow_clients
        self.pool = pool
        self.prefix = prefix
        self._body = Spool()

    async def allows(self, action: Action) -> bool:
        """Return whether the user may do this."""
        raise NotImplementedError

    async def may_look(self) -> bool:
        """Return whether the user may be told what there is on this machine."""
        raise NotImplementedError

    @web.authenticated
    async def get(self, **path: str) -> None:
        """Answer a GET."""
        await self._serve(path)

    post = put = patch = delete = get

    def begin(self) -> Awaitable[None] | None:
        """Get ready for the body; to be called in ``prepare``, and awaited if there is more to do.

        Raises
        ------
        tornado.web.HTTPError
            If there is no such route.
        """
        route = self._route()
        if route.opens is None:
            self.expect(DRAINED)
            return None
        self.expect(route.max_body, is_held=False)
        return self._check(route, self._request(self.path_kwargs, b""))

    def expect(self, most: int, *, is_held: bool = True) -> None:
        """Take a body of so many bytes, if there is one."""
        headers = self.request.headers
        if headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers:
            connection: Any = self.request.connection
            connection.set_body_timeout(None)  # slow clients are looked after
            connection.set_max_body_size(most)
            self._end_transfer()
            self._transfer = self.slow_clients.receiving(self._time_out, is_held=is_held)

    def refuse(self, error: web.HTTPError) -> None:
        """Refuse a request in ``prepare``: after a small body, so that the connection goes on.

        Raises
        ------
        tornado.web.HTTPError
            If there is more, which is not taken; the connection is closed.
        """
        length = self.request.headers.get("Content-Length", "0")
        is_small = length.isdecimal() and int(length) <= SMALL
        if not is_small or not self.request.headers.keys().isdisjoint(_MORE):
            self._is_last = True
            raise error
        self.expect(SMALL)
        self._error = error

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Take a piece of the body; a disk that is slower than the network makes it wait."""
        if self._transfer is not None:
            self._transfer.moved(len(chunk))
        if self._error is not None:
            return None
        route, body = self.routes[self.request.method or ""], self._body
        if self._refused is not None or (route.opens is None and body.size > route.max_body):
            body.size += len(chunk)  # the response says what is wrong
            return None
        body.feed(chunk)
        return self._save(route) if route.opens is not None and body.is_due else None

    async def _save(self, route: Route) -> None:
        """Have a block written, when the one before is: so at most two are in memory."""
        loop = asyncio.get_running_loop()
        if self._transfer is not None:
            self._transfer.pause()
        if self._saving is None:
            request = self._request(self.path_kwargs, b"")
            self._saving = loop.run_in_executor(
                self.pool, _opened, self.context, route, request, self._body
            )
        self._refused = await self._saving
        if self._refused is None:
            block = self._body.take()
            self._saving = loop.run_in_executor(self.context.writers, _written, self._body, block)
        else:
            self._abandon()
        if self._transfer is not None:
            self._transfer.restart()

    def _abandon(self) -> None:
        """Remove what has come of a file; a block may be under way to the disk."""
        try:
            self.context.writers.submit(self._body.discard)
        except RuntimeError:  # the server stops
            self._body.discard()

    def _time_out(self) -> None:
        """Refuse a body that does not come."""
        if not self._finished:
            self._is_last = True
            error = self._error or web.HTTPError(408)
            self.send_error(error.status_code, exc_info=(web.HTTPError, error, None))

    def on_connection_close(self) -> None:
        """Give up what does not arrive whole."""
        self._end_transfer()
        if self._saving is not None and not self._is_handed_on:
            self._abandon()
        super().on_connection_close()

    def on_finish(self) -> None:
        """Wait no more for a body once there is a response."""
        self._end_transfer()
        super().on_finish()

    def _end_transfer(self) -> None:
        if self._transfer is not None:
            self._transfer.end()
            self._transfer = None

    def _route(self) -> Route:
        route = self.routes.get(self.request.method or "")
        if route is None:
            raise web.HTTPError(405)
        return route

    def _request(self, path: dict[str, str], body: bytes, *, may_look: bool = False) -> Request:
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
            self._body.size,
            may_look,
        )

    async def _check(self, route: Route, request: Request) -> None:
        try:
            action = route.action(request)
        except NbtrackError:
            action = "read"  # the endpoint will say what is wrong with it
        if not await self.allows(action):
            raise web.HTTPError(403, _REFUSED[action])

    async def _serve(self, path: dict[str, str]) -> None:
        self._end_transfer()
        if self._error is not None:
            raise self._error
        route, loop = self._route(), asyncio.get_running_loop()
        if route.opens is not None:
            if self._saving is not None and self._refused is None:
                self._refused = await self._saving
            self._is_handed_on = True
            request = self._request(path, b"")
            answer = self._refused
            if answer is None:
                answer = await loop.run_in_executor(
                    self.context.uploads, _call, self.context, route, request, self._body
                )
        else:
            request = self._request(path, self._body.content(), may_look=await self.may_look())
            await self._check(route, request)
            if route.is_quick is not None and self.context.is_quick(route, request):
                answer = _call(self.context, route, request)
            else:
                answer = await loop.run_in_executor(self.pool, _call, self.context, route, request)
        await self._respond(answer)

    async def _respond(self, answer: _EncodedResponse) -> None:
        response, content = answer
        if isinstance(response, FileResponse):
            await self._send_file(response)
            return
        self.set_status(response.status)
        self.set_header("Cache-Control", "no-store")
        for name, value in response.headers.items():
            self.set_header(name, value)
        kind = "text/plain; charset=utf-8" if isinstance(response.body, str) else "application/json"
        self.set_header("Content-Type", kind)
        await self.end(content)

    async def _send_file(self, response: FileResponse) -> None:
        """Send a file piece by piece, as something to save: it may be anybody's."""
        loop = asyncio.get_running_loop()
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", response.disposition)
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        with response.file, suppress(StreamClosedError):  # who asked may have gone away
            left = self._begin_file(response)
            await self.flush()
            while left is None or left > 0:
                size = PIECE if left is None else min(PIECE, left)
                piece = await loop.run_in_executor(self.pool, response.file.read, size)
                if not piece:
                    break
                left = None if left is None else left - len(piece)
                await self.send(piece)
            await self.finish()

    def _begin_file(self, response: FileResponse) -> int | None:
        """Send the headers of a file, or of a part; return the bytes to send, None for all."""
        if response.size is None:
            return None
        self.set_header("Accept-Ranges", "bytes")
        try:
            part = part_of(response.range, response.size)
        except NoSuchPartError:
            self.set_status(416)
            self.set_header("Content-Range", f"bytes */{response.size}")
            self.set_header("Content-Length", "0")
            return 0
        start, length = part or (0, response.size)
        if part is not None:
            response.file.seek(start)
            self.set_status(206)
            last = start + length - 1
            self.set_header("Content-Range", f"bytes {start}-{last}/{response.size}")
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
        if self._is_last:
            self.set_header("Connection", "close")
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({ERROR_CODE: code, MESSAGE: message}))


def _opened(
    context: ServerContext, route: Route, request: Request, body: Spool
) -> _EncodedResponse | None:
    """Begin the file of a body; return the response where it cannot be kept."""
    folder = opened(context, route, request)
    if isinstance(folder, Path):
        return _tried(lambda: body.open(folder))
    return folder, _text(folder)


def _written(body: Spool, block: list[bytes]) -> _EncodedResponse | None:
    """Write a block; return the response where that fails."""
    return _tried(lambda: body.write(block))


def _tried(work: Callable[[], None]) -> _EncodedResponse | None:
    try:
        work()
    except NbtrackError as error:
        response = failure(error)
        return response, _text(response)
    return None


def _call(
    context: ServerContext, route: Route, request: Request, body: Spool | None = None
) -> _EncodedResponse:
    """Return what an endpoint answers, and its content: that may be megabytes of JSON."""
    response = dispatch(context, route, request, body)
    return response, b"" if isinstance(response, FileResponse) else _text(response)


def _text(response: Response) -> bytes:
    if isinstance(response.body, str):
        return response.body.encode()
    return json.dumps(response.body, allow_nan=False).encode()


Handlers = list[tuple[str, type[EndpointHandler], dict[str, Any]]]


def handlers(
    prefix: str,
    context: ServerContext,
    pool: Executor,
    handler: type[EndpointHandler],
    routes: Sequence[Route] = ROUTES,
) -> Handlers:
    """Return the table of routes as Tornado wants it.

    Parameters
    ----------
    prefix : str
        What comes before every path.
    context : ServerContext
    pool : Executor
        Where endpoints run: they wait for the disk.
    handler : type
        Of a server: it knows its users.
    routes : sequence of Route
    """
    found: Handlers = []
    for path in dict.fromkeys(route.path for route in routes):
        own = [route for route in routes if route.path == path]
        given = {"routes": own, "context": context, "pool": pool, "prefix": prefix}
        found.append((re.escape(prefix) + own[0].pattern, handler, given))
    return found
