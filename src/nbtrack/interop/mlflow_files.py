"""MLflow's file store, an ``mlruns`` folder, with what is broken in those that are around."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nbtrack.entities import Dataset, DatasetInput, InputTag
from nbtrack.entities.runs import SOURCE_NAME, SOURCE_TYPE
from nbtrack.errors import NbtrackError
from nbtrack.interop import mlflow_folder
from nbtrack.interop.allowed_folders import own_folders
from nbtrack.interop.mlflow_files_models import logged_models, registered_models
from nbtrack.interop.report import Report
from nbtrack.interop.source import (
    ExperimentRecord,
    Files,
    ModelRecord,
    PointBatch,
    RegisteredRecord,
    Series,
    Source,
)
from nbtrack.store import Points
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.store.bulk import RunRecord

BATCH = 200_000
NO_RUNS = {"tags", "datasets", "models", "traces", "assessments"}
STATUSES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
SOURCES = {1: "NOTEBOOK", 2: "JOB", 3: "PROJECT", 4: "LOCAL"}


class MlflowFiles(Source):
    """Runs of an ``mlruns`` folder.

    Parameters
    ----------
    path : Path
        The folder, or the one that it lies in.
    report : Report
    named : sequence of Path
        More folders that may be read, where links lead there.
    """

    kind = "mlflow-files"

    def __init__(self, path: Path, report: Report, named: Sequence[Path] = ()) -> None:
        nested = path / "mlruns"
        self.root = nested if nested.is_dir() and not any(path.glob("*/meta.yaml")) else path
        own = own_folders(self.root.absolute().parent, "mlartifacts")
        own += [path] if self.root is path else own_folders(path, "mlruns")
        super().__init__(str(path), report, [*own, *named])
        self._experiments: dict[Path, str] = {}
        self._folders: dict[str, Path] = {}
        self._runs: list[tuple[str, Path]] = []

    def experiments(self) -> list[ExperimentRecord]:
        """Return the experiments, those in ``.trash`` too."""
        found = []
        for top in (self.root, self.root / ".trash"):
            for folder in mlflow_folder.folders(top, self.allowed):
                try:
                    meta = mlflow_folder.meta(folder, self.allowed)
                    number = str(meta.get("experiment_id") or folder.name)
                    found.append(
                        ExperimentRecord(
                            number,
                            str(meta.get("name") or f"experiment {number}"),
                            "deleted" if top is not self.root else _stage(meta),
                            meta.get("creation_time"),
                            meta.get("last_update_time"),
                            mlflow_folder.texts(folder / "tags", self.allowed),
                        )
                    )
                    self._experiments[folder] = number
                except NbtrackError as error:
                    self.report.fail("experiments", folder.name, error)
        return found

    def runs(self) -> Iterator[RunRecord]:
        """Yield the runs; one that cannot be read is reported."""
        for experiment, number in self._experiments.items():
            for folder in sorted(experiment.iterdir()):
                if folder.name in NO_RUNS or not folder.is_dir() or _is_empty(folder):
                    continue
                try:
                    record = self._run(folder, number, mlflow_folder.meta(folder, self.allowed))
                except (NbtrackError, ValueError, TypeError, OSError) as error:
                    self.report.fail("runs", folder.name, error)
                    continue
                self._runs.append((record.id, folder))
                yield record

    def _run(self, folder: Path, experiment: str, meta: dict[str, Any]) -> RunRecord:
        run = str(meta.get("run_id") or meta.get("run_uuid") or folder.name)
        uri = str(meta.get("artifact_uri") or folder / "artifacts")
        if self.allowed.is_folder(folder / "artifacts"):
            self._folders[uri] = folder / "artifacts"
        tags = mlflow_folder.texts(folder / "tags", self.allowed)
        old = (SOURCES.get(meta.get("source_type") or 0), meta.get("source_name"))
        for key, value in zip((SOURCE_TYPE, SOURCE_NAME), old, strict=True):
            if value and meta.get("source_name"):  # versions that had no tags for it
                tags.setdefault(key, str(value))
        status = meta.get("status")
        record = RunRecord(
            id=run,
            experiment=experiment,
            name=str(meta.get("run_name") or meta.get("name") or ""),
            status=STATUSES.get(status, "FINISHED") if isinstance(status, int) else str(status),
            start=int(meta.get("start_time") or 0),
            end=None if meta.get("end_time") is None else int(meta["end_time"]),
            user=str(meta.get("user_id") or ""),
            stage=_stage(meta),
            deleted=meta.get("deleted_time"),
            artifacts=uri,
            params=mlflow_folder.texts(folder / "params", self.allowed),
            tags=tags,
        )
        self._link(folder, record)
        return record

    def _link(self, folder: Path, record: RunRecord) -> None:
        # destination_id is wrong in these files: the run is the one of the folder
        for place in mlflow_folder.folders(folder / "inputs", self.allowed):
            try:
                meta = mlflow_folder.meta(place, self.allowed)
                if meta.get("source_type") == "DATASET":
                    record.inputs.append(self._dataset(folder.parent, meta))
                else:
                    record.model_inputs.append(str(meta["source_id"]))
            except (NbtrackError, KeyError, TypeError) as error:
                self.report.fail("inputs", f"{record.id}/{place.name}", error)
        for place in mlflow_folder.folders(folder / "outputs", self.allowed):
            try:
                meta = mlflow_folder.meta(place, self.allowed)
                model = str(meta.get("destination_id") or place.name)
                record.model_outputs.append((model, int(meta.get("step") or 0)))
            except (NbtrackError, ValueError, TypeError) as error:
                self.report.fail("outputs", f"{record.id}/{place.name}", error)

    def _dataset(self, experiment: Path, meta: dict[str, Any]) -> DatasetInput:
        found = mlflow_folder.meta(experiment / "datasets" / str(meta["source_id"]), self.allowed)
        names = ("name", "digest", "source_type", "source", "schema", "profile")
        dataset = Dataset(*(found.get(name) for name in names))  # type: ignore[arg-type]
        tags = meta.get("tags") or {}
        return DatasetInput(dataset, [InputTag(str(k), str(v)) for k, v in tags.items()])

    def points(self) -> Iterator[PointBatch]:
        """Yield all points; lines that cannot be read are counted and reported."""
        names: list[Series] = []
        parts: list[Points] = []
        waiting = named = fractional = 0
        for run, folder in self._runs:
            for key, path in mlflow_folder.files(folder / "metrics", self.allowed):
                try:
                    found, rest, bad, odd = mlflow_folder.metric_lines(path.read_bytes())
                except OSError as error:
                    self.report.fail("metrics", f"{run}/{key}", error)
                    continue
                if bad:
                    self.report.fail("metrics", f"{run}/{key}", f"{bad} lines make no sense.")
                named += sum(1 for fields in rest if fields)
                fractional += odd
                series = np.full(len(found), len(names), dtype=np.int64)
                parts.append(Points(series, found.step, found.time, found.value))
                names.append((run, key))
                waiting += len(found)
                if waiting >= BATCH:
                    yield _batch(names, parts)
                    names, parts, waiting = [], [], 0
        yield _batch(names, parts)
        if named:
            self.report.note(
                f"{named:,} points of runs name a dataset: only points of models keep that."
            )
        if fractional:
            self.report.note(
                f"{fractional:,} points have a step that is no whole number, such as 1.5: it was "
                "rounded down."
            )

    def models(self) -> Iterator[ModelRecord]:
        """Yield the logged models."""
        return logged_models(self._experiments, self._folders, self.report, self.allowed)

    def registered(self) -> Iterator[RegisteredRecord]:
        """Yield the registered models."""
        return registered_models(self.root / "models", self.report, self.allowed)

    def files(self, uri: str) -> Files | None:
        """Return the artifacts that lie in the folder itself, wherever it has been moved."""
        folder = self._folders.get(uri)
        return None if folder is None else ArtifactFolder(str(folder))


def _stage(meta: dict[str, Any]) -> str:
    return "deleted" if meta.get("lifecycle_stage") == "deleted" else "active"


def _is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def _batch(names: list[Series], parts: list[Points]) -> PointBatch:
    if not parts:
        empty = np.zeros(0, np.int64)
        return PointBatch([], Points(empty, empty, empty, np.zeros(0)))
    columns = zip(*(part.columns().values() for part in parts), strict=True)
    return PointBatch(names, Points(*(np.concatenate(column) for column in columns)))
