from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbtrack.store import store as stores
from nbtrack.tracking import context


@pytest.fixture(autouse=True, scope="session")
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Notes about this user, such as which models are theirs, are kept apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests start without what the environment or an earlier test has chosen."""
    for name in list(os.environ):
        if name.startswith(("NBTRACK_", "MLFLOW_")):
            monkeypatch.delenv(name)


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory with a store of its own; all is closed at the end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(context, "_process", context._Process())
    monkeypatch.setattr(stores, "_settled", {})  # the default is settled anew, here
    yield tmp_path
    for run in reversed(context.open_runs()):
        run.end("KILLED")
    for path, store in list(stores._stores.items()):
        store.close()
        if path.is_relative_to(tmp_path):
            del stores._stores[path]
    for name in ("NBTRACK_URI", "NBTRACK_RUN_ID", "NBTRACK_EXPERIMENT_ID"):
        os.environ.pop(name, None)
