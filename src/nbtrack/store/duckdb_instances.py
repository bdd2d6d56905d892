"""The DuckDB instances of this process: one for each database file, without file access.

A second one, which may read and write the user's files, is for SQL that the user has written.
DuckDB lets only one of them have the file at a time. What is done with different files does
not wait for each other.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from nbtrack.store.process_exit import duckdb_is_imported

duckdb_is_imported()

MOST = 8  # so many files keep an instance of 4 MB each until the next use
MOST_LOOKED_UP = 1000
BESIDE = ("", ".wal", ".wal.checkpoint", ".wal.recovery")
"""Endings of a database file and of what DuckDB puts beside it."""

NEW, COMPACT = ".new", ".compact"
"""Endings of a database file that is being made, or made anew."""


def beside(path: Path, ending: str) -> Path:
    """Return what DuckDB calls a file that it puts beside a database: before a ?, if it has one."""
    name, mark, options = path.name.partition("?")
    return path.with_name(f"{name}{ending}{mark}{options}")


def quoted(text: str) -> str:
    """Return a text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def new_instance(paths: Sequence[Path] | None) -> duckdb.DuckDBPyConnection:
    """Return an instance that can open some database files and nothing else; all with None."""
    config: dict[str, Any] = {"threads": 1}
    instance = duckdb.connect(":memory:", config=config)
    for statement in (
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET async_threads = 0",
        "SET enable_progress_bar = false",  # in notebooks it is a widget, after two seconds
        # GLOBAL: for connections that are made of it, too
        "SET GLOBAL python_enable_replacements = false",  # a table never means a Python variable
        # DuckDB 1 reads all that lies between the least and the greatest of more values than these
        f"SET GLOBAL dynamic_or_filter_threshold = {MOST_LOOKED_UP}",
    ):
        with contextlib.suppress(duckdb.Error):  # a setting that this version does not have
            instance.execute(statement)
    if paths is not None:
        files = [beside(path, end) for path in paths for end in BESIDE]
        allowed = ", ".join(quoted(str(file)) for file in files)
        instance.execute(f"SET allowed_paths = [{allowed}]")
        instance.execute("SET enable_external_access = false")
        instance.execute("SET lock_configuration = true")
    return instance


class DatabaseFile:
    """What this process has for one database file, or for no file at all.

    Attributes
    ----------
    mutex : threading.RLock
        Held by the thread that uses the file.
    checked : tuple or None
        What the file was like (`database._identity`) when its schema was found to be ours.
    whole : tuple or None
        What it was like when functions and triggers were looked at, too.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.mutex = threading.RLock()
        self.checked: tuple[Any, ...] | None = None
        self.whole: tuple[Any, ...] | None = None
        self._instances: dict[bool, duckdb.DuckDBPyConnection] = {}
        self._in_use: set[bool] = set()

    @contextlib.contextmanager
    def instance(self, files: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give an instance to the thread that has the mutex; inside another use a fresh one."""
        if files in self._in_use:
            fresh = self._made(files)
            try:
                yield fresh
            finally:
                fresh.close()
            return
        if files not in self._instances:
            self._instances[files] = self._made(files)
            _close_some(self)
        self._in_use.add(files)
        try:
            yield self._instances[files]
        except (duckdb.FatalException, duckdb.InternalException):
            self.close()
            raise
        finally:
            self._in_use.discard(files)

    def _made(self, files: bool) -> duckdb.DuckDBPyConnection:
        if files:
            return new_instance(None)
        if self.path is None:
            return new_instance([])
        return new_instance(
            [self.path.with_name(self.path.name + end) for end in ("", NEW, COMPACT)]
        )

    def close(self) -> None:
        """Close the instances; the next use makes new ones."""
        for instance in self._instances.values():
            with contextlib.suppress(duckdb.Error):
                instance.close()
        self._instances.clear()

    def close_unused(self, wait_s: float = 0.0) -> None:
        """Close the instances unless somebody uses them."""
        if self.mutex.acquire(timeout=wait_s):
            try:
                if not self._in_use:
                    self.close()
            finally:
                self.mutex.release()

    @property
    def is_open(self) -> bool:
        """Whether there is an instance."""
        return bool(self._instances)

    def abandon(self) -> list[duckdb.DuckDBPyConnection]:
        """Return the instances, which nobody may touch any more."""
        return list(self._instances.values())


_files: dict[Path | None, DatabaseFile] = {}
_guard = threading.Lock()
_leaked: list[duckdb.DuckDBPyConnection] = []
_fork = threading.local()
_FORK_WAIT_S = 5.0


def file_of(path: Path | None) -> DatabaseFile:
    """Return what this process has for a file; the one that was asked for last stays longest."""
    with _guard:
        file = _files.pop(path, None) or DatabaseFile(path)
        _files[path] = file
        return file


def _close_some(keep: DatabaseFile) -> None:
    with _guard:
        opened = [file for file in _files.values() if file.is_open and file is not keep]
    for file in opened[: max(0, len(opened) + 1 - MOST)]:
        file.close_unused()


def close() -> None:
    """Close every instance of this process; the next use makes a new one."""
    with _guard:
        files = list(_files.values())
    for file in files:
        file.close_unused(wait_s=5.0)


def _before_fork() -> None:
    """Fork while nothing is attached: a child could neither use such a file nor attach it again."""
    until = time.monotonic() + _FORK_WAIT_S
    with _guard:
        files = list(_files.values())
    _fork.held = [
        file.mutex for file in files if file.mutex.acquire(timeout=max(0, until - time.monotonic()))
    ]


def _after_fork_in_parent() -> None:
    for mutex in getattr(_fork, "held", ()):  # none where the fork waited while this was imported
        mutex.release()
    _fork.held = []


def _after_fork() -> None:
    """Never touch the parent's connections: what a child writes through them is lost."""
    global _files, _guard
    _guard = threading.Lock()
    for file in _files.values():
        _leaked.extend(file.abandon())
    _files = {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork
    )
