"""Logged models."""

from __future__ import annotations

import json
from typing import Any

from nbtrack.entities import LoggedModel
from nbtrack.errors import InvalidParameterError
from nbtrack.protocol import decode, encode
from nbtrack.protocol.fields import MODEL_STATUS_NAMES
from nbtrack.server.messages import FileResponse, Response
from nbtrack.server.mlflow.artifact_proxy import Target, checked_path
from nbtrack.server.mlflow.artifacts import opened
from nbtrack.server.mlflow.service import ParsedRequest, TrackingService
from nbtrack.store import MODEL_VERSIONS_TAG, get_logged_model
from nbtrack.validation import missing

MAX_RESULTS = 50


def _shown(service: TrackingService, found: LoggedModel) -> encode.Json:
    return encode.logged_model(found, service.proxy.of_model(found), _registrations(found))


def _registrations(found: LoggedModel) -> list[encode.Json]:
    try:
        listed = json.loads(found.tags.get(MODEL_VERSIONS_TAG, "[]"))
        return [{"name": str(v["name"]), "version": str(v["version"])} for v in listed]
    except (ValueError, TypeError, KeyError):
        return []


def create(service: TrackingService, request: ParsedRequest) -> Response:
    """Make a logged model that is PENDING."""
    from nbtrack.tracking.logged_models import initialize

    found = initialize(
        service.store,
        request["name"] or None,
        run_id=request["source_run_id"] or None,
        experiment_id=request["experiment_id"],
        params=decode.tags(request["params"]),
        tags=decode.tags(request["tags"]),
        model_type=request["model_type"] or None,
        use_active=False,
    )
    return Response({"model": _shown(service, found)})


def get(service: TrackingService, request: ParsedRequest) -> Response:
    """Return a logged model."""
    with service.store.read() as reader:
        found = get_logged_model(
            reader, request.path["model_id"], deleted=bool(request["allow_deleted"])
        )
    return Response({"model": _shown(service, found)})


def finalize(service: TrackingService, request: ParsedRequest) -> Response:
    """Say how a logged model ended."""
    from nbtrack.tracking import model_edits

    status = MODEL_STATUS_NAMES[request["status"]]
    if status not in ("READY", "FAILED"):
        raise InvalidParameterError(
            f"Invalid model status: {request['status']}. Expected statuses: ['READY', 'FAILED']"
        )
    found = model_edits.finalize(service.store, request.path["model_id"], status)
    return Response({"model": _shown(service, found)})


def delete(service: TrackingService, request: ParsedRequest) -> Response:
    """Mark a logged model as deleted."""
    service.store.logged_models.delete(request.path["model_id"])
    return Response({})


def set_tags(service: TrackingService, request: ParsedRequest) -> Response:
    """Set tags."""
    from nbtrack.tracking import model_edits

    model_id = request.path["model_id"]
    model_edits.set_tags(service.store, model_id, decode.tags(request["tags"]))
    return Response({"model": _shown(service, model_edits.get(service.store, model_id))})


def delete_tag(service: TrackingService, request: ParsedRequest) -> Response:
    """Remove a tag."""
    from nbtrack.tracking import model_edits

    model_edits.delete_tag(service.store, request.path["model_id"], request.path["tag_key"])
    return Response({})


def log_params(service: TrackingService, request: ParsedRequest) -> Response:
    """Log params."""
    from nbtrack.tracking import model_edits

    params = decode.tags(request["params"])
    model_edits.log_params(service.store, request.path["model_id"], params)
    return Response({})


def search(service: TrackingService, request: ParsedRequest) -> Response:
    """Return a page of the logged models that fit a filter."""
    from nbtrack.store.search import search_logged_models

    if not request["experiment_ids"]:
        raise missing("experiment_ids")
    limit = request["max_results"]
    with service.store.read() as reader:
        found = search_logged_models(
            reader,
            request["experiment_ids"],
            request["filter"] or None,
            request["datasets"],
            MAX_RESULTS if limit is None else limit,
            [_order(entry) for entry in request["order_by"] or ()],
            request["page_token"] or None,
        )
    listed = [_shown(service, model) for model in found]
    return Response(encode.omit_none(models=listed, next_page_token=found.token))


def _order(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "ascending": entry["ascending"] is not False}


def _folder(service: TrackingService, request: ParsedRequest) -> Target:
    return Target(request.path["model_id"], "", True)


def files(service: TrackingService, request: ParsedRequest) -> Response:
    """List the files of a logged model."""
    with service.store.read() as reader:
        found = get_logged_model(reader, request.path["model_id"])
    path = request["artifact_directory_path"]
    folder = service.proxy.folder(_folder(service, request))
    listed = folder.list(checked_path(path) if path else None)
    return Response(
        encode.omit_none(root_uri=service.proxy.of_model(found), files=encode.file_infos(listed))
    )


def file(service: TrackingService, request: ParsedRequest) -> FileResponse:
    """Open a file of a logged model, as MLflow's pages do."""
    folder = service.proxy.folder(_folder(service, request))
    return opened(folder, checked_path(request["artifact_file_path"]), request.range)
