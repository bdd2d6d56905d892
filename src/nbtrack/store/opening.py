"""Opening a store: its own, or the mirror of a tracking server; one object for each file.

Nothing else of ``store`` knows ``store.remote``.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nbtrack import variables
from nbtrack.config import (
    DEFAULT_NAME,
    TEAM_SPOOL,
    StoreLocation,
    default_uri,
    remote_root,
    resolve,
)
from nbtrack.errors import InvalidParameterError
from nbtrack.store.artifacts.roots import ArtifactRoot, ProxiedRoots
from nbtrack.store.process_exit import ProcessExit
from nbtrack.store.remote.sync_state import MARKER, SyncState, server_of_mirror
from nbtrack.store.store import Store

if TYPE_CHECKING:
    from nbtrack.postgres_address import PostgresAddress
    from nbtrack.store.team.inspection import TeamInspection
    from nbtrack.store.team.lake import Lake

__all__ = [
    "Unsent",
    "close_all",
    "examine_team",
    "find_unsent",
    "open_configured",
    "open_file",
    "open_mirrors",
    "open_store",
    "opened",
    "server_of_mirror",
]

_stores: dict[Path, Store] = {}
_settled: dict[str, Path] = {}  # what the environment calls them, "" for the default
_stores_guard = threading.Lock()
_lakes: dict[Path, Lake] = {}  # by the place of the journals


def open_store(uri: str | os.PathLike[str] | StoreLocation | None = None) -> Store:
    """Return the store that a tracking URI names; one object for each file and process.

    Without a URI it is the one that the environment names, or the default one: where that is
    is settled when it is used first, and no ``chdir`` moves it.

    Parameters
    ----------
    uri : str, path or StoreLocation, optional
        As in ``nbtrack.set_tracking_uri``, or what such a URI names.

    Raises
    ------
    InvalidParameterError
        If the URI names something that is no local store.

    Examples
    --------
    >>> from nbtrack.store import open_store
    >>> store = open_store("other.duckdb")
    >>> store.uri
    '...other.duckdb'
    """
    if isinstance(uri, StoreLocation):
        return _opened(uri)
    uri = variables.ONLY_URI.get() or uri
    return _opened(resolve(uri)) if uri else open_configured(default_uri())


def open_configured(name: str | None) -> Store:
    """Return the store that the environment calls so, None for the default: always the same."""
    name = variables.ONLY_URI.get() or name
    known = name or ""
    store = _stores.get(_settled.get(known, Path()))
    if store is None:
        path = _path_of_parent(known)
        location = resolve(name) if path is None else StoreLocation(path, str(path))
        store = _opened(location)
        if location.server is None:
            _settled[known] = store.path
            _tell_workers(_settled)
    return store


# Workers of multiprocessing track to where their parent does, whatever folder they run in: a forked
# one has the parent's memory; others learn it from the environment.


def _tell_workers(stores: Mapping[str, Path]) -> None:
    """Tell the workers that this process starts where the stores are that it calls so."""
    known = {name: str(path) for name, path in stores.items()}
    variables.STORES_OF_PARENT.set(json.dumps({"pid": os.getpid(), "stores": known}))


def _path_of_parent(name: str) -> Path | None:
    """Return where the parent of this worker has the store that it calls so; else None."""
    text = variables.STORES_OF_PARENT.get()
    multiprocessing = sys.modules.get("multiprocessing")
    if text is None or multiprocessing is None:
        return None
    parent = multiprocessing.parent_process()
    try:
        record = json.loads(text)
        if parent is None or record["pid"] != parent.pid:  # a process that is no worker of that one
            return None
        return Path(record["stores"][name])
    except (ValueError, KeyError, TypeError):
        return None


def open_file(place: Path | StoreLocation) -> Store:
    """Return a store of its own for a database file, whatever that mirrors, and no server is asked.

    It is no object that others of this process have; one of a team shares their connection.

    Parameters
    ----------
    place : Path or StoreLocation
        A database file, the place of a team's journals, or what a tracking URI names.
    """
    location = place if isinstance(place, StoreLocation) else StoreLocation(place, str(place))
    location = _team_of_spool(location)
    if location.team is not None:
        return _made_team_store(location)
    return Store(StoreLocation(location.path, str(location.path)), _is_sent)


def open_mirrors() -> list[Store]:
    """Return the mirrors of servers that this user has on this machine."""
    folders = sorted(remote_root().glob(f"*/{DEFAULT_NAME}.d/{MARKER}"))
    return [open_store(Path(str(marker.parent).removesuffix(".d"))) for marker in folders]


def _opened(location: StoreLocation) -> Store:
    location = _team_of_spool(location)
    with _stores_guard:
        store = _stores.get(location.path)
        if store is None:
            store = _stores[location.path] = _made(location)
            if location.notice:
                store.warn_once(location.notice)
        elif location.team is not None:
            _reconnect(store, location)
        return store


def _team_of_spool(location: StoreLocation) -> StoreLocation:
    """Return the team's store for the place of its journals on this machine, with its password."""
    folder = location.path.parent
    team = location.team
    if team is None:
        if location.path.name != DEFAULT_NAME or not folder.name.startswith(TEAM_SPOOL):
            return location
        if folder.parent != remote_root().resolve():
            return location
        from nbtrack.store.team.spool import address_of

        team = address_of(Path(f"{location.path}.d"))
        if team is None:
            return location
    if team.password is None:
        team = next((each for each in _addresses() if each.id == team.id), team)
    return replace(location, team=team, uri=team.uri)


