"""Runs as Parquet: a file for each table of the store."""

from __future__ import annotations

from pathlib import Path

from nbtrack.interop.nbtrack_store import NbtrackStore
from nbtrack.interop.progress import Progress
from nbtrack.interop.report import Report
from nbtrack.store.bulk_tables import write_parquet


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
