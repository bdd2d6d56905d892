"""Runs as an ``mlflow.db`` that MLflow opens: ids, histories and files are as they were."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nbtrack.entities import DatasetInput
from nbtrack.errors import NbtrackError
from nbtrack.interop.allowed_folders import AllowedFolders
from nbtrack.interop.artifact_export import copy_folder
from nbtrack.interop.mlflow_tables import MlflowTables
from nbtrack.interop.nbtrack_store import NbtrackStore
from nbtrack.interop.progress import Progress
from nbtrack.interop.report import Report
from nbtrack.interop.source import HUGE, ExperimentRecord
from nbtrack.interop.to_mlflow_models import ModelRows
from nbtrack.store.artifacts import local_path
from nbtrack.store.bulk import RunRecord

OURS = "nbtrack."
RUNS_AT_ONCE = 500
_POINT = ("run_uuid", "key", "step", "timestamp", "value", "is_nan")
_LATEST = """
INSERT OR REPLACE INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)
SELECT key, value, timestamp, step, is_nan, run_uuid
FROM (SELECT *, row_number() OVER (PARTITION BY key ORDER BY step DESC, timestamp DESC, is_nan, value DESC) AS place
      FROM metrics WHERE run_uuid = ?)
WHERE place = 1
"""  # noqa: E501


class DatabaseExport:
    """Writes what a store has into an ``mlflow.db``.

    Parameters
    ----------
    source : NbtrackStore
    target : Path
        Artifacts go to ``mlruns`` beside it.
    report : Report
    progress : Progress
    named : sequence of Path
        More folders that artifacts may go to, where the database says so.
    """

    def __init__(
        self,
        source: NbtrackStore,
        target: Path,
        report: Report,
        progress: Progress,
        named: Sequence[Path] = (),
    ) -> None:
        self._source = source
        self._target = target.absolute()
        self._report = report
        self._progress = progress
        self._experiments: dict[str, int] = {}
        self._folders: dict[str, str] = {}
        self._allowed = AllowedFolders(report, [self._root, *named])

    def run(self) -> None:
        """Write everything."""
        with MlflowTables(self._target) as tables:
            for record in self._source.experiments():
                self._experiments[record.id] = self._experiment(tables, record)
            tables.commit()
            runs = self._runs(tables)
            self._points(tables, set(runs))
            self._artifacts(runs)
            models = ModelRows(
                tables,
                self._report,
                self._experiments,
                self._folders,
                self._root,
                self._source.folder,
            )
            models.add_models(self._source.models())
            models.add_registered(self._source.registered())
            tables.commit()

    @property
    def _root(self) -> Path:
        return self._target.parent / "mlruns"

    def _experiment(self, tables: MlflowTables, record: ExperimentRecord) -> int:
        name = record.name
        found = tables.ask(
            "SELECT experiment_id, lifecycle_stage FROM experiments WHERE name = ?", [name]
        )
        if found and found[0][1] != record.stage:
            # MLflow's names are unique among the deleted ones, too
            name = f"{name} ({record.stage} {record.id})"
            found = tables.ask("SELECT experiment_id, 0 FROM experiments WHERE name = ?", [name])
            self._report.note(f"The experiment {record.name!r} is {name!r} there.")
        if found:
            number = int(found[0][0])
            self._report.count("experiments", known=1)
        else:
            number = _free_id(tables, record.id)
            place = str(self._root / str(number))
            row = {"experiment_id": number, "name": name, "artifact_location": place,
                   "lifecycle_stage": record.stage, "creation_time": record.created,
                   "last_update_time": record.updated}  # fmt: skip
            tables.add("experiments", [row])
            self._report.count("experiments", came=1)
        tags = _carried(record.tags)
        tables.add(
            "experiment_tags",
            [{"key": k, "value": v, "experiment_id": number} for k, v in tags.items()],
        )
        return number

    def _runs(self, tables: MlflowTables) -> dict[str, RunRecord]:
        self._progress.stage("runs", self._source.run_count())
        done: dict[str, RunRecord] = {}
        for record in self._source.runs():
            try:
                new = self._run(tables, record)
            except NbtrackError as error:
                self._report.fail("runs", record.id, error)
                continue
            done[record.id] = record
            self._report.count("runs", came=new, known=1 - new)
            self._progress.step()
            if len(done) % RUNS_AT_ONCE == 0:
                tables.commit()
        tables.commit()
        return done

    def _run(self, tables: MlflowTables, record: RunRecord) -> int:
        number = self._experiments[record.experiment]
        place = f"{self._root}/{number}/{record.id}/artifacts"
        row = {
            "run_uuid": record.id, "name": record.name, "source_type": "UNKNOWN",
            "source_name": "", "entry_point_name": "", "source_version": "",
            "user_id": record.user, "status": _status(record.status), "start_time": record.start,
            "end_time": record.end, "lifecycle_stage": record.stage, "artifact_uri": place,
            "experiment_id": number, "deleted_time": record.deleted,
        }  # fmt: skip
        new = tables.add("runs", [row])
        stored = tables.ask("SELECT artifact_uri FROM runs WHERE run_uuid = ?", [record.id])
        self._folders[record.id] = str(stored[0][0] or place)
        if not new:
            tables.change(
                "UPDATE runs SET status = ?, end_time = ? "
                "WHERE run_uuid = ? AND status = 'RUNNING'",
                [_status(record.status), record.end, record.id],
            )
        for table, pairs in (("params", record.params), ("tags", _carried(record.tags))):
            tables.add(
                table, [{"key": k, "value": v, "run_uuid": record.id} for k, v in pairs.items()]
            )
        for item in record.inputs:
            self._input(tables, number, record.id, item)
        edges = [("RUN_INPUT", "MODEL_INPUT", model, 0) for model in record.model_inputs]
        edges += [("RUN_OUTPUT", "MODEL_OUTPUT", model, at) for model, at in record.model_outputs]
        for kind, other, model, step in edges:
            tables.add("inputs", [_edge(kind, record.id, other, model, step)])
        return max(new, 0)

    def _input(self, tables: MlflowTables, number: int, run_id: str, item: DatasetInput) -> None:
        data = item.dataset
        row = {
            "dataset_uuid": uuid.uuid4().hex, "experiment_id": number, "name": data.name,
            "digest": data.digest, "dataset_source_type": data.source_type,
            "dataset_source": data.source, "dataset_schema": data.schema,
            "dataset_profile": data.profile,
        }  # fmt: skip
        tables.add("datasets", [row])
        found = tables.ask(
            "SELECT dataset_uuid FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?",
            [number, data.name, data.digest],
        )
        edge = _edge("DATASET", found[0][0], "RUN", run_id, 0)
        if tables.add("inputs", [edge]) > 0:
            tags = [
                {"input_uuid": edge["input_uuid"], "name": tag.key, "value": tag.value}
                for tag in item.tags
            ]
            tables.add("input_tags", tags)

    def _points(self, tables: MlflowTables, runs: set[str]) -> None:
        self._progress.stage("points", self._source.point_count())
        changed: set[str] = set()
        lost: Counter[str] = Counter()
        for batch in self._source.points():
            point = batch.points
            nan = np.isnan(point.value)
            value = np.clip(np.where(nan, 0.0, point.value), -HUGE, HUGE)
            lost["infinities"] += int(np.isinf(point.value).sum())
            rows = zip(
                point.series.tolist(), point.step.tolist(), point.time.tolist(), value.tolist(),
                nan.tolist(), strict=True,
            )  # fmt: skip
            kept = (
                (*batch.series[series], step, time, number, flag)
                for series, step, time, number, flag in rows
                if batch.series[series][0] in runs
            )
            try:
                added = tables.add_many("metrics", _POINT, kept)
            except NbtrackError as error:
                self._report.fail("points", batch.series[0][0], error)
                continue
            tables.commit()
            changed.update(run for run, _ in batch.series)
            self._report.count("points", came=added, known=len(batch) - added)
            self._progress.step(len(batch))
        for run in sorted(changed & runs):
            tables.change(_LATEST, [run])
        tables.commit()
        if lost["infinities"]:
            self._report.note(
                f"{lost['infinities']:,} infinite values are ±{HUGE} there, as MLflow keeps them."
            )

    def _copy(self, uri: str, place: str, run_id: str) -> None:
        """Copy the artifacts of a run; a database that was there may name any place."""
        local = local_path(place)
        if local is None or not self._allowed.holds(local):
            self._report.fail(
                "artifacts",
                run_id,
                f"The database keeps them at {place}, not in {self._root}. If that folder is yours "
                "to write to, name it: --artifact-root, or artifact_roots=[...].",
            )
            return
        copy_folder(self._source.folder(uri), place, run_id, self._report)

    def _artifacts(self, runs: Mapping[str, RunRecord]) -> None:
        self._progress.stage("artifacts", len(runs))
        for run_id, record in runs.items():
            if record.artifacts is not None:
                self._copy(record.artifacts, self._folders[run_id], run_id)
                self._folders[record.artifacts.rstrip("/")] = self._folders[run_id]
            self._progress.step()


def _free_id(tables: MlflowTables, wanted: str) -> int:
    taken = {int(row[0]) for row in tables.ask("SELECT experiment_id FROM experiments")}
    if wanted.isdecimal() and int(wanted) not in taken:
        return int(wanted)
    return max(taken, default=0) + 1


def _carried(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that mean something there."""
    return {key: value for key, value in tags.items() if not key.startswith(OURS)}


def _status(status: str) -> str:
    return "KILLED" if status == "INTERRUPTED" else status


def _edge(kind: str, source: str, other: str, target: str, step: int) -> dict[str, Any]:
    return {"input_uuid": uuid.uuid4().hex, "source_type": kind, "source_id": source,
            "destination_type": other, "destination_id": target, "step": step}  # fmt: skip
