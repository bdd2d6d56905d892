"""The services that tests of a team's store use do what those tests need."""

from __future__ import annotations

import socket
from pathlib import Path

import duckdb
import pytest

import programs
from tcp_proxy import HOST, Proxy
from team_services import EXTENSIONS, PASSWORD, Catalog, ObjectStorage, extension, fresh_catalog

pytestmark = pytest.mark.team


def test_a_database_is_empty_and_a_restart_or_a_crash_keeps_its_rows(catalog: Catalog) -> None:
    with catalog.connect() as connection:
        connection.execute("CREATE TABLE kept (number INTEGER)")
        connection.execute("INSERT INTO kept VALUES (1)")
    catalog.server.restart()
    with catalog.connect() as connection:
        connection.execute("INSERT INTO kept VALUES (2)")
    catalog.server.restart("immediate")
    with catalog.connect() as connection:
        assert connection.execute("SELECT number FROM kept ORDER BY 1").fetchall() == [(1,), (2,)]


def test_a_password_is_asked_for(catalog: Catalog) -> None:
    import psycopg

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(catalog.uri.replace("made-up", "other"))


def test_a_server_that_a_test_has_stopped_starts_for_the_next_one(catalog: Catalog) -> None:
    catalog.server.stop()
    assert not catalog.server.is_running()
    with fresh_catalog(catalog.server).connect() as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("team",)
    assert catalog.server.is_running()


def test_a_network_cuts_refuses_and_hangs(catalog: Catalog, network: Proxy) -> None:
    import psycopg

    uri = catalog.through(network)
    connection = psycopg.connect(uri, autocommit=True)
    network.cut()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    network.refuse()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(uri)
    network.hang()
    network.restore()
    with psycopg.connect(uri, autocommit=True) as connection:
        network.hang()
        with socket.create_connection((HOST, network.port), timeout=0.2) as silent:
            silent.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")  # asks whether the server has TLS
            with pytest.raises(TimeoutError):
                silent.recv(1)
        network.restore()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_what_was_sent_into_a_hanging_network_arrives_later(
    catalog: Catalog, network: Proxy
) -> None:
    import psycopg

    with psycopg.connect(catalog.through(network), autocommit=True) as connection:
        network.hang()
        connection.pgconn.send_query(b"CREATE TABLE late ()")
        with catalog.connect() as other:
            assert other.execute("SELECT to_regclass('late')").fetchone() == (None,)
        network.restore()
        assert connection.pgconn.get_result().error_message == b""
        connection.pgconn.get_result()


def test_a_bucket_keeps_what_s3fs_writes(bucket: str) -> None:
    import s3fs

    files = s3fs.S3FileSystem()
    assert files.ls(bucket) == []
    files.pipe(f"{bucket}/runs/a.bin", b"abc")
    assert files.cat(f"{bucket}/runs/a.bin") == b"abc"
    with pytest.raises(FileNotFoundError):
        files.ls(f"{bucket}-other")


def test_ducklake_keeps_a_table_in_both(
    catalog: Catalog, bucket: str, object_storage: ObjectStorage
) -> None:
    login = "USER 'team', PASSWORD '" + PASSWORD.replace("'", "''") + "'"
    place, database = f"HOST '{HOST}', PORT '{catalog.server.port}'", f"DATABASE '{catalog.name}'"
    endpoint = f"ENDPOINT '{object_storage.endpoint}', USE_SSL false, URL_STYLE 'path'"
    keys = f"KEY_ID '{object_storage.key}', SECRET '{object_storage.secret}'"
    statements = [
        f"CREATE SECRET catalog (TYPE postgres, {place}, {database}, {login})",
        f"CREATE SECRET files (TYPE s3, {keys}, {endpoint}, REGION '{object_storage.region}')",
        f"ATTACH 'ducklake:postgres:' AS lake (META_SECRET 'catalog', DATA_PATH '{bucket}/data')",
        "CREATE TABLE IF NOT EXISTS lake.numbers (number INTEGER)",
        "INSERT INTO lake.numbers SELECT range FROM range(100)",
    ]
    for times in (1, 2):
        with duckdb.connect() as connection:
            for name in EXTENSIONS:
                connection.load_extension(str(extension(name)))
            for statement in statements:
                connection.execute(statement)
            found = connection.execute("SELECT count(*) FROM lake.numbers").fetchone()
            assert found == (100 * times,)


def test_other_processes_have_the_same_duckdb(workdir: Path) -> None:
    told = programs.run("import duckdb; print(duckdb.__version__)", cwd=workdir)
    assert told.strip() == duckdb.__version__
