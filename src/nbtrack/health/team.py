"""A team's store: PostgreSQL, the data, rights, what is due, and who holds the lock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nbtrack.errors import NbtrackError, NotFoundError
from nbtrack.health import journals, runs
from nbtrack.health.finding import Finding, note, problem, warning
from nbtrack.store import examine_team, open_store

if TYPE_CHECKING:
    from nbtrack.store import TeamInspection

KNOWN_CATALOG = "1.0"
SLOW_MS = 20.0
CLOCK_S = 5.0
LONG_S = 30.0
DAY_S = 86_400
_ENGLISH = ("c", "posix", "en", "")


def findings(uri: str) -> Iterator[Finding]:
    """Look at a team's store; what one check cannot find out does not keep others from it."""
    found = examine_team(uri)
    yield from _extensions(found)
    try:
        yield from _server(found)
        yield from _version(found)
    except NotFoundError as error:
        yield note("store", str(error))
        return
    except NbtrackError as error:
        yield problem("postgresql", str(error), "Is it running, and are host and port right?")
        yield from _waiting(uri)
        return
    for check in (_rights, _clock, _lock, _contents, _database):
        try:
            yield from check(found)
        except NbtrackError as error:
            yield problem("store", str(error))


def _extensions(found: TeamInspection) -> Iterator[Finding]:
    there, missing = found.extensions()
    if there:
        shown = "; ".join(f"{name} {version}" for name, version in there.items())
        yield Finding("extensions", f"DuckDB's {shown}.")
    if missing:
        yield problem(
            "extensions",
            f"DuckDB's extensions {', '.join(missing)} are not installed; the first use of the "
            "store fetches them, which needs network access.",
            "pip install 'duckdb-extension-NAME==VERSION' with DuckDB's own version, names such as "
            "ducklake and postgres-scanner, or on a machine with network access: python -c "
            "\"import duckdb; duckdb.connect().install_extension('ducklake')\"",
        )


def _server(found: TeamInspection) -> Iterator[Finding]:
    server = found.server()
    text = (
        f"{found.uri} answers in {server.latency_ms:.1f} ms: PostgreSQL {server.version}, "
        f"role {server.role}."
    )
    if server.latency_ms > SLOW_MS:
        yield warning(
            "postgresql",
            f"{text} To move what was logged takes a hundred questions: it shows later.",
            "Keep the database near the machines that log.",
        )
    else:
        yield Finding("postgresql", text)
    if not (server.is_encrypted or server.is_near):
        yield warning(
            "postgresql",
            "The connection is not encrypted, and goes to another machine.",
            "Add ?sslmode=require to the URI, and switch ssl on in the server.",
        )
    if server.language.partition("_")[0].partition(".")[0].lower() not in _ENGLISH:
        yield note(
            "postgresql",
            f"Its messages are in {server.language}: DuckLake knows conflicts by English ones.",
            f"ALTER ROLE \"{server.role}\" SET lc_messages = 'C' (as a superuser).",
        )


def _version(found: TeamInspection) -> Iterator[Finding]:
    place = found.data_path()  # says it where there is no store yet
    catalog, schema, known = found.versions()
    yield Finding("store", f"Data at {place}, catalog {catalog}, schema {schema}.")
    if catalog != KNOWN_CATALOG:
        yield warning(
            "store",
            f"The catalog is of version {catalog}; this nbtrack was tried with {KNOWN_CATALOG}.",
            "Use the same version of DuckDB everywhere in the team.",
        )
    if schema > known:
        yield problem(
            "store",
            f"The schema is {schema}, and this nbtrack knows {known}: a newer one has changed it.",
            "pip install -U nbtrack",
        )
    elif schema < known:
        yield note("store", f"The schema is {schema}; the next use brings it to {known}.")


