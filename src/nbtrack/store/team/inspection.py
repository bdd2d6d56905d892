"""Looks at a team's store: what the catalog says of it, who has its lock, what could be better."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from nbtrack.store.creation import NewStore, StoreReport
from nbtrack.store.queries import SQL, migrations
from nbtrack.store.team import rights
from nbtrack.store.team.attaching import CATALOG, OBJECT_STORAGE, extension_versions
from nbtrack.store.team.coordination import LOCK, SCHEMA
from nbtrack.store.team.lake import VERSION
from nbtrack.store.team.upkeep import COMPACTED, LEFT, MERGE_AT, ORPHANS_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbtrack.store.reader import Reader
    from nbtrack.store.team.lake import Lake
    from nbtrack.store.team.upkeep import Upkeep

_SERVER = """
SELECT current_setting('server_version'), current_user, current_setting('lc_messages'),
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
       inet_client_addr() IS NULL OR inet_client_addr() = inet_server_addr()
"""
_HOLDERS = """
SELECT a.usename, coalesce(a.application_name, ''), coalesce(host(a.client_addr), ''), l.granted,
       extract(epoch FROM now() - l.waitstart)::float8
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.objid = %s AND a.pid <> pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY l.granted DESC
"""
_STATES = f"""
SELECT count(*), extract(epoch FROM now() - min(snapshot_time))::float8,
       (SELECT count(*) FROM {SCHEMA}.ducklake_files_scheduled_for_deletion)
FROM {SCHEMA}.ducklake_snapshot
"""  # noqa: S608
_CATALOG = f"SELECT value FROM {SCHEMA}.ducklake_metadata WHERE key = 'version'"  # noqa: S608


@dataclass(frozen=True)
class Server:
    """The PostgreSQL server, as this role sees it."""

    version: str
    role: str
    language: str
    is_encrypted: bool
    is_near: bool
    latency_ms: float


@dataclass(frozen=True)
class LockHolder:
    """A process that has the team's lock, or waits for it, and for how many seconds it waits."""

    role: str
    program: str
    address: str
    holds: bool
    seconds: float | None


@dataclass(frozen=True)
class Contents:
    """What the catalog has.

    Attributes
    ----------
    tables : list of tuple
        Name, files, small files, bytes, files with deleted rows; the largest first.
    states : int
        States of the database that can still be read.
    oldest_s : float
        The age of the oldest one.
    waiting : int
        Files that go when they are old enough.
    compacted : str or None
        When the store was compacted last, in UTC.
    new_small : int
        Small files that have come since the last merge.
    """

    tables: list[tuple[str, int, int, int, int]]
    states: int
    oldest_s: float
    waiting: int
    compacted: str | None
    new_small: int

    @property
    def is_scattered(self) -> bool:
        """Whether merging is due."""
        return self.new_small > MERGE_AT


class TeamInspection:
    """Answers questions about a team's store, and changes nothing in it.

    Parameters
    ----------
    lake : Lake
    upkeep : Upkeep
    attach : callable
        Gives a reader of the database as it is, for as long as a stack of contexts is open.
    """

    def __init__(
        self, lake: Lake, upkeep: Upkeep, attach: Callable[[contextlib.ExitStack], Reader]
    ) -> None:
        self._lake = lake
        self._upkeep = upkeep
        self._attach = attach
        self._coordination = lake.coordination
        self._ask = lake.coordination.ask

    @property
    def uri(self) -> str:
        """The address of the store, without its password."""
        return self._lake.address.uri

    def extensions(self) -> tuple[dict[str, str], list[str]]:
        """Return DuckDB's extensions with version and place, and those that are missing."""
        found = extension_versions()
        return found, [name for name in (*CATALOG, *OBJECT_STORAGE) if name not in found]

    def server(self) -> Server:
        """Ask PostgreSQL who it is, and how long it takes to answer."""
        version, role, language, is_encrypted, is_near = self._ask(_SERVER)[0]
        times = []
        for _ in range(3):
            start = time.perf_counter()
            self._ask("SELECT 1")
            times.append(time.perf_counter() - start)
        return Server(version, role, language, is_encrypted, is_near, min(times) * 1000)

    def versions(self) -> tuple[str, int, int]:
        """Return the version of the catalog, of the schema, and of the schema known here."""
        schema = self._coordination.settings().get(VERSION, "0")
        return str(self._ask(_CATALOG)[0][0]), int(schema), migrations()[-1][0]

    def rights(self) -> rights.Rights:
        """Return what this role may not do."""
        return rights.find_rights(self._coordination)

    def data_path(self) -> str:
        """Return where the data is."""
        return self._lake.data_path

    def check_data(self) -> None:
        """Write a small object beside the data, and remove it."""
        rights.check_data(self.data_path())

    def clock_offset_s(self) -> float:
        """Return by how much PostgreSQL's clock is ahead of this machine's."""
        return self._coordination.clock_offset_s()

    def contents(self) -> Contents:
        """Return how many files there are, and how old they are."""
        settings = self._coordination.settings()
        states, oldest, waiting = self._ask(_STATES)[0]
        tables = self._upkeep.tables()
        small = sum(row[2] for row in tables)
        new = small - int(settings.get(LEFT, "0"))
        return Contents(tables, states, oldest or 0.0, waiting, settings.get(COMPACTED), new)

    def orphans(self) -> int:
        """Return the number of old files of data that the catalog does not know."""
        with self._lake.connection(read_only=True, files=False) as connection:
            row = connection.execute(SQL["team.find_orphans"], {"seconds": ORPHANS_S}).fetchall()
        return int(row[0][0])

    def lock(self) -> list[LockHolder]:
        """Return who has the team's lock, and who waits for it."""
        return [LockHolder(*row) for row in self._ask(_HOLDERS, (LOCK,))]

    @contextlib.contextmanager
    def reader(self) -> Iterator[Reader]:
        """Read the database as it is: nothing is folded before."""
        with contextlib.ExitStack() as stack:
            yield self._attach(stack)

    def report(self, how: NewStore, *, is_new: bool) -> StoreReport:
        """Return how a store was made."""
        catalog, schema, _ = self.versions()
        server = self.server()
        place = self.data_path()
        return StoreReport(
            self.uri,
            is_new,
            place,
            f"{place}artifacts",
            {
                "duckdb": duckdb.__version__,
                "ducklake": catalog,
                "postgresql": server.version,
                "schema": str(schema),
            },
            self._lake.address.database,
            SCHEMA,
            len(self._upkeep.tables()),
            server.role,
            _statements(how.writers, rights.WRITE),
            _statements(how.readers, rights.READ),
            bool(how.writers or how.readers),
        )


def _statements(roles: tuple[str, ...], what: str) -> tuple[str, ...]:
    if not roles:
        return tuple(each.replace('"ROLE"', "ROLE") for each in rights.grants("ROLE", what))
    return tuple(each for role in roles for each in rights.grants(role, what))
