"""The DuckDB file: attached for milliseconds at a time, never kept open.

One in-memory instance lives in each process for each file; attaching the file to it costs a
few milliseconds whatever the file's size. See decisions 1 and 34.
"""

from __future__ import annotations

import contextlib
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from nbtrack.errors import StoreCorruptError
from nbtrack.store import schema, time_limits
from nbtrack.store.duckdb_errors import is_other_process, is_same_process, translated
from nbtrack.store.duckdb_instances import (
    BESIDE,
    NEW,
    DatabaseFile,
    beside,
    close,
    file_of,
    new_instance,
    quoted,
)
from nbtrack.store.queries import SQL, migrations

__all__ = [
    "attached",
    "close",
    "copy_sorted",
    "database_exists",
    "exclusive",
    "overlaid",
    "translated",
]  # fmt: skip

OURS_FIRST = "SET search_path = 'system.main,store.main'"
"""Functions of the file cannot stand in for those of DuckDB that our queries call."""

COPIES = 3
MOMENT_S = 0.05
_STORAGE_VERSION = "v1.2.0"  # what every DuckDB from 1.2 on opens


def database_exists(path: Path) -> bool:
    """Return whether there is a database; an empty file is what a full disk leaves of one."""
    try:
        found = path.stat()
    except OSError:
        return False
    return not stat.S_ISREG(found.st_mode) or found.st_size > 0


@contextlib.contextmanager
def exclusive(path: Path | None) -> Iterator[None]:
    """Keep other threads of this process away from a database file; may be nested."""
    with time_limits.turn(file_of(path).mutex, path or Path(":memory:")):
        yield


