"""The model registry: registered models, their versions, tags and aliases."""

from __future__ import annotations

import re
from urllib.parse import unquote

from nbtrack.entities import ModelVersion, RegisteredModel
from nbtrack.errors import InvalidParameterError
from nbtrack.protocol import decode, encode
from nbtrack.protocol.fields import wrong_type
from nbtrack.server.messages import FileResponse, Response
from nbtrack.server.mlflow.artifact_proxy import checked_path
from nbtrack.server.mlflow.artifacts import opened
from nbtrack.server.mlflow.service import ParsedRequest, TrackingService
from nbtrack.store import (
    get_latest_versions,
    get_model_version,
    get_model_version_by_alias,
    get_model_version_location,
    get_registered_model,
)
from nbtrack.store.artifacts import local_path
from nbtrack.validation import missing

MODELS_OF_A_PAGE = 100


def _model(service: TrackingService, found: RegisteredModel) -> encode.Json:
    latest = [_version(service, version) for version in found.latest_versions]
    return encode.registered_model(found, latest)


def _version(service: TrackingService, found: ModelVersion) -> encode.Json:
    source = found.source
    if source is not None and not source.startswith(("models:", "runs:")):
        source = service.proxy.shown(source)
    return encode.model_version(found, source)


def create_model(service: TrackingService, request: ParsedRequest) -> Response:
    """Make a registered model."""
    tags = decode.tags(request["tags"])
    made = service.registry.registry.create_model(request["name"], tags, request["description"])
    return Response({"registered_model": _model(service, made)})


def get_model(service: TrackingService, request: ParsedRequest) -> Response:
    """Return a registered model."""
    with service.registry.read() as reader:
        found = get_registered_model(reader, request["name"])
    return Response({"registered_model": _model(service, found)})


def rename_model(service: TrackingService, request: ParsedRequest) -> Response:
    """Give a registered model another name."""
    if not request["new_name"]:
        raise missing("new_name")
    found = service.registry.registry.rename_model(request["name"], request["new_name"])
    return Response({"registered_model": _model(service, found)})


def update_model(service: TrackingService, request: ParsedRequest) -> Response:
    """Give a registered model another description."""
    found = service.registry.registry.update_model(request["name"], request["description"])
    return Response({"registered_model": _model(service, found)})


def delete_model(service: TrackingService, request: ParsedRequest) -> Response:
    """Remove a registered model."""
    service.registry.registry.delete_model(request["name"])
    return Response({})


def search_models(service: TrackingService, request: ParsedRequest) -> Response:
    """Return a page of the registered models that fit a filter."""
    from nbtrack.store.search import MAX_REGISTERED_MODELS, search_registered_models

    limit = _limit(request, MODELS_OF_A_PAGE, MAX_REGISTERED_MODELS)
    with service.registry.read() as reader:
        found = search_registered_models(
            reader,
            request["filter"] or None,
            limit,
            request["order_by"],
            request["page_token"] or None,
        )
    listed = [_model(service, model) for model in found]
    return Response(encode.omit_none(registered_models=listed, next_page_token=found.token))


def _limit(request: ParsedRequest, usual: int, most: int) -> int:
    limit: int = usual if request["max_results"] is None else request["max_results"]
    if limit > most:
        raise wrong_type("max_results", str(limit))
    return limit


def latest_versions(service: TrackingService, request: ParsedRequest) -> Response:
    """Return the latest version of each stage."""
    with service.registry.read() as reader:
        found = get_latest_versions(reader, request["name"], request["stages"])
    return Response(
        encode.omit_none(model_versions=[_version(service, version) for version in found])
    )


def set_model_tag(service: TrackingService, request: ParsedRequest) -> Response:
    """Set a tag of a registered model."""
    value = request["value"] or ""
    service.registry.registry.set_model_tag(request["name"], request["key"], value)
    return Response({})


def delete_model_tag(service: TrackingService, request: ParsedRequest) -> Response:
    """Remove a tag of a registered model."""
    service.registry.registry.delete_model_tag(request["name"], request["key"])
    return Response({})


def set_alias(service: TrackingService, request: ParsedRequest) -> Response:
    """Let an alias name a version."""
    service.registry.registry.set_alias(request["name"], request["alias"], request["version"])
    return Response({})


def delete_alias(service: TrackingService, request: ParsedRequest) -> Response:
    """Remove an alias."""
    service.registry.registry.delete_alias(request["name"], request["alias"])
    return Response({})


