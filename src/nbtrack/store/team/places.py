"""Where a team's store is, and where its artifacts are."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from nbtrack.errors import ServerUnreachableError
from nbtrack.store.store import Store
from nbtrack.store.team.spool import note, read_note

if TYPE_CHECKING:
    from nbtrack.store.artifacts.access import ArtifactAccess
    from nbtrack.store.team.lake import Lake


class PlacedStore(Store):
    """The part of a team's store that knows its address and its places."""

    is_shared = True
    lake: Lake
    _artifact_root: str | None = None

    def connect(self, lake: Lake) -> None:
        """Use a connection from now on, such as one with another password."""
        self.lake = lake
        self.address, self.coordination = lake.address, lake.coordination

    @property
    def name(self) -> str:
        """What a person calls it: the database."""
        return self.address.database

    @property
    def place(self) -> str:
        """The address, without a password."""
        return self.uri

    @property
    def exists(self) -> bool:
        """True: whether there is one is the team's to know, and asking takes its time."""
        return True

    # -- where artifacts are -------------------------------------------------------------------

    @property
    def artifact_root(self) -> str | None:
        """Where artifacts of new runs and models go whose experiment names no place."""
        if self._artifact_root is None:
            self._artifact_root = f"{self._data_path()}artifacts"
        return self._artifact_root

    @artifact_root.setter
    def artifact_root(self, root: str | None) -> None:
        self._artifact_root = root

    def place_for_artifacts(self, root: str) -> str:
        """Return where artifacts go that a server is told to keep at a root.

        A store that is not made yet has its data there, too: below it are tables and artifacts.
        """
        self.lake.suggested = root
        return f"{self.lake.data_path}artifacts" if self.lake.is_at(root) else root

    def _data_path(self) -> str:
        try:
            found = self.lake.data_path
        except ServerUnreachableError:
            known = read_note(self.folder)
            if known is None or known.data_path is None:
                raise
            return known.data_path
        note(self.folder, self.uri, found)
        return found

    @functools.cached_property
    def access(self) -> ArtifactAccess:
        """What decides which places of artifacts that rows name may be used."""
        from nbtrack.store.artifacts.access import ArtifactAccess

        return ArtifactAccess(self.folder, own=lambda: self.own_roots)

    @property
    def own_roots(self) -> tuple[str, ...]:
        """Roots of artifacts that belong to this store alone: beside its data, wherever it is."""
        usual = f"{self._data_path()}artifacts"
        return tuple(dict.fromkeys((usual, self.artifact_root or usual)))
