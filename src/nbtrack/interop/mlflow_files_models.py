"""Logged and registered models of an ``mlruns`` folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nbtrack.entities import Metric
from nbtrack.errors import NbtrackError
from nbtrack.interop import mlflow_folder
from nbtrack.interop.allowed_folders import AllowedFolders
from nbtrack.interop.mlflow_database_models import DELETED, model_of
from nbtrack.interop.report import Report
from nbtrack.interop.source import ModelRecord, RegisteredRecord, VersionRecord

STATUSES = {1: "PENDING", 2: "READY", 3: "FAILED"}


def logged_models(
    experiments: Mapping[Path, str],
    places: dict[str, Path],
    report: Report,
    allowed: AllowedFolders,
) -> Iterator[ModelRecord]:
    """Yield the logged models of experiments.

    Parameters
    ----------
    experiments : mapping
        Id by folder.
    places : dict
        Gets the folder of the files of each model, by the place that it names.
    report : Report
    allowed : AllowedFolders
        What may be read.
    """
    for experiment, number in experiments.items():
        for folder in mlflow_folder.folders(experiment / "models", allowed):
            try:
                record = _model(
                    folder, number, mlflow_folder.meta(folder, allowed), report, allowed
                )
            except (NbtrackError, ValueError, TypeError, OSError) as error:
                report.fail("logged models", folder.name, error)
                continue
            if record.artifacts and allowed.is_folder(folder / "artifacts"):
                places[record.artifacts] = folder / "artifacts"
            yield record


def _model(
    folder: Path, experiment: str, meta: dict[str, Any], report: Report, allowed: AllowedFolders
) -> ModelRecord:
    model = str(meta.get("model_id") or folder.name)
    created = int(meta.get("creation_timestamp") or 0)
    return ModelRecord(
        id=model,
        experiment=experiment,
        name=str(meta.get("name") or model),
        artifacts=meta.get("artifact_location") or str(folder / "artifacts"),
        type=meta.get("model_type") or None,
        run=meta.get("source_run_id") or None,
        status=STATUSES.get(meta.get("status") or 2, "READY"),
        message=meta.get("status_message") or None,
        stage="deleted" if meta.get("lifecycle_stage") == "deleted" else "active",
        created=created,
        updated=int(meta.get("last_updated_timestamp") or created),
        params=mlflow_folder.texts(folder / "params", allowed),
        tags=mlflow_folder.texts(folder / "tags", allowed),
        metrics=list(_metrics(folder, model, report, allowed)),
    )


def _metrics(folder: Path, model: str, report: Report, allowed: AllowedFolders) -> Iterator[Metric]:
    for key, path in mlflow_folder.files(folder / "metrics", allowed):
        points, rest, bad, _ = mlflow_folder.metric_lines(path.read_bytes())
        if bad:
            report.fail("metrics of models", f"{model}/{key}", f"{bad} lines make no sense.")
        rows = zip(points.value.tolist(), points.time.tolist(), points.step.tolist(), strict=True)
        for index, (value, time, step) in enumerate(rows):
            fields = rest[index] if rest else ()
            run = fields[0] if fields else None
            name, digest = fields[1:3] if len(fields) >= 3 else (None, None)
            yield Metric(key, value, time, step, model, name, digest, run)


def registered_models(
    root: Path, report: Report, allowed: AllowedFolders
) -> Iterator[RegisteredRecord]:
    """Yield the registered models below the folder ``models``."""
    for folder in mlflow_folder.folders(root, allowed):
        try:
            meta = mlflow_folder.meta(folder, allowed)
        except NbtrackError as error:
            report.fail("registered models", folder.name, error)
            continue
        created = int(meta.get("creation_timestamp") or 0)
        record = RegisteredRecord(
            name=str(meta.get("name") or folder.name),
            description=meta.get("description") or None,
            created=created,
            updated=int(meta.get("last_updated_timestamp") or created),
            tags=mlflow_folder.texts(folder / "tags", allowed),
            aliases={
                alias: int(version)
                for alias, version in mlflow_folder.texts(folder / "aliases", allowed).items()
                if version.strip().isdecimal()
            },
        )
        _add_versions(record, folder, report, allowed)
        yield record


def _add_versions(
    record: RegisteredRecord, folder: Path, report: Report, allowed: AllowedFolders
) -> None:
    deleted = 0
    for place in mlflow_folder.folders(folder, allowed):
        try:
            meta = mlflow_folder.meta(place, allowed)
            number = int(meta.get("version") or place.name.removeprefix("version-"))
            record.greatest = max(record.greatest, number)
            if meta.get("current_stage") == DELETED:
                deleted += 1
                continue
            record.versions.append(
                _version(number, meta, mlflow_folder.texts(place / "tags", allowed))
            )
        except (NbtrackError, ValueError, TypeError) as error:
            report.fail("model versions", f"{record.name}/{place.name}", error)
    record.versions.sort(key=lambda version: version.version)
    if deleted:
        report.note(
            f"{deleted} deleted versions of {record.name} were left out; their numbers are not "
            "given again."
        )


def _version(number: int, meta: dict[str, Any], tags: dict[str, str]) -> VersionRecord:
    created = int(meta.get("creation_timestamp") or 0)
    source = str(meta.get("source") or "")
    return VersionRecord(
        version=number,
        source=source,
        place=meta.get("storage_location") or None,
        stage=meta.get("current_stage") or "None",
        description=meta.get("description") or None,
        user=meta.get("user_id") or None,
        run=meta.get("run_id") or None,
        run_link=meta.get("run_link") or None,
        model=meta.get("model_id") or model_of(source),
        status=str(meta.get("status") or "READY"),
        message=meta.get("status_message") or None,
        created=created,
        updated=int(meta.get("last_updated_timestamp") or created),
        tags=tags,
    )
