"""The tables of a store as Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nbtrack.store.artifacts.content import replace_file
from nbtrack.store.duckdb_errors import translated
from nbtrack.store.queries import SQL
from nbtrack.store.store import Store

TABLES = (
    "experiments", "experiment_tags", "runs", "params", "tags", "metrics", "latest", "artifacts",
    "datasets", "inputs", "logged_models", "logged_model_params", "logged_model_tags",
    "logged_model_metrics", "model_inputs", "model_outputs", "registered_models", "model_versions",
    "registered_model_aliases",
)  # fmt: skip


def write_parquet(
    store: Store, folder: Path, experiments: Sequence[str]
) -> Iterator[tuple[str, int]]:
    """Write each public table to ``<table>.parquet``; yield its name and its number of rows.

    A file appears whole or not at all.

    Parameters
    ----------
    store : Store
    folder : Path
        It exists.
    experiments : sequence of str
        Ids of those whose rows are wanted; registered models belong to none, and all go.
    """
    for table in TABLES:
        target = folder / f"{table}.parquet"
        part = folder / f".{table}.parquet.part"
        with store.read(files=True) as reader, translated(target):
            connection = reader.connection
            sql = SQL[f"bulk_tables.{table}"]
            wanted = {"experiments": list(experiments)} if "$experiments" in sql else {}
            relation = connection.sql(sql, params=wanted)
            relation.write_parquet(str(part), compression="zstd")
            rows = relation.aggregate("count(*)").fetchall()[0][0]
        replace_file(part, target)
        yield table, int(rows)
