"""The tables of an ``mlflow.db``, written: whatever columns this version of MLflow has."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nbtrack.errors import InvalidParameterError, MissingDependencyError, StoreError

WAIT_S = 30.0
_MAKE = (
    "import sys, mlflow; "
    "mlflow.MlflowClient(tracking_uri=sys.argv[1]).search_experiments(max_results=1)"
)


class MlflowTables:
    """An ``mlflow.db`` that rows are added to; MLflow itself makes it where it is missing.

    Parameters
    ----------
    path : Path

    Raises
    ------
    MissingDependencyError
        If the file has to be made, and mlflow is not installed.
    InvalidParameterError
        If the file is something else.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            make_database(path)
        self._connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode=rw", uri=True, timeout=WAIT_S
        )
        self._columns: dict[str, list[str]] = {}
        if not {"experiment_id", "name"} <= set(self.columns("experiments")):
            self._connection.close()
            raise InvalidParameterError(
                f"{path} is no database of MLflow. Name a file that does not exist yet, or one "
                "that MLflow has made."
            )

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> MlflowTables:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def commit(self) -> None:
        """End a transaction; the next change begins another."""
        self._connection.commit()

    def columns(self, table: str) -> list[str]:
        """Return the names of the columns of a table; none if there is no such table."""
        found = self._columns.get(table)
        if found is None:
            rows = self._connection.execute("SELECT name FROM pragma_table_info(?)", [table])
            found = self._columns[table] = [str(name) for (name,) in rows]
        return found

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self._connection.execute(sql, list(values)).fetchall()

    def change(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Execute a statement."""
        self._connection.execute(sql, list(values))

    def add(self, table: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Add rows that are not there yet; return how many. Columns that it has not are left out.

        Raises
        ------
        StoreError
            If this version of MLflow has a table that they do not fit in.
        """
        found = list(rows)
        names = [name for name in (found[0] if found else ()) if name in self.columns(table)]
        if not names:
            return 0
        return self.add_many(table, names, (tuple(row[name] for name in names) for row in found))

    def add_many(self, table: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Add rows as tuples; those that are there already stay as they are."""
        columns = ", ".join(f'"{name}"' for name in names)
        marks = ", ".join("?" * len(names))
        try:
            return self._connection.executemany(
                f'INSERT INTO "{table}" ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING',  # noqa: S608
                rows,
            ).rowcount
        except sqlite3.DatabaseError as error:
            self._connection.rollback()
            raise StoreError(f"MLflow's table {table} does not take the rows: {error}") from error


def make_database(path: Path) -> None:
    """Have MLflow make an empty database, with the tables of the version that is installed."""
    from importlib.util import find_spec

    if find_spec("mlflow") is None:
        raise MissingDependencyError(
            f"{path} does not exist, and only MLflow knows the tables of its version: pip install "
            "mlflow, or make the file where MLflow is (mlflow server --backend-store-uri "
            f"sqlite:///{path.name}), or export to an MLflow server."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    done = subprocess.run(
        [sys.executable, "-c", _MAKE, f"sqlite:///{path.absolute()}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=path.parent,
    )
    if done.returncode != 0 or not path.exists():
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise StoreError(f"MLflow could not make {path}: {last}")
