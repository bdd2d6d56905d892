"""What is logged to runs: answered as soon as it is in the journal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nbtrack.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunTag,
)
from nbtrack.errors import InvalidParameterError
from nbtrack.protocol import decode
from nbtrack.server.messages import Request, Response
from nbtrack.server.mlflow.service import ParsedRequest, TrackingService
from nbtrack.store import RunWriter
from nbtrack.validation import (
    MAX_BATCH,
    MAX_BATCH_PARAMS,
    MAX_BATCH_TAGS,
    check_key,
    check_run_id,
    check_timestamp,
    missing,
)

MODEL_HISTORY = "mlflow.log-model.history"
_MODEL_FIELDS = {"artifact_path", "flavors", "utc_time_created", "run_id"}


def is_open(service: TrackingService, request: Request) -> bool:
    """Return whether a request logs to a run that is open: then no database is asked."""
    body = request.parsed()
    run_id = body.get("run_id") or body.get("run_uuid") or body.get("runId")
    return isinstance(run_id, str) and service.store.writers.is_open(run_id)


def _writer(service: TrackingService, request: ParsedRequest) -> RunWriter:
    return service.store.writer(check_run_id(request["run_id"]))


def metric(service: TrackingService, request: ParsedRequest) -> Response:
    """Log one point of a metric."""
    from nbtrack.tracking.batch import log_batch

    check_key(request["key"], "name")
    check_timestamp(request["timestamp"])
    log_batch(_writer(service, request), [_metric(request.values)])
    return Response({})


def param(service: TrackingService, request: ParsedRequest) -> Response:
    """Log one param."""
    _writer(service, request).log_params({request["key"]: request["value"] or ""})
    return Response({})


def set_tag(service: TrackingService, request: ParsedRequest) -> Response:
    """Set one tag."""
    _writer(service, request).set_tags({request["key"]: request["value"] or ""})
    return Response({})


def delete_tag(service: TrackingService, request: ParsedRequest) -> Response:
    """Remove one tag."""
    _writer(service, request).delete_tag(request["key"])
    return Response({})


def batch(service: TrackingService, request: ParsedRequest) -> Response:
    """Log metrics, params and tags; all are checked before anything is written."""
    from nbtrack.tracking.batch import log_batch

    metrics, params, tags = (request[name] or [] for name in ("metrics", "params", "tags"))
    _check_sizes(len(metrics), len(params), len(tags))
    for name, given in (("params", params), ("tags", tags)):
        for index, item in enumerate(given):
            if not item["key"]:
                raise missing(f"{name}[{index}].key")
    log_batch(
        _writer(service, request),
        [_metric(item) for item in metrics],
        [Param(key, value) for key, value in decode.tag_pairs(params)],
        [RunTag(key, value) for key, value in decode.tag_pairs(tags)],
    )
    return Response({})


def _check_sizes(metrics: int, params: int, tags: int) -> None:
    for count, limit, what in (
        (metrics, MAX_BATCH, "metrics"),
        (params, MAX_BATCH_PARAMS, "params"),
        (tags, MAX_BATCH_TAGS, "tags"),
        (metrics + params + tags, MAX_BATCH, "metrics, params, and tags"),
    ):
        if count > limit:
            raise InvalidParameterError(
                f"A batch logging request can contain at most {limit} {what}. Got {count} {what}. "
                f"Please split up {what} across multiple requests and try again."
            )


def _metric(given: Mapping[str, Any]) -> Metric:
    return Metric(
        given["key"],
        given["value"],
        given["timestamp"],
        given["step"] or 0,
        given["model_id"] or None,
        given["dataset_name"] or None,
        given["dataset_digest"] or None,
    )


def inputs(service: TrackingService, request: ParsedRequest) -> Response:
    """Record the datasets and the models that a run reads."""
    datasets = []
    for item in request["datasets"] or []:
        tags = [InputTag(key, value) for key, value in decode.tag_pairs(item["tags"])]
        datasets.append(DatasetInput(Dataset(**item["dataset"]), tags))
    models = [LoggedModelInput(item["model_id"]) for item in request["models"] or []]
    _writer(service, request).log_inputs(datasets, models)
    return Response({})


def outputs(service: TrackingService, request: ParsedRequest) -> Response:
    """Record the models that a run has made."""
    models = [
        LoggedModelOutput(item["model_id"], item["step"] or 0) for item in request["models"] or []
    ]
    _writer(service, request).log_outputs(models)
    return Response({})


def model(service: TrackingService, request: ParsedRequest) -> Response:
    """Record what an older client says about a model that it keeps among the run's artifacts."""
    try:
        found = json.loads(request["model_json"])
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidParameterError(
            f"Malformed model info. {request['model_json'][:300]!r} is not a valid JSON object."
        )
    absent = sorted(_MODEL_FIELDS - found.keys())
    if absent:
        raise InvalidParameterError(f"Model json is missing mandatory fields: {absent}")
    writer = _writer(service, request)
    try:
        known = json.loads(writer.tags().get(MODEL_HISTORY, "[]"))
    except ValueError:
        known = []
    writer.set_tags({MODEL_HISTORY: json.dumps([*known, found])})
    return Response({})
