"""Rows of the tables of a store, in arrays: what is copied from one store into another.

A column that a migration adds is copied with the others. What is there already stays.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader

Columns = dict[str, npt.NDArray[Any]]
"""Arrays of equal length by the name of the column; masked where something is NULL."""

_OWNER = ("host", "pid", "process_start", "place")


@dataclass(frozen=True)
class CopiedTable:
    """How the rows of a table are found, and when two are the same.

    Attributes
    ----------
    owner : str
        The column by which rows are chosen.
    same : tuple of str
        The columns, with ``owner``, by which a row is known.
    left_out : tuple of str
        Columns that mean nothing in another store: the process that has a run.
    """

    owner: str
    same: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


COPIED = {
    "experiments": CopiedTable("experiment_id"),
    "experiment_tags": CopiedTable("experiment_id", ("key",)),
    "runs": CopiedTable("run_id", left_out=_OWNER),
    "params": CopiedTable("run_id", ("key",)),
    "tags": CopiedTable("run_id", ("key",)),
    "artifacts": CopiedTable("run_id", ("path",)),
    "datasets": CopiedTable("experiment_id", ("name", "digest")),
    "inputs": CopiedTable("run_id", ("name", "digest")),
    "logged_models": CopiedTable("model_id", left_out=_OWNER),
    "logged_model_params": CopiedTable("model_id", ("key",)),
    "logged_model_tags": CopiedTable("model_id", ("key",)),
    "logged_model_metrics": CopiedTable(
        "model_id",
        ("key", "value", "step", "time", "run_id", "dataset_name", "dataset_digest", "direct"),
    ),
    "logged_model_artifacts": CopiedTable("model_id", ("path",)),
    "model_inputs": CopiedTable("run_id", ("model_id",)),
    "model_outputs": CopiedTable("run_id", ("model_id",)),
    "registered_models": CopiedTable("name"),
    "registered_model_tags": CopiedTable("name", ("key",)),
    "registered_model_aliases": CopiedTable("name", ("alias",)),
    "model_versions": CopiedTable("name", ("version",)),
    "model_version_tags": CopiedTable("name", ("version", "key")),
}
"""All tables but ``series`` and ``points``, which `add_points` writes, and what is of one store
alone: ``journals``, ``journal_series``, ``migrations``."""


def read_rows(reader: Reader, table: str, owners: Sequence[str]) -> Columns:
    """Return the rows of a table that belong to some owners."""
    how = COPIED[table]
    columns = f"* EXCLUDE ({', '.join(how.left_out)})" if how.left_out else "*"
    sql = SQL["copy.rows"].format(table=table, owner=how.owner, columns=columns)
    return reader.columns(sql, owners=list(owners))


def all_rows(reader: Reader, table: str) -> Columns:
    """Return all rows of a table."""
    return reader.columns(SQL["copy.all_rows"].format(table=table))


def rows_of(rows: Columns, column: str, owners: Container[Any]) -> Columns:
    """Return the rows of some owners."""
    return chosen(rows, np.array([each in owners for each in rows[column]], dtype=bool))


def add_rows(reader: Reader, table: str, rows: Columns) -> int:
    """Add those rows that are not there; return how many."""
    found = with_rows(reader, "copy.add_rows", rows, table=table, same=_same(table))
    return int(found[0][0]) if found else 0


def differing(reader: Reader, table: str, rows: Columns) -> list[tuple[str, str, str, str]]:
    """Return (owner, key, value here, value there) of pairs whose values differ."""
    owner = COPIED[table].owner
    found = with_rows(reader, "copy.differing", rows, table=table, owner=owner, same=_same(table))
    return [(owner, key, here, there) for owner, key, here, there in found]


def with_rows(reader: Reader, query: str, rows: Columns, **names: str) -> list[tuple[Any, ...]]:
    """Run a query in which ``{batch}`` stands for rows; nothing where there are none.

    Parameters
    ----------
    reader : Reader
    query : str
        A template of the ``sql`` folder.
    rows : dict
    **names : str
        Names of tables and columns in it.
    """
    if not row_count(rows):
        return []
    # DuckDB 1.5 reads no masked arrays, and guesses the type of a column from some of its values
    arrays: Columns = {}
    for name, column in rows.items():
        mask, plain = np.ma.getmaskarray(column), np.ma.getdata(column)
        arrays[name] = np.where(mask, "", plain) if plain.dtype.kind == "O" else plain
        arrays[f"{name}?"] = mask
    columns = ", ".join(_selected(name, column) for name, column in rows.items())
    sql = SQL[query].format(batch=f"(SELECT {columns} FROM batch)", **names)  # noqa: S608
    reader.connection.register("batch", arrays)
    found = reader.rows(sql)
    reader.connection.unregister("batch")  # where a query fails, the rollback takes it away
    return found


def chosen(rows: Columns, wanted: npt.NDArray[Any]) -> Columns:
    """Return some of the rows, given as a mask or as numbers."""
    return {name: column[wanted] for name, column in rows.items()}


def row_count(rows: Columns) -> int:
    """Return how many rows there are."""
    return len(next(iter(rows.values()), ()))


def texts(values: Sequence[Any]) -> npt.NDArray[Any]:
    """Return texts as a column; None is NULL."""
    found: Any = np.ma.array(np.array(values, dtype=object), mask=[v is None for v in values])
    return found if any(v is None for v in values) else np.asarray(found.data)


# -- copies follow what becomes of runs and models where they belong --------------------------


def follow_runs(reader: Reader, runs: Columns) -> set[str]:
    """Give copies of runs that went on where they belong their status and end; return their ids.

    A run that a process of this store has had is none of them: its own word counts.
    """
    grown = {run_id for (run_id,) in with_rows(reader, "copy.outdated", runs)}
    if grown:
        with_rows(reader, "copy.follow", rows_of(runs, "run_id", grown))
    return grown


def remove_differing_tags(reader: Reader, tags: Columns) -> None:
    """Remove tags of runs that have other values here than there."""
    with_rows(reader, "copy.remove_differing", tags)


def finish_models(reader: Reader, models: Columns) -> None:
    """Give models that were still being written when they were copied the status they have."""
    with_rows(reader, "copy.finish_models", models)


def keep_version_numbers(reader: Reader, models: Columns) -> None:
    """Keep numbers that were given to versions of registered models from being given again."""
    with_rows(reader, "copy.keep_numbers", models)


def point_digests(reader: Reader, run_ids: Sequence[str]) -> dict[tuple[str, str], tuple[int, int]]:
    """Return the number of points and a digest of them for each metric of some runs.

    Two metrics with equal ones have equal points, in whatever order they are kept.
    """
    rows = reader.named("copy.digests", runs=list(run_ids))
    return {(run_id, key): (count, digest) for run_id, key, count, digest in rows}


def _selected(name: str, column: npt.NDArray[Any]) -> str:
    value = f'"{name}"'
    if column.dtype.kind == "f":  # DuckDB reads a NaN of an array as NULL
        value = f"coalesce({value}, 'nan'::DOUBLE)"
    return f'CASE WHEN "{name}?" THEN NULL ELSE {value} END AS "{name}"'


def _same(table: str) -> str:
    how = COPIED[table]
    names = (how.owner, *how.same)
    return " AND ".join(f't."{name}" IS NOT DISTINCT FROM b."{name}"' for name in names)
