"""The DuckDB file: attached for milliseconds at a time, never kept open.

One in-memory instance lives in each process; attaching the file to it costs a
few milliseconds whatever the file's size. See decision 1.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from nbtrack.errors import (
    DiskFullError,
    InvalidParameterError,
    NbtrackError,
    StoreCorruptError,
    StoreError,
    StoreLockedError,
    StoreReadOnlyError,
)
from nbtrack.store.queries import migrations

_STORAGE_VERSION = "v1.2.0"  # what every DuckDB from 1.2 on opens

_mutex = threading.RLock()
_instance: duckdb.DuckDBPyConnection | None = None
_in_use = False
_leaked: list[duckdb.DuckDBPyConnection] = []
_at_exit: list[Callable[[], None]] = []
_fork = threading.local()
_FORK_WAIT_S = 5.0


def _connection() -> duckdb.DuckDBPyConnection:
    global _instance
    if _instance is None:
        _instance = _new_instance()
    return _instance


def _new_instance() -> duckdb.DuckDBPyConnection:
    config: dict[str, Any] = {"threads": 1}
    instance = duckdb.connect(":memory:", config=config)
    for statement in (
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET async_threads = 0",
        "SET python_enable_replacements = false",  # a table never means a Python variable
    ):
        with contextlib.suppress(duckdb.Error):  # a setting that this version does not have
            instance.execute(statement)
    return instance


@contextlib.contextmanager
def _free_instance() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give an instance without a store: inside the use of one store, another needs its own."""
    global _in_use
    if _in_use:
        instance = _new_instance()
        try:
            yield instance
        finally:
            instance.close()
        return
    _in_use = True
    try:
        yield _connection()
    finally:
        _in_use = False


@contextlib.contextmanager
def exclusive() -> Iterator[None]:
    """Keep other threads of this process away from the database; may be nested."""
    with _mutex:
        yield


def close() -> None:
    """Close this process's DuckDB instance; the next use makes a new one."""
    global _instance
    with _mutex:
        if _instance is not None:
            with contextlib.suppress(duckdb.Error):
                _instance.close()
            _instance = None


def _before_fork() -> None:
    """Fork while nothing is attached: a child could neither use such a file nor attach it again."""
    _fork.waited = _mutex.acquire(timeout=_FORK_WAIT_S)


def _after_fork_in_parent() -> None:
    if getattr(_fork, "waited", False):  # not where the fork was waiting while this was imported
        _mutex.release()


def _after_fork() -> None:
    """Never touch the parent's connection: what a child writes through it is lost."""
    global _instance, _mutex, _in_use
    _mutex = threading.RLock()
    _in_use = False
    if _instance is not None:
        _leaked.append(_instance)
        _instance = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork
    )


def _quoted(path: Path | str) -> str:
    return "'" + str(path).replace("'", "''") + "'"


