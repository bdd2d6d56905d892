"""Members of a team, as tests see them: stores with journals of their own, in one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nbtrack.config import resolve
from nbtrack.store.team.lake import Lake
from nbtrack.store.team.store import TeamStore
from team_services import Catalog


class Team:
    """A store for the tests of one catalog, and whoever uses it.

    Attributes
    ----------
    catalog : Catalog
    data : Path
        Where its data is.
    """

    def __init__(self, catalog: Catalog, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.catalog = catalog
        self.data = folder / "data"
        self._folder = folder
        self._patch = patch
        self._opened: list[TeamStore] = []
        patch.setenv("NBTRACK_DATA_PATH", str(self.data))

    def member(self, name: str, uri: str | None = None) -> TeamStore:
        """Return a store whose journals are those of a machine of this name."""
        self._patch.setenv("NBTRACK_REMOTE_DIR", str(self._folder / name))
        location = resolve(uri or self.catalog.uri)
        assert location.team is not None
        self._opened.append(TeamStore(location, Lake(location.team)))
        return self._opened[-1]

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Return what the database has, without anybody's journals."""
        with self.member("onlooker").look() as reader:
            return reader.rows(sql)

    def close(self) -> None:
        """Close what is open."""
        for store in self._opened:
            store.close()


@contextmanager
def team_of(catalog: Catalog, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Team]:
    """Give a team, and close it."""
    team = Team(catalog, folder, patch)
    yield team
    team.close()


def log(store: TeamStore, *values: float, key: str = "loss") -> str:
    """Log a run whose end is not told, and return its id."""
    about = {"run_name": "run", "start_time": 1, "user_id": "", "tags": {}}
    info, writer = store.runs.create("0", **about, owner=None)
    for step, value in enumerate(values):
        writer.log_metrics({key: value}, step=step)
    return info.run_id
