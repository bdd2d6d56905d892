"""The state of a store: its file, who holds it, its journals, its runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from nbtrack.config import find_default, resolve
from nbtrack.errors import NbtrackError, StoreLockedError, StoreReadOnlyError
from nbtrack.health import disk, journals, runs, server, team
from nbtrack.health.finding import Finding, note, problem
from nbtrack.store import (
    Reader,
    database_exists,
    hold_lock,
    read_unfolded,
    schema_version,
    server_of_mirror,
)

PATIENCE_S = 2.0
_CLOSE = "Close the file there; until then logging goes on, and nothing is lost."


def findings(uri: str | os.PathLike[str] | None) -> Iterator[Finding]:
    """Look at a store without folding or changing anything in it.

    Raises
    ------
    NbtrackError
        If the URI names no store of this machine.
    """
    location = resolve(uri)
    if location.team is not None:
        yield from team.findings(os.fspath(uri or ""))
        return
    path, folder = location.path, Path(f"{location.path}.d")
    if location.notice:
        yield note("store", location.notice)
    url = location.server or server_of_mirror(folder)
    if url is not None:
        yield from server.findings(url, folder)
    elif not path.exists() and not folder.exists():
        yield note("store", f"There is no store at {path} yet; the first run makes it.")
        yield from disk.findings(path)
        return
    if not path.exists() and not folder.exists():
        return  # a mirror that is not made yet
    size = path.stat().st_size if path.exists() else 0
    what = "" if url is None else " mirrors the server"
    yield Finding("store", f"{path}{what}, {size / 1e6:.1f} MB")
    yield from _others_above(path)
    yield from disk.findings(path)
    yield from _leftovers(path)
    with ExitStack() as stack:
        reader, trouble = _opened(path, folder, stack)
        yield from trouble
        yield from journals.findings(folder / "journal", reader)
        if reader is not None:
            yield from runs.findings(reader, own=url is None)


def _others_above(path: Path) -> Iterator[Finding]:
    above = find_default(path.parent.parent)
    if above != path and above.exists() and path.parent != path.parent.parent:
        yield note("store", f"There is another store in a folder above: {above}.")


def _leftovers(path: Path) -> Iterator[Finding]:
    left = path.with_name(path.name + ".compact")
    if left.exists():
        yield note("store", f"{left.name} is left of a compaction that was cut off.", "nbtrack gc")


def _opened(path: Path, folder: Path, stack: ExitStack) -> tuple[Reader | None, list[Finding]]:
    """Attach the file for reading; say who holds it where that cannot be."""
    trouble: list[Finding] = []
    if not database_exists(path):
        return None, trouble
    try:
        if os.access(folder, os.W_OK):
            stack.enter_context(hold_lock(folder, PATIENCE_S))
    except StoreLockedError:
        trouble.append(
            problem(
                "lock",
                f"The lock of the store is held by {journals.holder(folder / 'lock')} for longer "
                "than it takes to move what was logged.",
                "Wait for it (compacting a large store takes minutes), or end that process.",
            )
        )
        return None, trouble
    try:
        reader = stack.enter_context(read_unfolded(path, folder))
    except StoreLockedError as error:
        trouble.append(problem("lock", str(error), _CLOSE))
    except StoreReadOnlyError as error:
        trouble.append(_read_only(error, folder))
    except NbtrackError as error:
        trouble.append(problem("store", str(error)))
    else:
        schema = schema_version(reader)
        trouble.append(Finding("lock", f"Nobody holds the file. Its schema is {schema}."))
        return reader, trouble
    return None, trouble


def _read_only(error: NbtrackError, folder: Path) -> Finding:
    """Say what it means that the file cannot be read before it is written: its schema is old."""
    if os.access(folder, os.W_OK):
        return note("store", f"{error} The next command that reads it does so.")
    return problem("store", str(error))
