"""Logged and registered models of an MLflow server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nbtrack.entities import LoggedModelStatus, ModelVersion
from nbtrack.errors import NbtrackError
from nbtrack.interop.mlflow_database_models import model_of
from nbtrack.interop.records import ModelRecord, RegisteredRecord, VersionRecord
from nbtrack.protocol import decode
from nbtrack.protocol.client import Json, RestClient

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
    found = decode.logged_model(entry)
    record = ModelRecord.of(found)
    if found.status == LoggedModelStatus.UNSPECIFIED:
        record.status = "READY"
    record.updated = record.updated or record.created
    return record


def registered_models(client: RestClient) -> Iterator[RegisteredRecord]:
    """Yield the registered models with their versions."""
    wanted = {"max_results": 200}
    found = client.pages("GET", "registered-models/search", wanted, "registered_models")
    for model in map(decode.registered_model, found):
        listed = client.pages(
            "GET", "model-versions/search", versions_of(model.name), "model_versions"
        )
        versions = [_version(client, decode.model_version(version)) for version in listed]
        created = model.creation_timestamp or 0
        yield RegisteredRecord(
            model.name,
            model.description,
            created,
            model.last_updated_timestamp or created,
            model.tags,
            model.aliases,
            sorted(versions, key=lambda version: version.version),
            max((version.version for version in versions), default=0),
        )


def _version(client: RestClient, found: ModelVersion) -> VersionRecord:
    key = {"name": found.name, "version": str(found.version)}
    try:
        place = client.get("model-versions/get-download-uri", key).get("artifact_uri")
    except NbtrackError:  # of a version whose model is gone there is none
        place = None
    source = found.source or ""
    return VersionRecord(
        version=found.version,
        source=source,
        place=place,
        stage=found.current_stage or "None",
        description=found.description,
        user=found.user_id or None,
        run=found.run_id,
        run_link=found.run_link or None,
        model=found.model_id or model_of(source),
        status=found.status,
        message=found.status_message or None,
        created=found.creation_timestamp,
        updated=found.last_updated_timestamp or found.creation_timestamp,
        tags=found.tags,
    )


def versions_of(name: str) -> dict[str, Any]:
    """Return the search for the versions of a registered model."""
    quote = '"' if "'" in name else "'"
    return {"filter": f"name = {quote}{name}{quote}", "max_results": 1000}