def _addresses() -> Iterator[PostgresAddress]:
    """Yield the addresses with a password that this process was given: once is enough."""
    given = [lake.address for lake in _lakes.values()]
    for name in (*variables.URI.names, *variables.REGISTRY_URI.names):
        with contextlib.suppress(InvalidParameterError):
            named = resolve(os.environ[name]).team if os.environ.get(name) else None
            given += [] if named is None else [named]
    yield from (each for each in given if each.password is not None)


def _made(location: StoreLocation) -> Store:
    if location.team is not None:
        return _made_team_store(location)
    if location.server is None and not _is_mirror(location.path):
        return Store(location, _is_sent)
    from nbtrack.store.remote.store import RemoteStore

    return RemoteStore(location, _is_sent)


def _made_team_store(location: StoreLocation) -> Store:
    from nbtrack.store.team.store import TeamStore

    return TeamStore(location, _lake(location))


def _reconnect(store: Store, location: StoreLocation) -> None:
    from nbtrack.store.team.store import TeamStore

    if isinstance(store, TeamStore):
        store.connect(_lake(location))


def _lake(location: StoreLocation) -> Lake:
    """Return the connection to a team's store: one in a process, for each password."""
    from nbtrack.store.team.lake import Lake

    assert location.team is not None  # noqa: S101  for mypy
    lake = _lakes.get(location.path)
    if lake is None or location.team.password not in (None, lake.address.password):
        lake = _lakes[location.path] = Lake(location.team)
    return lake


def examine_team(uri: str | os.PathLike[str]) -> TeamInspection:
    """Return what looks at a team's store."""
    from nbtrack.store.team.store import TeamStore

    store = open_store(uri)
    assert isinstance(store, TeamStore)  # noqa: S101  who asks has looked
    return store.inspection()


def _is_mirror(path: Path) -> bool:
    """Return whether a store mirrors a server: one of this user's mirrors, nobody else's."""
    return Path(f"{path}.d", MARKER).exists() and path.is_relative_to(remote_root())


def _is_sent(folder: Path, journal: str, end: tuple[int, int]) -> bool:
    """Return whether nobody needs a journal any more: that of a mirror is to be sent first."""
    if not (folder / MARKER).exists():
        return True
    from nbtrack.store import journal_reader

    closed = journal_reader.state(folder / "journal", journal).closed
    return SyncState(folder).may_go(journal, end, closed=closed)


class Unsent(NamedTuple):
    """What the server of a mirror has not got: journals that wait, and what it has refused."""

    journals: list[str]
    refused: int
    refused_file: Path


def find_unsent(folder: Path) -> Unsent:
    """Return what the server of a mirror has not got.

    Parameters
    ----------
    folder : Path
        The folder beside the mirror's database.
    """
    from nbtrack.store import journal_reader

    sync_state = SyncState(folder)
    sizes = journal_reader.sizes(folder / "journal")
    waiting = [name for name, size in sizes.items() if not sync_state.is_sent(name, size)]
    file = sync_state.folder / "refused.jsonl"
    return Unsent(waiting, len(file.read_bytes().splitlines()) if file.exists() else 0, file)


def _proxied_root(uri: str) -> ArtifactRoot:
    """Return the artifacts that a server keeps; name and password go where this process tracks."""
    from nbtrack.store.remote.proxied_artifacts import root_of
    from nbtrack.store.remote.store import RemoteStore

    return root_of(uri, [each.remote for each in opened() if isinstance(each, RemoteStore)])


def opened() -> list[Store]:
    """Return the stores that this process has open."""
    return list(_stores.values())


def close_all() -> None:
    """Close every store of this process; runs at exit."""
    for store in list(_stores.values()):
        if store._pid == os.getpid():
            store.close()
    if "nbtrack.store.database" in sys.modules:
        from nbtrack.store import database

        database.close()


def _rest_all() -> None:
    for store in opened():
        if store._pid == os.getpid():
            store.rest()


def _after_fork() -> None:
    global _stores_guard
    _stores_guard = threading.Lock()
    for lake in _lakes.values():
        lake.after_fork()
    for store in _stores.values():
        store._after_fork()


ProxiedRoots.open = staticmethod(_proxied_root)
atexit.register(close_all)
ProcessExit.resting.append(_rest_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
