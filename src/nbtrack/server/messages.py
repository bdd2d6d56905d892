"""A request and a response, without a transport."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.protocol.errors import FOR_PAGES, http_status
from nbtrack.server import wire


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes
    ----------
    query : mapping of str to str
        The parameters of the URL; of several with one name the last.
    body : bytes
    queries : mapping of str to list of str
        The parameters of the URL, all of them.
    path : mapping of str to str
        The parts of the path that have names in the table of routes.
    url : str
        Of the server, as who asks calls it.
    content_type, range, authorization : str, optional
        Headers.
    size : int
        Bytes of the body, which is only there up to what may be sent.
    """

    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    queries: Mapping[str, list[str]] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    content_type: str | None = None
    range: str | None = None
    authorization: str | None = None
    size: int = 0
    _parsed: list[dict[str, Any]] = field(default_factory=list, repr=False)

    def parsed(self) -> dict[str, Any]:
        """Return the body as MLflow reads one: what is no JSON object counts as an empty one."""
        if not self._parsed:
            self._parsed.append(_lenient(self.body))
        return self._parsed[0]

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises
        ------
        InvalidParameterError
            If it is none.
        """
        try:
            found = json.loads(self.body or b"{}", parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidParameterError(f"The body of the request is no JSON: {error}") from None
        if not isinstance(found, dict):
            raise InvalidParameterError("The body of the request must be a JSON object.")
        return found


@dataclass(frozen=True)
class Response:
    """What is answered: a status of HTTP, and a JSON object or plain text."""

    body: Mapping[str, Any] | str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FileResponse:
    """A file as the response; who sends it closes it.

    Attributes
    ----------
    file : BinaryIO
    name : str
        Under which it is saved.
    size : int, optional
        Bytes, where that is known.
    range : str, optional
        The part of it that is wanted, as HTTP writes it.
    """

    file: BinaryIO
    name: str
    size: int | None = None
    range: str | None = None


class UnknownStoreError(NotFoundError):
    """The server does not know the store; the kernel that has it may answer."""

    code = wire.STORE_NOT_FOUND


def failure(error: NbtrackError) -> Response:
    """Return the response to a request that cannot be served; the user's errors are 4xx."""
    status = http_status(error, FOR_PAGES)
    return Response({wire.ERROR_CODE: error.error_code, wire.MESSAGE: str(error)}, status)


def _lenient(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body) if body else {}
        if isinstance(found, str):  # older clients encode twice
            found = json.loads(found)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
