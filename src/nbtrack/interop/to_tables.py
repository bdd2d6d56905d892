"""Runs as CSV, a row for each and every point; all tables of the store as Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbtrack.interop.nbtrack_store import NbtrackStore
from nbtrack.interop.progress import Progress
from nbtrack.interop.report import Report
from nbtrack.store import get_runs
from nbtrack.store.bulk import RunRecord, write_parquet

FIXED = ("run_id", "run_name", "experiment", "status", "start_time", "end_time", "user_id",
         "lifecycle_stage", "artifact_uri")  # fmt: skip
POINT = ("run_id", "key", "step", "value", "timestamp")
MANY = 500


def export_csv(source: NbtrackStore, target: Path, report: Report, progress: Progress) -> None:
    """Write the runs of a store as CSV.

    Parameters
    ----------
    source : NbtrackStore
    target : Path
        A folder, made if need be; or ``<name>.csv``: the table of runs alone.
    report : Report
    progress : Progress
    """
    names = {record.id: record.name for record in source.experiments()}
    records = list(source.runs())
    alone = target.suffix == ".csv"
    table = target if alone else target / "runs.csv"
    table.parent.mkdir(parents=True, exist_ok=True)
    progress.stage("runs", len(records))
    report.count("runs", came=_write(table, *_runs(source, records, names)))
    if alone:
        report.note("A single CSV has the latest values only; a folder gets metrics.csv as well.")
        return
    progress.stage("points", source.point_count())
    with (target / "metrics.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(POINT)
        for batch in source.points():
            point = batch.points
            rows = zip(point.series.tolist(), point.step.tolist(), point.value.tolist(),
                       point.time.tolist(), strict=True)  # fmt: skip
            writer.writerows(
                (*batch.series[series], step, value, time) for series, step, value, time in rows
            )
            report.count("points", came=len(batch))
            progress.step(len(batch))


def _runs(
    source: NbtrackStore, records: list[RunRecord], experiments: dict[str, str]
) -> tuple[list[str], Iterable[Sequence[Any]]]:
    metrics: dict[str, dict[str, float]] = {}
    for first in range(0, len(records), MANY):
        with source.store.read() as reader:
            for run in get_runs(reader, [r.id for r in records[first : first + MANY]]):
                metrics[run.info.run_id] = run.data.metrics
    groups = (
        ("metrics", [metrics[r.id] for r in records]),
        ("params", [r.params for r in records]),
        ("tags", [r.tags for r in records]),
    )
    keys = {what: sorted({key for row in rows for key in row}) for what, rows in groups}
    columns = [*FIXED, *(f"{what}.{key}" for what, found in keys.items() for key in found)]

    def rows() -> Iterable[Sequence[Any]]:
        for place, r in enumerate(records):
            yield (
                r.id, r.name, experiments.get(r.experiment, r.experiment), r.status, _iso(r.start),
                _iso(r.end), r.user, r.stage, r.artifacts or "",
                *(given[place].get(key, "") for what, given in groups for key in keys[what]),
            )  # fmt: skip

    return columns, rows()


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    count = 0
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _iso(time: int | None) -> str:
    if time is None:
        return ""
    return datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="milliseconds")


def export_parquet(source: NbtrackStore, target: Path, report: Report, progress: Progress) -> None:
    """Write the tables of a store as Parquet files; those that are there are replaced.

    Parameters
    ----------
    source : NbtrackStore
    target : Path
        A folder, made if need be.
    report : Report
    progress : Progress
    """
    target.mkdir(parents=True, exist_ok=True)
    progress.stage("tables")
    for table, rows in write_parquet(source.store, target, source.experiment_ids):
        report.count(table, came=rows)
        progress.step()
