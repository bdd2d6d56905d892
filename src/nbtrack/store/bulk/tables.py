"""The tables of a store as Parquet files, and what is in such a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

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


def parquet_columns(data: bytes, most_rows: int) -> dict[str, Any]:
    """Return the columns of a Parquet file as arrays, those with gaps masked.

    Parameters
    ----------
    data : bytes
    most_rows : int
        A file with more is refused: few bytes may unfold to many rows.

    Raises
    ------
    ValueError
        If it has more rows.
    NbtrackError
        If it cannot be read.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="nbtrack-parquet-") as place:
        file = Path(place, "table.parquet")
        file.write_bytes(data)
        with translated(file), duckdb.connect(config={"memory_limit": "2GB"}) as connection:
            named = {"file": str(file)}
            rows = connection.execute(SQL["bulk_tables.parquet_rows"], named).fetchall()[0][0]
            if rows > most_rows:
                raise ValueError(f"The table has {rows:,} rows; up to {most_rows:,} are compared.")
            found = connection.execute(SQL["bulk_tables.parquet_columns"], named)
            return dict(found.fetchnumpy())
