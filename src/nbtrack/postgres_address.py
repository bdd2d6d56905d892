"""The address of a team store: the PostgreSQL database that has its catalog."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from nbtrack.errors import InvalidParameterError

SCHEMES = ("postgresql", "postgres", "ducklake")
"""Schemes of tracking URIs that name a team store."""

_PORT = 5432
_NOT_OPTIONS = frozenset({"host", "hostaddr", "port", "dbname", "user", "password"})
_OPTIONS = frozenset({
    "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile", "connect_timeout",
    "application_name", "target_session_attrs", "gssencmode", "channel_binding", "requiressl",
    "krbsrvname", "service",
})  # fmt: skip
_PASSWORD_OF = re.compile(r"(?<=://)(?P<user>[^/@:\s]*):(?P<password>[^/@\s]*)@")
_ADDRESS = re.compile(r"(?:ducklake:)?postgres(?:ql)?(?:\+\w+)?:", re.IGNORECASE)


@dataclass(frozen=True)
class PostgresAddress:
    """Where the catalog of a team store is.

    Attributes
    ----------
    database : str
    host, port, user : str
        Empty for what libpq takes by itself: ``PGHOST``, ``PGPORT``, ``PGUSER``.
    password : str or None
        None for ``PGPASSWORD`` or ``~/.pgpass``; it is shown nowhere.
    options : mapping
        Other parameters of libpq, such as ``sslmode``.
    """

    database: str
    host: str = ""
    port: str = ""
    user: str = ""
    password: str | None = field(default=None, repr=False)
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        """The address as it is shown: without the password."""
        from urllib.parse import quote, urlencode

        user = f"{quote(self.user, safe='')}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else quote(self.host, safe="[]:,")
        port = f":{self.port}" if self.port else ""
        query = f"?{urlencode(self.options)}" if self.options else ""
        return f"postgresql://{user}{host}{port}/{quote(self.database, safe='')}{query}"

    @property
    def id(self) -> str:
        """What tells this address, and this user, from others."""
        host = self.host or os.environ.get("PGHOST", "")
        port = self.port or os.environ.get("PGPORT", "") or str(_PORT)
        user = self.user or os.environ.get("PGUSER", "")
        text = f"{user}@{host.lower()}:{port}/{self.database}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse_address(uri: str) -> PostgresAddress:
    """Return the address that a tracking URI names.

    Parameters
    ----------
    uri : str
        ``postgresql://user:password@host:port/database?sslmode=require`` (also with the name of
        a driver, as SQLAlchemy has it: ``postgresql+psycopg2://``), or
        ``ducklake:postgres:dbname=... host=...``.

    Raises
    ------
    InvalidParameterError
        If it is none; the password is not in the message.

    Examples
    --------
    >>> from nbtrack.postgres_address import parse_address
    >>> parse_address("postgresql://ada:secret@db.example.org/runs").uri
    'postgresql://ada@db.example.org/runs'
    """
    scheme, _, rest = uri.strip().partition(":")
    if scheme.lower() == "ducklake":
        return _of_ducklake(rest)
    return _of_url(f"postgresql:{rest}")


def _of_ducklake(rest: str) -> PostgresAddress:
    kind, _, text = rest.partition(":")
    if kind.lower() not in ("postgres", "postgresql"):
        raise InvalidParameterError(
            "nbtrack keeps a team's runs in a DuckLake whose catalog is in PostgreSQL: "
            "ducklake:postgres:dbname=runs host=db.example.org, or postgresql://host/database. "
            "For runs of one machine a file is better: a path such as nbtrack.duckdb."
        )
    if text.startswith("//"):
        return _of_url(f"postgresql:{text}")
    if text.partition(":")[0].lower() in ("postgresql", "postgres"):
        return parse_address(text)
    pairs = re.findall(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']+)", text)
    return _address({name: _unquoted(value) for name, value in pairs})


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith("'") else value


def _of_url(url: str) -> PostgresAddress:
    from urllib.parse import parse_qsl, unquote, urlsplit

    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidParameterError(
            "The address of the PostgreSQL database cannot be read. Use one such as "
            "postgresql://user@db.example.org:5432/runs; signs of a password such as @ / : # are "
            "written as %40 %2F %3A %23, or leave it to PGPASSWORD or ~/.pgpass."
        ) from None
    given = {"host": unquote(host or ""), "port": str(port or "")}
    given["dbname"] = unquote(parts.path.removeprefix("/"))
    given["user"] = unquote(parts.username or "")
    if parts.password is not None:
        given["password"] = unquote(parts.password)
    return _address({**given, **dict(parse_qsl(parts.query))})


def _address(given: Mapping[str, str]) -> PostgresAddress:
    unknown = sorted(given.keys() - _NOT_OPTIONS - _OPTIONS)
    if unknown:
        raise InvalidParameterError(
            f"The address of the PostgreSQL database has {unknown[0]!r}, which nbtrack does not "
            f"pass on; it knows {', '.join(sorted(_OPTIONS))}."
        )
    if not given.get("dbname"):
        raise InvalidParameterError(
            "The address of the PostgreSQL database names no database. Use one such as "
            "postgresql://user@db.example.org:5432/runs"
        )
    return PostgresAddress(
        given["dbname"],
        given.get("host") or given.get("hostaddr", ""),
        given.get("port", ""),
        given.get("user", ""),
        given.get("password"),
        {name: value for name, value in given.items() if name not in _NOT_OPTIONS},
    )


def hide_password() -> None:
    """Start this program anew without the password of a PostgreSQL address in its arguments.

    Everybody on a machine may list the arguments of all processes, as long as they run; the
    environment is this user's alone. The password goes there, as ``PGPASSWORD``.
    """
    if os.name == "nt" or sys.argv[1:] != sys.orig_argv[-len(sys.argv) + 1 :]:
        return
    words = [without_password(word) for word in sys.argv[1:]]
    passwords = {found for _, found in words if found is not None}
    if len(passwords) != 1:  # none, or some that only their addresses tell apart
        return
    head = sys.orig_argv[1 : len(sys.orig_argv) - len(words)]
    env = {**os.environ, "PGPASSWORD": passwords.pop()}
    os.execve(sys.executable, [sys.executable, *head, *(word for word, _ in words)], env)  # noqa: S606


def without_password(word: str) -> tuple[str, str | None]:
    """Return an argument without the password of a PostgreSQL address, and the password."""
    from urllib.parse import unquote

    name, is_option, value = word.partition("=")
    address = value if is_option and name.startswith("--") else word
    found = _PASSWORD_OF.search(address) if _ADDRESS.match(address) else None
    if found is None:
        return word, None
    shown = f"{address[: found.start()]}{found['user']}@{address[found.end() :]}"
    return word.replace(address, shown), unquote(found["password"])
