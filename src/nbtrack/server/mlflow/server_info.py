"""Health, version and server information; and the error for endpoints that do not exist."""

from __future__ import annotations

from nbtrack.errors import NbtrackError
from nbtrack.protocol.endpoints import PROTOCOL_VERSION
from nbtrack.server.messages import Response
from nbtrack.server.mlflow.service import ParsedRequest, TrackingService


def health(service: TrackingService, request: ParsedRequest) -> Response:
    """Say that the server answers."""
    return Response("OK")


def version(service: TrackingService, request: ParsedRequest) -> Response:
    """Return the version of MLflow whose protocol is spoken."""
    return Response(PROTOCOL_VERSION)


def server_info(service: TrackingService, request: ParsedRequest) -> Response:
    """Return what clients adapt to."""
    proxied = service.proxy.proxied
    return Response(
        {
            "store_type": "SqlStore",
            "workspaces_enabled": False,
            "trace_archival_enabled": False,
            "artifact_serving_enabled": proxied,
            "multipart_uploads_enabled": False,
            "multipart_downloads_enabled": False,
            "presigned_upload_run_id_supported": False,
            "presigned_upload_model_id_supported": False,
            "features_enabled": {"gateway": False},
        }
    )


def absent(service: TrackingService, request: ParsedRequest) -> Response:
    """Say that there is no such endpoint: clients do without it then."""
    raise NbtrackError(
        "This server does not have this endpoint: it serves experiments, runs, artifacts, logged "
        "models and the model registry; traces, prompts and the gateway it does not.",
        "ENDPOINT_NOT_FOUND",
    )
