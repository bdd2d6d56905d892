"""Logged and registered models as rows of an ``mlflow.db``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from nbtrack.errors import NbtrackError
from nbtrack.interop.artifact_export import copy_folder
from nbtrack.interop.mlflow_tables import MlflowTables
from nbtrack.interop.report import Report
from nbtrack.interop.source import HUGE, ModelRecord, RegisteredRecord, VersionRecord
from nbtrack.store.artifacts import ArtifactFolder

STATUSES = {"PENDING": 1, "READY": 2, "FAILED": 3}
DELETED = "Deleted_Internal"


class ModelRows:
    """Writes models.

    Parameters
    ----------
    tables : MlflowTables
    report : Report
    experiments : mapping of str to int
        Experiment here -> there.
    folders : dict of str to str
        Artifact place here -> there; gets those of the models.
    root : Path
        Where artifacts go.
    opened : callable
        Opens the artifacts at a place here, as far as the store allows.
    """

    def __init__(
        self,
        tables: MlflowTables,
        report: Report,
        experiments: Mapping[str, int],
        folders: dict[str, str],
        root: Path,
        opened: Callable[[str], ArtifactFolder],
    ) -> None:
        self._tables = tables
        self._report = report
        self._experiments = experiments
        self._folders = folders
        self._root = root
        self._opened = opened
        self._models: dict[str, str] = {}

    def add_models(self, models: Iterable[ModelRecord]) -> None:
        """Write the logged models, with their files."""
        for record in models:
            if not self._tables.columns("logged_models"):
                self._report.fail(
                    "logged models", record.id, "This database is older than MLflow 3."
                )
                continue
            try:
                self._model(record)
                self._tables.commit()
            except NbtrackError as error:
                self._report.fail("logged models", record.id, error)

    def _model(self, record: ModelRecord) -> None:
        number = self._experiments[record.experiment]
        place = f"{self._root}/{number}/models/{record.id}/artifacts"
        row = {
            "model_id": record.id, "experiment_id": number, "name": record.name,
            "artifact_location": place, "creation_timestamp_ms": record.created,
            "last_updated_timestamp_ms": record.updated,
            "status": STATUSES.get(record.status, 2), "lifecycle_stage": record.stage,
            "model_type": record.type, "source_run_id": record.run,
            "status_message": record.message,
        }  # fmt: skip
        new = max(self._tables.add("logged_models", [row]), 0)
        at = {"model_id": record.id, "experiment_id": number}
        self._tables.add(
            "logged_model_params",
            [{**at, "param_key": k, "param_value": v} for k, v in record.params.items()],
        )
        tags = {k: v for k, v in record.tags.items() if not k.startswith("nbtrack.")}
        self._tables.add(
            "logged_model_tags", [{**at, "tag_key": k, "tag_value": v} for k, v in tags.items()]
        )
        metrics = [
            {
                **at, "metric_name": m.key, "metric_timestamp_ms": m.timestamp,
                "metric_step": m.step, "metric_value": _clamped(m.value),
                "run_id": m.run_id or record.run, "dataset_name": m.dataset_name,
                "dataset_digest": m.dataset_digest,
            }
            for m in record.metrics
            if m.run_id or record.run
        ]  # fmt: skip
        self._tables.add("logged_model_metrics", metrics)
        self._report.count("logged models", came=new, known=1 - new)
        self._models[record.id] = place
        if record.artifacts:
            self._folders[record.artifacts.rstrip("/")] = place
            copy_folder(self._opened(record.artifacts), place, record.id, self._report)

    def add_registered(self, models: Iterable[RegisteredRecord]) -> None:
        """Write the registered models with their versions."""
        for record in models:
            try:
                self._registered(record)
                self._tables.commit()
            except NbtrackError as error:
                self._report.fail("registered models", record.name, error)

    def _registered(self, record: RegisteredRecord) -> None:
        name = record.name
        row = {"name": name, "creation_time": record.created, "last_updated_time": record.updated,
               "description": record.description}  # fmt: skip
        new = max(self._tables.add("registered_models", [row]), 0)
        self._report.count("registered models", came=new, known=1 - new)
        self._tables.add(
            "registered_model_tags",
            [{"key": k, "value": v, "name": name} for k, v in record.tags.items()],
        )
        for version in record.versions:
            self._version(name, version)
        self._keep_number(name, record.greatest)
        here = {version.version for version in record.versions}
        self._tables.add(
            "registered_model_aliases",
            [
                {"alias": alias, "version": number, "name": name}
                for alias, number in record.aliases.items()
                if number in here
            ],
        )

    def _version(self, name: str, record: VersionRecord) -> None:
        place = self._there(record.place or record.source)
        source = record.source
        if record.model is not None and record.model in self._models:
            place, source = self._models[record.model], f"models:/{record.model}"
        elif not source.startswith(("models:", "runs:")):
            source = self._there(source)
        found = self._tables.ask(
            "SELECT run_id, creation_time FROM model_versions WHERE name = ? AND version = ?",
            [name, record.version],
        )
        if found and found[0] != (record.run, record.created):
            self._report.fail(
                "model versions",
                f"{name} {record.version}",
                "Another version has this number there; numbers are kept, so it was left out.",
            )
            return
        row = {
            "name": name, "version": record.version, "creation_time": record.created,
            "last_updated_time": record.updated, "description": record.description,
            "user_id": record.user, "current_stage": record.stage, "source": source,
            "run_id": record.run, "status": record.status, "status_message": record.message,
            "run_link": record.run_link, "storage_location": place,
        }  # fmt: skip
        self._tables.add("model_versions", [row])
        tags = record.tags.items()
        self._tables.add(
            "model_version_tags",
            [{"key": k, "value": v, "name": name, "version": record.version} for k, v in tags],
        )
        self._report.count("model versions", came=int(not found), known=int(bool(found)))

    def _keep_number(self, name: str, greatest: int) -> None:
        """Write the greatest number as a deleted version, as MLflow does: it is not given again."""
        rows = self._tables.ask("SELECT max(version) FROM model_versions WHERE name = ?", [name])
        if greatest > int(rows[0][0] or 0):
            row = {"name": name, "version": greatest, "current_stage": DELETED,
                   "source": "REDACTED-SOURCE-PATH", "run_id": "REDACTED-RUN-ID",
                   "run_link": "REDACTED-RUN-LINK", "status": "READY"}  # fmt: skip
            self._tables.add("model_versions", [row])

    def _there(self, place: str) -> str:
        for here, there in self._folders.items():
            if place == here or place.startswith(f"{here}/"):
                return there + place[len(here) :]
        return place


def _clamped(value: float) -> float | None:
    return None if value != value else max(-HUGE, min(HUGE, value))
