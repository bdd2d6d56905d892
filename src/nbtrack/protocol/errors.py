"""Errors on the wire: which code is which class, and which HTTP status."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from nbtrack.errors import (
    HTTP_STATUS,
    AlreadyExistsError,
    InvalidParameterError,
    NbtrackError,
    NotFoundError,
)

STATUS: dict[str, int] = {
    **HTTP_STATUS,
    "STORE_NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "BODY_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "DEADLINE_EXCEEDED": 504,
}
"""The status of each code; of every other one it is 400."""

FOR_MLFLOW_CLIENTS: dict[str, int] = {"INTERNAL_ERROR": 400, "INVALID_STATE": 400}
"""MLflow answers 500 to these; its clients ask for a 500 again for minutes."""

FOR_PAGES: dict[str, int] = {
    "INTERNAL_ERROR": 409,
    "INVALID_STATE": 409,
    "DATA_LOSS": 422,
    "NOT_IMPLEMENTED": 422,
    "TEMPORARILY_UNAVAILABLE": 423,
    "UNAUTHENTICATED": 424,  # the store's server asks for a password, and this one has let them in
}
"""In MLflow's protocol these are the server's fault; here they are what the user has to know."""

_CLASSES: dict[str, type[NbtrackError]] = {
    "INVALID_PARAMETER_VALUE": InvalidParameterError,
    "BAD_REQUEST": InvalidParameterError,
    "RESOURCE_DOES_NOT_EXIST": NotFoundError,
    "NOT_FOUND": NotFoundError,
    "ENDPOINT_NOT_FOUND": NotFoundError,
    "RESOURCE_ALREADY_EXISTS": AlreadyExistsError,
}


def http_status(error: NbtrackError, overrides: Mapping[str, int] | None = None) -> int:
    """Return the status that an error is answered with; ``overrides`` come first."""
    code = error.error_code
    return {**STATUS, **(overrides or {})}.get(code, 400)


def error_of(code: str, message: str, status: int) -> NbtrackError:
    """Return the error that a server's code means; ``status_of`` knows its status."""
    return _CLASSES.get(code, NbtrackError)(message, code, status=status)


def status_of(error: NbtrackError) -> int:
    """Return the status that a server has answered an error with; 500 where it was no response."""
    return int(error.json_kwargs.get("status") or 500)


class Missing(Enum):
    """What a server does not have, or has deleted."""

    RUN = "run"
    TAG = "tag"


def missing_at_server(error: NbtrackError) -> Missing | None:
    """Return what is not there that a request about a run was for; None if it is something else.

    MLflow's servers have one code for both, and say only in English what is meant.
    """
    text = str(error)
    if isinstance(error, NotFoundError):
        return Missing.TAG if "tag" in text.lower() else Missing.RUN
    return Missing.RUN if "must be in the 'active' state" in text else None
