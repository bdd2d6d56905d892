"""The error tree of nbtrack.

::

    NbtrackError                    INTERNAL_ERROR
    ├── InvalidParameterError       INVALID_PARAMETER_VALUE
    ├── NotFoundError               RESOURCE_DOES_NOT_EXIST
    ├── AlreadyExistsError          RESOURCE_ALREADY_EXISTS
    ├── InvalidStateError           INVALID_STATE
    ├── MissingDependencyError      NOT_IMPLEMENTED
    ├── UntrustedError              PERMISSION_DENIED
    ├── ProjectError                INTERNAL_ERROR
    └── StoreError                  INTERNAL_ERROR
        ├── StoreLockedError        TEMPORARILY_UNAVAILABLE
        ├── StoreReadOnlyError      PERMISSION_DENIED
        ├── StoreCorruptError       DATA_LOSS
        ├── DiskFullError           RESOURCE_EXHAUSTED
        ├── ServerUnreachableError  TEMPORARILY_UNAVAILABLE
        └── ServerDeniedError       UNAUTHENTICATED

``NbtrackError`` is also importable as ``MlflowException`` from
``nbtrack.exceptions``; the codes and their HTTP status are MLflow's.
A message says what happened, with the value, and what to do next.
"""

from __future__ import annotations

import json
import sys
import sysconfig
import warnings
from types import FrameType, TracebackType
from typing import Any

HTTP_STATUS: dict[str, int] = {
    "INVALID_PARAMETER_VALUE": 400,
    "RESOURCE_ALREADY_EXISTS": 400,
    "BAD_REQUEST": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "ENDPOINT_NOT_FOUND": 404,
    "NOT_FOUND": 404,
    "RESOURCE_CONFLICT": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL_ERROR": 500,
    "INVALID_STATE": 500,
    "DATA_LOSS": 500,
    "NOT_IMPLEMENTED": 501,
    "TEMPORARILY_UNAVAILABLE": 503,
}
ERROR_NUMBERS: dict[str, int] = {
    "INTERNAL_ERROR": 1,
    "TEMPORARILY_UNAVAILABLE": 2,
    "IO_ERROR": 3,
    "BAD_REQUEST": 4,
    "SERVICE_UNDER_MAINTENANCE": 5,
    "DEADLINE_EXCEEDED": 7,
    "CANCELLED": 8,
    "RESOURCE_EXHAUSTED": 9,
    "ABORTED": 10,
    "NOT_FOUND": 11,
    "ALREADY_EXISTS": 12,
    "UNAUTHENTICATED": 13,
    "INVALID_PARAMETER_VALUE": 1000,
    "ENDPOINT_NOT_FOUND": 1001,
    "MALFORMED_REQUEST": 1002,
    "INVALID_STATE": 1003,
    "PERMISSION_DENIED": 1004,
    "FEATURE_DISABLED": 1005,
    "CUSTOMER_UNAUTHORIZED": 1006,
    "REQUEST_LIMIT_EXCEEDED": 1007,
    "RESOURCE_CONFLICT": 1008,
    "UNPARSEABLE_HTTP_ERROR": 1009,
    "NOT_IMPLEMENTED": 1010,
    "DATA_LOSS": 1011,
    "INVALID_STATE_TRANSITION": 2001,
    "COULD_NOT_ACQUIRE_LOCK": 2002,
    "RESOURCE_ALREADY_EXISTS": 3001,
    "RESOURCE_DOES_NOT_EXIST": 3002,
    "QUOTA_EXCEEDED": 4001,
    "RESOURCE_LIMIT_EXCEEDED": 5002,
}
"""The numbers of the codes in MLflow's protocol."""


_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


