"""What ``init`` says of a store: what it made, where things are, how others come to it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class StoreReport:
    """A store, as ``create_store`` has made or found it.

    Attributes
    ----------
    uri : str
        Its address, without a password.
    is_new : bool
        Whether it was made just now.
    data, artifacts : str
        Where its tables and the artifacts of its runs are.
    versions : dict of str to str
        Of DuckDB, the schema, and of a team's store the catalog and PostgreSQL.
    database, schema : str
        Of PostgreSQL; empty for a file.
    tables : int
        How many tables the store has.
    role : str
        The role of PostgreSQL that has made or found it.
    writers, readers : tuple of str
        The statements that let a role of PostgreSQL write, or only read; ``ROLE`` stands for it
        where none was given.
    is_shared : bool
        Whether those statements were executed, for roles that were given.
    """

    uri: str
    is_new: bool
    data: str
    artifacts: str
    versions: dict[str, str] = field(default_factory=dict)
    database: str = ""
    schema: str = ""
    tables: int = 0
    role: str = ""
    writers: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    is_shared: bool = False


@dataclass(frozen=True)
class NewStore:
    """How a store is to be made.

    Attributes
    ----------
    data_path : str or None
        Of a team's store: where its data goes.
    writers, readers : tuple of str
        Roles of PostgreSQL that may write, and that may only read.
    """

    data_path: str | None = None
    writers: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()

    @property
    def is_for_team(self) -> bool:
        """Whether anything is said that only a team's store has."""
        return bool(self.data_path or self.writers or self.readers)
