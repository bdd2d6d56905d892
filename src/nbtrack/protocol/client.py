"""MLflow's REST protocol, spoken to a server: JSON calls, pages, and files up and down.

Connections stay open and are used again. A call that is safe to repeat is repeated while the
server is overloaded or away; a connection that the server has closed meanwhile is opened again.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, BinaryIO, cast
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from nbtrack import variables
from nbtrack.config import split_server
from nbtrack.errors import ServerDeniedError, ServerUnreachableError
from nbtrack.protocol.artifact_urls import PROXY
from nbtrack.protocol.credentials import Credentials, tls
from nbtrack.protocol.endpoints import LIST_PROXIED, Endpoint
from nbtrack.protocol.errors import error_of

CHUNK = 1 << 20
RETRIED = {408, 429, 500, 502, 503, 504}
AWAY = {408, 429, 502, 503, 504}
MAX_PAUSE_S = 10.0

Json = dict[str, Any]
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class RestClient:
    """Speaks to one server; thread-safe.

    Parameters
    ----------
    url : str
        Such as ``http://localhost:5000``, with a path where the server is mounted below one;
        a name and a password in it are used and shown nowhere.
    timeout_s : float, optional
        How long a response is waited for; by default ``MLFLOW_HTTP_REQUEST_TIMEOUT`` or 120 s.
    retries : int, optional
        How often a call is repeated; by default ``MLFLOW_HTTP_REQUEST_MAX_RETRIES`` or 7.

    anonymous : bool
        Whether the server is not told who the user is.

    Attributes
    ----------
    url : str
        Without a name and a password.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float | None = None,
        retries: int | None = None,
        anonymous: bool = False,
    ) -> None:
        self.url, username, password = split_server(url)
        self.credentials = Credentials(username, password)
        self._anonymous = anonymous
        parts = urlsplit(self.url)
        self._https = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._https else 80)
        self._base = parts.path
        self.timeout_s = timeout_s or variables.HTTP_REQUEST_TIMEOUT.get()
        self.retries = variables.HTTP_REQUEST_MAX_RETRIES.get() if retries is None else retries
        self._guard = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []
        # no __del__: in a cycle the sockets would be finalized in any order, some while open
        self._finalizer = weakref.finalize(self, _close_all, self._idle)

    def __repr__(self) -> str:
        return f"RestClient({self.url!r})"

    def after_fork(self) -> None:
        """Leave the connections, and their lock, to the parent."""
        self._finalizer.detach()
        self._guard, self._idle = threading.Lock(), []
        self._finalizer = weakref.finalize(self, _close_all, self._idle)

    def close(self) -> None:
        """Close the connections that nobody uses; the next call opens one."""
        with self._guard:
            idle = self._idle[:]
            self._idle.clear()
        _close_all(idle)

    # -- JSON ----------------------------------------------------------------------------

    def call(
        self,
        endpoint: Endpoint,
        fields: Mapping[str, Any] = _NOTHING,
        *,
        timeout_s: float | None = None,
        retries: int | None = None,
        repeatable: bool = True,
    ) -> Json:
        """Call an endpoint and return the JSON object of its response.

        Parameters
        ----------
        endpoint : Endpoint
        fields : mapping
            Those of the request, and the parts of the path. In a query what is None is left out,
            and a list gives its key several times.
        timeout_s : float, optional
        retries : int, optional
        repeatable : bool
            Whether the call may be done twice: then it is repeated too where nobody knows
            whether the server has done it.

        Raises
        ------
        ServerUnreachableError
            If there is no response, or only that the server is overloaded or away.
        ServerDeniedError
            If the server does not let this user do it.
        NbtrackError
            What the server says otherwise, with its code and its words.
        TypeError
            If the endpoint has no such field.
        """
        query, body = _NOTHING, None
        if endpoint.method == "GET":
            query = {name: fields[name] for name in fields if name not in endpoint.parts}
        elif fields.keys() - endpoint.parts:
            body = json.dumps(dict(fields)).encode()  # a part of the path is in it again
        return self._json(
            endpoint.method,
            self._target(endpoint.place(fields), query),
            body,
            endpoint.label(fields),
            timeout_s=timeout_s,
            retries=self.retries if retries is None else retries,
            repeatable=repeatable,
        )

    def pages(
        self,
        endpoint: Endpoint,
        fields: Mapping[str, Any],
        name: str,
        *,
        timeout_s: float | None = None,
        retries: int | None = None,
    ) -> Iterator[Json]:
        """Yield what lies on all pages of a search.

        Parameters
        ----------
        endpoint : Endpoint
        fields : mapping
            What is searched for; the page token is added.
        name : str
            The field of the response that holds a page.
        timeout_s : float, optional
        retries : int, optional
        """
        token: str | None = None
        while True:
            asked = {**fields, "page_token": token} if token else fields
            response = self.call(endpoint, asked, timeout_s=timeout_s, retries=retries)
            yield from response.get(name) or ()
            token = response.get("next_page_token")
            if not token:
                return

    # -- files ---------------------------------------------------------------------------

    def upload(self, path: str, content: BinaryIO, size: int) -> None:
        """Put a file below the server's artifacts, in constant memory.

        Parameters
        ----------
        path : str
            As in ``mlflow-artifacts:/<path>``.
        content : binary stream
        size : int
            Its number of bytes.
        """
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        target = self._target(f"{PROXY}/{quote(path)}")
        with self._response("PUT", target, content, headers, None, repeatable=False) as response:
            self._read(response.status, response.read(), f"the file {path}")

    @contextmanager
    def download(self, path: str) -> Iterator[BinaryIO]:
        """Open a file of the server's artifacts; it is read as it comes.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        target = self._target(f"{PROXY}/{quote(path)}")
        with self._response("GET", target, None, {}, None) as response:
            if response.status != 200:
                self._read(response.status, response.read(), f"the file {path}")
            yield cast(BinaryIO, response)

    def files(self, path: str) -> list[Json]:
        """Return what lies directly in a folder of the server's artifacts, by its last name."""
        found = self.call(LIST_PROXIED, {"path": path or None}).get("files") or []
        return [entry for entry in found if isinstance(entry, dict)]

    def delete_files(self, path: str) -> None:
        """Remove a file or a folder from the server's artifacts."""
        place = f"{PROXY}/{quote(path)}"
        self._json("DELETE", self._target(place), None, place, retries=self.retries)

    # -- the wire ------------------------------------------------------------------------

    def _target(self, path: str, query: Mapping[str, Any] = _NOTHING) -> str:
        known = [(key, value) for key, value in query.items() if value is not None]
        place = self._base + path
        return f"{place}?{urlencode(known, doseq=True)}" if known else place

    def _json(
        self,
        method: str,
        target: str,
        data: bytes | None,
        what: str,
        *,
        retries: int,
        timeout_s: float | None = None,
        repeatable: bool = True,
    ) -> Json:
        """Send a request, again while it may help, and return the object of its response."""
        headers = {"Content-Type": "application/json"} if data is not None else {}
        for attempt in range(retries + 1):
            try:
                with self._response(
                    method, target, data, headers, timeout_s, repeatable=repeatable
                ) as response:
                    text = response.read()
                    if (
                        response.status not in RETRIED
                        or attempt == retries
                        or not (repeatable or response.status in (429, 503))
                    ):
                        return self._read(response.status, text, what)
            except ServerUnreachableError as error:
                if attempt == retries or not (repeatable or error.json_kwargs.get("unsent")):
                    raise
            time.sleep(min(MAX_PAUSE_S, 0.1 * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311
        raise AssertionError("a loop that always returns or raises")

    @contextmanager
    def _response(
        self,
        method: str,
        target: str,
        data: bytes | BinaryIO | None,
        headers: Mapping[str, str],
        timeout_s: float | None,
        *,
        repeatable: bool = True,
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request; a connection that the server has closed while idle is made anew."""
        wait = timeout_s or self.timeout_s
        sent = {"User-Agent": "nbtrack", "Accept": "*/*", **headers}
        allowed = None if self._anonymous else self.credentials.header()
        if allowed is not None:
            sent["Authorization"] = allowed
        connection = self._idle_connection(wait)
        used = connection is not None
        connection = connection or self._new_connection(wait)
        unsent = True
        kept = False
        try:
            try:
                if connection.sock is None:
                    connection.connect()
                unsent = False
                connection.request(method, target, body=data, headers=sent)
                response = connection.getresponse()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                connection.close()
                if not used or not repeatable or not (data is None or isinstance(data, bytes)):
                    raise
                connection = self._new_connection(wait)
                connection.request(method, target, body=data, headers=sent)
                response = connection.getresponse()
            yield response
            kept = not response.will_close and response.isclosed()
        except (OSError, http.client.HTTPException) as error:
            raise ServerUnreachableError(
                f"The tracking server {self.url} cannot be reached "
                f"({type(error).__name__}: {error}). Check that it runs and that the address is "
                "right.",
                unsent=unsent,
            ) from error
        finally:
            if kept:
                with self._guard:
                    self._idle.append(connection)
            else:
                connection.close()

    def _idle_connection(self, timeout_s: float) -> http.client.HTTPConnection | None:
        """Return a connection that is open and idle, or None."""
        with self._guard:
            if not self._idle:
                return None
            found = self._idle.pop()
        found.timeout = timeout_s
        if found.sock is not None:
            found.sock.settimeout(timeout_s)
        return found

    def _new_connection(self, timeout_s: float) -> http.client.HTTPConnection:
        proxy = None if proxy_bypass(self._host) else getproxies().get(self._scheme)
        host, port = self._host, self._port
        if proxy:
            via = urlsplit(proxy if "//" in proxy else f"//{proxy}")
            host, port = via.hostname or host, via.port or 80
        made: http.client.HTTPConnection
        if self._https:
            made = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=tls())
        else:
            made = http.client.HTTPConnection(host, port, timeout=timeout_s)
        if proxy:
            made.set_tunnel(self._host, self._port)
        made.blocksize = CHUNK
        return made

    @property
    def _scheme(self) -> str:
        return "https" if self._https else "http"

    def _read(self, status: int, text: bytes, what: str) -> Json:
        """Return the object of a response, or raise what it says."""
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            found = None
        if 200 <= status < 300:
            return found if isinstance(found, dict) else {}
        body = found if isinstance(found, dict) and "error_code" in found else {}
        code = str(body.get("error_code") or "")
        message = str(body.get("message") or f"HTTP status {status}")
        if status in (401, 403):
            raise ServerDeniedError(
                f"The tracking server {self.url} does not let this user in or refuses {what!r} "
                f"(HTTP status {status}). Set MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN."
            )
        if status in AWAY:
            raise ServerUnreachableError(
                f"The tracking server {self.url} is overloaded or away: {message} ({what}). Try "
                "again later.",
                unsent=False,
            )
        if not code:
            code = "ENDPOINT_NOT_FOUND" if status == 404 else "INTERNAL_ERROR"
            message = f"The tracking server {self.url} answered HTTP status {status} to {what!r}."
            if 300 <= status < 400:
                message += " It leads elsewhere: use the address that it leads to (https?)."
            if status == 404:
                message += " Is this the address of an MLflow or nbtrack server?"
            elif 400 <= status < 500:
                code = "BAD_REQUEST"
        raise error_of(code, message, status)


def _close_all(connections: list[http.client.HTTPConnection]) -> None:
    while connections:
        connections.pop().close()
