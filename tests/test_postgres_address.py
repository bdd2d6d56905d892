"""Addresses of team stores: what is taken, how they are shown, and what is refused."""

from __future__ import annotations

import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError
from nbtrack.postgres_address import PostgresAddress, parse_address
from nbtrack.store.team.errors import without_password


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://ada:s%40fe:x@db:6543/runs", "postgresql://ada@db:6543/runs"),
        ("postgres://db/runs", "postgresql://db/runs"),
        ("postgresql+psycopg2://ada:pw@db/runs", "postgresql://ada@db/runs"),
        ("postgresql:///runs", "postgresql:///runs"),
        ("postgresql://ada@[::1]:5432/runs?sslmode=require", None),
        (
            "ducklake:postgres:dbname=runs host=db user=ada password='s fe'",
            "postgresql://ada@db/runs",
        ),
        ("ducklake:postgres://ada:pw@db/runs", "postgresql://ada@db/runs"),
        ("ducklake:postgres:postgresql://ada:pw@db/runs", "postgresql://ada@db/runs"),
    ],
)
def test_an_address_is_shown_without_its_password(uri: str, shown: str | None) -> None:
    address = parse_address(uri)
    assert address.uri == (shown or uri)
    assert parse_address(address.uri).id == address.id  # the same store, whoever names it
    assert address.password is None or address.password not in repr(address)


@pytest.mark.parametrize("password", ["s3cret", "a b", "p@ss", "it's", "pw"])
def test_no_message_has_the_password(password: str) -> None:
    address = PostgresAddress("runs", "db", user="ada", password=password)
    quoted = password.replace("'", "\\'")
    for said in (
        f"could not connect with password='{quoted}' host=db",
        f"bad address postgresql://ada:{password.replace('@', '%40')}@db/runs",
        f"the word {password} was wrong",
    ):
        left = without_password(said, address)
        assert password not in left
        assert quoted not in left
        assert password.replace("@", "%40") not in left


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("postgresql://me:secret@db", "names no database"),
        ("postgresql://me:secret@db:x/runs", "cannot be read"),
        ("postgresql://me:secret@db/runs?host=a&options=-cx", "does not pass on"),
        ("ducklake:sqlite:secret.db", "whose catalog is in PostgreSQL"),
        ("ducklake:secret.ducklake", "whose catalog is in PostgreSQL"),
    ],
)
def test_what_is_no_address_is_refused_with_an_example(workdir, uri, why):
    for use in (nbtrack.set_tracking_uri, nbtrack.MlflowClient):
        with pytest.raises(InvalidParameterError, match=why) as caught:
            use(uri)
        assert "secret" not in str(caught.value)