def version_of_alias(service: TrackingService, request: ParsedRequest) -> Response:
    """Return the version that an alias names."""
    with service.registry.read() as reader:
        found = get_model_version_by_alias(reader, request["name"], request["alias"])
    return Response({"model_version": _version(service, found)})


def create_version(service: TrackingService, request: ParsedRequest) -> Response:
    """Make the next version of a registered model."""
    from nbtrack.tracking.registration import Stores, create_model_version

    source, run_id = request["source"], request["run_id"] or None
    _check_source(source, run_id)
    made = create_model_version(
        Stores(service.store, service.registry),
        request["name"],
        service.proxy.inner(source),
        run_id,
        decode.tags(request["tags"]),
        request["run_link"] or None,
        request["description"],
        request["model_id"] or None,
        checked=False,  # who moves from another server has neither its runs nor its files here
    )
    return Response({"model_version": _version(service, made)})


def _check_source(source: str, run_id: str | None) -> None:
    """Refuse a source that is not one place, or that is of another run than the one given."""
    from nbtrack.tracking.model_locations import split_run_uri

    if local_path(source) is not None and not source.startswith(("runs:", "models:")):
        return
    if any(part in (".", "..") for part in re.split(r"[/\\?=]", unquote(unquote(source)))):
        raise InvalidParameterError(
            f"Invalid model version source: '{source}'. If supplying a source as an http, https, "
            "local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be "
            "provided without relative path references present."
        )
    if source.startswith("runs:") and run_id not in (None, split_run_uri(source)[0]):
        raise InvalidParameterError(
            f"Invalid model version source: '{source}'. The run_id request parameter must identify "
            "the resource that contains the source."
        )


def get_version(service: TrackingService, request: ParsedRequest) -> Response:
    """Return a version."""
    with service.registry.read() as reader:
        found = get_model_version(reader, request["name"], request["version"])
    return Response({"model_version": _version(service, found)})


def update_version(service: TrackingService, request: ParsedRequest) -> Response:
    """Give a version another description."""
    found = service.registry.registry.update_version(
        request["name"], request["version"], request["description"]
    )
    return Response({"model_version": _version(service, found)})


def transition_stage(service: TrackingService, request: ParsedRequest) -> Response:
    """Move a version to a stage."""
    found = service.registry.registry.transition_stage(
        request["name"],
        request["version"],
        request["stage"],
        archive_existing=bool(request["archive_existing_versions"]),
    )
    return Response({"model_version": _version(service, found)})


def delete_version(service: TrackingService, request: ParsedRequest) -> Response:
    """Remove a version."""
    service.registry.registry.delete_version(request["name"], request["version"])
    return Response({})


def search_versions(service: TrackingService, request: ParsedRequest) -> Response:
    """Return a page of the model versions that fit a filter."""
    from nbtrack.store.search import MAX_MODEL_VERSIONS, search_model_versions

    limit = _limit(request, MAX_MODEL_VERSIONS, MAX_MODEL_VERSIONS)
    with service.registry.read() as reader:
        found = search_model_versions(
            reader,
            request["filter"] or None,
            limit,
            request["order_by"],
            request["page_token"] or None,
        )
    listed = [_version(service, version) for version in found]
    return Response(encode.omit_none(model_versions=listed, next_page_token=found.token))


def download_uri(service: TrackingService, request: ParsedRequest) -> Response:
    """Return where a client finds the files of a version."""
    return Response({"artifact_uri": service.proxy.shown(_storage(service, request))})


def _storage(service: TrackingService, request: ParsedRequest) -> str:
    with service.registry.read() as reader:
        return get_model_version_location(reader, request["name"], request["version"])


def file_of_version(service: TrackingService, request: ParsedRequest) -> FileResponse:
    """Open a file of a version, as MLflow's pages do."""
    from nbtrack.tracking.model_locations import locate

    path, location = checked_path(request["path"]), _storage(service, request)
    if location.startswith("runs:"):
        location = locate(location, service.store).folder.uri
    folder = service.registry.access.folder(service.proxy.checked(location))
    return opened(folder, path, request.range)


def set_version_tag(service: TrackingService, request: ParsedRequest) -> Response:
    """Set a tag of a version."""
    service.registry.registry.set_version_tag(
        request["name"], request["version"], request["key"], request["value"] or ""
    )
    return Response({})


def delete_version_tag(service: TrackingService, request: ParsedRequest) -> Response:
    """Remove a tag of a version."""
    service.registry.registry.delete_version_tag(
        request["name"], request["version"], request["key"]
    )
    return Response({})
