"""Runs an endpoint: reads the fields of the request, calls it, turns errors into responses."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from nbtrack.errors import InvalidParameterError, NbtrackError, StoreError
from nbtrack.protocol.errors import FOR_MLFLOW_CLIENTS, http_status
from nbtrack.protocol.fields import read_fields, read_query
from nbtrack.server.messages import ERROR_CODE, MESSAGE, FileResponse, Request, Response, Route
from nbtrack.server.mlflow.artifacts import put_in_run
from nbtrack.server.mlflow.service import ParsedRequest, TrackingService
from nbtrack.server.upload_spool import Spool

T = TypeVar("T")
_log = logging.getLogger("nbtrack.server")


def call_endpoint(
    service: TrackingService, route: Route, request: Request, body: Spool | None = None
) -> Response | FileResponse:
    """Return the response of an endpoint; errors become responses, too."""
    return _tried(route, lambda: route.endpoint(service, _parsed(route, request, body)))


def upload_folder(service: TrackingService, route: Route, request: Request) -> Path | Response:
    """Return the folder in which the file is gathered that a body is, or why it cannot be kept."""
    opens = route.opens
    if opens is None:
        raise TypeError(f"Bodies of {route.path} are no files.")
    return _tried(route, lambda: opens(service, _parsed(route, request, Spool())))


def _tried(route: Route, work: Callable[[], T]) -> T | Response:
    try:
        return work()
    except NbtrackError as error:
        return failure(error)
    except Exception:  # noqa: BLE001  whatever it is, it is answered and logged
        _log.exception("%s %s could not be answered", route.method, route.path)
        failed = NbtrackError("The server failed at this request; its log has the details.")
        return Response(_body(failed), 500)


def _parsed(route: Route, request: Request, body: Spool | None) -> ParsedRequest:
    if request.size > route.max_body:
        raise InvalidParameterError(
            f"Batched logging API requests must be at most {route.max_body} bytes, got a request "
            f"of size {request.size}."
            if route.path.endswith("log-batch")
            else f"The body has {request.size:,} bytes; at most {route.max_body:,} are taken."
        )
    if route.endpoint is put_in_run:
        body = Spool(request.body)
    if route.method == "GET" or body is not None:
        values = read_query(route.fields, request.queries)
    else:
        _check_content(route, request)
        values = read_fields(route.fields, request.parsed())
    return ParsedRequest(
        values, request.path, request.url, request.range, request.authorization, body
    )


def _check_content(route: Route, request: Request) -> None:
    """Refuse what a form of another site could send."""
    if route.method in ("POST", "PATCH") and route.fields:
        kind = request.content_type
        if kind is None:
            raise InvalidParameterError("Bad Request. Content-Type header is missing.")
        if kind.partition(";")[0].strip().lower() != "application/json":
            raise InvalidParameterError(
                "Bad Request. Content-Type must be one of ['application/json']."
            )


def failure(error: NbtrackError) -> Response:
    """Return the response to a request that cannot be served."""
    status = http_status(error, FOR_MLFLOW_CLIENTS)
    if isinstance(error, StoreError) and error.error_code == "INTERNAL_ERROR":
        status = 500
    return Response(_body(error), status)


def _body(error: NbtrackError) -> dict[str, str]:
    return {ERROR_CODE: error.error_code, MESSAGE: str(error)}
