"""A team store that nobody has made yet, whatever is done with it first."""

from __future__ import annotations

from pathlib import Path

import pytest

import nbtrack
from nbtrack.store import open_store
from team_services import Catalog

pytestmark = pytest.mark.team


@pytest.fixture
def empty(catalog: Catalog, workdir: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URI of a database without a store."""
    monkeypatch.setenv("NBTRACK_DATA_PATH", str(workdir / "data"))
    return catalog.uri


def test_a_change_makes_the_store(empty: str) -> None:
    store = open_store(empty)  # the lock's own transaction once waited for itself here
    with store.write() as reader:
        reader.rows("INSERT INTO experiment_tags VALUES ('0', 'team', 'a')")
    with store.read() as reader:
        assert reader.rows("SELECT * FROM experiment_tags") == [("0", "team", "a")]


def test_a_run_makes_the_store(empty: str) -> None:
    nbtrack.set_tracking_uri(empty)
    with nbtrack.start_run() as run:
        nbtrack.log_metric("loss", 0.5)
    open_store(empty).sync()
    assert nbtrack.get_run(run.info.run_id).data.metrics == {"loss": 0.5}


def test_every_connection_has_the_settings_of_the_instance(empty: str) -> None:
    with open_store(empty).read() as reader:
        names = ("python_enable_replacements", "dynamic_or_filter_threshold")
        settings = [reader.rows(f"SELECT current_setting('{name}')")[0][0] for name in names]
    assert settings[0] is False  # else a table that is missing is looked for in our own code
    assert int(settings[1]) >= 1000
