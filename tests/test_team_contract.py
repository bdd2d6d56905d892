"""What holds for a file and for a server holds for a team's store: the same cases, on its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbtrack
import protocol_cases
from nbtrack.errors import AlreadyExistsError, NotFoundError
from nbtrack.store import open_store
from team_services import Catalog, ObjectStorage, Postgres, fresh_catalog

pytestmark = pytest.mark.team


@pytest.fixture(scope="module")
def shared(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> tuple[Catalog, Path]:
    """One store for all cases, which are each on experiments of their own; and its folder."""
    return fresh_catalog(postgres), tmp_path_factory.mktemp("team")


@pytest.fixture
def track(
    shared: tuple[Catalog, Path],
    object_storage: ObjectStorage,
    workdir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """Track to the team's store, whose data is in object storage."""
    catalog, folder = shared
    for name, value in object_storage.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NBTRACK_REMOTE_DIR", str(folder))
    monkeypatch.setenv("NBTRACK_DATA_PATH", str(folder / "data"))
    nbtrack.set_tracking_uri(catalog.uri)
    yield catalog.uri
    nbtrack.set_tracking_uri("")


@pytest.mark.parametrize("name", protocol_cases.EVERYWHERE)
def test_what_is_done_with_a_server_is_done_with_a_teams_store(name: str, track: str) -> None:
    try:
        protocol_cases.CASES[name](nbtrack)
    except protocol_cases.SkippedError as reason:
        pytest.skip(str(reason))


def test_a_run_is_read_back_as_it_was_logged(track: str) -> None:
    with nbtrack.start_run(run_name="first") as run:
        nbtrack.log_params({"lr": 0.1, "layers": [1, 2]})
        nbtrack.log_metrics({"loss": float("nan"), "acc": float("inf")}, step=-3)
        nbtrack.log_metric("acc", 0.5, step=7)
        nbtrack.set_tag("who", "ä")
        nbtrack.log_text("some text", "notes/a.txt")
    open_store(track).close()  # as another process: nothing is remembered
    found = nbtrack.get_run(run.info.run_id)
    assert found.info.status == "FINISHED"
    assert (found.data.params, found.data.tags["who"]) == ({"lr": "0.1", "layers": "[1, 2]"}, "ä")
    history = nbtrack.MlflowClient().get_metric_history(run.info.run_id, "acc")
    assert [(m.step, m.value) for m in history] == [(-3, float("inf")), (7, 0.5)]
    assert nbtrack.artifacts.load_text(f"{found.info.artifact_uri}/notes/a.txt") == "some text"
    assert str(found.info.artifact_uri).startswith(str(open_store(track).artifact_root))


def test_names_are_unique_and_versions_count(track: str) -> None:
    name = f"name{time.time_ns()}"
    client = nbtrack.MlflowClient()
    nbtrack.create_experiment(name)
    with pytest.raises(AlreadyExistsError, match=name):
        nbtrack.create_experiment(name)
    client.create_registered_model(name)
    with pytest.raises(AlreadyExistsError, match=name):
        client.create_registered_model(name)
    with nbtrack.start_run():
        info = nbtrack.pyfunc.log_model(name="twice", python_model=twice)
    for expected in (1, 2):
        assert int(client.create_model_version(name, info.model_uri).version) == expected
    client.delete_model_version(name, "2")
    assert int(client.create_model_version(name, info.model_uri).version) == 3
    client.set_registered_model_alias(name, "champion", 3)
    assert nbtrack.pyfunc.load_model(f"models:/{name}@champion").predict([2]) == [4]
    with pytest.raises(NotFoundError):
        client.get_model_version(name, "2")


def twice(model_input: list[int]) -> list[int]:
    return [2 * each for each in model_input]


def test_sql_of_the_user_reads_the_store_and_changes_nothing(track: str) -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_metric("loss", 0.25)
    sql = f"SELECT key, value FROM metrics WHERE run_id = '{run.info.run_id}'"
    assert nbtrack.sql(sql).values.tolist() == [["loss", 0.25]]
    with pytest.raises(nbtrack.MlflowException, match="read-only"):
        nbtrack.sql("DELETE FROM runs")
    assert nbtrack.get_run(run.info.run_id).data.metrics == {"loss": 0.25}
