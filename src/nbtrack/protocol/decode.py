"""Objects as MLflow's protocol has them, read: ``encode`` is the way back.

Servers of all ages are understood: what is not set is left out there, whole numbers may be text.
What is left out is None or empty here; each caller knows what that means to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nbtrack.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    LoggedModel,
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    ModelVersion,
    RegisteredModel,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
)
from nbtrack.protocol.encode import MAX_INFINITE
from nbtrack.protocol.fields import MODEL_STATUS_NAMES

Json = Mapping[str, Any]


def integer(value: Any) -> int | None:
    """Return an int64: a number, or a text with one."""
    return None if value is None else int(value)


def double(value: Any) -> float:
    """Return a number, which may be a text: NaN and infinities have names."""
    return 0.0 if value is None else float(value)


def unclamped(value: float) -> float:
    """Return a metric's value as it was logged: MLflow keeps infinities as the greatest number."""
    return math.copysign(math.inf, value) if abs(value) == MAX_INFINITE else value


def tags(given: Iterable[Json] | None) -> dict[str, str]:
    """Return tags or params as a dictionary."""
    return dict(tag_pairs(given))


def tag_pairs(given: Iterable[Json] | None) -> list[tuple[str, str]]:
    """Return tags or params as they came; one without a value has an empty one."""
    return [(_text(item["key"]), _text(item.get("value"))) for item in given or ()]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def experiment(given: Json) -> Experiment:
    """Return an experiment."""
    return Experiment(
        experiment_id=str(given["experiment_id"]),
        name=_text(given.get("name")),
        artifact_location=_text(given.get("artifact_location")),
        lifecycle_stage=given.get("lifecycle_stage") or "active",
        tags=tags(given.get("tags")),
        creation_time=integer(given.get("creation_time")),
        last_update_time=integer(given.get("last_update_time")),
    )


def run(given: Json) -> Run:
    """Return a run with all that was logged to it; servers of before MLflow 2 say ``run_uuid``."""
    data = given.get("data") or {}
    read, made = given.get("inputs") or {}, given.get("outputs") or {}
    latest = [
        (str(m["key"]), double(m.get("value")), _count(m.get("timestamp")), _count(m.get("step")))
        for m in data.get("metrics") or ()
    ]
    return Run(
        run_info(given["info"]),
        RunData.of_rows(latest, tags(data.get("params")), tags(data.get("tags"))),
        RunInputs(
            [dataset_input(item) for item in read.get("dataset_inputs") or ()],
            [LoggedModelInput(str(item["model_id"])) for item in read.get("model_inputs") or ()],
        ),
        RunOutputs(
            [
                LoggedModelOutput(str(item["model_id"]), _count(item.get("step")))
                for item in made.get("model_outputs") or ()
            ]
        ),
    )


def run_info(given: Json) -> RunInfo:
    """Return what a run is; its status is empty where the server does not say it."""
    return RunInfo(
        run_id=str(given.get("run_id") or given["run_uuid"]),
        experiment_id=str(given["experiment_id"]),
        run_name=_text(given.get("run_name")),
        user_id=_text(given.get("user_id")),
        status=_text(given.get("status")),
        start_time=_count(given.get("start_time")),
        end_time=integer(given.get("end_time")),
        lifecycle_stage=given.get("lifecycle_stage") or "active",
        artifact_uri=_text(given.get("artifact_uri")),
    )


def _count(value: Any) -> int:
    return int(value or 0)


def dataset_input(given: Json) -> DatasetInput:
    """Return a dataset that a run has read."""
    data = given["dataset"]
    texts = (data.get(name) for name in ("source_type", "source", "schema", "profile"))
    pairs = tags(given.get("tags")).items()
    return DatasetInput(
        Dataset(data["name"], data["digest"], *texts),
        [InputTag(key, value) for key, value in pairs],
    )


def points(given: Sequence[Json]) -> tuple[list[int], list[int], list[float]]:
    """Return the steps, the times in milliseconds, and the values of points of metrics."""
    return (
        [_count(point.get("step")) for point in given],
        [_count(point.get("timestamp")) for point in given],
        [double(point.get("value")) for point in given],
    )


def metric(given: Json) -> Metric:
    """Return a point of a metric."""
    return Metric(
        str(given["key"]),
        double(given.get("value")),
        _count(given.get("timestamp")),
        _count(given.get("step")),
        given.get("model_id") or None,
        given.get("dataset_name") or None,
        given.get("dataset_digest") or None,
        given.get("run_id") or None,
    )


def logged_model(given: Json) -> LoggedModel:
    """Return a logged model; its status is UNSPECIFIED where it is none that is known."""
    info, data = given["info"], given.get("data") or {}
    return LoggedModel(
        experiment_id=str(info["experiment_id"]),
        model_id=str(info["model_id"]),
        name=_text(info.get("name")),
        artifact_location=_text(info.get("artifact_uri")),
        creation_timestamp=_count(info.get("creation_timestamp_ms")),
        last_updated_timestamp=_count(info.get("last_updated_timestamp_ms")),
        model_type=info.get("model_type") or None,
        source_run_id=info.get("source_run_id") or None,
        status=LoggedModelStatus(MODEL_STATUS_NAMES.get(info.get("status"), "UNSPECIFIED")),
        status_message=info.get("status_message"),
        tags=tags(info.get("tags")),
        params=tags(data.get("params")),
        metrics=[metric(item) for item in data.get("metrics") or ()],
    )


def model_version(given: Json) -> ModelVersion:
    """Return a version of a registered model, without params and metrics."""
    return ModelVersion(
        name=str(given["name"]),
        version=int(given["version"]),
        creation_timestamp=_count(given.get("creation_timestamp")),
        last_updated_timestamp=_count(given.get("last_updated_timestamp")),
        description=given.get("description") or None,
        user_id=given.get("user_id"),
        current_stage=given.get("current_stage") or "None",
        source=_text(given.get("source")),
        run_id=given.get("run_id") or None,
        status=given.get("status") or "READY",
        status_message=given.get("status_message"),
        tags=tags(given.get("tags")),
        run_link=given.get("run_link"),
        aliases=list(given.get("aliases") or ()),
        model_id=given.get("model_id") or None,
    )


def registered_model(given: Json) -> RegisteredModel:
    """Return a registered model, without its latest versions."""
    return RegisteredModel(
        name=str(given["name"]),
        creation_timestamp=_count(given.get("creation_timestamp")),
        last_updated_timestamp=_count(given.get("last_updated_timestamp")),
        description=given.get("description") or None,
        tags=tags(given.get("tags")),
        aliases={str(item["alias"]): int(item["version"]) for item in given.get("aliases") or ()},
    )