@contextlib.contextmanager
def attached(path: Path, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    """Attach a database file as the default database, with the schema in place.

    Raises
    ------
    StoreLockedError
        If another process, or a connection of this one's user, holds the file.
    StoreCorruptError, StoreReadOnlyError, DiskFullError, StoreError
    """
    with _mutex, translated(path), _free_instance() as connection:
        with translated(path, attaching=True):
            _attach_file(connection, path, read_only=read_only)
        try:
            connection.execute("USE store")
            _check_schema(connection, path, read_only=read_only)
            yield connection
        finally:
            _detach(connection)


def _attach_file(connection: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> None:
    options = ["READ_ONLY"] if read_only else []
    if not read_only and not path.exists():
        options.append(f"STORAGE_VERSION '{_STORAGE_VERSION}'")
    suffix = f" ({', '.join(options)})" if options else ""
    connection.execute(f"ATTACH {_quoted(path)} AS store{suffix}")


@contextlib.contextmanager
def overlaid(path: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Attach a copy in memory of a database file that others hold, or an empty store."""
    with _mutex, translated(path or Path(":memory:")), _free_instance() as connection:
        connection.execute("ATTACH ':memory:' AS store")
        try:
            if path is not None:
                _copy_into(connection, path)
            connection.execute("USE store")
            _check_schema(connection, path or Path(":memory:"), read_only=False)
            yield connection
        finally:
            _detach(connection)


def _copy_into(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="nbtrack-") as folder:
        source = path
        try:
            connection.execute(f"ATTACH {_quoted(path)} AS held (READ_ONLY)")
        except duckdb.Error as error:
            if _is_same_process(error):
                raise
            # another process writes: look at a copy of the file and its log
            source = Path(folder) / "copy.duckdb"
            shutil.copyfile(path, source)
            log = path.with_name(path.name + ".wal")
            if log.exists():
                shutil.copyfile(log, source.with_name(source.name + ".wal"))
            connection.execute(f"ATTACH {_quoted(source)} AS held (READ_ONLY)")
        try:
            connection.execute("COPY FROM DATABASE held TO store")
        finally:
            connection.execute("DETACH held")


_SORTED = {"points": "series, step, time", "series": "series"}


def copy_sorted(path: Path, target: Path) -> None:
    """Write a database anew, its points sorted, to a file that does not exist yet."""
    with attached(path, read_only=True) as connection, translated(target):
        connection.execute(
            f"ATTACH {_quoted(target)} AS fresh (STORAGE_VERSION '{_STORAGE_VERSION}')"
        )
        try:
            for _, _, sql in migrations():
                connection.execute("USE fresh")
                connection.execute(sql)
            tables = connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE database_name = 'fresh'"
            ).fetchall()
            connection.execute("BEGIN")
            for (table,) in tables:
                rows = connection.table(f"store.{table}")
                connection.execute(f"TRUNCATE fresh.{table}")
                (rows.order(_SORTED[table]) if table in _SORTED else rows).insert_into(
                    f"fresh.{table}"
                )
            connection.execute("COMMIT")
        finally:
            connection.execute("USE store")
            connection.execute("DETACH fresh")


def _detach(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        with contextlib.suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        connection.execute("SET python_enable_replacements = false")
        connection.execute("USE memory")
        connection.execute("DETACH store")
    except duckdb.Error:
        close()
        raise


def _check_schema(connection: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> None:
    known = migrations()
    version = _version(connection, path)
    if version > known[-1][0]:
        raise StoreError(
            f"{path} was written by a newer nbtrack (schema {version}, this one knows "
            f"{known[-1][0]}). Upgrade with: pip install -U nbtrack"
        )
    if version == known[-1][0]:
        return
    if read_only:
        raise StoreReadOnlyError(
            f"{path} has schema {version} and must be brought to {known[-1][0]} by a process that "
            "may write it."
        )
    for number, name, sql in known:
        if number > version:
            connection.execute("BEGIN")
            connection.execute(sql)
            connection.execute(
                "INSERT INTO migrations VALUES (?, ?, make_timestamp(epoch_us(now())))",
                [number, name],
            )
            connection.execute("COMMIT")


def _version(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    try:
        row = connection.execute("SELECT max(version) FROM migrations").fetchone()
    except duckdb.CatalogException:
        tables = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'store' LIMIT 3"
        ).fetchall()
        if tables:
            names = ", ".join(name for (name,) in tables)
            raise StoreCorruptError(
                f"{path} is a DuckDB database, but none of nbtrack (it has {names}). Choose "
                "another file with nbtrack.set_tracking_uri(...) or NBTRACK_URI."
            ) from None
        return 0
    return int(row[0]) if row and row[0] is not None else 0


@contextlib.contextmanager
def translated(path: Path, *, attaching: bool = False) -> Iterator[None]:
    """Turn DuckDB's errors into nbtrack's: the only seam where they meet."""
    try:
        yield
    except duckdb.Error as error:
        if isinstance(error, (duckdb.FatalException, duckdb.InternalException)):
            close()
        raise _meaning(error, path, attaching=attaching) from error


def _is_same_process(error: duckdb.Error) -> bool:
    text = str(error)
    return bool(re.search(r"file handle conflict|already attached|different config", text, re.I))


def _meaning(error: duckdb.Error, path: Path, *, attaching: bool) -> NbtrackError:
    text = str(error)
    if "lock on file" in text:
        return StoreLockedError(
            f"{path} is held open by {_holder(text)}. Logging goes on and is folded in later; "
            "for this operation, close the file there and try again."
        )
    if attaching and _is_same_process(error):
        return StoreLockedError(
            f"{path} is held open by a DuckDB connection of this Python process. Logging goes on "
            "and is folded in later; for this operation, close that connection (con.close()) and "
            "try again."
        )
    if re.search(r"no space left|disk.*full|not enough space", text, re.I):
        return DiskFullError(
            f"The disk of {path} is full. What was logged is still in the journals; free some "
            "space and it is folded in."
        )
    if re.search(r"permission denied|read-only file ?system|in read-only mode", text, re.I):
        return StoreReadOnlyError(
            f"nbtrack cannot write {path}. Make it writable, or choose another place with "
            "nbtrack.set_tracking_uri(...) or NBTRACK_URI."
        )
    damaged = re.search(r"checksum|corrupt|not a valid DuckDB|read enough bytes", text, re.I)
    if damaged or (
        attaching and isinstance(error, duckdb.IOException | duckdb.SerializationException)
    ):
        return StoreCorruptError(
            f"{path} cannot be read: {_first_line(text)} It is damaged or is no DuckDB file. "
            "nbtrack leaves it as it is; move it away (or put a backup in its place) and go on: "
            "what was not folded in yet is still in the journals beside it."
        )
    if isinstance(error, duckdb.ProgrammingError):
        return InvalidParameterError(text)
    return StoreError(f"The store {path} answered: {text}")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].strip()


def _holder(text: str) -> str:
    match = re.search(r"PID (\d+)", text)
    if not match or match.group(1) == "0":
        return "another process"
    import psutil

    pid = int(match.group(1))
    try:
        process = psutil.Process(pid)
        command = " ".join(process.cmdline()[:3]) or process.name()
        return f"process {pid} ({command[:120]})"
    except psutil.Error:
        return f"process {pid}"
