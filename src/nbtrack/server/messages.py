"""A request, a response, and the route between them, without a transport."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal
from urllib.parse import quote

from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.protocol.errors import FOR_PAGES, http_status

STORE = "store"
ERROR_CODE = "error_code"
MESSAGE = "message"
STORE_NOT_FOUND = "STORE_NOT_FOUND"
MAX_BODY = 1024 * 1024

_TOKEN = re.compile(r"[\w!#$&'*+.^`|~-]+", re.ASCII)
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


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
    may_look : bool
        Whether who asks may be told what there is on this machine.
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
    may_look: bool = False
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

    @property
    def disposition(self) -> str:
        """The header that has it saved; clients that know no ``filename*`` get ASCII."""
        if _TOKEN.fullmatch(self.name):
            return f"attachment; filename={self.name}"
        plain = re.sub(r'[^ -~]|["\\%]', "_", self.name)
        return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(self.name)}"


class UnknownStoreError(NotFoundError):
    """The server does not know the store; the kernel that has it may answer."""

    code = STORE_NOT_FOUND


def failure(error: NbtrackError) -> Response:
    """Return the response to a request that cannot be served; the user's errors are 4xx."""
    status = http_status(error, FOR_PAGES)
    return Response({ERROR_CODE: error.error_code, MESSAGE: str(error)}, status)


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


class NoSuchPartError(Exception):
    """The part that is wanted lies behind the end of the file."""


def part_of(wanted: str | None, size: int | None) -> tuple[int, int] | None:
    """Return where a part begins and how long it is; None for the whole file.

    Several parts at once, and what makes no sense, count as the whole.

    Raises
    ------
    NoSuchPartError
        If nothing of the part is there.
    """
    match = _RANGE.fullmatch((wanted or "").strip())
    if match is None or size is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if any(len(number) > 18 for number in (first, last)):
        raise NoSuchPartError
    if not first:
        start, end = max(0, size - int(last)), size - 1
        if int(last) == 0:
            raise NoSuchPartError
    else:
        start, end = int(first), min(int(last) if last else size - 1, size - 1)
        if last and int(last) < start:
            return None
    if start >= size:
        raise NoSuchPartError
    return start, end - start + 1


Action = Literal["read", "write", "execute"]
Scope = Literal["store", "context", "tracking"]


@dataclass(frozen=True)
class Route:
    """One endpoint.

    Attributes
    ----------
    method : str
        Of HTTP.
    path : str
        Below the prefix; ``{name}`` stands for one part of it, ``{name:path}`` for all the rest.
    endpoint : callable
        Takes the store, the context or what is tracked to, and a request.
    scope : {"store", "context", "tracking"}
        What the endpoint takes; the store is named by ``?store=<id>``. Of scope ``tracking`` is
        MLflow's protocol.
    max_body : int
        Bytes.
    action : callable
        Whether a request reads or writes, for the server's authorizer.
    fields : tuple
        Of scope ``tracking``: the fields of the request, see ``nbtrack.protocol.fields``.
    opens : callable, optional
        Of scope ``tracking``, where the body is a file of any size: asked before more of it is
        taken than memory should hold, it returns the folder in which the file is gathered, and
        raises if it cannot be kept.
    is_quick : callable, optional
        Whether a request is answered without a look at the disk's database: then no thread is
        asked for it.
    """

    method: str
    path: str
    endpoint: Callable[[Any, Any], Response | FileResponse]
    scope: Scope
    max_body: int = MAX_BODY
    action: Callable[[Request], Action] = lambda _request: "read"
    fields: tuple[Any, ...] = ()
    opens: Callable[[Any, Any], Path] | None = None
    is_quick: Callable[[Any, Request], bool] | None = None

    @property
    def pattern(self) -> str:
        """The regular expression of its path."""
        parts = re.split(r"\{(\w+)(:path)?\}", self.path)
        made = re.escape(parts[0])
        for name, is_rest, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            made += f"(?P<{name}>{'.+' if is_rest else '[^/]+'})" + re.escape(after)
        return made + "/?" if self.path.endswith("}") else made
