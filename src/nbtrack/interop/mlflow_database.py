"""MLflow's SQLite store, ``mlflow.db``: any version of it, read as its columns are."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nbtrack.entities import Dataset, DatasetInput, InputTag
from nbtrack.entities.runs import GIT_COMMIT, SOURCE_NAME, SOURCE_TYPE
from nbtrack.interop.allowed_folders import own_folders
from nbtrack.interop.mlflow_database_models import logged_models, registered_models
from nbtrack.interop.report import Report
from nbtrack.interop.source import (
    ExperimentRecord,
    ModelRecord,
    PointBatch,
    RegisteredRecord,
    Series,
    Source,
    int_column,
    unclamped,
)
from nbtrack.interop.sqlite import SqliteFile
from nbtrack.store import Points
from nbtrack.store.bulk import RunRecord

BATCH = 200_000
RUNS_AT_ONCE = 500
_RUN = (
    "run_uuid", "experiment_id", "name", "status", "start_time", "end_time", "user_id",
    "lifecycle_stage", "deleted_time", "artifact_uri", "source_type", "source_name",
    "source_version", "entry_point_name",
)  # fmt: skip
_SOURCE_TAGS = (SOURCE_TYPE, SOURCE_NAME, GIT_COMMIT)
_METRIC = ("run_uuid", "key", "step", "timestamp", "value", "is_nan")
_DATASET = (
    "dataset_uuid", "name", "digest", "dataset_source_type", "dataset_source", "dataset_schema",
    "dataset_profile",
)  # fmt: skip


class MlflowDatabase(Source):
    """Runs of an ``mlflow.db``.

    Parameters
    ----------
    path : Path
    report : Report
    named : sequence of Path
        More folders that may be read, where links lead there.
    """

    kind = "mlflow-database"

    def __init__(self, path: Path, report: Report, named: Sequence[Path] = ()) -> None:
        beside = own_folders(path.absolute().parent, "mlruns", "mlartifacts")
        super().__init__(str(path), report, [*beside, *named])
        self._file = SqliteFile(path)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def experiments(self) -> list[ExperimentRecord]:
        """Return the experiments, deleted ones too."""
        tags: dict[Any, dict[str, str]] = defaultdict(dict)
        for experiment, key, value in self._file.rows(
            "experiment_tags", ("experiment_id", "key", "value")
        ):
            tags[experiment][str(key)] = str(value or "")
        wanted = ("experiment_id", "name", "lifecycle_stage", "creation_time", "last_update_time")
        return [
            ExperimentRecord(str(number), name, stage or "active", created, updated, tags[number])
            for number, name, stage, created, updated in self._file.rows("experiments", wanted)
        ]

    def run_count(self) -> int:
        """Return about how many runs there are."""
        return self._file.count("runs")

    def runs(self) -> Iterator[RunRecord]:
        """Yield the runs, with what belongs to them looked up for many at a time."""
        rows = list(self._file.rows("runs", _RUN, "ORDER BY start_time, run_uuid"))
        datasets = {row[0]: row[1:] for row in self._file.rows("datasets", _DATASET)}
        for first in range(0, len(rows), RUNS_AT_ONCE):
            part = rows[first : first + RUNS_AT_ONCE]
            ids = [row[0] for row in part]
            params = self._pairs("params", ids)
            tags = self._pairs("tags", ids)
            inputs = self._inputs(ids, datasets)
            read = self._links("source_id", "RUN_INPUT", ids)
            made = self._links("source_id", "RUN_OUTPUT", ids)
            for row in part:
                record = _run(row, params[row[0]], tags[row[0]])
                record.inputs = inputs[row[0]]
                record.model_inputs = [model for model, _ in read[row[0]]]
                record.model_outputs = made[row[0]]
                yield record

    def _pairs(self, table: str, ids: list[str]) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for run, key, value in self._of("run_uuid", table, ("run_uuid", "key", "value"), ids):
            found[run][str(key)] = "" if value is None else str(value)
        return found

    def _of(
        self, column: str, table: str, wanted: Iterable[str], ids: list[str], also: str = ""
    ) -> Iterator[tuple[Any, ...]]:
        marks = ", ".join("?" * len(ids))
        return self._file.rows(table, tuple(wanted), f"WHERE {column} IN ({marks}) {also}", ids)

    def _inputs(
        self, ids: list[str], datasets: dict[Any, tuple[Any, ...]]
    ) -> dict[str, list[DatasetInput]]:
        wanted = ("input_uuid", "source_id", "destination_id", "source_type", "destination_type")
        rows = [
            row
            for row in self._of("destination_id", "inputs", wanted, ids)
            if row[3:] == ("DATASET", "RUN")
        ]
        tags: dict[Any, list[InputTag]] = defaultdict(list)
        for number, key, value in self._of(
            "input_uuid", "input_tags", ("input_uuid", "name", "value"), [row[0] for row in rows]
        ):
            tags[number].append(InputTag(key, value))
        found: dict[str, list[DatasetInput]] = defaultdict(list)
        for number, dataset, run, *_ in rows:
            if dataset in datasets:
                found[run].append(DatasetInput(Dataset(*datasets[dataset]), tags[number]))
            else:
                self.report.fail("datasets", str(dataset), f"Run {run} names it; it is not there.")
        return found

    def _links(self, column: str, kind: str, ids: list[str]) -> dict[str, list[tuple[str, int]]]:
        found: dict[str, list[tuple[str, int]]] = defaultdict(list)
        wanted = ("source_id", "destination_id", "step", "source_type")
        for run, model, step, source in self._of(column, "inputs", wanted, ids):
            if source == kind:
                found[run].append((model, int(step or 0)))
        return found

    def point_count(self) -> int:
        """Return about how many points there are."""
        return self._file.count("metrics")

    def points(self) -> Iterator[PointBatch]:
        """Yield all points in the order of the file: one scan, no index."""
        fractional = 0
        columns = [name if name in self._file.columns("metrics") else "NULL" for name in _METRIC]
        cursor = self._file.connection.execute(f"SELECT {', '.join(columns)} FROM metrics")  # noqa: S608
        collecting = gc.isenabled()
        gc.disable()  # so many tuples at once would have it look at all of them again and again
        try:
            while rows := cursor.fetchmany(BATCH):
                batch, odd = _batch(rows)
                fractional += odd
                del rows
                yield batch
        finally:
            if collecting:
                gc.enable()
        if fractional:
            self.report.note(
                f"{fractional:,} points have a step that is no whole number, such as 1.5: it was "
                "rounded down."
            )

    def models(self) -> Iterator[ModelRecord]:
        """Yield the logged models."""
        return logged_models(self._file)

    def registered(self) -> Iterator[RegisteredRecord]:
        """Yield the registered models."""
        return registered_models(self._file, self.report)


def _run(row: tuple[Any, ...], params: dict[str, str], tags: dict[str, str]) -> RunRecord:
    run, experiment, name, status, start, end, user, stage, deleted, uri, *source = row
    kind, source_name, version, _ = source
    for key, value in zip(_SOURCE_TAGS, (kind, source_name, version), strict=True):
        if value and value != "UNKNOWN":  # older versions have no tags for it
            tags.setdefault(key, str(value))
    return RunRecord(
        id=str(run),
        experiment=str(experiment),
        name=name or "",
        status=status or "FINISHED",
        start=int(start or 0),
        end=None if end is None else int(end),
        user=user or "",
        stage=stage or "active",
        deleted=deleted,
        artifacts=uri,
        params=params,
        tags=tags,
    )


def _batch(rows: list[tuple[Any, ...]]) -> tuple[PointBatch, int]:
    run, key, step, time, value, nan = zip(*rows, strict=True)
    names: dict[Series, int] = {}
    pairs = zip(run, key, strict=True)
    series = np.fromiter((names.setdefault(p, len(names)) for p in pairs), np.int64, len(rows))
    steps, odd = int_column(step)
    times, _ = int_column(time)
    values = unclamped(_floats(value))
    if any(nan):
        values = np.where(np.array([bool(flag) for flag in nan]), np.nan, values)
    return PointBatch(list(names), Points(series, steps, times, values)), odd


def _floats(values: tuple[Any, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        return np.array(values, dtype=np.float64)  # None, which is how SQLite keeps NaN, is NaN
    except (TypeError, ValueError):
        return np.array([_float(value) for value in values], dtype=np.float64)


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
