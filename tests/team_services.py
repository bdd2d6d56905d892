"""What tests of a team's store need: PostgreSQL, an object storage, and a network between.

All of it runs on this machine, in folders and on ports of its own, once for each process of
pytest; each test has a database and a bucket of its own. A test that is marked ``team`` is
skipped where something is missing.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from tcp_proxy import HOST, Proxy, free_port

if TYPE_CHECKING:
    import psycopg

EXTENSIONS = ("ducklake", "postgres_scanner", "httpfs")
PASSWORD = "a/made-up:p@ss'word"
"""Of the tests' role; what has a meaning in URIs, connection strings and SQL has to be quoted."""

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
lc_messages = 'C'
max_connections = 200
shared_buffers = 32MB
# a power cut is not tested; what is committed outlives the server's death all the same
fsync = off
full_page_writes = off
"""
# ends the server with the process that started it, whatever has ended that
WATCH = 'read _; "$0" stop -s -D "$1/data" -m immediate; rm -rf "$1"'
S3 = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
_numbers = itertools.count(1)


def extension(name: str) -> Path | None:
    """Return the file of one of DuckDB's extensions that fits this DuckDB."""
    import duckdb

    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent / "extensions" / f"v{duckdb.__version__}"
    return next(folder.glob(f"{name}.duckdb_extension"), None)


@functools.cache
def program(name: str) -> str | None:
    """Return the path of a program of PostgreSQL; Debian has them by version, not on PATH."""
    versions = [path for path in Path("/usr/lib/postgresql").glob("*") if path.name.isdigit()]
    folders = [path / "bin" for path in sorted(versions, key=lambda path: -int(path.name))]
    if config := shutil.which("pg_config"):
        said = subprocess.run([config, "--bindir"], capture_output=True, text=True).stdout
        folders.append(Path(said.strip()))
    places = os.pathsep.join([os.environ.get("PATH", ""), *map(str, folders)])
    return shutil.which(name, path=places)


