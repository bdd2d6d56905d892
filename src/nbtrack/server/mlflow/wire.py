"""The names that go over MLflow's wire, and the objects that are made of them.

Objects are protobuf messages as JSON: fields in snake case, those that are not set are left
out, whole numbers are numbers. A run that was interrupted, which MLflow does not know, is KILLED.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nbtrack.entities import (
    DatasetInput,
    Experiment,
    FileInfo,
    LoggedModel,
    Metric,
    ModelVersion,
    RegisteredModel,
    Run,
    RunInfo,
)
from nbtrack.server.mlflow.fields import (
    Field,
    each,
    flag,
    message,
    one_of,
    real,
    text,
    texts,
    whole,
)

Json = dict[str, Any]

PROTOCOL_VERSION = "3.18.0"
"""The version of MLflow whose protocol this is."""

API = "/api/2.0"
AJAX = "/ajax-api/2.0"
API_3 = "/api/3.0"
AJAX_3 = "/ajax-api/3.0"
SCHEME = "mlflow-artifacts:"
WORKSPACE = "default"

MAX_INFINITE = sys.float_info.max
RUN_STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
VIEW_TYPES = ("ACTIVE_ONLY", "DELETED_ONLY", "ALL")
MODEL_STATUSES = {
    "UNSPECIFIED": "LOGGED_MODEL_STATUS_UNSPECIFIED",
    "PENDING": "LOGGED_MODEL_PENDING",
    "READY": "LOGGED_MODEL_READY",
    "FAILED": "LOGGED_MODEL_UPLOAD_FAILED",
}
MODEL_STATUS_NAMES = {wire: name for name, wire in MODEL_STATUSES.items()}

RUN_ID = Field("run_id", text, required=True, also="run_uuid")
EXPERIMENT_ID = Field("experiment_id", text, required=True)
MODEL_ID = Field("model_id", text, required=True)
NAME = Field("name", text, required=True)
VERSION = Field("version", text, required=True)
KEY = Field("key", text, required=True)
PAGE_TOKEN = Field("page_token", text)
MAX_RESULTS = Field("max_results", whole)
ORDER_BY = Field("order_by", texts)
FILTER = Field("filter", text)
PAIRS = each(message(Field("key", text), Field("value", text)))
TAGS = Field("tags", PAIRS)
PARAMS = Field("params", PAIRS)
VIEW_TYPE = one_of(*VIEW_TYPES)
RUN_STATUS = one_of(*RUN_STATUSES)
MODEL_STATUS = one_of(*MODEL_STATUSES.values(), start=0)
DATASET = message(
    Field("name", text, required=True),
    Field("digest", text, required=True),
    Field("source_type", text, required=True),
    Field("source", text, required=True),
    Field("schema", text),
    Field("profile", text),
)
DATASETS = each(message(Field("tags", PAIRS), Field("dataset", DATASET, required=True)))
MODEL_INPUTS = each(message(MODEL_ID))
MODEL_OUTPUTS = each(message(MODEL_ID, Field("step", whole)))
METRIC = message(
    KEY,
    Field("value", real, required=True),
    Field("timestamp", whole, required=True),
    Field("step", whole),
    Field("model_id", text),
    Field("dataset_name", text),
    Field("dataset_digest", text),
)
SEARCHED_DATASETS = each(
    message(Field("dataset_name", text, required=True), Field("dataset_digest", text))
)
MODEL_ORDER = each(
    message(
        Field("field_name", text, required=True),
        Field("ascending", flag),
        Field("dataset_name", text),
        Field("dataset_digest", text),
    )
)


def pairs(given: Iterable[Mapping[str, Any]] | None) -> list[tuple[str, str]]:
    """Return tags or params as they came; one without a value has an empty one."""
    return [(item["key"] or "", item["value"] or "") for item in given or ()]


def as_pairs(given: Mapping[str, str]) -> list[Json]:
    """Return tags or params for the wire."""
    return [{"key": key, "value": value} for key, value in given.items()]


def known(**fields: Any) -> Json:
    """Return an object without the fields that are not set."""
    return {name: value for name, value in fields.items() if value is not None and value != []}


def number(value: float) -> float | str:
    """Return a metric's value: NaN by name, an infinity as the greatest number, as in MLflow."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else math.copysign(MAX_INFINITE, value)


def metric(found: Metric) -> Json:
    """Return a point of a metric."""
    made: Json = {
        "key": found.key,
        "value": number(found.value),
        "timestamp": found.timestamp,
        "step": found.step,
    }
    for name in ("model_id", "dataset_name", "dataset_digest", "run_id"):
        value = getattr(found, name)
        if value is not None:
            made[name] = value
    return made


