"""The endpoints of a scoring server: coroutines that know no transport."""

from __future__ import annotations

import asyncio
import json
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import TracebackType

from nbtrack.errors import NbtrackError
from nbtrack.models.scoring.payloads import Payload, read_payload
from nbtrack.protocol.errors import http_status
from nbtrack.server.scoring.service import Service

SMALL = 64 * 1024  # bytes; reading more of them would keep the loop from answering others
MAX_MESSAGE = 2000

# What a model's predict raises is about the data that was sent: clients must not repeat it.
_FROM_MODEL = {"INTERNAL_ERROR", "INVALID_STATE", "DATA_LOSS", "NOT_IMPLEMENTED"}


@dataclass(frozen=True)
class ScoringRequest:
    """A request: its body, and the content type that was named for it."""

    body: bytes = b""
    content_type: str | None = None


@dataclass(frozen=True)
class ScoringResponse:
    """A response: a status of HTTP, and a text of JSON or, for ``/ping``, a new line."""

    text: str
    status: int = 200


Endpoint = Callable[[Service, ScoringRequest], Awaitable[ScoringResponse]]


async def ping(service: Service, request: ScoringRequest) -> ScoringResponse:
    """Say that the model is loaded, also while it computes."""
    return ScoringResponse("\n")


async def version(service: Service, request: ScoringRequest) -> ScoringResponse:
    """Return the version of nbtrack."""
    return ScoringResponse(str(import_module("nbtrack").__version__))


async def invocations(service: Service, request: ScoringRequest) -> ScoringResponse:
    """Return predictions for what was sent, in exactly one of the fields but ``params``.

    Or in a table, as CSV or Parquet.
    """
    try:
        async with asyncio.timeout(service.limits.timeout_s):
            try:
                future = service.batches.submit(await _read(service, request))
            except NbtrackError as error:
                return failure(error, service)
            try:
                return ScoringResponse(await asyncio.wrap_future(future))
            except Exception as error:  # noqa: BLE001  a model may raise anything
                return failure(_of_model(error), service, error)
    except TimeoutError:
        return failure(
            NbtrackError(
                f"The answer took longer than {service.limits.timeout_s:g} s. Send fewer rows, or "
                "start the server with a longer timeout.",
                "DEADLINE_EXCEEDED",
            ),
            service,
        )


async def _read(service: Service, request: ScoringRequest) -> Payload:
    if len(request.body) <= SMALL:
        return read_payload(request.body, request.content_type, service.expected)
    return await asyncio.to_thread(
        read_payload, request.body, request.content_type, service.expected
    )


def failure(
    error: NbtrackError, service: Service, cause: Exception | None = None
) -> ScoringResponse:
    """Return the response for what went wrong.

    Parameters
    ----------
    error : NbtrackError
    service : Service
        Its redaction takes home folders and secrets out of the text.
    cause : Exception, optional
        What the model raised.
    """
    trace = _trace(cause) if cause is not None and service.shows_traces else ""
    body = {
        "error_code": error.error_code,
        "message": service.redaction.text(_shortened(str(error))),
        "stack_trace": service.redaction.text(trace),
    }
    return ScoringResponse(json.dumps(body), http_status(error))


def _of_model(error: Exception) -> NbtrackError:
    """Return what a model's error means to who asked: the data was not what it takes."""
    if not isinstance(error, NbtrackError):
        return NbtrackError(
            f"The model failed: {type(error).__name__}: {error}. Look whether the data is what it "
            "takes.",
            "BAD_REQUEST",
        )
    if error.error_code in _FROM_MODEL and not _is_our_own(error):
        return NbtrackError(str(error), "BAD_REQUEST")
    return error


def _is_our_own(error: NbtrackError) -> bool:
    """Return whether an error is of scoring itself, such as predictions without a form in JSON."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and _is_ours(last)


def _is_ours(place: TracebackType) -> bool:
    name = str(place.tb_frame.f_globals.get("__name__", ""))
    return name.startswith(("nbtrack.models.scoring.", "nbtrack.server.", "concurrent."))


def _trace(error: BaseException) -> str:
    """Return a stack trace whose files are named from their package on."""
    roots = sorted((str(Path(entry).absolute()) for entry in sys.path if entry), key=len)
    lines = []
    inner = error.__traceback__
    while inner is not None and inner.tb_next is not None and _is_ours(inner):
        inner = inner.tb_next
    for line in traceback.format_exception(type(error), error, inner):
        shown = line
        for root in reversed(roots):
            shown = shown.replace(f'"{root}/', '"')
        lines.append(shown)
    return "".join(lines)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE else f"{text[:MAX_MESSAGE]}..."


ROUTES: dict[str, dict[str, Endpoint]] = {
    "/invocations": {"POST": invocations},
    "/ping": {"GET": ping},
    "/health": {"GET": ping},
    "/version": {"GET": version},
}
"""The endpoint of each path and method."""