@functools.cache
def missing() -> str | None:
    """Return why the tests of the team's store cannot run here, or None when they can."""
    import duckdb

    for package in ("psycopg", "s3fs", "moto"):
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed: pip install -e '.[dev]'"
    if absent := [name for name in EXTENSIONS if extension(name) is None]:
        found = f"there is no package of {', '.join(absent)} for DuckDB {duckdb.__version__}"
        return f"{found}; python3 dev.py test runs these tests with DuckDB 1.5"
    if os.name != "posix" or program("initdb") is None or program("pg_ctl") is None:
        return "there is no PostgreSQL: install it, such as by apt-get install postgresql"
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked ``team`` where something is missing."""
    if item.get_closest_marker("team") and (why := missing()):
        pytest.skip(why)


class Postgres:
    """A PostgreSQL server that tests may stop and start; it keeps its port and its data."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nbtrack-postgres-"))
        self.port = free_port()
        self._owner: dict[str, Any] = {}
        if os.geteuid() == 0:  # it refuses to run as root
            self._owner = _unprivileged()
            os.chown(self.folder, self._owner["user"], self._owner["group"])
        self._watcher = subprocess.Popen(
            ["sh", "-c", WATCH, str(program("pg_ctl")), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            bufsize=0,
            **self._owner,
        )
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def _make(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD, "utf-8")
        password.chmod(0o644)
        options = ["-U", "postgres", f"--pwfile={password}", "-A", "scram-sha-256"]
        options += ["-E", "UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", *options)
        with (self.folder / "data/postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(f"{SETTINGS}port = {self.port}\n")
        self.start()
        with self.administer() as connection:
            connection.execute(f"CREATE ROLE team LOGIN PASSWORD {_literal(PASSWORD)}")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        # by pg_ctl it is no child of this process: it outlives what ends a failing test's children
        self._run("pg_ctl", "-w", "-s", "-l", str(self.folder / "log"), "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; ``immediate`` is a crash, from which it recovers when it starts."""
        self._run("pg_ctl", "-w", "-s", "-m", mode, "stop")

    def restart(self, mode: str = "fast") -> None:
        """Stop the server and start it again: clients lose their connections."""
        self.stop(mode)
        self.start()

    def is_running(self) -> bool:
        """Return whether the server runs."""
        return self._program("pg_ctl", "status").returncode == 0

    def administer(self) -> psycopg.Connection[Any]:
        """Return a connection of the superuser, in which each statement commits."""
        return self.connect("postgres", "postgres")

    def connect(self, database: str, user: str = "team") -> psycopg.Connection[Any]:
        """Return a connection in which each statement commits."""
        import psycopg

        return psycopg.connect(self.uri(database, user), autocommit=True)

    def uri(self, database: str, user: str = "team", port: int | None = None) -> str:
        """Return the URI of a database, password included."""
        return f"postgresql://{user}:{quote(PASSWORD, '')}@{HOST}:{port or self.port}/{database}"

    def close(self) -> None:
        """End the server, and remove its folder."""
        assert self._watcher.stdin is not None
        self._watcher.stdin.write(b"\n")
        self._watcher.stdin.close()
        self._watcher.wait(60)

    def _run(self, name: str, *options: str) -> None:
        done = self._program(name, *options)
        if done.returncode:
            log = self.folder / "log"
            told = log.read_text("utf-8", "replace")[-2000:] if log.exists() else ""
            pytest.fail(f"{name} {' '.join(options)}: {done.stdout}\n{told}")

    def _program(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        output = self.folder / f"{name}.out"  # the server would keep a pipe open
        with output.open("w+", encoding="utf-8") as out:
            done: subprocess.CompletedProcess[str] = subprocess.run(
                [str(program(name)), "-D", str(self.folder / "data"), *options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, "LC_ALL": "C"},
                **self._owner,
            )
        done.stdout = output.read_text("utf-8", "replace")
        return done


def _unprivileged() -> dict[str, Any]:
    import pwd

    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    raise OSError("neither a user postgres nor nobody is known, and PostgreSQL refuses root")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class Catalog:
    """A database of PostgreSQL that belongs to one test, and to the role ``team``."""

    server: Postgres
    name: str

    @property
    def uri(self) -> str:
        """Its URI, password included."""
        return self.server.uri(self.name)

    def through(self, proxy: Proxy) -> str:
        """Return its URI by way of a proxy."""
        return self.server.uri(self.name, port=proxy.port)

    def connect(self) -> psycopg.Connection[Any]:
        """Return a connection in which each statement commits."""
        return self.server.connect(self.name)


@dataclass(frozen=True)
class ObjectStorage:
    """An S3 server; it knows no passwords and forgets everything at its end."""

    endpoint: str
    key = "made-up-key"
    secret = "made-up-secret"
    region = "us-east-1"

    def variables(self) -> dict[str, str]:
        """Return the environment in which boto3, s3fs and others find it, and nothing else."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_ENDPOINT_URL": f"http://{self.endpoint}",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for all tests of this process."""
    started = Postgres()
    yield started
    started.close()


@pytest.fixture
def catalog(postgres: Postgres) -> Catalog:
    """An empty database of PostgreSQL, where the catalog of a team's store can be."""
    return fresh_catalog(postgres)


def fresh_catalog(server: Postgres) -> Catalog:
    """Return an empty database, and drop those of earlier tests."""
    if not server.is_running():  # a test has left it so
        server.start()
    name = f"test_{next(_numbers)}"
    with server.administer() as connection:
        # not at the end of their tests: what is still open is closed after that
        query = "SELECT datname FROM pg_database WHERE datname LIKE 'test%'"
        for (old,) in connection.execute(query).fetchall():
            connection.execute(f"DROP DATABASE {old} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} OWNER team")
    return Catalog(server, name)


@pytest.fixture(scope="session")
def _proxy(postgres: Postgres) -> Iterator[Proxy]:
    started = Proxy(postgres.port)
    yield started
    started.close()


@pytest.fixture
def network(_proxy: Proxy) -> Iterator[Proxy]:
    """The network between a test and PostgreSQL; ``catalog.through(network)`` is the URI."""
    yield _proxy
    _proxy.restore()


@pytest.fixture(scope="session")
def object_storage() -> Iterator[ObjectStorage]:
    """An S3 server for all tests of this process."""
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            [sys.executable, "-c", S3],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        assert process.stdout is not None
        port = process.stdout.readline().decode().strip()
        if not port:
            log.seek(0)
            pytest.fail(f"the S3 server does not start: {log.read().decode()[-2000:]}")
        yield ObjectStorage(f"{HOST}:{port}")
        process.communicate(timeout=30)


@pytest.fixture
def bucket(object_storage: ObjectStorage, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of an empty bucket, with its keys in the environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in object_storage.variables().items():
        monkeypatch.setenv(name, value)
    name = f"bucket-{next(_numbers)}"
    urlopen(Request(f"http://{object_storage.endpoint}/{name}", method="PUT"), timeout=60).close()
    return f"s3://{name}"