def _rights(found: TeamInspection) -> Iterator[Finding]:
    role, unreadable, unwritable = found.rights()
    if unreadable:
        yield problem(
            "rights",
            f"The role {role} may not read {_some(unreadable)}.",
            "Whoever has made the store runs: nbtrack init URI --reader "
            f"{role} (or --role {role}, who writes).",
        )
        return
    if unwritable:
        yield note(
            "rights",
            f"The role {role} may read, and not write: {_some(unwritable)}.",
            f"To log from here: whoever has made the store runs nbtrack init URI --role {role}.",
        )
        return
    yield Finding("rights", f"The role {role} may read and write.")
    try:
        found.check_data()
    except NbtrackError as error:
        yield problem("data", str(error), "Ask for the rights to read, write, delete and list.")
    else:
        yield Finding("data", f"{found.data_path()} can be written.")


def _clock(found: TeamInspection) -> Iterator[Finding]:
    seconds = found.clock_offset_s()
    if abs(seconds) > CLOCK_S:
        where = "behind" if seconds > 0 else "ahead of"
        yield warning(
            "clock",
            f"This machine's clock is {abs(seconds):.0f} s {where} PostgreSQL's: times of runs of "
            "different machines do not fit together.",
            "Let the clocks be set by NTP.",
        )
    else:
        yield Finding("clock", f"It differs from PostgreSQL's by {abs(seconds):.1f} s.")


def _lock(found: TeamInspection) -> Iterator[Finding]:
    holders = found.lock()
    holder = next((each for each in holders if each.holds), None)
    if holder is None:
        yield Finding("lock", "Nobody holds the team's lock.")
        return
    longest = max((each.seconds or 0.0 for each in holders), default=0.0)
    who = ", ".join(filter(None, (holder.program, f"role {holder.role}", holder.address)))
    text = f"The team's lock is held by {who}; {len(holders) - 1} wait for it"
    text += f", the longest for {longest:.0f} s." if len(holders) > 1 else "."
    if longest > LONG_S:
        yield warning(
            "lock", text, "Look at that process: to move what was logged takes about a second."
        )
    else:
        yield Finding("lock", text)


def _contents(found: TeamInspection) -> Iterator[Finding]:
    contents = found.contents()
    tables = [row for row in contents.tables if row[1]]
    shown = ", ".join(
        f"{name} {files} files ({small} small), {size / 1e6:.3g} MB"
        for name, files, small, size, _ in tables[:6]
    )
    yield Finding("files", f"{sum(row[1] for row in tables)}: {shown}.")
    if contents.is_scattered:
        yield warning(
            "files",
            f"{contents.new_small} small files have come since the last merge: reading is slow.",
            "nbtrack compact",
        )
    compacted = f"compacted {contents.compacted} UTC" if contents.compacted else "never compacted"
    text = (
        f"{contents.states} states of the database can be read, the oldest of them is "
        f"{contents.oldest_s / 3600:.1f} hours old; {contents.waiting} files wait to be removed; "
        f"{compacted}."
    )
    if contents.oldest_s > 7 * DAY_S:
        yield note("files", text, "nbtrack compact, once a day, on one machine of the team.")
    else:
        yield Finding("files", text)


def _database(found: TeamInspection) -> Iterator[Finding]:
    orphans = found.orphans()
    if orphans:
        yield note(
            "files",
            f"{orphans} files of data are in no state of the database, and older than a week: "
            "of changes that were cut off.",
            "nbtrack compact",
        )
    with found.reader() as reader:
        yield from journals.findings(reader.folder / "journal", reader)
        yield from runs.findings(reader, own=True)
        yield from runs.silent(reader)


def _waiting(uri: str) -> Iterator[Finding]:
    folder = Path(open_store(uri).folder)
    if folder.exists():
        yield from journals.findings(folder / "journal", None)


def _some(tables: list[str]) -> str:
    more = f" and {len(tables) - 3} more tables" if len(tables) > 3 else ""
    return ", ".join(tables[:3]) + more
