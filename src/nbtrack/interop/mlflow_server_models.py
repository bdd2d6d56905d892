"""Logged and registered models of an MLflow server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nbtrack.entities import Metric
from nbtrack.errors import NbtrackError
from nbtrack.interop.mlflow_database_models import model_of
from nbtrack.interop.records import ModelRecord, RegisteredRecord, VersionRecord
from nbtrack.protocol import decode
from nbtrack.protocol.client import Json, RestClient

STATUSES = {
    "LOGGED_MODEL_PENDING": "PENDING",
    "LOGGED_MODEL_READY": "READY",
    "LOGGED_MODEL_UPLOAD_FAILED": "FAILED",
}
EXPERIMENTS_AT_ONCE = 100
PAGE = 50


def logged_models(client: RestClient, experiments: Sequence[str]) -> Iterator[ModelRecord]:
    """Yield the logged models; servers of before MLflow 3 have none."""
    for first in range(0, len(experiments), EXPERIMENTS_AT_ONCE):
        part = list(experiments[first : first + EXPERIMENTS_AT_ONCE])
        wanted = {"experiment_ids": part, "max_results": PAGE}
        try:
            for entry in client.pages("POST", "logged-models/search", wanted, "models"):
                yield _model(entry)
        except NbtrackError as error:
            if error.error_code != "ENDPOINT_NOT_FOUND":
                raise


def _model(entry: Json) -> ModelRecord:
    info, data = entry["info"], entry.get("data") or {}
    created = int(info.get("creation_timestamp_ms") or 0)
    return ModelRecord(
        id=info["model_id"],
        experiment=str(info["experiment_id"]),
        name=info.get("name") or "",
        artifacts=info.get("artifact_uri"),
        type=info.get("model_type") or None,
        run=info.get("source_run_id") or None,
        status=STATUSES.get(info.get("status", ""), "READY"),
        message=info.get("status_message") or None,
        created=created,
        updated=int(info.get("last_updated_timestamp_ms") or created),
        params=decode.tags(data.get("params")),
        tags=decode.tags(info.get("tags")),
        metrics=[
            Metric(
                item["key"],
                float(item.get("value", 0.0)),
                int(item.get("timestamp") or 0),
                int(item.get("step") or 0),
                info["model_id"],
                item.get("dataset_name") or None,
                item.get("dataset_digest") or None,
                item.get("run_id") or None,
            )
            for item in data.get("metrics") or ()
        ],
    )


def registered_models(client: RestClient) -> Iterator[RegisteredRecord]:
    """Yield the registered models with their versions."""
    wanted = {"max_results": 200}
    for entry in client.pages("GET", "registered-models/search", wanted, "registered_models"):
        name = entry["name"]
        found = client.pages("GET", "model-versions/search", versions_of(name), "model_versions")
        versions = [_version(client, version) for version in found]
        created = int(entry.get("creation_timestamp") or 0)
        yield RegisteredRecord(
            name,
            entry.get("description") or None,
            created,
            int(entry.get("last_updated_timestamp") or created),
            decode.tags(entry.get("tags")),
            {item["alias"]: int(item["version"]) for item in entry.get("aliases") or ()},
            sorted(versions, key=lambda version: version.version),
            max((version.version for version in versions), default=0),
        )


def _version(client: RestClient, entry: Json) -> VersionRecord:
    key = {"name": entry["name"], "version": entry["version"]}
    try:
        place = client.get("model-versions/get-download-uri", key).get("artifact_uri")
    except NbtrackError:  # of a version whose model is gone there is none
        place = None
    created = int(entry.get("creation_timestamp") or 0)
    source = entry.get("source") or ""
    return VersionRecord(
        version=int(entry["version"]),
        source=source,
        place=place,
        stage=entry.get("current_stage") or "None",
        description=entry.get("description") or None,
        user=entry.get("user_id") or None,
        run=entry.get("run_id") or None,
        run_link=entry.get("run_link") or None,
        model=entry.get("model_id") or model_of(source),
        status=entry.get("status") or "READY",
        message=entry.get("status_message") or None,
        created=created,
        updated=int(entry.get("last_updated_timestamp") or created),
        tags=decode.tags(entry.get("tags")),
    )


def versions_of(name: str) -> dict[str, Any]:
    """Return the search for the versions of a registered model."""
    quote = '"' if "'" in name else "'"
    return {"filter": f"name = {quote}{name}{quote}", "max_results": 1000}
