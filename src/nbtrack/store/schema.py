"""Checks and migrates a database: its tables and views must be exactly those of the migrations.

A file may come from anybody. Until it has passed this check, nothing of it is bound or run.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import duckdb

from nbtrack.errors import StoreCorruptError, StoreError, StoreReadOnlyError
from nbtrack.store.queries import SQL

Migrations = Sequence[tuple[int, str, str]]
"""(version, name, SQL), oldest first."""

Catalog = dict[tuple[str, str], str]
"""SQL by kind, ``table`` or ``view``, and name in small letters."""

_expected: dict[tuple[str, ...], dict[int, Catalog]] = {}
_built_in: set[str] = set()
_NO_GROUPS = str.maketrans(
    "", "", "()"
)  # DuckDB sets them anew when it has read a view from a file


def check(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    known: Migrations,
    *,
    database: str = "store",
    whole: bool = True,
) -> int:
    """Return the version of an attached database's schema; 0 for an empty one.

    Must run while another database is the default one: names of the file hide DuckDB's own.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    path : Path
        The file, for messages.
    known : sequence of (int, str, str)
        The migrations.
    database : str
        What the file is attached as.
    whole : bool
        Whether functions and triggers are looked at, too; that takes 30 ms.

    Raises
    ------
    StoreCorruptError
        If the file has something else under a name of ours, or is no store.
    StoreError
        If it is of a newer version.
    """
    found = _catalog(connection, database)
    if not found:
        return 0
    if ("table", "migrations") not in found and ("view", "migrations") not in found:
        names = ", ".join(sorted(name for _, name in found)[:3])
        raise StoreCorruptError(
            f"{path} is a DuckDB database, but none of nbtrack (it has {names[:200]}). Choose "
            "another file with nbtrack.set_tracking_uri(...) or NBTRACK_URI."
        )
    steps = _steps(connection, known)
    newest = steps[known[-1][0]]
    key = ("table", "migrations")
    _refuse(path, _differences({key: found.get(key, ""), **_views_only(found)}, {key: newest[key]}))
    version = _version(connection, database)
    if version > known[-1][0]:
        raise StoreError(
            f"{path} was written by a newer nbtrack (schema {version}, this one knows "
            f"{known[-1][0]}). Upgrade with: pip install -U nbtrack"
        )
    if version not in steps:
        _refuse(path, iter([f"it says that its schema is {version}, which there never was"]))
    if any(_differences(found, steps[version])):
        _refuse(path, _differences(found, _as_written(version, tuple(sql for _, _, sql in known))))
    if whole:
        _refuse(path, _hiding(connection, database))
    return version


def require_current(version: int, path: Path, known: Migrations) -> None:
    """Refuse to read a file whose schema is of an older version."""
    if version != known[-1][0]:
        raise StoreReadOnlyError(
            f"{path} has schema {version} and must be brought to {known[-1][0]} by a process that "
            "may write it."
        )


def migrate(
    connection: duckdb.DuckDBPyConnection, database: str, known: Migrations, version: int
) -> None:
    """Bring a database from a version to the newest one; leaves it the default database."""
    connection.execute(f"USE {database}")
    for number, name, sql in known:
        if number > version:
            connection.execute("BEGIN")
            connection.execute(sql)
            connection.execute(SQL["schema.migrated"], {"number": number, "name": name})
            connection.execute("COMMIT")


def _catalog(connection: duckdb.DuckDBPyConnection, database: str) -> Catalog:
    rows = connection.execute(SQL["schema.catalog"], {"database": database}).fetchall()
    # a DuckLake spells out that a column has no default
    return {(kind, name.lower()): sql.replace(" DEFAULT(NULL)", "") for kind, name, sql in rows}


def _views_only(found: Catalog) -> Catalog:
    return {key: sql for key, sql in found.items() if key[0] == "view"}


def _version(connection: duckdb.DuckDBPyConnection, database: str) -> int:
    row = connection.execute(SQL["schema.version"].format(database=database)).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _steps(connection: duckdb.DuckDBPyConnection, known: Migrations) -> dict[int, Catalog]:
    """Return the catalog of each version, by running the migrations in memory."""
    key = tuple(sql for _, _, sql in known)
    if key not in _expected:
        connection.execute("ATTACH ':memory:' AS expected")
        try:
            connection.execute("USE expected")
            steps = {}
            for number, _, sql in known:
                connection.execute(sql)
                steps[number] = _catalog(connection, "expected")
            _expected[key] = steps
        finally:
            connection.execute("USE memory")
            connection.execute("DETACH expected")
    return _expected[key]


@cache
def _as_written(version: int, statements: tuple[str, ...]) -> Catalog:
    """Return the catalog as DuckDB shows it after it was written to a file and read again."""
    with tempfile.TemporaryDirectory(prefix="nbtrack-") as folder:
        file = f"{folder}{os.sep}expected.duckdb"
        with duckdb.connect(file) as connection:
            for sql in statements[:version]:
                connection.execute(sql)
        with duckdb.connect(file, read_only=True) as connection:
            return _catalog(connection, "expected")


def _differences(found: Catalog, wanted: Catalog) -> Iterator[str]:
    for (kind, name), sql in wanted.items():
        other = "view" if kind == "table" else "table"
        if (other, name) in found:
            yield f"{name} in it is a {other}, where nbtrack has a {kind}"
        elif (kind, name) not in found:
            yield f"it has no {kind} {name}"
        elif found[kind, name].translate(_NO_GROUPS) != sql.translate(_NO_GROUPS):
            yield f"its {kind} {name} is another one than nbtrack's"


def _hiding(connection: duckdb.DuckDBPyConnection, database: str) -> Iterator[str]:
    """Name what of the file would be found in the place of DuckDB's own, or run by itself."""
    if not _built_in:
        _built_in.update(name.lower() for name in _functions(connection, "system"))
    for name in _functions(connection, database):
        if name.lower() in _built_in:
            yield f"it has a macro that hides DuckDB's {name[:100]}"
    try:
        rows = connection.execute(SQL["schema.triggers"], {"database": database}).fetchall()
    except duckdb.CatalogException:
        return  # a DuckDB that has no triggers
    for (name,) in rows:
        yield f"it has a trigger, {name[:100]!r}"


def _functions(connection: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    rows = connection.execute(SQL["schema.functions"], {"database": database}).fetchall()
    return [name for (name,) in rows]


def _refuse(path: Path, problems: Iterator[str]) -> None:
    problem = next(problems, None)
    if problem is not None:
        raise StoreCorruptError(
            f"{path} is not opened: {problem}. Nothing of it was run. Choose another file with "
            "nbtrack.set_tracking_uri(...) or NBTRACK_URI; if this one is yours, take what was "
            "changed in it back with a DuckDB client."
        )
