"""A request and a reply, without a transport."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from nbtrack.errors import HTTP_STATUS, InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.server import wire

# In MLflow's protocol these are the server's fault; here they are what the user has to know.
_STATUS = {
    **HTTP_STATUS,
    "INTERNAL_ERROR": 409,
    "INVALID_STATE": 409,
    "DATA_LOSS": 422,
    "TEMPORARILY_UNAVAILABLE": 423,
    "NOT_IMPLEMENTED": 422,
    wire.STORE_NOT_FOUND: 404,
    "BODY_TOO_LARGE": 413,
}


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes
    ----------
    query : mapping of str to str
        The parameters of the URL; of several with one name the last.
    body : bytes
    """

    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

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
class Reply:
    """What is answered: a status of HTTP and a JSON object."""

    body: Mapping[str, Any]
    status: int = 200


@dataclass(frozen=True)
class FileReply:
    """A file as the answer; who sends it closes it.

    Attributes
    ----------
    file : BinaryIO
    name : str
        Under which it is saved.
    """

    file: BinaryIO
    name: str


class UnknownStoreError(NotFoundError):
    """The server does not know the store; the kernel that has it may answer."""

    code = wire.STORE_NOT_FOUND


def failure(error: NbtrackError) -> Reply:
    """Return the reply to a request that cannot be served; the user's errors are 4xx."""
    status = _STATUS.get(error.error_code, 400)
    return Reply({wire.ERROR_CODE: error.error_code, wire.MESSAGE: str(error)}, status)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
