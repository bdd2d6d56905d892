"""Which store something goes to: settled at the first use, and a run's own whatever comes after."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import nbtrack
import programs
from nbtrack.errors import NotFoundError
from nbtrack.store import open_store
from nbtrack.store.maintenance import compact
from nbtrack.tracking.run import ActiveRun
from programs import needs


class Model(nbtrack.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


def log_model(**options):
    return nbtrack.pyfunc.log_model(name="model", python_model=Model(), **options)


def _artifact(run: ActiveRun) -> None:
    file = Path("file.txt")
    file.write_text("here")
    nbtrack.log_artifact(file)
    assert nbtrack.artifacts.load_text(f"runs:/{run.info.run_id}/file.txt") == "here"


def _model(run: ActiveRun) -> None:
    info = log_model()
    for uri in (info.model_uri, f"runs:/{run.info.run_id}/model"):
        assert nbtrack.pyfunc.load_model(uri).predict([1]) == [1]
    assert nbtrack.get_logged_model(info.model_id).source_run_id == run.info.run_id
    assert nbtrack.last_logged_model().model_id == info.model_id
    nbtrack.set_logged_model_tags(info.model_id, {"a": "b"})
    assert run.outputs.model_outputs[0].model_id == info.model_id


def _registered(run: ActiveRun) -> None:
    log_model(registered_model_name="registered")
    found = nbtrack.register_model(f"runs:/{run.info.run_id}/model", "registered")
    assert (found.version, found.run_id) == (2, run.info.run_id)
    for version in (1, 2):
        assert nbtrack.pyfunc.load_model(f"models:/registered/{version}").predict([1]) == [1]
    assert nbtrack.lineage("models:/registered/2").run.info.run_id == run.info.run_id


def _client(run: ActiveRun) -> None:
    client = nbtrack.MlflowClient()
    client.log_metric(run.info.run_id, "m", 1)
    client.set_tag(run.info.run_id, "t", "x")
    client.log_text(run.info.run_id, "text", "text.txt")
    assert client.get_run(run.info.run_id).data.metrics == {"m": 1.0}
    assert [f.path for f in client.list_artifacts(run.info.run_id)] == ["text.txt"]
    assert len(client.get_metric_history(run.info.run_id, "m")) == 1


def _by_id(run: ActiveRun) -> None:
    nbtrack.log_metric("m", 1, run_id=run.info.run_id)
    assert nbtrack.get_run(run.info.run_id).data.metrics == {"m": 1.0}
    nbtrack.log_text("text", "text.txt", run_id=run.info.run_id)


def _checkpoint(run: ActiveRun) -> None:
    import torch

    nbtrack.pytorch.log_checkpoint(torch.nn.Linear(1, 1), step=1)
    nbtrack.pytorch.load_checkpoint(model=torch.nn.Linear(1, 1))


def _active_model(run: ActiveRun) -> None:
    with nbtrack.set_active_model(name="named") as model:
        nbtrack.log_metric("m", 1)
    assert [m.key for m in nbtrack.get_logged_model(model.model_id).metrics] == ["m"]


USES = [_artifact, _model, _registered, _client, _by_id, _active_model]


@pytest.fixture
def elsewhere(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


@pytest.mark.parametrize("use", USES)
def test_a_run_keeps_its_store_when_the_folder_changes(workdir, elsewhere, use: Callable):
    with nbtrack.start_run() as run, contextlib.chdir(elsewhere):
        use(run)
    assert nbtrack.search_runs()["run_id"].tolist() == [run.info.run_id]
    assert [p.name for p in elsewhere.iterdir() if p.name != "file.txt"] == []


@pytest.mark.parametrize("use", [*USES, pytest.param(_checkpoint, marks=needs("torch"))])
def test_a_run_keeps_its_store_when_another_is_chosen(workdir, elsewhere, use: Callable):
    with nbtrack.start_run() as run:
        nbtrack.set_tracking_uri(elsewhere / "other.duckdb")
        use(run)
    assert run.fetch().info.status == "FINISHED"
    assert nbtrack.search_runs().empty
    assert run.store is open_store(workdir / "nbtrack.duckdb")


def test_what_follows_a_chosen_store_goes_there(workdir):
    client = nbtrack.MlflowClient()
    with nbtrack.start_run() as first:
        nbtrack.set_tracking_uri("b.duckdb")
        with nbtrack.start_run(nested=True) as second:
            nbtrack.log_metric("m", 1)
    assert nbtrack.search_runs()["run_id"].tolist() == [second.info.run_id]
    assert client.get_run(first.info.run_id).info.status == "FINISHED"  # as it was made
    with pytest.raises(NotFoundError):
        nbtrack.MlflowClient("b.duckdb").get_run(first.info.run_id)
    with pytest.raises(NotFoundError):
        nbtrack.get_run(first.info.run_id)
    nbtrack.set_tracking_uri(None)
    assert nbtrack.get_run(first.info.run_id).info.status == "FINISHED"


RELATIVE = {
    "default": ({}, lambda: None, "nbtrack.duckdb"),
    "path": ({}, lambda: nbtrack.set_tracking_uri("x.duckdb"), "x.duckdb"),
    "folder": ({}, lambda: nbtrack.set_tracking_uri(Path("deep")), "deep/nbtrack.duckdb"),
    "file": ({}, lambda: nbtrack.set_tracking_uri("file:y.duckdb"), "y.duckdb"),
    "none": ({}, lambda: nbtrack.set_tracking_uri(None), "nbtrack.duckdb"),
    "empty": ({}, lambda: nbtrack.set_tracking_uri(""), "nbtrack.duckdb"),
    "ours": ({"NBTRACK_URI": "z.duckdb"}, lambda: None, "z.duckdb"),
    "theirs": ({"MLFLOW_TRACKING_URI": "folder"}, lambda: None, "folder/nbtrack.duckdb"),
}


@pytest.mark.parametrize("case", RELATIVE)
def test_a_relative_place_is_settled_at_its_first_use(workdir, elsewhere, monkeypatch, case):
    variables, choose, name = RELATIVE[case]
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    choose()
    with nbtrack.start_run() as first:
        monkeypatch.chdir(elsewhere)
        assert nbtrack.get_tracking_uri() == str(workdir / name)
    with nbtrack.start_run() as second:
        pass
    compact()
    assert set(nbtrack.search_runs()["run_id"]) == {first.info.run_id, second.info.run_id}
    assert list(elsewhere.iterdir()) == []


def test_sqlite_and_artifact_locations_are_settled_too(workdir, elsewhere, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///x.db")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "models.duckdb")
    with pytest.warns(nbtrack.errors.NbtrackWarning, match="can be imported"):
        experiment = nbtrack.create_experiment("e", artifact_location="files")
    assert nbtrack.get_registry_uri() == str(workdir / "models.duckdb")
    monkeypatch.chdir(elsewhere)
    with nbtrack.start_run(experiment_id=experiment):
        nbtrack.log_text("text", "text.txt")
    assert nbtrack.get_tracking_uri() == str(workdir / "x.duckdb")
    assert nbtrack.get_registry_uri() == str(workdir / "models.duckdb")
    assert len(list((workdir / "files").rglob("text.txt"))) == 1


def test_a_client_is_of_the_store_that_it_was_made_for(workdir, elsewhere, monkeypatch):
    client = nbtrack.MlflowClient("c.duckdb", registry_uri="d.duckdb")
    monkeypatch.chdir(elsewhere)
    run = client.create_run("0")
    client.create_registered_model("m")
    assert client.tracking_uri == str(workdir / "c.duckdb")
    assert len(nbtrack.MlflowClient(workdir / "c.duckdb").search_runs(["0"])) == 1
    assert nbtrack.MlflowClient(workdir / "d.duckdb").get_registered_model("m").name == "m"
    assert client.get_run(run.info.run_id).info.status == "RUNNING"
    assert list(elsewhere.iterdir()) == []


def _log(run_id: str, folder: str) -> str:
    os.chdir(folder)
    with nbtrack.start_run(run_id=run_id):
        nbtrack.log_metric("worker", 1)
    return nbtrack.get_tracking_uri()


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_workers_follow_their_parent(workdir, elsewhere, method):
    with nbtrack.start_run() as run, contextlib.chdir(elsewhere):
        with multiprocessing.get_context(method).Pool(1) as pool:
            places = pool.starmap(_log, [(run.info.run_id, str(elsewhere))])
        assert nbtrack.get_run(run.info.run_id).data.metrics == {"worker": 1.0}
        assert run.fetch().info.status == "RUNNING"
    assert places == [str(workdir / "nbtrack.duckdb")]
    assert list(elsewhere.iterdir()) == []


def test_a_program_is_no_worker_and_looks_where_it_is(workdir, elsewhere):
    assert nbtrack.get_tracking_uri() == str(workdir / "nbtrack.duckdb")
    code = "import multiprocessing, nbtrack; print(nbtrack.get_tracking_uri())"
    assert programs.run(code, cwd=elsewhere).strip() == str(elsewhere / "nbtrack.duckdb")
