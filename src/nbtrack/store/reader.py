"""A connection that looks at one consistent state of the store."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from nbtrack.errors import InvalidParameterError
from nbtrack.store.queries import SQL

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pandas as pd

    from nbtrack.store.artifacts.access import ArtifactAccess


class Database(Protocol):
    """What the parts of a store know of it: a state to look at, and a transaction."""

    artifact_root: str | None

    @property
    def path(self) -> Path:
        """The DuckDB file."""

    @property
    def folder(self) -> Path:
        """The folder beside it."""

    @property
    def access(self) -> ArtifactAccess:
        """What decides which places of artifacts may be used."""

    def read(self) -> AbstractContextManager[Reader]:
        """Look at the store with everything that anyone has logged so far."""

    def look(self) -> AbstractContextManager[Reader]:
        """Look at what no journal has."""

    def write(self) -> AbstractContextManager[Reader]:
        """Change the database in one transaction."""


class Reader:
    """Runs SQL on the store while it is attached; values are always bound.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A connection whose default database is the store.
    folder : Path
        The folder beside the database: relative artifact URIs start there.
    access : ArtifactAccess, optional
        Decides which places of artifacts that rows name may be used; without it none are.

    Attributes
    ----------
    spool : str
        What the names of this machine's journals begin with in the database: nothing in a file.
    """

    spool = ""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        access: ArtifactAccess | None = None,
    ) -> None:
        self.connection = connection
        self.folder = folder
        self._access = access

    @property
    def access(self) -> ArtifactAccess:
        """What decides which places of artifacts that rows name may be used."""
        if self._access is None:
            raise RuntimeError("This reader was opened to look at the database alone.")
        return self._access

    def idle_seconds(self, run_id: str) -> float:
        """Return the seconds since any process last gave a sign of life of a run."""
        from nbtrack.store import journal_reader

        return journal_reader.idle_seconds(self.folder / "journal", run_id)

    def announce(self) -> None:
        """Let a transaction at the same time be refused that does so too: a file has its lock."""

    def commit(self) -> None:
        """End the transaction: what it has changed is there for all."""
        self.connection.execute("COMMIT")

    def local_id(self, known: str) -> str:
        """Return the store's id of a run or a model; a server may have given it another."""
        return known

    def experiment_id(self, known: str) -> str:
        """Return the store's id of an experiment; a server may have given it another."""
        return known

    def refresh(
        self,
        *,
        runs: Sequence[str] = (),
        runs_of: Sequence[str | int] | None = (),
        models: Sequence[str] = (),
        models_of: Sequence[str | int] | None = (),
        registry: bool = False,
        history: Sequence[str] | None = (),
    ) -> None:
        """Say what is read next: a mirror fetches it from its server, a local store has it.

        Each operation says so once, before its first query. Experiments come with everything.

        Parameters
        ----------
        runs : sequence of str
            Ids of runs.
        runs_of : sequence of str or None
            The runs of these experiments; None for all.
        models : sequence of str
            Ids of logged models.
        models_of : sequence of str or None
            The logged models of these experiments; None for all.
        registry : bool
            Registered models and their versions.
        history : sequence of str or None
            All points of these metrics of ``runs``; None for all metrics.
        """

    def rows(self, sql: str, /, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query; ``$name`` in it stands for ``values["name"]``."""
        result: list[tuple[Any, ...]] = self.connection.execute(sql, values or None).fetchall()
        return result

    def one(self, sql: str, /, **values: Any) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None."""
        found = self.rows(sql, **values)
        return found[0] if found else None

    def named(self, name: str, /, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query of the ``sql`` folder, such as ``"runs.get"``."""
        return self.rows(SQL[name], **values)

    def hints(self, name: str, /, **parts: str) -> list[str]:
        """Return the texts that a query of the ``sql`` folder gives, for a hint in a message.

        A mirror has those that it has fetched so far: no server is asked for a hint.
        """
        found = self.connection.execute(SQL[name].format(**parts)).fetchall()
        return [str(text) for (text,) in found]

    def columns(self, sql: str, /, **values: Any) -> dict[str, np.ndarray[Any, Any]]:
        """Return the result of a query as one NumPy array for each column."""
        result: Any = self.connection.execute(sql, values or None).fetchnumpy()
        return dict(result)

    def frame(self, sql: str, /, **values: Any) -> pd.DataFrame:
        """Return the result of a query as a DataFrame."""
        return self.connection.execute(sql, values or None).df()

    def table(self, sql: str, /) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the names of the columns and the rows of a user's query."""
        with _of_user():
            result: Any = self.connection.execute(sql)
            return [str(column[0]) for column in result.description or ()], result.fetchall()

    def query(self, sql: str, variables: Mapping[str, Any]) -> pd.DataFrame:
        """Return the result of a user's query; other names in it may be data frames.

        Parameters
        ----------
        sql : str
        variables : mapping
            Data frames by name; a table of the store comes first.

        Raises
        ------
        InvalidParameterError
            If DuckDB cannot run it, in DuckDB's words.
        """
        with _of_user():
            return self._frame_of(sql, variables)

    def _frame_of(self, sql: str, variables: Mapping[str, Any]) -> pd.DataFrame:
        import duckdb

        registered: list[str] = []
        try:
            while True:
                try:
                    return self.connection.execute(sql).df()
                except duckdb.CatalogException as error:
                    name = _missing_table(str(error))
                    if name is None or name in registered or not _is_frame(variables.get(name)):
                        raise
                    self.connection.register(name, variables[name])
                    registered.append(name)
        finally:
            for name in registered:
                self.connection.unregister(name)


@contextmanager
def _of_user() -> Iterator[None]:
    """Turn what is wrong with a user's query into an error of nbtrack.

    What is wrong with the store, or with the process, is translated where it is read.
    """
    import duckdb

    try:
        yield
    except (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError) as error:
        raise InvalidParameterError(str(error).strip()) from error


def _missing_table(message: str) -> str | None:
    found = re.search(r"Table with name \"?([^\s\"]+)\"? does not exist", message)
    return found.group(1) if found else None


def _is_frame(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] in ("pandas", "polars", "pyarrow")
