"""The folder of this machine for what is logged to a team's store: journals, lock, and a note."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.postgres_address import PostgresAddress, parse_address
from nbtrack.store.journal_files import translated
from nbtrack.store.journal_reader import Sizes

_NOTE = "team.json"
_FOLDED = "folded.json"


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
        _write(folder, _NOTE, vars(found))
    return read_note(folder) or found


def sign_of(spool: str) -> str:
    """Return under which name a machine's journals give signs of life."""
    return f"spool {spool}"


def folded(folder: Path) -> tuple[Sizes, float]:
    """Return how far the journals of a spool are folded, and for how many seconds that is so.

    Whichever process folds writes it down, so that the others need not fold the same again. It may
    be behind the database, never before it.
    """
    try:
        with (folder / _FOLDED).open("rb") as file:
            known = json.load(file)
            age = time.time() - os.fstat(file.fileno()).st_mtime
        return {str(name): (int(e), int(p)) for name, (e, p) in known.items()}, age
    except (OSError, ValueError, TypeError, AttributeError):
        return {}, float("inf")


def note_folded(folder: Path, offsets: Mapping[str, tuple[int, int]]) -> None:
    """Write down how far the journals of a spool are folded; its lock is held."""
    with contextlib.suppress(NbtrackError):  # then each process folds for itself
        _write(folder, _FOLDED, offsets)


def _write(folder: Path, name: str, content: Mapping[str, object]) -> None:
    part = folder / f"{name}.{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(dict(content)), "utf-8")
        part.replace(folder / name)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise translated(error, folder) from error


def address_of(folder: Path) -> PostgresAddress | None:
    """Return the address of the store that a spool is for; its password is not kept there."""
    known = read_note(folder)
    try:
        return None if known is None else parse_address(known.uri)
    except InvalidParameterError:
        return None
