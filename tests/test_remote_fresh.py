"""Reads of a mirror say what must be fresh, and see what the server has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import nbtrack
from nbtrack.protocol.client import RestClient
from nbtrack.store.opening import open_store
from nbtrack.store.remote.reader import RemoteReader
from nbtrack.store.store import Store
from nbtrack.views.details.query import best_run, earlier_runs, previous_run, run_details
from tracking_servers import TrackingServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    found = TrackingServer(tmp_path_factory.mktemp("server")).start()
    yield found
    found.stop()


@pytest.fixture
def mirror(server, workdir: Path, monkeypatch) -> Store:
    """A mirror that knows nothing yet."""
    monkeypatch.setenv("NBTRACK_REMOTE_DIR", str(workdir / "mirrors"))
    nbtrack.set_tracking_uri(server.url)
    return open_store(server.url)


def made(rest: RestClient, start: int, loss: float, parent: str = "") -> str:
    """Make a finished run at the server, as another machine does."""
    tags = [{"key": "mlflow.parentRunId", "value": parent}] if parent else []
    body = {"experiment_id": "0", "run_name": "run", "start_time": start, "tags": tags}
    run_id = str(rest.post("runs/create", body)["run"]["info"]["run_id"])
    point = {"key": "loss", "value": loss, "timestamp": start, "step": 1}
    rest.post("runs/log-batch", {"run_id": run_id, "metrics": [point]})
    rest.post("runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": start + 1})
    return run_id


def test_details_of_a_run_see_the_other_runs_of_its_experiment(server, mirror):
    rest = RestClient(server.url)
    before = made(rest, 1_000, 0.5)
    run_id = made(rest, 2_000, 0.7)
    child = made(rest, 3_000, 0.9, parent=run_id)
    with mirror.read() as reader:
        assert [link.run_id for link in run_details(reader, run_id).children] == [child]
    mirror.remote.pull.forget()
    with mirror.read() as reader:
        info = run_details(reader, run_id).run.info
        assert previous_run(reader, info) == before
    better = made(rest, 1_500, 0.1)
    for read in (
        lambda reader: previous_run(reader, info),
        lambda reader: best_run(reader, info, "loss", "min"),
        lambda reader: next(iter(earlier_runs(reader, info, "loss", 1))),
    ):
        mirror.remote.pull.forget()
        with mirror.read() as reader:
            assert read(reader) == better
        rest.post("runs/delete", {"run_id": better})
        better = made(rest, 1_500, 0.1)


def test_each_kind_of_read_is_checked(server, mirror):
    run_id = made(RestClient(server.url), 1_000, 0.5)
    queries = {
        "experiments": ("SELECT * FROM experiments", {}),
        "runs": ("SELECT * FROM runs WHERE run_id = $run_id", {"run_id": run_id}),
        "models": ("SELECT * FROM logged_models WHERE model_id = $model_id", {"model_id": "m"}),
        "registry": ("SELECT * FROM registered_models", {}),
    }
    for missing, (sql, values) in queries.items():
        with mirror.read() as reader:
            assert isinstance(reader, RemoteReader)
            with pytest.raises(AssertionError, match=missing):
                reader.rows(sql, **values)
            reader.refresh(runs=[run_id], models=["m"], registry=True)
            reader.rows(sql, **values)
            points = "SELECT * FROM points JOIN series USING (series) WHERE run_id = $run_id"
            with pytest.raises(AssertionError, match="history"):
                reader.rows(points, run_id=run_id)
            reader.refresh(runs=[run_id], history=None)
            assert len(reader.rows(points, run_id=run_id)) == 1
