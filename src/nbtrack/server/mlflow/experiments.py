"""Experiments."""

from __future__ import annotations

import json

from nbtrack.entities import ViewType
from nbtrack.entities.runs import DATA_CONTEXT
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.protocol import decode, encode
from nbtrack.protocol.artifact_urls import SCHEME, proxied_path
from nbtrack.protocol.fields import VIEW_TYPES
from nbtrack.server.messages import Response
from nbtrack.server.mlflow.service import ParsedRequest, TrackingService
from nbtrack.store import datasets_of_experiments, find_experiment_by_name, get_experiment
from nbtrack.validation import missing

MAX_DATASETS_OF = 20


def create(service: TrackingService, request: ParsedRequest) -> Response:
    """Make an experiment."""
    location = request["artifact_location"]
    if location:
        _check_location(location)
        if location.startswith(f"{SCHEME}:"):
            prefix = proxied_path(location) if service.proxy.proxied else None
            location = service.proxy.location_of(prefix) if prefix else None
    tags = decode.tags(request["tags"])
    return Response(
        {"experiment_id": service.store.experiments.create(request["name"], location, tags)}
    )


def _check_location(location: str) -> None:
    """Refuse what would lead elsewhere once it is joined with the path of a run."""
    parts = location.replace("\\", "/").split("/")
    if ".." in parts or any(mark in location for mark in "?#") or "%" in location:
        raise InvalidParameterError(
            f"Invalid artifact_location: '{location}'. It is a plain path or URI, without '..', "
            "query or fragment."
        )


def get(service: TrackingService, request: ParsedRequest) -> Response:
    """Return an experiment by its id."""
    with service.store.read() as reader:
        found = get_experiment(reader, request["experiment_id"])
    return Response({"experiment": encode.experiment(found, service.proxy.of_experiment(found))})


def get_by_name(service: TrackingService, request: ParsedRequest) -> Response:
    """Return an experiment by its name."""
    name = request["experiment_name"]
    with service.store.read() as reader:
        found = find_experiment_by_name(reader, name)
    if found is None:
        raise NotFoundError(f"Could not find experiment with name '{name}'")
    return Response({"experiment": encode.experiment(found, service.proxy.of_experiment(found))})


def search(service: TrackingService, request: ParsedRequest) -> Response:
    """Return a page of the experiments that fit a filter."""
    from nbtrack.store.search import search_experiments

    with service.store.read() as reader:
        found = search_experiments(
            reader,
            view_number(request["view_type"]),
            request["max_results"] or 0,
            request["filter"],
            request["order_by"],
            request["page_token"],
        )
    listed = [encode.experiment(each, service.proxy.of_experiment(each)) for each in found]
    return Response(encode.omit_none(experiments=listed, next_page_token=found.token))


def view_number(name: str | None) -> int:
    """Return the number of a view type; without one it is ACTIVE_ONLY."""
    return ViewType.ACTIVE_ONLY if name is None else VIEW_TYPES.index(name) + 1


def delete(service: TrackingService, request: ParsedRequest) -> Response:
    """Mark an experiment as deleted."""
    service.store.experiments.delete(request["experiment_id"])
    return Response({})


def restore(service: TrackingService, request: ParsedRequest) -> Response:
    """Bring an experiment back."""
    service.store.experiments.restore(request["experiment_id"])
    return Response({})


def update(service: TrackingService, request: ParsedRequest) -> Response:
    """Give an experiment another name."""
    if not request["new_name"]:
        raise missing("new_name")
    service.store.experiments.rename(request["experiment_id"], request["new_name"])
    return Response({})


def set_tag(service: TrackingService, request: ParsedRequest) -> Response:
    """Set a tag."""
    tag = {request["key"]: request["value"] or ""}
    service.store.experiments.set_tags(request["experiment_id"], tag)
    return Response({})


def delete_tag(service: TrackingService, request: ParsedRequest) -> Response:
    """Remove a tag."""
    service.store.experiments.delete_tag(request["experiment_id"], request["key"])
    return Response({})


def search_datasets(service: TrackingService, request: ParsedRequest) -> Response:
    """Return which datasets the runs of some experiments have read, and in which contexts."""
    ids = request["experiment_ids"] or []
    if not 1 <= len(ids) <= MAX_DATASETS_OF:
        raise InvalidParameterError(
            "SearchDatasets request must specify at least one experiment_id."
            if not ids
            else f"SearchDatasets request cannot specify more than {MAX_DATASETS_OF} "
            f"experiment_ids. Received {len(ids)} experiment_ids."
        )
    with service.store.read() as reader:
        rows = datasets_of_experiments(reader, ids)
    found = {(*key, json.loads(tags).get(DATA_CONTEXT)): None for *key, tags in rows}
    names = ("experiment_id", "name", "digest", "context")
    summaries = [encode.omit_none(**dict(zip(names, row, strict=True))) for row in found]
    return Response(encode.omit_none(dataset_summaries=summaries))