class NbtrackError(Exception):
    """Base of every error that nbtrack raises.

    Parameters
    ----------
    message : str
        What happened, with the value, and what to do next.
    error_code : str or int, optional
        One of MLflow's error codes, such as ``"INVALID_PARAMETER_VALUE"``, or its number;
        by default the one of the class.
    **details
        More keys of the JSON body.

    Examples
    --------
    >>> from nbtrack.errors import NbtrackError
    >>> try:
    ...     nbtrack.get_run("f" * 32)
    ... except NbtrackError as error:
    ...     print(error.error_code, error.get_http_status_code())
    RESOURCE_DOES_NOT_EXIST 404
    >>> NbtrackError.invalid_parameter_value("too large", limit=10).serialize_as_json()
    '{"limit": 10, "error_code": "INVALID_PARAMETER_VALUE", "message": "too large"}'
    """

    code = "INTERNAL_ERROR"

    def __init__(self, message: str, error_code: str | int | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        if isinstance(error_code, int):
            names = {number: name for name, number in ERROR_NUMBERS.items()}
            error_code = names.get(error_code, self.code)
        self.error_code = error_code or self.code
        self.json_kwargs = details

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows below a cell: the user's lines and the message."""
        return short_traceback(self)

    def get_http_status_code(self) -> int:
        """Return the HTTP status that MLflow gives to this error's code."""
        return HTTP_STATUS.get(self.error_code, 500)

    def serialize_as_json(self) -> str:
        """Return the error as the JSON body of an MLflow REST answer."""
        body = {**self.json_kwargs, "error_code": self.error_code, "message": self.message}
        return json.dumps(body)

    @classmethod
    def invalid_parameter_value(cls, message: str, **details: Any) -> NbtrackError:
        """Return an error with the code ``INVALID_PARAMETER_VALUE``.

        Parameters
        ----------
        message, **details
            As in the class.
        """
        return InvalidParameterError(message, **details)


class InvalidParameterError(NbtrackError):
    """A value that was passed in cannot be used."""

    code = "INVALID_PARAMETER_VALUE"


class NotFoundError(NbtrackError):
    """What was asked for does not exist in the store."""

    code = "RESOURCE_DOES_NOT_EXIST"


class AlreadyExistsError(NbtrackError):
    """Something with this name exists already."""

    code = "RESOURCE_ALREADY_EXISTS"


class InvalidStateError(NbtrackError):
    """The operation does not fit the state that the object is in."""

    code = "INVALID_STATE"


class MissingDependencyError(NbtrackError):
    """A package that this operation needs is not installed."""

    code = "NOT_IMPLEMENTED"


class UntrustedError(NbtrackError):
    """Code that is not the user's own would have run."""

    code = "PERMISSION_DENIED"


class ProjectError(NbtrackError):
    """A project cannot be run, or its run has failed."""


class StoreError(NbtrackError):
    """The store cannot do what it was asked for."""


class StoreLockedError(StoreError):
    """Another process holds the database, and this operation cannot wait."""

    code = "TEMPORARILY_UNAVAILABLE"


class StoreReadOnlyError(StoreError):
    """The folder of the store cannot be written."""

    code = "PERMISSION_DENIED"


class StoreCorruptError(StoreError):
    """The database file is damaged or is no nbtrack database."""

    code = "DATA_LOSS"


class DiskFullError(StoreError):
    """The disk of the store is full."""

    code = "RESOURCE_EXHAUSTED"


class ServerUnreachableError(StoreError):
    """A tracking server does not answer, or says that it cannot now."""

    code = "TEMPORARILY_UNAVAILABLE"


class ServerDeniedError(StoreError):
    """A tracking server does not let this user in, or not do this."""

    code = "UNAUTHENTICATED"


class NbtrackWarning(UserWarning):
    """Something went wrong in the background; it is said once, by name."""


def short_traceback(error: BaseException) -> list[str]:
    """Return an error as IPython shows it, with the lines of the user alone.

    ``%tb`` shows all, and so does ``%xmode Verbose``. IPython asks the class of an error for it,
    so no handler of the user or of a library is replaced.

    Parameters
    ----------
    error : BaseException
        An error of nbtrack; its method ``_render_traceback_`` returns this.
    """
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    shown: Any = shell.InteractiveTB
    trace = error.__traceback__
    # while a cell fails, its error is being handled; %tb asks for it afterwards
    if sys.exception() is not error or shown.mode == "Verbose":
        return list(shown.structured_traceback(type(error), error, trace))
    chain = error.__cause__, error.__context__, error.__suppress_context__
    if _is_ours(error.__cause__ or error.__context__):
        error.__cause__ = error.__context__ = None
    try:
        return list(shown.structured_traceback(type(error), error, _of_user(trace), tb_offset=0))
    finally:
        error.__cause__, error.__context__, error.__suppress_context__ = chain


def _is_ours(error: BaseException | None) -> bool:
    """Return whether an error was caught, and so translated, in nbtrack."""
    trace = None if error is None else error.__traceback__
    return trace is not None and _is_nbtrack(trace.tb_frame)


def _is_nbtrack(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == "nbtrack"


def _of_user(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the lines of nbtrack and of other packages."""
    whole = trace
    own: list[TracebackType] = []
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not _is_nbtrack(trace.tb_frame) and not file.startswith(_LIBRARIES):
            own.append(trace)
        trace = trace.tb_next
    kept: TracebackType | None = None
    for each in reversed(own):
        kept = TracebackType(kept, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return kept or whole


def warn(message: str, stacklevel: int = 2) -> None:
    """Tell the user about something that must not stop the work, whatever the warning filters.

    It names the line that has called nbtrack, where there is one.
    """
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and _is_nbtrack(frame):
        frame, level = frame.f_back, level + 1
    try:
        warnings.warn(
            message, NbtrackWarning, stacklevel=stacklevel + 1 if frame is None else level
        )
    except NbtrackWarning:
        sys.stderr.write(f"nbtrack: {message}\n")
