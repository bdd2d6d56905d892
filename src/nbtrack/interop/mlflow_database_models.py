"""Logged and registered models of an ``mlflow.db``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from nbtrack.entities import Metric
from nbtrack.interop.report import Report
from nbtrack.interop.source import ModelRecord, RegisteredRecord, VersionRecord
from nbtrack.interop.sqlite import SqliteFile

DELETED = "Deleted_Internal"
STATUSES = {1: "PENDING", 2: "READY", 3: "FAILED"}
_MODEL = (
    "model_id", "experiment_id", "name", "artifact_location", "model_type", "source_run_id",
    "status", "status_message", "lifecycle_stage", "creation_timestamp_ms",
    "last_updated_timestamp_ms",
)  # fmt: skip
_METRIC = (
    "model_id", "metric_name", "metric_value", "metric_timestamp_ms", "metric_step", "run_id",
    "dataset_name", "dataset_digest",
)  # fmt: skip
_VERSION = (
    "version", "source", "storage_location", "current_stage", "description", "user_id", "run_id",
    "run_link", "status", "status_message", "creation_time", "last_updated_time",
)  # fmt: skip


def logged_models(file: SqliteFile) -> Iterator[ModelRecord]:
    """Yield the logged models; databases of before MLflow 3 have none."""
    params: dict[str, dict[str, str]] = defaultdict(dict)
    for model, key, value in file.rows(
        "logged_model_params", ("model_id", "param_key", "param_value")
    ):
        params[model][key] = str(value)
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    for model, key, value in file.rows("logged_model_tags", ("model_id", "tag_key", "tag_value")):
        tags[model][key] = str(value)
    for row in file.rows("logged_models", _MODEL, "ORDER BY creation_timestamp_ms, model_id"):
        model, experiment, name, uri, kind, run, status, message, stage, created, updated = row
        yield ModelRecord(
            id=model,
            experiment=str(experiment),
            name=name,
            artifacts=uri,
            type=kind or None,
            run=run or None,
            status=STATUSES.get(status, "READY"),
            message=message or None,
            stage=stage or "active",
            created=created or 0,
            updated=updated or created or 0,
            params=params[model],
            tags=tags[model],
            metrics=_metrics(file, model),
        )


def _metrics(file: SqliteFile, model: str) -> list[Metric]:
    rows = file.rows("logged_model_metrics", _METRIC, "WHERE model_id = ?", [model])
    return [
        Metric(
            key,
            float("nan") if value is None else float(value),
            int(time),
            int(step),
            model,
            name,
            digest,
            run,
        )
        for _, key, value, time, step, run, name, digest in rows
    ]


def registered_models(file: SqliteFile, report: Report) -> Iterator[RegisteredRecord]:
    """Yield the registered models with those of their versions that are not deleted."""
    wanted = ("name", "description", "creation_time", "last_updated_time")
    for name, description, created, updated in file.rows("registered_models", wanted):
        where, values = "WHERE name = ?", [name]
        tags = file.rows("registered_model_tags", ("key", "value"), where, values)
        aliases = file.rows("registered_model_aliases", ("alias", "version"), where, values)
        version_tags: dict[int, dict[str, str]] = defaultdict(dict)
        for version, key, value in file.rows(
            "model_version_tags", ("version", "key", "value"), where, values
        ):
            version_tags[version][key] = str(value or "")
        rows = list(file.rows("model_versions", _VERSION, f"{where} ORDER BY version", values))
        kept = [row for row in rows if row[3] != DELETED]
        if len(kept) < len(rows):
            report.note(
                f"{len(rows) - len(kept)} deleted versions of {name} were left out; their numbers "
                "are not given again."
            )
        yield RegisteredRecord(
            name=name,
            description=description or None,
            created=created or 0,
            updated=updated or created or 0,
            tags={key: str(value or "") for key, value in tags},
            aliases={alias: int(version) for alias, version in aliases},
            versions=[_version(row, version_tags[row[0]]) for row in kept],
            greatest=max((int(row[0]) for row in rows), default=0),
        )


def _version(row: tuple[Any, ...], tags: dict[str, str]) -> VersionRecord:
    number, source, place, stage, text, user, run, link, status, message, created, updated = row
    return VersionRecord(
        version=int(number),
        source=source or "",
        place=place or None,
        stage=stage or "None",
        description=text or None,
        user=user or None,
        run=run or None,
        run_link=link or None,
        model=model_of(source),
        status=status or "READY",
        message=message or None,
        created=created or 0,
        updated=updated or created or 0,
        tags=tags,
    )


def model_of(source: str | None) -> str | None:
    """Return the logged model that a version was made of: ``models:/m-...`` says it."""
    name = (source or "").removeprefix("models:/").strip("/")
    if not (source or "").startswith("models:/") or not name.startswith("m-") or "/" in name:
        return None
    return name