def experiment(found: Experiment, location: str) -> Json:
    """Return an experiment whose artifacts are at ``location`` for a client."""
    return known(
        experiment_id=found.experiment_id,
        name=found.name,
        artifact_location=location,
        lifecycle_stage=found.lifecycle_stage,
        last_update_time=found.last_update_time,
        creation_time=found.creation_time,
        tags=as_pairs(found.tags),
        workspace=WORKSPACE,
    )


def run_info(found: RunInfo, location: str) -> Json:
    """Return what a run is; its artifacts are at ``location`` for a client."""
    return known(
        run_uuid=found.run_id,
        run_id=found.run_id,
        run_name=found.run_name,
        experiment_id=found.experiment_id,
        user_id=found.user_id,
        status="KILLED" if found.status == "INTERRUPTED" else found.status,
        start_time=found.start_time,
        end_time=found.end_time,
        artifact_uri=location,
        lifecycle_stage=found.lifecycle_stage,
    )


def run(found: Run, location: str, *, model_inputs: bool = True) -> Json:
    """Return a run with all that was logged to it."""
    data = known(
        metrics=[
            {"key": key, "value": number(value), "timestamp": time, "step": step}
            for key, value, time, step in found.data._latest
        ],
        params=as_pairs(found.data.params),
        tags=as_pairs(found.data.tags),
    )
    inputs = known(
        dataset_inputs=[dataset_input(item) for item in found.inputs.dataset_inputs],
        model_inputs=[{"model_id": item.model_id} for item in found.inputs.model_inputs]
        if model_inputs
        else None,
    )
    outputs = known(
        model_outputs=[
            {"model_id": item.model_id, "step": item.step} for item in found.outputs.model_outputs
        ]
    )
    return {
        "info": run_info(found.info, location),
        "data": data,
        "inputs": inputs,
        **({"outputs": outputs} if outputs else {}),
    }


def dataset_input(found: DatasetInput) -> Json:
    """Return a dataset that a run has read."""
    return known(
        tags=[{"key": tag.key, "value": tag.value} for tag in found.tags],
        dataset=known(**vars(found.dataset)),
    )


def file_infos(found: Sequence[FileInfo]) -> list[Json]:
    """Return files and folders."""
    return [
        known(path=entry.path, is_dir=entry.is_dir, file_size=entry.file_size) for entry in found
    ]


def logged_model(found: LoggedModel, location: str, registrations: list[Json]) -> Json:
    """Return a logged model whose files are at ``location`` for a client."""
    info = known(
        model_id=found.model_id,
        experiment_id=found.experiment_id,
        name=found.name,
        creation_timestamp_ms=found.creation_timestamp,
        last_updated_timestamp_ms=found.last_updated_timestamp,
        artifact_uri=location,
        status=MODEL_STATUSES[found.status.value],
        model_type=found.model_type,
        source_run_id=found.source_run_id,
        status_message=found.status_message,
        tags=as_pairs(found.tags),
        registrations=registrations,
    )
    data = known(params=as_pairs(found.params), metrics=[metric(m) for m in found.metrics or ()])
    return {"info": info, "data": data}


def model_version(found: ModelVersion, source: str | None) -> Json:
    """Return a version of a registered model."""
    return known(
        name=found.name,
        version=str(found.version),
        creation_timestamp=found.creation_timestamp,
        last_updated_timestamp=found.last_updated_timestamp,
        user_id=found.user_id,
        current_stage=found.current_stage,
        description=found.description,
        source=source,
        run_id=found.run_id,
        status=found.status,
        status_message=found.status_message,
        tags=as_pairs(found.tags),
        run_link=found.run_link,
        aliases=found.aliases,
        model_id=found.model_id,
        model_params=[{"name": p.key, "value": p.value} for p in found.params or ()],
        model_metrics=[metric(m) for m in found.metrics or ()],
    )


def registered_model(found: RegisteredModel, latest: list[Json]) -> Json:
    """Return a registered model with its latest versions."""
    return known(
        name=found.name,
        creation_timestamp=found.creation_timestamp,
        last_updated_timestamp=found.last_updated_timestamp,
        description=found.description,
        latest_versions=latest,
        tags=as_pairs(found.tags),
        aliases=[
            {"alias": alias, "version": str(version)} for alias, version in found.aliases.items()
        ],
    )
