"""Objects as MLflow's protocol has them; ``decode`` is the way back.

They are protobuf messages as JSON: fields in snake case, those that are not set are left
out, whole numbers are numbers. A run that was interrupted, which MLflow does not know, is KILLED.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from json.encoder import encode_basestring_ascii
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
from nbtrack.protocol.fields import MODEL_STATUSES
from nbtrack.validation import MAX_BATCH, MAX_BATCH_PARAMS, MAX_BATCH_TAGS

Json = dict[str, Any]
WORKSPACE = "default"
MAX_INFINITE = sys.float_info.max
MAX_BYTES = 1_000_000
"""Of a request of ``runs/log-batch``, as MLflow's server takes it."""

_MOST = {"metrics": MAX_BATCH, "params": MAX_BATCH_PARAMS, "tags": MAX_BATCH_TAGS}
_MOST_BYTES = 800_000
_ITEM_BYTES = 110  # of an item beside its texts: the names of its fields, numbers


def tags(given: Mapping[str, str]) -> list[Json]:
    """Return tags or params."""
    return [{"key": key, "value": value} for key, value in given.items()]


def omit_none(**fields: Any) -> Json:
    """Return an object without the fields that are not set."""
    return {name: value for name, value in fields.items() if value is not None and value != []}


def double(value: float) -> float | str:
    """Return a number as clients send it: JSON knows no NaN and no infinity, they have names."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def clamped_double(value: float) -> float | str:
    """Return a number as servers answer it: an infinity is the greatest number, as in MLflow."""
    if math.isinf(value):
        return math.copysign(MAX_INFINITE, value)
    return value if value == value else "NaN"


def metric(found: Metric, number: Callable[[float], float | str] = clamped_double) -> Json:
    """Return a point of a metric; clients say by ``number=double`` what an infinity is."""
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
    return omit_none(
        experiment_id=found.experiment_id,
        name=found.name,
        artifact_location=location,
        lifecycle_stage=found.lifecycle_stage,
        last_update_time=found.last_update_time,
        creation_time=found.creation_time,
        tags=tags(found.tags),
        workspace=WORKSPACE,
    )


def run_info(found: RunInfo, location: str) -> Json:
    """Return what a run is; its artifacts are at ``location`` for a client."""
    return omit_none(
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
    data = omit_none(
        metrics=[
            {"key": key, "value": clamped_double(value), "timestamp": time, "step": step}
            for key, value, time, step in found.data._latest
        ],
        params=tags(found.data.params),
        tags=tags(found.data.tags),
    )
    inputs = omit_none(
        dataset_inputs=[dataset_input(item) for item in found.inputs.dataset_inputs],
        model_inputs=[{"model_id": item.model_id} for item in found.inputs.model_inputs]
        if model_inputs
        else None,
    )
    outputs = omit_none(
        model_outputs=[
            {"model_id": item.model_id, "step": item.step} for item in found.outputs.model_outputs
        ]
    )
    return {
        "info": run_info(found.info, location),
        "data": data,
        "inputs": inputs,
        "outputs": outputs,
    }


def dataset_input(found: DatasetInput) -> Json:
    """Return a dataset that a run has read."""
    return omit_none(
        tags=[{"key": tag.key, "value": tag.value} for tag in found.tags],
        dataset=omit_none(**vars(found.dataset)),
    )


def file_infos(found: Sequence[FileInfo]) -> list[Json]:
    """Return files and folders."""
    return [
        omit_none(path=entry.path, is_dir=entry.is_dir, file_size=entry.file_size)
        for entry in found
    ]


def logged_model(found: LoggedModel, location: str, registrations: list[Json]) -> Json:
    """Return a logged model whose files are at ``location`` for a client."""
    info = omit_none(
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
        tags=tags(found.tags),
        registrations=registrations,
    )
    data = omit_none(params=tags(found.params), metrics=[metric(m) for m in found.metrics or ()])
    return {"info": info, "data": data}


def model_version(found: ModelVersion, source: str | None) -> Json:
    """Return a version of a registered model."""
    return omit_none(
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
        tags=tags(found.tags),
        run_link=found.run_link,
        aliases=found.aliases,
        model_id=found.model_id,
        model_params=[{"name": p.key, "value": p.value} for p in found.params or ()],
        model_metrics=[metric(m) for m in found.metrics or ()],
    )


def registered_model(found: RegisteredModel, latest: list[Json]) -> Json:
    """Return a registered model with its latest versions."""
    return omit_none(
        name=found.name,
        creation_timestamp=found.creation_timestamp,
        last_updated_timestamp=found.last_updated_timestamp,
        description=found.description,
        latest_versions=latest,
        tags=tags(found.tags),
        aliases=[
            {"alias": alias, "version": str(version)} for alias, version in found.aliases.items()
        ],
    )


def split_batch(what: str, items: Sequence[Json]) -> Iterator[list[Json]]:
    """Yield what fits into one request after the other.

    Parameters
    ----------
    what : {"metrics", "params", "tags"}
    items : sequence of dict
        As they are sent.
    """
    part: list[Json] = []
    size = 0
    for item in items:
        length = _ITEM_BYTES
        for value in item.values():
            if isinstance(value, str):  # a character takes up to twelve bytes: JSON is ASCII here
                length += len(encode_basestring_ascii(value))
        if part and (len(part) >= _MOST[what] or size + length > _MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(item)
        size += length
    if part:
        yield part
