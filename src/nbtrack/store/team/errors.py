"""Translates what DuckDB and PostgreSQL say about a team store; no password is passed on."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import duckdb

from nbtrack.errors import (
    DiskFullError,
    InvalidParameterError,
    NbtrackError,
    ServerDeniedError,
    ServerUnreachableError,
    StoreError,
    StoreLockedError,
    StoreReadOnlyError,
)
from nbtrack.postgres_address import PostgresAddress
from nbtrack.store import duckdb_errors, time_limits

_DENIED = re.compile(
    r"password authentication failed|no password supplied|permission denied|must be owner|"
    r"no pg_hba\.conf entry|role .* does not exist|\b403\b|Access ?Denied",
    re.I,
)
_NO_PASSWORD = re.compile(r"no password supplied", re.I)
_NO_DATABASE = re.compile(r'database "[^"]*" does not exist', re.I)
_UNREACHABLE = re.compile(
    r"could not connect|unable to connect|connection (refused|timed out|reset|to server)|"
    r"server closed the connection|terminating connection|the connection is (closed|lost)|"
    r"could not (translate|receive|send)|starting up|shutting down|no route to host|"
    r"network is unreachable|timeout expired|broken pipe|SSL SYSCALL|consuming input failed|"
    r"connection not open|no connection to the server|recovery mode|Name or service not known|"
    r"too many (clients|connections)|remaining connection slots",
    re.I,
)
_DATA = re.compile(
    r'(create directory|write( to)? file|open file) "?([^"\n]+)"?:? .*?'
    r"((no space|read-only file|permission denied|quota)[^\n]*)",
    re.I,
)
_FULL = re.compile(r"no space|quota", re.I)
_CONFLICT = re.compile(r"transaction conflict|conflict(s|ed)? with|write-write conflict", re.I)


@contextlib.contextmanager
def translated(address: PostgresAddress) -> Iterator[None]:
    """Turn errors of DuckDB and psycopg into nbtrack's."""
    try:
        yield
    except duckdb.Error as error:
        raise meaning(error, address) from None  # the cause may name what was tried, in full
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "psycopg":
            raise
        raise meaning(error, address) from None


def meaning(error: Exception, address: PostgresAddress) -> NbtrackError:
    """Return what an error of DuckDB or psycopg means for the user."""
    text = without_password(str(error), address)
    shown = address.uri
    if isinstance(error, duckdb.InterruptException) and time_limits.left() == 0:
        return StoreError(f"{shown} takes too long to answer.", "TEMPORARILY_UNAVAILABLE")
    if duckdb_errors.is_ending(error):
        return StoreLockedError(
            f"This process is ending, and asks {shown} no more but in its main thread. What was "
            "logged is in the journals, and is moved into the database later."
        )
    if isinstance(error, duckdb.IOException) and (found := _DATA.search(text)):
        line = f"{found.group(3)}: {found.group(4)}".rstrip(".")
        if _FULL.search(line):
            return DiskFullError(
                f"The disk with the data of {shown} is full ({line}). What was logged is in the "
                "journals; free some space and it comes into the store."
            )
        return StoreReadOnlyError(
            f"The data of {shown} cannot be written here ({line}). What was logged is in the "
            "journals, and comes into the store once this user may write there."
        )
    if _NO_DATABASE.search(text):
        return StoreError(
            f"{_first_line(text)} ({shown}). Make it with PostgreSQL's createdb, then `nbtrack "
            "init` makes the store in it."
        )
    if _NO_PASSWORD.search(text):
        return ServerDeniedError(
            f"This process has no password for {shown}: write one to ~/.pgpass, or set PGPASSWORD "
            "before it is started."
        )
    state = str(getattr(error, "sqlstate", None) or "")  # in whatever language the text is
    if state.startswith("28") or state == "42501" or _DENIED.search(text):
        return ServerDeniedError(
            f"{shown} does not allow this: {_first_line(text)}. The password is taken from the "
            "address, PGPASSWORD or ~/.pgpass; `nbtrack doctor` says which rights are missing."
        )
    if state.startswith(("08", "53", "57P")) or _UNREACHABLE.search(text):
        return ServerUnreachableError(
            f"{shown} cannot be reached now: {_first_line(text)}. Logging goes on in the journals, "
            "which are moved into it when it answers again."
        )
    if _CONFLICT.search(text):
        return StoreLockedError(
            f"{shown} was changed by somebody else at the same time, and this change was not made. "
            "Try it again."
        )
    if isinstance(error, duckdb.ProgrammingError):
        return InvalidParameterError(text)
    return StoreError(f"The store {shown} answered: {text}")


def without_password(text: str, address: PostgresAddress) -> str:
    """Return a text without the password of an address, however it came into it."""
    text = re.sub(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)", r"\1...", text, flags=re.I)
    text = re.sub(r"(?<=://)([^/@:\s]*):[^/@\s]*@", r"\1@", text)
    if address.password:
        text = re.sub(rf"(?<!\w){re.escape(address.password)}(?!\w)", "...", text)
    return text


def _first_line(text: str) -> str:
    said = re.search(r"(?:FATAL|ERROR):\s.*|permission denied for .*", text)
    if said:
        return said.group(0)[:300].strip().rstrip(".")
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    line = lines[0] if lines else "it did not say why"
    found = re.search(r"connection to server .*", line)
    return (found.group(0) if found else line)[:300].rstrip(".")
