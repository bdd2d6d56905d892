"""The DuckLake of a team store: attached once in a process, and used through short transactions.

As with a file (decision 34) there are two instances: ours, which reaches the data of the lake and
nothing else, and one for SQL that the user has written, which may only read the lake.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb

from nbtrack import variables
from nbtrack.errors import InvalidParameterError, NotFoundError, StoreError
from nbtrack.postgres_address import PostgresAddress
from nbtrack.store import schema, time_limits
from nbtrack.store.database import OURS_FIRST
from nbtrack.store.duckdb_instances import new_instance, quoted
from nbtrack.store.queries import SQL, migrations
from nbtrack.store.team.attaching import CATALOG, OBJECT_STORAGE, load_extensions, s3_secret
from nbtrack.store.team.coordination import SCHEMA, Coordination, libpq_options
from nbtrack.store.team.errors import translated
from nbtrack.store.team.rights import share_what_comes
from nbtrack.store.team.silence import giving_up

VERSION, DATA = "schema_version", "data_path"
TABLES = "tables/"
"""Where the tables are below the data path: what lies there and is not theirs is an orphan to
DuckLake, which would take Parquet files among the artifacts for its own."""
_LOCK_S = 60.0
_KEYS_S = 60.0


class Lake:
    """The database of a team store.

    Parameters
    ----------
    address : PostgresAddress

    Attributes
    ----------
    coordination : Coordination
    suggested : str or None
        Where the data of a new store goes when ``NBTRACK_DATA_PATH`` does not say it; without
        either none is made.
    """

    def __init__(self, address: PostgresAddress) -> None:
        self.address = address
        self.coordination = Coordination(address)
        self.suggested: str | None = None
        self._wanted: str | None = None
        self._data_path: str | None = None
        self._guard = threading.RLock()
        self._instances: dict[bool, duckdb.DuckDBPyConnection] = {}
        self._leaked: list[duckdb.DuckDBPyConnection] = []
        self._keys: tuple[str, dict[str, str]] | None = None
        self._keys_looked = 0.0

    @property
    def data_path(self) -> str:
        """Where the data of the store is: a folder or a URI, which ends with a slash.

        Raises
        ------
        NotFoundError
            If there is no store, and no place was given for a new one.
        """
        if self._data_path is None:
            self._settle()
        return str(self._data_path)

    def want(self, data_path: str) -> None:
        """Say where the data of a new store goes."""
        self._wanted, self._data_path = check_data_path(data_path), None

    @property
    def tables_path(self) -> str:
        """Where the files of the tables are, below the data path."""
        return f"{self.data_path}{TABLES}"

    def is_at(self, place: str) -> bool:
        """Return whether the data of the store is at a place."""
        found = self.data_path
        try:
            return found == check_data_path(place)
        except InvalidParameterError:  # artifacts may be where tables may not
            return False

    @contextlib.contextmanager
    def connection(self, *, read_only: bool, files: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a connection whose default database is the lake; reads see one state of it.

        Parameters
        ----------
        read_only : bool
        files : bool
            Whether this is for SQL of the user.
        """
        self.check_version()
        with translated(self.address), giving_up(self.coordination):
            instance = self._instance(files)
            self._renew_keys()
            connection = instance.cursor()
            try:
                with time_limits.interrupting(connection):
                    connection.execute("USE store" if files else OURS_FIRST)
                    if read_only:
                        connection.execute("BEGIN")
                    yield connection
            except (duckdb.FatalException, duckdb.InternalException):
                self.close()
                raise
            finally:
                with contextlib.suppress(duckdb.Error):
                    connection.execute("ROLLBACK")
                connection.close()

    def open(self) -> None:
        """Attach the lake, if it is not: the first time takes a second."""
        with self.connection(read_only=True, files=False):
            pass

    # -- opening -------------------------------------------------------------------------------

    def check_version(self) -> None:
        """Ask for the version of the schema, and make the store or migrate it where that is due.

        Raises
        ------
        StoreError
            If a newer version has changed it.
        NotFoundError
            If there is no store, and no place was given for a new one.
        """
        found = self.coordination.settings()
        newest = migrations()[-1][0]
        if found.get(VERSION) == str(newest):
            return
        if int(found.get(VERSION, "0")) > newest:
            self.close()
            raise StoreError(
                f"{self.address.uri} was changed by a newer nbtrack (schema {found[VERSION]}, this "
                f"one knows {newest}). What is logged waits in the journals. Upgrade with: pip "
                "install -U nbtrack"
            )
        self.prepare()

    def prepare(self) -> bool:
        """Make the store, or bring its schema to the newest version; return whether it was made.

        Raises
        ------
        NotFoundError
            If there is no store, and no place was given for a new one.
        """
        self._settle()
        with (
            self.coordination.locked(_LOCK_S),
            translated(self.address),
            giving_up(self.coordination),
        ):
            self.coordination.prepare()  # IF NOT EXISTS does not hold for who comes at once
            share_what_comes(self.coordination)
            instance = self._instance(False)
            connection = instance.cursor()
            with contextlib.closing(connection):
                version = self._checked(connection)
                if version == 0:
                    self._settle_options(connection)
                schema.migrate(connection, "store", migrations(), version)
                if version == 0:
                    connection.execute(SQL["team.first_experiment"], {"location": self._first()})
                    connection.execute(SQL["team.make_guard"])
                    connection.execute(SQL["team.sort_points"])
            self.coordination.keep_setting(DATA, self.data_path)
            self.coordination.keep_setting(VERSION, str(migrations()[-1][0]))
        return version == 0

    def _first(self) -> str:
        return f"{self.data_path}artifacts/0"

    def _checked(self, connection: duckdb.DuckDBPyConnection) -> int:
        connection.execute("USE memory")
        return schema.check(connection, Path(self.address.uri), migrations())

    def _settle_options(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Set what holds for everybody who writes to the lake."""
        options = {"parquet_compression": "zstd", "data_inlining_row_limit": 0}
        options["target_file_size"] = "128MB"  # so that merging takes the lock for a short time
        for option, value in options.items():
            connection.execute(f"CALL store.set_option({quoted(option)}, {quoted(str(value))})")

    def _settle(self) -> None:
        """Find out where the data is: the catalog says it, or a new store is made there."""
        known = f"SELECT to_regclass('{SCHEMA}.ducklake_metadata') IS NOT NULL"
        found = None
        if self.coordination.ask(known)[0][0]:
            sql = f"SELECT value FROM {SCHEMA}.ducklake_metadata WHERE key = 'data_path'"  # noqa: S608
            rows = self.coordination.ask(sql)
            found = str(rows[0][0]).removesuffix(TABLES) if rows else None
        given = self._wanted or variables.DATA_PATH.get()
        wanted = None if given is None else check_data_path(given)
        if found is None and wanted is None and self.suggested is not None:
            wanted = check_data_path(self.suggested)
        if found is None and wanted is None:
            raise NotFoundError(
                f"There is no store of nbtrack in {self.address.uri} yet. Say where its data goes, "
                "which everybody of the team can reach: `nbtrack init URI --data-path "
                "s3://bucket/runs` (or a shared folder), or NBTRACK_DATA_PATH; `nbtrack server` "
                "has --default-artifact-root for it."
            )
        if found is not None and wanted is not None and found != wanted:
            raise InvalidParameterError(
                f"The data of the store in {self.address.uri} is at {found}, not at "
                f"{wanted}. Unset NBTRACK_DATA_PATH, and leave --data-path out: the store knows "
                "its place."
            )
        self._data_path = found or wanted

    def _instance(self, files: bool) -> duckdb.DuckDBPyConnection:
        with self._guard:
            if files not in self._instances:
                self._instances[files] = self._made(files)
            return self._instances[files]

    def _made(self, files: bool) -> duckdb.DuckDBPyConnection:
        instance = new_instance(None)
        try:
            self._attach(instance, read_only=files)
            if not files:
                self._close_in(instance)
        except BaseException:
            instance.close()
            raise
        return instance

    def _attach(self, instance: duckdb.DuckDBPyConnection, *, read_only: bool) -> None:
        remote = "://" in self.data_path
        load_extensions(instance, (*CATALOG, *(OBJECT_STORAGE if remote else ())))
        address = self.address
        _secret(instance, "team", "postgres", {
            "HOST": address.host, "PORT": address.port, "USER": address.user,
            "DATABASE": address.database, "PASSWORD": address.password or "",
        })  # fmt: skip
        if remote:
            self._keys, self._keys_looked = s3_secret(self.data_path), time.monotonic()
            _secret(instance, "team_data", *self._keys)
        else:
            Path(self.tables_path).mkdir(parents=True, exist_ok=True)
        options = " ".join(f"{k}={_libpq(v)}" for k, v in libpq_options(address).items())
        where = quoted(f"ducklake:postgres:{options}")
        how = (
            f"DATA_PATH {quoted(self.tables_path)}, META_SECRET 'team', "
            f"METADATA_SCHEMA '{SCHEMA}', DATA_INLINING_ROW_LIMIT 0"
        )
        mode = ", READ_ONLY" if read_only else ", CREATE_IF_NOT_EXISTS true"
        instance.execute(f"ATTACH {where} AS store ({how}{mode})")

    def _renew_keys(self) -> None:
        """Give the instances new keys of object storage where there are: those of a role expire."""
        with self._guard:
            self._give_new_keys()

    def _give_new_keys(self) -> None:
        now = time.monotonic()
        if self._keys is None or now - self._keys_looked < _KEYS_S:
            return
        self._keys_looked = now
        keys = s3_secret(self.data_path)
        if keys != self._keys:
            self._keys = keys
            for instance in self._instances.values():
                _secret(instance, "team_data", *keys)

    def _close_in(self, instance: duckdb.DuckDBPyConnection) -> None:
        """Let an instance reach the data of the lake, and nothing else any more."""
        instance.execute(f"SET allowed_directories = [{quoted(self.tables_path)}]")
        instance.execute("SET enable_external_access = false")
        instance.execute("SET lock_configuration = true")

    # -- the process ---------------------------------------------------------------------------

    def close(self) -> None:
        """Close the instances; the next use makes new ones."""
        for instance in self._instances.values():
            with contextlib.suppress(duckdb.Error):
                instance.close()
        self._instances.clear()

    def after_fork(self) -> None:
        """Never touch the parent's connections."""
        self._leaked += self._instances.values()
        self._instances = {}
        self._guard = threading.RLock()
        self.coordination.after_fork()


def check_data_path(path: str) -> str:
    """Return where the data of a store goes, with a slash at the end.

    Raises
    ------
    InvalidParameterError
        If it is neither a folder nor a place of object storage.
    """
    if "://" in path:
        scheme = path.partition("://")[0].lower()
        if scheme != "s3" or not path.partition("://")[2].strip("/"):
            raise InvalidParameterError(
                f"The data of a team store cannot go to {path!r}. Use s3://bucket/path, or a "
                "folder that everybody of the team can reach under the same path."
            )
        return f"{path.rstrip('/')}/"
    return f"{os.path.abspath(os.path.expanduser(path)).rstrip(os.sep)}{os.sep}"


def _secret(
    instance: duckdb.DuckDBPyConnection, name: str, kind: str, values: Mapping[str, str]
) -> None:
    given = "".join(f", {key} {quoted(value)}" for key, value in values.items() if value)
    instance.execute(f"CREATE OR REPLACE SECRET {name} (TYPE {kind}{given})")


def _libpq(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
