"""What the members of a team agree on in PostgreSQL: one lock, signs of life, a few settings.

It is a small schema beside the catalog of the DuckLake, reached through a connection of its own.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from nbtrack.errors import MissingDependencyError, ServerUnreachableError, StoreLockedError
from nbtrack.postgres_address import PostgresAddress
from nbtrack.store import time_limits
from nbtrack.store.team.errors import translated

if TYPE_CHECKING:
    import psycopg

SCHEMA = "nbtrack"
"""The schema of PostgreSQL that has the catalog, and what this module keeps beside it."""

CONNECT_S = 5
ANSWER_S = 10.0
"""After so long without an answer, a server that still holds the connection counts as gone."""
_KEEP_S = 10.0
_LOCK_IDLE_MS = 45_000
_LOCK = 0x6E62_7472  # "nbtr": one lock for each database

_IS_THERE = "SELECT to_regclass(%s) IS NOT NULL"
_TABLES = f"""
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
CREATE TABLE IF NOT EXISTS {SCHEMA}.settings (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE IF NOT EXISTS {SCHEMA}.heartbeats (id text PRIMARY KEY, seen timestamptz NOT NULL);
"""

_Answer = TypeVar("_Answer")


def libpq_options(address: PostgresAddress) -> dict[str, str]:
    """Return the parameters of connections, without user and password.

    A dead network ends in an error within seconds. The language of messages is not among them:
    only a superuser may set it.
    """
    return {
        "connect_timeout": str(CONNECT_S),
        "keepalives_idle": "5",
        "keepalives_interval": "3",
        "keepalives_count": "3",
        "tcp_user_timeout": "15000",
        "application_name": "nbtrack",
        **address.options,
    }


class Coordination:
    """One process's connection to what a team agrees on.

    Parameters
    ----------
    address : PostgresAddress
    """

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._connection: psycopg.Connection[Any] | None = None
        self._guard = threading.RLock()
        self._held = 0
        self._pid = os.getpid()
        self._has_settings = False

    # -- asking --------------------------------------------------------------------------------

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, which is a transaction of its own unless locked.

        Raises
        ------
        ServerUnreachableError, ServerDeniedError, StoreError
        """
        if not self._guard.acquire(blocking=False):  # another thread has the lock, for seconds
            return self._asking.ask_in_turn(sql, values)
        try:
            return self.ask_in_turn(sql, values)
        finally:
            self._guard.release()

    def ask_in_turn(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, on the connection that has the lock, if it is held."""
        with self._guard, translated(self._address):
            return self._answered(lambda: _rows(self._connected(), sql, values), ANSWER_S)

    @functools.cached_property
    def _asking(self) -> Coordination:
        """A second connection, for those who do not wait for the lock."""
        return Coordination(self._address)

    def _answered(self, question: Callable[[], _Answer], seconds: float) -> _Answer:
        """Return what a server answers, or give the connection up: psycopg waits without end."""
        seconds = time_limits.at_most(seconds)
        found: list[_Answer] = []
        failed: list[BaseException] = []

        def work() -> None:
            try:
                found.append(question())
            except BaseException as error:  # noqa: BLE001  raised where it was asked
                failed.append(error)

        thread = threading.Thread(target=work, name="nbtrack-postgres", daemon=True)
        thread.start()
        thread.join(seconds)
        if failed:
            raise failed[0]
        if not found:
            self.abandon()
            raise ServerUnreachableError(
                f"{self._address.uri} has not answered for {seconds:.0f} s. Logging goes on in the "
                "journals, which are folded in when it answers again."
            )
        return found[0]

    def _connected(self) -> psycopg.Connection[Any]:
        psycopg = _psycopg()
        if self._connection is None or self._connection.closed:
            address = self._address
            given = {
                "host": address.host, "port": address.port, "user": address.user,
                "password": address.password, "dbname": address.database,
            }  # fmt: skip
            self._connection = psycopg.connect(
                **{name: value for name, value in given.items() if value},
                **libpq_options(address),
                autocommit=True,
            )
        return self._connection

    # -- the lock ------------------------------------------------------------------------------

    @contextlib.contextmanager
    def locked(self, timeout_s: float) -> Iterator[None]:
        """Hold the one lock of the team; may be nested.

        PostgreSQL gives it up when this process, its machine or the network is gone; who comes
        back and goes on is refused by the catalog, since the others have changed it.

        Raises
        ------
        StoreLockedError
            If others had it all the time.
        ServerUnreachableError, ServerDeniedError, StoreError
        """
        with self._guard:
            if self._held:
                yield
                return
            with translated(self._address):
                self._take(time_limits.at_most(timeout_s))
            self._held += 1
            stop = threading.Event()
            keeper = threading.Thread(
                target=self._keep, args=(stop,), name="nbtrack-team-lock", daemon=True
            )
            keeper.start()
            try:
                yield
            finally:
                self._held -= 1
                stop.set()
                self._release()

    def _take(self, timeout_s: float) -> None:
        psycopg = _psycopg()

        def take() -> bool:
            connection = self._connected()
            connection.execute(f"SET lock_timeout = {max(1, int(timeout_s * 1000))}")
            try:
                # of the session: a transaction would keep what is made in it from DuckDB
                connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            except psycopg.errors.LockNotAvailable:
                return False
            connection.execute(f"SET idle_session_timeout = {_LOCK_IDLE_MS}")
            return True

        try:
            taken = self._answered(take, timeout_s + ANSWER_S)
        except (
            psycopg.OperationalError
        ):  # a connection that has broken meanwhile is made anew, once
            self.abandon()
            taken = self._answered(take, timeout_s + ANSWER_S)
        if not taken:
            raise StoreLockedError(
                f"Others have worked on {self._address.uri} for more than {timeout_s:g} s. Logging "
                "goes on and is folded in later; try this again in a moment."
            )

    def _release(self) -> None:
        try:
            with translated(self._address):
                self._answered(self._unlock, ANSWER_S)
        except (ServerUnreachableError, StoreLockedError):
            self.abandon()  # PostgreSQL releases it with the connection

    def _unlock(self) -> None:
        connection = self._connected()
        connection.execute("SELECT pg_advisory_unlock_all()")
        connection.execute("SET idle_session_timeout = 0")

    def _keep(self, stop: threading.Event) -> None:
        """Show that the holder of the lock lives: a stopped process loses it."""
        while not stop.wait(_KEEP_S):
            connection = self._connection
            try:
                if connection is not None:
                    connection.execute("SELECT 1")
            except Exception:  # noqa: BLE001  `check_held` says it
                return

    def check_held(self) -> None:
        """Raise unless the lock is still held: before a commit that needs it.

        Raises
        ------
        StoreLockedError
            If the lock was lost.
        """
        if not self._held:
            return
        try:
            rows = self.ask(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() "
                "AND granted AND objid = %s",
                (_LOCK,),
            )
        except ServerUnreachableError:
            rows = []
        if not rows:
            raise StoreLockedError(
                f"The connection to {self._address.uri} broke in the middle of a change, which was "
                "not made. Try it again."
            )

    # -- what is agreed on ---------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the schema and its tables where they are missing."""
        if not self.ask("SELECT 1 WHERE to_regclass(%s) IS NOT NULL", (f"{SCHEMA}.heartbeats",)):
            self.ask(_TABLES)

    def settings(self) -> dict[str, str]:
        """Return the settings of the store; none where there is no store yet."""
        known = self._has_settings
        if not known and not self.ask(_IS_THERE, (f"{SCHEMA}.settings",))[0][0]:
            return {}
        self._has_settings = True
        return dict(self.ask(f"SELECT key, value FROM {SCHEMA}.settings"))  # noqa: S608

    def keep_setting(self, key: str, value: str) -> None:
        """Remember a setting of the store."""
        self.ask(
            f"INSERT INTO {SCHEMA}.settings VALUES (%s, %s) "  # noqa: S608
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    def beat(self, ids: Sequence[str]) -> None:
        """Show that these runs and models are being written."""
        self.ask(
            f"INSERT INTO {SCHEMA}.heartbeats SELECT unnest(%s::text[]), now() "
            "ON CONFLICT (id) DO UPDATE SET seen = excluded.seen",
            (list(ids),),
        )

    def silence(self) -> dict[str, float]:
        """Return for how many seconds each run and model was silent, by PostgreSQL's clock."""
        rows = self.ask(
            f"SELECT id, extract(epoch FROM now() - seen)::float8 FROM {SCHEMA}.heartbeats"  # noqa: S608
        )
        return {each: float(seconds) for each, seconds in rows}

    def forget_heartbeats(self, days: float) -> None:
        """Remove the signs of life that are older."""
        self.ask(
            f"DELETE FROM {SCHEMA}.heartbeats WHERE seen < now() - make_interval(secs => %s)",  # noqa: S608
            (days * 86_400,),
        )

    def clock_offset_s(self) -> float:
        """Return by how many seconds PostgreSQL's clock is ahead of this machine's."""
        before = time.time()
        theirs = float(self.ask("SELECT extract(epoch FROM clock_timestamp())::float8")[0][0])
        return theirs - (before + time.time()) / 2

    # -- the connection ------------------------------------------------------------------------

    def abandon(self) -> None:
        """Give the connection up, without waiting for anybody."""
        if "_asking" in vars(self):
            self._asking.abandon()
        connection, self._connection = self._connection, None
        if connection is not None and self._pid == os.getpid():
            with contextlib.suppress(Exception):
                connection.pgconn.finish()

    def after_fork(self) -> None:
        """Leave the connection to the parent."""
        vars(self).pop("_asking", None)
        self._connection, self._held = None, 0
        self._guard = threading.RLock()
        self._pid = os.getpid()


def _rows(
    connection: psycopg.Connection[Any], sql: str, values: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    cursor = connection.execute(sql, values or None)
    return [] if cursor.description is None else cursor.fetchall()


def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError:
        raise MissingDependencyError(
            "A team store needs psycopg, the client of PostgreSQL: pip install 'nbtrack[team]'"
        ) from None
    return psycopg
