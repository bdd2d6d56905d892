"""An SQLite file of another tracker: opened for reading only, its columns looked up."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nbtrack.errors import NotFoundError, StoreError

BUSY_S = 30.0


class SqliteFile:
    """Reads tables whose columns differ between versions: what is missing is None.

    Parameters
    ----------
    path : Path

    Raises
    ------
    NotFoundError
        If there is no such file.
    StoreError
        If it is no SQLite database, or somebody keeps it locked.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise NotFoundError(f"There is no file {str(path)!r} to import.")
        self.path = path
        with self._translated():
            self.connection = sqlite3.connect(
                f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=BUSY_S
            )
            rows = self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            self.tables = {str(name) for (name,) in rows}
        self._columns: dict[str, set[str]] = {}

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def columns(self, table: str) -> set[str]:
        """Return the names of the columns of a table; none if there is no such table."""
        found = self._columns.get(table)
        if found is None:
            rows = self.connection.execute("SELECT name FROM pragma_table_info(?)", [table])
            found = self._columns[table] = {str(name) for (name,) in rows}
        return found

    def rows(
        self, table: str, wanted: Sequence[str], where: str = "", values: Sequence[Any] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a table; columns that it does not have are None.

        Parameters
        ----------
        table : str
        wanted : sequence of str
        where : str
            What follows the table's name; its values are bound.
        values : sequence
        """
        there = self.columns(table)
        if not there:
            return
        named = ", ".join(f'"{name}"' if name in there else "NULL" for name in wanted)
        with self._translated():
            cursor = self.connection.execute(
                f'SELECT {named} FROM "{table}" {where}',  # noqa: S608  names of our own
                list(values),
            )
            while found := cursor.fetchmany(10_000):
                yield from found

    def count(self, table: str) -> int:
        """Return how many rows a table has, about: the greatest row number where that is quick."""
        if table not in self.tables:
            return 0
        with self._translated():
            row = self.connection.execute(
                f'SELECT max(_rowid_) FROM "{table}"'  # noqa: S608  a name of our own
            ).fetchone()
        return int(row[0] or 0)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise StoreError(
                    f"{self.path} is locked by another process. Stop what writes to it, or import "
                    "a copy."
                ) from error
            raise StoreError(
                f"{self.path} cannot be read as an SQLite database: {error}"
            ) from error
