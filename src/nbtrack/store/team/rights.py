"""What roles of PostgreSQL need for a team's store, and whether the place of its data is usable."""

from __future__ import annotations

import contextlib
import io
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nbtrack.errors import ServerDeniedError, StoreError
from nbtrack.store.team.coordination import SCHEMA, Coordination

READ, WRITE = "SELECT", "SELECT, INSERT, UPDATE, DELETE"
_ROLES = "roles"
_MISSING = f"""
SELECT c.relname,
       has_table_privilege(c.oid, 'SELECT'),
       has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')
           AND has_table_privilege(c.oid, 'DELETE')
FROM pg_class c WHERE c.relnamespace = '{SCHEMA}'::regnamespace AND c.relkind = 'r' ORDER BY 1
"""  # noqa: S608


class Rights(NamedTuple):
    """What this role may not do: tables that it cannot read, or cannot write."""

    role: str
    unreadable: list[str]
    unwritable: list[str]


def grants(role: str, what: str) -> list[str]:
    """Return the statements that give a role its rights, also to tables that are made later.

    They are for the owner of the tables: who has made the store.
    """
    name = '"' + role.replace('"', '""') + '"'
    return [
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {name}",
        f"GRANT {what} ON ALL TABLES IN SCHEMA {SCHEMA} TO {name}",
        *_later(name, what),
    ]


def _later(name: str, what: str) -> list[str]:
    return [f"ALTER DEFAULT PRIVILEGES IN SCHEMA {SCHEMA} GRANT {what} ON TABLES TO {name}"]


def give(coordination: Coordination, writers: Sequence[str], readers: Sequence[str]) -> None:
    """Give roles their rights, and remember them for whoever makes tables later.

    Raises
    ------
    ServerDeniedError
        If this role does not own the tables.
    StoreError
        If there is no such role.
    """
    known = _known(coordination)
    for kind, what, roles in (("write", WRITE, writers), ("read", READ, readers)):
        for role in roles:
            for statement in grants(role, what):
                coordination.ask(statement)
            known[kind] = sorted({*known.get(kind, []), role})
    if writers or readers:
        coordination.keep_setting(_ROLES, json.dumps(known))


def share_what_comes(coordination: Coordination) -> None:
    """Let the roles of the team use tables that this one is about to make."""
    known = _known(coordination)
    for kind, what in (("write", WRITE), ("read", READ)):
        for role in known.get(kind, []):
            name = '"' + role.replace('"', '""') + '"'
            for statement in _later(name, what):
                with contextlib.suppress(StoreError):  # of a role that is gone
                    coordination.ask(statement)


def _known(coordination: Coordination) -> dict[str, list[str]]:
    known: dict[str, list[str]] = json.loads(coordination.settings().get(_ROLES, "{}"))
    return known


def find_rights(coordination: Coordination) -> Rights:
    """Return what this process's role may not do."""
    role = str(coordination.ask("SELECT current_user")[0][0])
    rows = coordination.ask(_MISSING)
    return Rights(
        role,
        [table for table, may_read, _ in rows if not may_read],
        [table for table, _, may_write in rows if not may_write],
    )


def check_data(data_path: str) -> None:
    """Write a small object to the place of the data, and remove it.

    Raises
    ------
    NbtrackError
        If that cannot be; the message says why.
    """
    name = f"nbtrack-check-{secrets.token_hex(8)}"
    if "://" in data_path:
        from nbtrack.store.artifacts.folder import remote_root_of

        root = remote_root_of(data_path.rstrip("/"))
        root.write(name, io.BytesIO(b"nbtrack\n"))
        root.delete(name)
        return
    file = Path(data_path, name)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"nbtrack\n")
        file.unlink()
    except OSError as error:
        raise ServerDeniedError(
            f"The data of the store cannot be written: {data_path}: {error.strerror}. The folder "
            f"must be writable for everybody of the team (this is user {_user()})."
        ) from None


def _user() -> str:
    import getpass

    with contextlib.suppress(Exception):  # a user without a name
        return getpass.getuser()
    return str(os.getuid()) if hasattr(os, "getuid") else "?"
