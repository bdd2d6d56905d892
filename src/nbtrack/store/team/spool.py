"""The folder of this machine for what is logged to a team's store: journals, lock, and a note."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from nbtrack.errors import InvalidParameterError
from nbtrack.postgres_address import PostgresAddress, parse_address

_NOTE = "team.json"


@dataclass(frozen=True)
class SpoolNote:
    """What a spool knows of its store while that cannot be reached.

    Attributes
    ----------
    id : str
        Tells the journals of this spool from those of others.
    uri : str
        The address of the store, without a password.
    data_path : str or None
        Where its data is, once that is known.
    """

    id: str
    uri: str
    data_path: str | None = None


def read_note(folder: Path) -> SpoolNote | None:
    """Return what a spool knows of its store; None where there is no spool."""
    try:
        known = json.loads((folder / _NOTE).read_text("utf-8"))
        return SpoolNote(str(known["id"]), str(known["uri"]), known.get("data_path"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def note(folder: Path, uri: str, data_path: str | None = None) -> SpoolNote:
    """Make a spool, or write down what is known of its store by now; return that."""
    known = read_note(folder)
    found = SpoolNote(
        known.id if known else secrets.token_hex(8),
        uri,
        data_path or (known.data_path if known else None),
    )
    if found != known:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{_NOTE}.{secrets.token_hex(4)}"
        part.write_text(json.dumps(vars(found)), "utf-8")
        part.replace(folder / _NOTE)
    return read_note(folder) or found


def address_of(folder: Path) -> PostgresAddress | None:
    """Return the address of the store that a spool is for; its password is not kept there."""
    known = read_note(folder)
    try:
        return None if known is None else parse_address(known.uri)
    except InvalidParameterError:
        return None