@contextlib.contextmanager
def attached(
    path: Path, *, read_only: bool, files: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Attach a database file as the default database, with the schema in place.

    Parameters
    ----------
    path : Path
    read_only : bool
        Else the file is made where there is none; the caller holds the lock beside it.
    files : bool
        Whether SQL may read and write the user's files; by default it can reach the database
        and nothing else.

    Raises
    ------
    StoreLockedError
        If another process, or a connection of this one's user, holds the file.
    StoreCorruptError, StoreReadOnlyError, DiskFullError, StoreError
    """
    file = file_of(path)
    with (
        exclusive(path),
        translated(path),
        file.instance(files) as connection,
        contextlib.ExitStack() as watch,
    ):
        watch.enter_context(time_limits.interrupting(connection))
        with translated(path, attaching=True):
            _check_files(path)
            if not read_only and not database_exists(path):
                _make(connection, file, path)
            _attach(connection, path, read_only=read_only)
        try:
            _prepare(connection, file, path, read_only=read_only, files=files)
            yield connection
        finally:
            watch.close()
            _detach(connection, file)
        if not read_only:  # what this process has written needs no look
            whole = file.whole == file.checked
            file.checked = _identity(path)
            file.whole = file.checked if whole else file.whole


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> None:
    """Attach a file; a reader that had no lock has it for a moment."""
    suffix = " (READ_ONLY)" if read_only else ""
    until = time.monotonic() + (0.0 if read_only else MOMENT_S)
    while True:
        try:
            connection.execute(f"ATTACH {quoted(str(path))} AS store{suffix}")
            return
        except duckdb.IOException as error:
            if not is_other_process(error) or time.monotonic() > until:
                raise
            time.sleep(0.005)


def _check_files(path: Path) -> None:
    """Refuse what is no file of its own: it would be waited for, or be another's."""
    for place in (beside(path, end) for end in BESIDE):
        try:
            mode = place.lstat().st_mode
        except OSError:
            continue
        if not stat.S_ISREG(mode):
            kinds = {stat.S_IFDIR: "a folder", stat.S_IFLNK: "a link"}
            raise StoreCorruptError(
                f"{place} is {kinds.get(stat.S_IFMT(mode), 'a device or a pipe')}, where nbtrack "
                "needs a file. Move it away, or choose another place with "
                "nbtrack.set_tracking_uri(...) or NBTRACK_URI."
            )


def _identity(path: Path) -> tuple[Any, ...]:
    """Return what is another one whenever a file was changed or replaced."""
    found: list[Any] = [migrations()[-1][0]]
    for place in (path, beside(path, ".wal")):
        try:
            s = place.stat()
            found.append((s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns))
        except OSError:
            found.append(None)
    return tuple(found)


def _inode(identity: tuple[Any, ...] | None) -> Any:
    return identity[1][:2] if identity and identity[1] else None


def _prepare(
    connection: duckdb.DuckDBPyConnection,
    file: DatabaseFile,
    path: Path,
    *,
    read_only: bool,
    files: bool,
) -> None:
    """Check what was attached, and make it the default database.

    What the user has written as SQL runs where files can be read, so the whole of the file is
    checked whenever it has changed. Our own queries cannot be led astray by functions of the
    file: they find DuckDB's first.
    """
    identity = _identity(path)
    if identity != file.checked or (files and identity != file.whole):
        known = migrations()
        whole = files or _inode(identity) != _inode(file.whole)
        version = schema.check(connection, path, known, whole=whole)
        if read_only:
            schema.require_current(version, path, known)
        else:
            schema.migrate(connection, "store", known, version)
        file.checked = identity
        file.whole = identity if whole else file.whole
    connection.execute("USE store" if files else OURS_FIRST)


def _make(connection: duckdb.DuckDBPyConnection, file: DatabaseFile, path: Path) -> None:
    """Make a database with its schema beside the place, and put it there whole."""
    fresh = path.with_name(path.name + NEW)
    _remove(fresh)
    try:
        connection.execute(
            f"ATTACH {quoted(str(fresh))} AS fresh (STORAGE_VERSION '{_STORAGE_VERSION}')"
        )
        try:
            schema.migrate(connection, "fresh", migrations(), 0)
            connection.execute("CHECKPOINT fresh")
        finally:
            _leave(connection, "fresh")
        made = _identity(fresh)
        if not database_exists(path):
            fresh.replace(path)
            file.whole = made  # nobody else has put functions or triggers into this file yet
    except duckdb.Error:
        file.close()
        raise
    finally:
        _remove(fresh)


def _remove(path: Path) -> None:
    for end in BESIDE:
        beside(path, end).unlink(missing_ok=True)


@contextlib.contextmanager
def overlaid(
    path: Path | None, *, files: bool = False, is_held: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Attach a copy in memory of a database file, or an empty store.

    Parameters
    ----------
    path : Path or None
    files : bool
        As in `attached`.
    is_held : bool
        Whether another process has the lock, and may attach the file to write at any time.
    """
    shown = path or Path(":memory:")
    with exclusive(path), translated(shown), contextlib.ExitStack() as stack:
        if path is None:
            connection = stack.enter_context(file_of(None).instance(files))
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nbtrack-"))
            copy = Path(folder, "copy.duckdb")
            connection = stack.enter_context(new_instance(None if files else [path, copy]))
        watch = stack.enter_context(contextlib.ExitStack())
        watch.enter_context(time_limits.interrupting(connection))
        connection.execute("ATTACH ':memory:' AS store")
        try:
            version = 0 if path is None else _copy_into(connection, path, copy, is_held)
            schema.migrate(connection, "store", migrations(), version)
            if not files:
                connection.execute(OURS_FIRST)
            yield connection
        finally:
            watch.close()
            _leave(connection, "store")


def _copy_into(connection: duckdb.DuckDBPyConnection, path: Path, copy: Path, is_held: bool) -> int:
    _check_files(path)
    try:
        connection.execute(f"ATTACH {quoted(str(path))} AS held (READ_ONLY)")
        if is_held:  # no connection of this process has it, so that it may be read as a file
            connection.execute("DETACH held")
    except duckdb.Error as error:
        if is_same_process(error):
            raise
        is_held = True
    if is_held:  # who writes would be kept out as long as it is attached here
        _attach_copy(connection, path, copy)
    try:
        version = schema.check(connection, path, migrations(), database="held")
        connection.execute("COPY FROM DATABASE held TO store")
        return version
    finally:
        connection.execute("DETACH held")


def _attach_copy(connection: duckdb.DuckDBPyConnection, path: Path, copy: Path) -> None:
    """Attach a copy of a file and its log; another process may write them meanwhile."""
    for left in reversed(range(COPIES)):
        shutil.copyfile(path, copy)
        log, beside_copy = beside(path, ".wal"), beside(copy, ".wal")
        beside_copy.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(log, beside_copy)
        try:
            connection.execute(f"ATTACH {quoted(str(copy))} AS held (READ_ONLY)")
            return
        except duckdb.Error:
            if not left:
                raise


_SORTED = {("main", "points"): "series, step, time", ("main", "series"): "series"}


def copy_sorted(path: Path, target: Path) -> None:
    """Write a database anew, its points sorted, to a file that does not exist yet.

    What else its user has put into it goes along.
    """
    with attached(path, read_only=True) as connection, translated(target):
        connection.execute(
            f"ATTACH {quoted(str(target))} AS fresh (STORAGE_VERSION '{_STORAGE_VERSION}')"
        )
        try:
            connection.execute("COPY FROM DATABASE store TO fresh (SCHEMA)")
            tables = connection.execute(SQL["schema.tables"], {"database": "fresh"}).fetchall()
            connection.execute("BEGIN")
            for names in tables:
                table = ".".join(f'"{name}"' for name in (n.replace('"', '""') for n in names))
                order = _SORTED.get(names)
                connection.execute(
                    f"INSERT INTO fresh.{table} SELECT * FROM store.{table}"  # noqa: S608
                    + (f" ORDER BY {order}" if order else "")
                )
            connection.execute("COMMIT")
            connection.execute("CHECKPOINT fresh")
        finally:
            _leave(connection, "fresh")


@dataclass(frozen=True)
class Rewritten:
    """What has come of writing a database, or parts of it, anew.

    Attributes
    ----------
    bytes : int
        By how much it has become smaller.
    merged, states, files : int
        Of a team's store: small files that were merged, states of the database that can be read
        no more, and files that were removed since no state has them.
    """

    bytes: int
    merged: int = 0
    states: int = 0
    files: int = 0


def rewrite(path: Path) -> Rewritten:
    """Write a database anew, its points sorted; it takes the place of the old file in one step."""
    size = path.stat().st_size
    fresh = beside(path, ".compact")
    fresh.unlink(missing_ok=True)
    try:
        copy_sorted(path, fresh)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return Rewritten(size - path.stat().st_size)


def _detach(connection: duckdb.DuckDBPyConnection, file: DatabaseFile) -> None:
    try:
        _leave(connection, "store")
    except duckdb.Error:
        file.close()
        raise


def _leave(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    with contextlib.suppress(duckdb.Error):
        connection.execute("ROLLBACK")
    connection.execute("USE memory")
    connection.execute(f"DETACH {database}")
