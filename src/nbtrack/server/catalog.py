"""The stores that a server serves, by their ids; no others can be requested."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nbtrack.config import DEFAULT_NAME, StoreLocation, find_default, remote_root, resolve
from nbtrack.errors import NbtrackError
from nbtrack.server.messages import UnknownStoreError
from nbtrack.store import (
    FileWatch,
    Store,
    announced_stores,
    count_running_runs,
    open_file,
    server_of_mirror,
    time_limit,
)
from nbtrack.store.artifacts import ArtifactAccess, check_artifact_root
from nbtrack.views.json_types import StoreInfo

Source = Literal["folder", "kernel", "setting"]

LOOK_AGAIN_S = 60.0
SOONEST_S = 2.0
COUNT_S = 3.0
FAR_COUNT_S = 10.0  # a connection is made first
REST = 20  # after a look, wait so many times what it took
MAX_DEPTH = 8
MAX_FOLDERS = 20_000
MAX_STORES = 200
MAX_SECONDS = 3.0
_SKIPPED = frozenset({
    "__pycache__", "node_modules", "site-packages", "venv", "env", "dist", "build", "mlruns",
    "wandb", "lost+found", "proc", "sys", "dev",
})  # fmt: skip


@dataclass
class StoreEntry:
    """A store that was found.

    Attributes
    ----------
    store : Store
    source : {"folder", "kernel", "setting"}
        How it was found.
    changing : threading.Lock
        Held by who changes the store.
    """

    store: Store
    source: Source
    changing: threading.Lock = field(default_factory=threading.Lock)
    _changes: FileWatch | None = None
    _counted: tuple[tuple[Any, ...], int | None, str | None] | None = None

    def count(self) -> tuple[int | None, str | None]:
        """Return how many runs are running, None where nobody knows, and what is wrong if so."""
        if self._changes is None:
            self._changes = FileWatch(self.store)
        state = self._changes.state()
        if self._counted is None or self._counted[0] != state:
            running: int | None = None
            problem = None
            try:
                seconds = FAR_COUNT_S if self.store.is_shared else COUNT_S
                with time_limit(seconds), self.store.read() as reader:
                    running = count_running_runs(reader)
            except NbtrackError as error:
                problem = str(error)
                if error.error_code == "TEMPORARILY_UNAVAILABLE":
                    return running, problem  # nothing changes when it is over: ask again
            except OSError as error:
                problem = f"{self.store.place} cannot be read: {error}"
            # reading folds journals in: the state after it is the one that was counted
            self._counted = (self._changes.state(), running, problem)
        return self._counted[1:]


class Catalog:
    """Finds stores, and opens none for longer than a question takes.

    Parameters
    ----------
    root : Path
        Where a server looks for stores.
    runtime : Path, optional
        Where kernels say which store they use.
    settings : list of str or StoreLocation, optional
        Tracking URIs of more stores, or what they name.
    search : bool
        Whether stores below the root are looked for.
    artifact_roots : list of str
        Places whose artifacts are shown, beside those in the folder of each store.

    Raises
    ------
    InvalidParameterError
        If one of the settings names no local store.
    """

    def __init__(
        self,
        root: Path,
        runtime: Path | None = None,
        settings: Sequence[str | StoreLocation] = (),
        *,
        search: bool = True,
        artifact_roots: Sequence[str] = (),
    ) -> None:
        self.root = root
        self._search = search
        self._artifact_roots = [check_artifact_root(root) for root in artifact_roots]
        self._runtime = runtime
        self._settings = [
            uri if isinstance(uri, StoreLocation) else resolve(uri) for uri in settings
        ]
        self._known: dict[str, StoreEntry] = {}
        self._guard = threading.Lock()
        self._look_after = 0.0
        self._looked = -LOOK_AGAIN_S

    def find(self, store_id: str) -> Store:
        """Return a store by its id.

        Raises
        ------
        UnknownStoreError
            If no store that was found has it.
        """
        return self.known(store_id).store

    def known(self, store_id: str) -> StoreEntry:
        """Return what is known of a store; see ``find``."""
        if store_id not in self._known:
            self._look(max_age_s=SOONEST_S)
        found = self._known.get(store_id)
        if found is None:
            raise UnknownStoreError(
                f"This server knows no store {store_id!r}. It looks below {self.root} and asks the "
                "kernels of this machine; nbtrack.set_tracking_uri(...) in a notebook names others."
            )
        return found

    def listing(self, *, refresh: bool = False) -> list[StoreInfo]:
        """Return all stores as JSON, those of settings and kernels first."""
        self._look(max_age_s=0.0 if refresh else LOOK_AGAIN_S)
        rank: dict[Source, int] = {"setting": 0, "kernel": 1, "folder": 2}
        with self._guard:
            found = sorted(
                self._known.values(),
                key=lambda known: (rank[known.source], len(known.store.path.parts)),
            )
        return [self._entry(known) for known in found if known.store.exists]

    def _entry(self, known: StoreEntry) -> StoreInfo:
        running, problem = known.count()
        return {
            "id": known.store.id,
            "name": known.store.name,
            "path": _shown(known.store, self.root),
            "source": known.source,
            "running": running,
            "error": problem,
        }

    def _look(self, max_age_s: float) -> None:
        with self._guard:
            begin = time.monotonic()
            rested = begin >= self._look_after or max_age_s == 0
            if rested and begin - self._looked >= max_age_s:
                self._add(self._settings, "setting")
                self._add(_from_kernels(self._runtime), "kernel")
                if self._search:
                    self._add([find_default(self.root), *stores_below(self.root)], "folder")
                self._looked = time.monotonic()
                self._look_after = self._looked + REST * (self._looked - begin)
            else:
                self._add(_from_kernels(self._runtime), "kernel")
            gone = [k for k, known in self._known.items() if not known.store.exists]
            for store_id in gone:
                del self._known[store_id]

    def _add(self, places: Iterable[Path | StoreLocation], source: Source) -> None:
        for place in places:
            try:
                store = open_file(place)
            except NbtrackError:
                continue  # a link in a circle, a name that no database can have
            store.access = self._access(store)
            known = self._known.get(store.id)
            if known is None and store.exists:
                self._known[store.id] = StoreEntry(store, source)
            elif known is not None and (known.source, source) == ("folder", "kernel"):
                known.source = source

    def _access(self, store: Store) -> ArtifactAccess:
        folder = store.folder
        is_mirror = folder.is_relative_to(remote_root())
        server = server_of_mirror(folder) if is_mirror else None
        return ArtifactAccess(
            folder,
            self._artifact_roots,
            serves=True,
            server=server,
            own=functools.partial(getattr, store, "own_roots"),
        )


def _from_kernels(runtime: Path | None) -> list[Path]:
    return [] if runtime is None else announced_stores(runtime)


def _shown(store: Store, root: Path) -> str:
    path = store.path
    if store.place != str(path):
        return store.place
    root, home = (Path(os.path.realpath(place)) for place in (root, os.path.expanduser("~")))
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    if path.is_relative_to(home):
        return f"~/{path.relative_to(home).as_posix()}"
    return str(path)


def stores_below(root: Path) -> list[Path]:
    """Return the database files of the stores below a folder, the nearest first.

    ``nbtrack.duckdb``, and any ``*.duckdb`` that has its folder ``*.duckdb.d`` beside it. Hidden
    folders, links, environments and the folders of stores are left out, and it gives up on the rest
    after eight levels, 20,000 folders, 200 stores or three seconds.
    """
    found: list[Path] = []
    waiting = deque([(str(root), 0)])
    until = time.monotonic() + MAX_SECONDS
    for _ in range(MAX_FOLDERS):
        if not waiting or len(found) >= MAX_STORES or time.monotonic() > until:
            break
        folder, depth = waiting.popleft()
        try:
            with os.scandir(folder) as entries:
                names = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
        except OSError:
            continue
        found += [Path(folder, name) for name in sorted(_stores_among(names))]
        if depth < MAX_DEPTH:
            waiting += [
                (f"{folder}{os.sep}{name}", depth + 1)
                for name in sorted(names)
                if names[name] and _is_searched(name)
            ]
    return found[:MAX_STORES]


def _stores_among(names: dict[str, bool]) -> set[str]:
    """Return the names of database files; one that is not made yet has only its folder."""
    beside = {name[:-2] for name, is_folder in names.items() if is_folder and name.endswith(".d")}
    stores = {name for name in beside if name.endswith(".duckdb") and not names.get(name, False)}
    if not names.get(DEFAULT_NAME, True):
        stores.add(DEFAULT_NAME)
    return stores


def _is_searched(name: str) -> bool:
    return not name.startswith(".") and not name.endswith(".duckdb.d") and name not in _SKIPPED
