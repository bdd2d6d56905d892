"""What the members of a team agree on in PostgreSQL: one lock, signs of life, a few settings.

It is a small schema beside the catalog of the DuckLake, reached through a connection of its own.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from nbtrack.errors import MissingDependencyError, ServerUnreachableError, StoreLockedError
from nbtrack.postgres_address import PostgresAddress
from nbtrack.store import time_limits
from nbtrack.store.team.errors import meaning, translated

if TYPE_CHECKING:
    import psycopg

SCHEMA = "nbtrack"
"""The schema of PostgreSQL that has the catalog, and what this module keeps beside it."""

CONNECT_S = 5
ANSWER_S = 10.0
"""After so long without an answer, a server that still holds the connection counts as gone."""
LOCK_ANSWER_S = 5.0
SILENT_S = 5.0
"""For so long after a silence nobody else waits for the server."""
_KEEP_S = 10.0
_LOCK_IDLE_MS = 45_000
LOCK = 0x6E62_7472  # "nbtr": one lock for each database

_IS_THERE = "SELECT to_regclass(%s) IS NOT NULL"
_TABLES = f"""
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
        "application_name": f"nbtrack {socket.gethostname()[:40]} {os.getpid()}",
        **address.options,
    }


class Coordination:
    """One process's connections to what a team agrees on.

    Parameters
    ----------
    address : PostgresAddress

    Attributes
    ----------
    peer : (str, int) or None
        The IP address and the port of the server that has answered last.
    """

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self.peer: tuple[str, int] | None = None
        self._has_settings = False
        self._forget_connections()

    def _forget_connections(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._guard = threading.RLock()
        self._lock = _Lock()
        self._silent_until = 0.0

    # -- asking --------------------------------------------------------------------------------

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, which is a transaction of its own.

        Raises
        ------
        ServerUnreachableError, ServerDeniedError, StoreError
        """
        psycopg = _psycopg()
        with self._guard, translated(self._address):
            for _ in range(2):  # a connection that has broken since is made anew, once
                was_open = self._connection is not None
                try:
                    patience = time_limits.at_most(ANSWER_S)
                    return self._answered(lambda: self._asked(sql, values), patience)
                except psycopg.OperationalError:
                    self.abandon()
                    if not was_open:
                        raise
            raise AssertionError  # the second time there was no old one

    def _asked(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = self._connected()
        return _rows(self._connection, sql, values)

    def _answered(
        self,
        question: Callable[[], _Answer],
        seconds: float,
        unwanted: Callable[[_Answer], None] | None = None,
    ) -> _Answer:
        """Return what a server answers, or give up: psycopg waits without end.

        Whoever asks right after a silence learns of it at once, and does not wait as long again.
        An answer that comes too late is ``unwanted``.
        """
        found: list[_Answer] = []
        failed: list[BaseException] = []
        given_up = threading.Event()

        def work() -> None:
            try:
                found.append(question())
                if given_up.is_set() and unwanted is not None:
                    unwanted(found[0])
            except BaseException as error:  # noqa: BLE001  raised where it was asked
                failed.append(error)

        if time.monotonic() >= self._silent_until:
            thread = threading.Thread(target=work, name="nbtrack-postgres", daemon=True)
            thread.start()
            thread.join(seconds)
            if failed and not _has_timed_out(failed[0]):
                raise failed[0]
            if found:
                return found[0]
            given_up.set()
            self._silent_until = time.monotonic() + SILENT_S
        self.abandon()
        raise ServerUnreachableError(
            f"{self._address.uri} cannot be reached now: it is silent. Logging goes on in the "
            "journals, which are moved into it when it answers again."
        )

    def _connected(self, options: str = "") -> psycopg.Connection[Any]:
        address = self._address
        given = {
            "host": address.host, "port": address.port, "user": address.user,
            "password": address.password, "dbname": address.database,
        }  # fmt: skip
        connection: psycopg.Connection[Any] = _psycopg().connect(
            **{name: value for name, value in given.items() if value},
            **libpq_options(address),
            options=options,
            autocommit=True,
        )
        if connection.info.hostaddr:
            self.peer = (connection.info.hostaddr, connection.info.port)
        return connection

    def answers(self) -> bool:
        """Return whether the server says anything to a new connection, within seconds."""
        try:
            self._connected().close()
        except Exception as error:  # noqa: BLE001  a refusal is an answer, too
            return not isinstance(meaning(error, self._address), ServerUnreachableError)
        return True

    # -- the lock ------------------------------------------------------------------------------

    @contextlib.contextmanager
    def locked(self, timeout_s: float) -> Iterator[None]:
        """Hold the one lock of the team; may be nested.

        It has a connection of its own, for as long as it is wanted. PostgreSQL gives it up when
        this process, its machine or the network is gone; who comes back and goes on is refused by
        the catalog, since the others have changed it.

        Raises
        ------
        StoreLockedError
            If others had it all the time.
        ServerUnreachableError, ServerDeniedError, StoreError
        """
        if self._lock.connection is not None:
            yield
            return
        timeout_s = time_limits.at_most(timeout_s)
        _psycopg()
        with translated(self._address):
            taken = self._answered(
                lambda: self._taken(timeout_s), timeout_s + LOCK_ANSWER_S, _hang_up
            )
        if taken is None:
            raise StoreLockedError(
                f"Others have worked on {self._address.uri} for more than {timeout_s:g} s. Logging "
                "goes on, and nothing is lost; try this again in a moment."
            )
        stop = threading.Event()
        keeper = threading.Thread(
            target=_keep, args=(taken, stop), name="nbtrack-team-lock", daemon=True
        )
        keeper.start()
        self._lock.connection = taken
        try:
            yield
        finally:
            self._lock.connection = None
            stop.set()
            _hang_up(taken)  # which is when PostgreSQL gives it to the next

    @property
    def is_held(self) -> bool:
        """Whether this thread holds the lock."""
        return self._lock.connection is not None

    def _taken(self, timeout_s: float) -> psycopg.Connection[Any] | None:
        connection = self._connected(f"-c idle_in_transaction_session_timeout={_LOCK_IDLE_MS}")
        connection.execute("BEGIN")
        connection.execute(f"SET LOCAL lock_timeout = {max(1, int(timeout_s * 1000))}")
        try:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        except _psycopg().errors.LockNotAvailable:
            connection.close()
            return None
        return connection

    def check_held(self) -> None:
        """Raise unless this thread still holds the lock: before a commit that needs it.

        Raises
        ------
        StoreLockedError
            If the lock was lost.
        """
        connection = self._lock.connection
        if connection is None:
            return
        held = (
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() "
            "AND granted AND objid = %s"
        )
        rows = []
        with contextlib.suppress(Exception):  # whatever it is, the lock is not known to be held
            rows = self._answered(lambda: _rows(connection, held, (LOCK,)), ANSWER_S)
        if not rows:
            raise StoreLockedError(
                f"The connection to {self._address.uri} broke in the middle of a change, which was "
                "not made. Try it again."
            )

    # -- what is agreed on ---------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the schema and its tables where they are missing."""
        if not self.ask("SELECT 1 WHERE to_regclass(%s) IS NOT NULL", (f"{SCHEMA}.heartbeats",)):
            # "IF NOT EXISTS" asks for the right to make one all the same
            if not self.ask("SELECT 1 WHERE to_regnamespace(%s) IS NOT NULL", (SCHEMA,)):
                self.ask(f"CREATE SCHEMA {SCHEMA}")
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
        connection, self._connection = self._connection, None
        _hang_up(connection)

    def after_fork(self) -> None:
        """Leave the connections to the parent."""
        _of_parents.append(self._connection)  # closing it here would end the parent's session
        self._forget_connections()


class _Lock(threading.local):
    """The connection through which a thread holds the lock."""

    connection: psycopg.Connection[Any] | None = None


_of_parents: list[object] = []


def _has_timed_out(error: BaseException) -> bool:
    return isinstance(error, _psycopg().errors.ConnectionTimeout)


def _keep(connection: psycopg.Connection[Any], stop: threading.Event) -> None:
    """Show that the holder of the lock lives: a stopped process loses it."""
    while not stop.wait(_KEEP_S):
        try:
            connection.execute("SELECT 1")
        except Exception:  # noqa: BLE001  `check_held` says it
            return


def _hang_up(connection: psycopg.Connection[Any] | None) -> None:
    """End a connection, also for a thread that waits in it; the server is not waited for."""
    if connection is None:
        return
    with (
        contextlib.suppress(Exception),
        socket.socket(fileno=os.dup(connection.pgconn.socket)) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(Exception):
        if not connection.lock.locked():
            connection.close()


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
