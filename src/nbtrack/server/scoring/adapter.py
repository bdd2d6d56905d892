"""The adapter: the endpoints of scoring as handlers of Tornado."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from tornado import web

from nbtrack.errors import NbtrackError
from nbtrack.server.connections import Application
from nbtrack.server.scoring.access import Guard
from nbtrack.server.scoring.endpoints import ROUTES, ScoringRequest, ScoringResponse, failure
from nbtrack.server.scoring.service import Service
from nbtrack.server.slow_clients import ClientHandler, Transfer

DRAINED = (
    1024 * 1024 * 1024
)  # so much of a body that is too large is read, for its response to arrive


@web.stream_request_body
class ScoringHandler(ClientHandler):
    """Serves all paths; a body that is too large is never held."""

    def initialize(self, service: Service, guard: Guard) -> None:
        """Take what Tornado passes on from the table of handlers."""
        self.service = service
        self.guard = guard
        self.slow_clients = service.slow_clients
        self._transfer: Transfer | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._refused: NbtrackError | None = None

    def set_default_headers(self) -> None:
        """Name no software, and let no browser guess at the content."""
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")

    def compute_etag(self) -> str | None:
        """Answers to scoring are not kept anywhere."""
        return None

    def check_xsrf_cookie(self) -> None:
        """Cookies mean nothing here: what a browser may send is decided by the guard."""

    def prepare(self) -> None:
        """Refuse by the headers, before the body is read."""
        self.service.open_requests += 1
        headers = self.request.headers
        try:
            own = self.guard.own
            is_own = own is not None and own.has(self)
            self.guard.check(self.request.path, headers, is_own=is_own)
        except NbtrackError as error:
            self._refused = error
        length = headers.get("Content-Length", "0")
        if length.isdecimal() and int(length) > self.service.limits.max_body:
            self._refused = self._refused or self._too_large(int(length))
        connection: Any = self.request.connection
        connection.set_max_body_size(DRAINED)
        if headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers:
            self._transfer = self.slow_clients.receiving(self._time_out)
        if self._refused and ("Expect" in headers or int(length or 0) > DRAINED):
            self._send(failure(self._refused, self.service), close=True)

    def on_finish(self) -> None:
        """Count the request as answered."""
        self._end_transfer()
        self.service.open_requests -= 1

    def on_connection_close(self) -> None:
        """Wait no more for a body that does not arrive whole."""
        if self._transfer is not None:
            self._end_transfer()
            self.service.open_requests -= 1
        super().on_connection_close()

    def _end_transfer(self) -> None:
        if self._transfer is not None:
            self._transfer.end()
            self._transfer = None

    def _time_out(self) -> None:
        """Refuse a body that does not come."""
        if not self._finished:
            error = NbtrackError("The body did not come, or too slowly.", "DEADLINE_EXCEEDED")
            self._send(replace(failure(error, self.service), status=408), close=True)

    def data_received(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        if self._transfer is not None:
            self._transfer.moved(len(chunk))
        self._size += len(chunk)
        if self._size > self.service.limits.max_body:
            self._refused = self._refused or self._too_large(self._size)
        if self._refused is None:
            self._pieces.append(chunk)
        else:
            self._pieces.clear()

    async def _serve(self) -> None:
        self._end_transfer()
        if self._finished:
            return
        body = b"".join(self._pieces)
        self._pieces.clear()
        if self._refused is not None:
            self._send(failure(self._refused, self.service))
            return
        path = self.request.path
        methods = ROUTES.get(path)
        if methods is None:
            known = ", ".join(ROUTES)
            error = NbtrackError(
                f"There is nothing at {path[:100]!r}; this server has {known}.",
                "ENDPOINT_NOT_FOUND",
            )
            self._send(failure(error, self.service))
            return
        method = self.request.method or ""
        endpoint = methods.get("GET" if method == "HEAD" else method)
        if endpoint is None:
            self.set_header("Allow", ", ".join(methods))
            error = NbtrackError(
                f"{path} takes {', '.join(methods)}, not {method}.", "METHOD_NOT_ALLOWED"
            )
            self._send(failure(error, self.service))
            return
        request = ScoringRequest(body, self.request.headers.get("Content-Type"))
        answer = await endpoint(self.service, request)
        self._begin(answer)
        await self.end(answer.text.encode())

    get = head = post = put = patch = delete = options = _serve

    def _send(self, answer: ScoringResponse, *, close: bool = False) -> None:
        self._begin(answer)
        if close:
            self.set_header("Connection", "close")
        self.finish(answer.text)

    def _begin(self, answer: ScoringResponse) -> None:
        self.set_status(answer.status)
        self.set_header("Content-Type", "application/json")
        if answer.status == 503:
            self.set_header("Retry-After", "1")
        if answer.status == 401:
            self.set_header("WWW-Authenticate", "Bearer")

    def _too_large(self, size: int) -> NbtrackError:
        return NbtrackError(
            f"The body has {size:,} bytes or more; this server takes at most "
            f"{self.service.limits.max_body:,}. Send fewer rows at once.",
            "BODY_TOO_LARGE",
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with what went wrong as JSON."""
        error = (kwargs.get("exc_info") or (None, None))[1]
        if isinstance(error, (asyncio.CancelledError, web.HTTPError)) or error is None:
            error = NbtrackError(
                f"The request could not be served ({status_code}).",
                "BAD_REQUEST" if status_code < 500 else "INTERNAL_ERROR",
            )
        self.set_header("Content-Type", "application/json")
        self.finish(failure(error, self.service).text)


def application(service: Service, guard: Guard) -> Application:
    """Return the application of a scoring server."""
    return Application(
        [(r".*", ScoringHandler, {"service": service, "guard": guard})],
        log_function=lambda handler: None,  # a server in a notebook prints nothing for a request
    )
