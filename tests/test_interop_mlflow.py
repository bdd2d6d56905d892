"""Runs of MLflow come in and go out; the real mlflow has written them, and reads them again."""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import nbtrack
from mlflow_servers import mlflow_server
from nbtrack.entities import LoggedModelOutput, ViewType
from nbtrack.interop import export_to, import_from
from nbtrack.store import open_store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("mlflow") is None, reason="what MLflow has written is written by MLflow"
    ),
]
NAMES = ["above", "below"]
WORLD = Path(__file__).with_name("mlflow_world.py")


def mlflow(folder: Path, *orders: str) -> list[dict[str, Any]]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    done = subprocess.run(
        [sys.executable, str(WORLD), *orders],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real ``mlflow server``, with the same runs."""
    with mlflow_server(tmp_path_factory.mktemp("server")) as url:
        yield url


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, server: str) -> Path:
    """A folder with ``mlflow.db`` and, in ``files``, an ``mlruns`` folder, as MLflow makes them."""
    folder = tmp_path_factory.mktemp("mlflow")
    (folder / "files").mkdir()
    places = ["sqlite:///mlflow.db", f"file://{folder}/files/mlruns", server]
    mlflow(folder, *(f"make={place}" for place in places))
    return folder


@pytest.fixture(params=["mlflow.db", "files/mlruns", "files", "server"])
def source(request: pytest.FixtureRequest, world: Path, server: str) -> Path | str:
    return server if request.param == "server" else world / request.param


def client(workdir: Path, source: Path | str, **options: Any) -> tuple[nbtrack.Client, Any]:
    report = import_from(source, workdir / "ours.duckdb", progress=False, **options)
    return nbtrack.Client(str(workdir / "ours.duckdb")), report


def runs_by_name(found: nbtrack.Client) -> dict[str, Any]:
    ids = [e.experiment_id for e in found.search_experiments(view_type=ViewType.ALL)]
    return {r.info.run_name: r for r in found.search_runs(ids, run_view_type=ViewType.ALL)}


def test_runs_come_with_all_that_was_logged(source: Path | str, workdir: Path) -> None:
    found, report = client(workdir, source)
    assert report.ok, str(report)
    runs = runs_by_name(found)
    parent = runs["parent"]
    assert parent.data.params == {"lr": "0.1", "model/depth": "3"}
    assert parent.data.tags["mlflow.note.content"] == "a note"
    assert len(found.get_metric_history(parent.info.run_id, "loss")) == 50
    odd = [m.value for m in found.get_metric_history(parent.info.run_id, "odd")]
    assert sorted(v for v in odd if not math.isnan(v)) == [-math.inf, 0.0, math.inf]
    assert any(math.isnan(v) for v in odd)
    assert runs["child"].data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert found.get_metric_history(runs["child"].info.run_id, "deep/acc")[0].step == 7
    assert [f.path for f in found.list_artifacts(parent.info.run_id, "notes")] == ["notes/a.txt"]


def test_what_was_deleted_stays_deleted(source: Path | str, workdir: Path) -> None:
    found, report = client(workdir, source)
    assert runs_by_name(found)["gone"].info.lifecycle_stage == "deleted"
    trash = found.search_experiments(view_type=ViewType.DELETED_ONLY)
    assert [e.name for e in trash] == ["trash"]
    going = runs_by_name(found)["still going"].info
    assert (going.status, going.end_time) == ("INTERRUPTED", going.start_time)
    assert any("had not ended" in note for note in report.notes)


def test_datasets_models_and_registry_come(source: Path | str, workdir: Path) -> None:
    found, _ = client(workdir, source)
    runs = runs_by_name(found)
    used = runs["parent"].inputs.dataset_inputs[0]
    assert (used.dataset.name, used.tags[0].value) == ("table", "train")
    (output,) = runs["parent"].outputs.model_outputs
    assert output.step == 3
    assert [m.model_id for m in runs["reader"].inputs.model_inputs] == [output.model_id]
    model = found.get_logged_model(output.model_id)
    assert (model.name, model.params, model.tags["t"]) == ("net", {"p": "2"}, "1")
    metric = next(m for m in model.metrics or [] if m.key == "f1")
    assert (metric.value, metric.step, metric.dataset_name) == (0.9, 2, "table")
    assert Path(model.artifact_location, "MLmodel").read_text().endswith(f"{model.model_id}\n")
    versions = found.search_model_versions("name = 'Net'")
    assert sorted(int(v.version) for v in versions) == [1, 2]
    assert found.get_model_version_by_alias("Net", "champion").version == 2
    following = found.create_model_version("Net", f"models:/{output.model_id}").version
    assert following == (3 if str(source).startswith("http") else 4)  # it tells of none deleted


def test_importing_again_changes_nothing(source: Path | str, workdir: Path) -> None:
    client(workdir, source)
    before = tables(workdir)
    _, report = client(workdir, source)
    assert all(row.came == 0 for row in report.rows), str(report)
    assert tables(workdir) == before


def tables(workdir: Path) -> dict[str, list[Any]]:
    with open_store(workdir / "ours.duckdb").read() as reader:
        names = [name for (name,) in reader.rows("SELECT table_name FROM duckdb_tables()")]
        return {
            name: sorted(map(repr, reader.rows(f"SELECT * FROM {name}")))
            for name in names
            if name != "migrations"
        }


def test_a_moved_folder_is_found_and_another_can_be_named(world: Path, workdir: Path) -> None:
    shutil.copy(world / "mlflow.db", workdir / "mlflow.db")
    kept = world / "mlruns"
    hidden = kept.rename(world / "hidden")
    try:
        _, report = client(workdir, workdir / "mlflow.db")
        assert any("artifact_roots" in note for note in report.notes), str(report)
        shutil.copytree(hidden, workdir / "elsewhere")
        roots = {str(kept): str(workdir / "elsewhere")}
        found, report = client(workdir, workdir / "mlflow.db", artifact_roots=roots)
    finally:
        hidden.rename(kept)
    run_id = runs_by_name(found)["parent"].info.run_id
    assert Path(found.download_artifacts(run_id, "notes/a.txt")).read_text() == "hello"
    assert not report.notes or all("artifact_roots" not in note for note in report.notes)


def test_what_goes_on_there_is_completed_by_the_next_import(world: Path, workdir: Path) -> None:
    copy = workdir / "mlflow.db"
    shutil.copy(world / "mlflow.db", copy)
    found, _ = client(workdir, copy)
    run = runs_by_name(found)["still going"].info
    with sqlite3.connect(copy) as database:
        database.execute(
            "UPDATE runs SET status = 'FAILED', end_time = ? WHERE run_uuid = ?",
            [run.start_time + 5000, run.run_id],
        )
        database.execute(
            "INSERT INTO metrics VALUES ('late', 1.5, 1, ?, 1.5, 0), ('late', 2.5, 1, ?, 3, 0)",
            [run.run_id] * 2,
        )
    database.close()
    found, report = client(workdir, copy)
    now = found.get_run(run.run_id)
    assert (now.info.status, now.info.end_time) == ("FAILED", run.start_time + 5000)
    assert [m.step for m in found.get_metric_history(run.run_id, "late")] == [1, 3]
    assert any("no whole number" in note for note in report.notes)


def test_what_is_changed_here_stays(world: Path, workdir: Path) -> None:
    found, _ = client(workdir, world / "mlflow.db")
    child = runs_by_name(found)["child"].info.run_id
    found.set_tag(child, "colour", "green")
    found.delete_run(child)
    found, _ = client(workdir, world / "mlflow.db")
    again = found.get_run(child)
    assert (again.data.tags["colour"], again.info.lifecycle_stage) == ("green", "deleted")


def test_an_old_database_has_fewer_columns(workdir: Path) -> None:
    with sqlite3.connect(workdir / "old.db") as database:
        database.executescript("""
            CREATE TABLE experiments (experiment_id, name, artifact_location, lifecycle_stage);
            CREATE TABLE runs (run_uuid, name, source_type, source_name, user_id, status,
                               start_time, end_time, lifecycle_stage, artifact_uri, experiment_id);
            CREATE TABLE metrics (key, value, timestamp, run_uuid);
            CREATE TABLE params (key, value, run_uuid);
            CREATE TABLE tags (key, value, run_uuid);
            INSERT INTO experiments VALUES (0, 'Default', '/x/0', 'active');
            INSERT INTO runs VALUES ('aaaa', '', 'LOCAL', 'train.py', 'ann', 'FINISHED', 1000, 2000,
                                     'active', NULL, 0);
            INSERT INTO metrics VALUES ('loss', 0.5, 1500, 'aaaa'), ('loss', NULL, 1600, 'aaaa');
        """)
    database.close()
    found, report = client(workdir, workdir / "old.db")
    assert report.ok, str(report)
    run = found.get_run("aaaa")
    assert run.data.tags["mlflow.source.name"] == "train.py"
    values = [m.value for m in found.get_metric_history("aaaa", "loss")]
    assert values[0] == 0.5
    assert math.isnan(values[1])


def test_broken_folders_do_not_stop_the_others(world: Path, workdir: Path) -> None:
    root = workdir / "mlruns"
    shutil.copytree(world / "files/mlruns", root)
    parent = next(root.glob("*/*/metrics/loss")).parents[1]
    with (parent / "metrics" / "loss").open("a") as file:
        file.write("1760000000000 1.0 0\nnonsense\n1760000000100 0.25\n")
        file.write("1760000000200 0.5 60 table abc123\n")
    child = next(root.glob("*/*/metrics/deep/acc")).parents[2]
    (child / "meta.yaml").write_text("artifact_uri: [")
    (root / "77").mkdir()
    (root / "77" / "meta.yaml").write_text("")
    found, report = client(workdir, root)
    assert {p.what for p in report.problems} == {"runs", "experiments", "metrics"}, str(report)
    history = found.get_metric_history(parent.name, "loss")
    assert len(history) == 52  # two new ones: a line that was there twice counts once
    assert {m.step for m in history} >= {0, 60}
    assert "child" not in runs_by_name(found)


def test_what_mlflow_reads_is_what_was_logged(world: Path, workdir: Path) -> None:
    shutil.copy(world / "mlflow.db", workdir / "there.db")
    client(workdir, world / "mlflow.db")
    nbtrack.set_tracking_uri("ours.duckdb")
    nbtrack.set_experiment("of nbtrack")
    with nbtrack.start_run(run_name="ours") as ours:
        nbtrack.log_params({"lr": 0.1})
        for step in range(3):
            nbtrack.log_metric("loss", 1 / (step + 1), step=step)
        nbtrack.log_text("hello", "a/b.txt")
    for _ in range(2):  # the second time changes nothing
        report = export_to(workdir / "out/back.db", progress=False)
    assert report.ok, str(report)
    assert all(row.came == 0 for row in report.rows), str(report)
    was, back = mlflow(workdir, "seen=sqlite:///there.db", "seen=sqlite:///out/back.db")
    run = back["runs"].pop(ours.info.run_id)
    assert (run["info"][:2], run["params"]) == (["ours", "FINISHED"], {"lr": "0.1"})
    assert [value for _, _, value in run["history"]["loss"]] == ["1.0", "0.5", str(1 / 3)]
    assert ["a/b.txt", 5] in run["files"]
    for run in was["runs"].values():
        if run["info"][1] == "RUNNING":  # nobody goes on with it
            run["info"][1], run["info"][3] = "KILLED", run["info"][2]
    own = ("Default", "of nbtrack")  # a store has had its own "Default" from its first moment
    for seen in (was, back):
        seen["experiments"] = [e for e in seen["experiments"] if e[0] not in own]
    for what in was:
        assert back[what] == was[what]


def test_a_server_gets_what_was_logged_once(world: Path, server: str, workdir: Path) -> None:
    nbtrack.set_experiment("sent")
    with nbtrack.start_run(run_name="above") as above:
        nbtrack.log_params({"lr": 0.1, "model/depth": "3"})
        for step in range(1200):
            nbtrack.log_metric("loss", 1 / (step + 1), step=step)
        nbtrack.log_metric("odd", math.nan)
        nbtrack.log_text("hello", "a/b.txt")
        with nbtrack.start_run(run_name="below", nested=True):
            nbtrack.set_tag("colour", "blue")
    for _ in range(2):
        report = export_to(server, experiments=["sent"], progress=False)
        assert report.ok, str(report)
    assert {row.what: row.came for row in report.rows if row.came} == {}
    (seen,) = mlflow(workdir, f"seen={server}")
    found = [(r["info"][0], i, r) for i, r in seen["runs"].items() if r["info"][0] in NAMES]
    assert sorted(name for name, _, _ in found) == NAMES
    sent = {name: (run_id, run) for name, run_id, run in found}
    there, run = sent["above"]
    assert run["info"] == ["above", "FINISHED", above.info.start_time, *run["info"][3:]]
    assert run["params"] == {"lr": "0.1", "model/depth": "3"}
    assert [p[0] for p in run["history"]["loss"]] == list(range(1200))
    assert [float(p[2]) for p in run["history"]["loss"]] == [1 / (s + 1) for s in range(1200)]
    assert run["latest"]["odd"] == "nan"
    assert ["a/b.txt", 5] in run["files"]
    assert sent["below"][1]["tags"]["mlflow.parentRunId"] == there


def test_models_and_the_registry_go_to_a_server(world: Path, server: str, workdir: Path) -> None:
    nbtrack.set_experiment("models sent")
    client = nbtrack.Client()
    with nbtrack.start_run(run_name="maker") as maker:
        model = client.create_logged_model(
            maker.info.experiment_id, "net2", maker.info.run_id, {"t": "1"}, {"p": "2"}
        )
        Path("net").mkdir()
        Path("net/MLmodel").write_text(f"flavors: {{}}\nmodel_id: {model.model_id}\n")
        client.log_model_artifacts(model.model_id, "net")
        client.finalize_logged_model(model.model_id, "READY")
        client.log_outputs(maker.info.run_id, [LoggedModelOutput(model.model_id, 3)])
    client.create_registered_model("Sent", {"a": "b"}, "what was sent")
    for _ in range(2):
        client.create_model_version("Sent", f"models:/{model.model_id}", maker.info.run_id)
    client.set_registered_model_alias("Sent", "champion", "2")
    for _ in range(2):
        report = export_to(server, progress=False)
        assert report.ok, str(report)
    assert {row.what: row.came for row in report.rows if row.came} == {}
    (seen,) = mlflow(workdir, f"seen={server}")
    ((there, sent),) = [(i, m) for i, m in seen["models"].items() if m["info"][0] == "net2"]
    assert (sent["params"], sent["tags"]["t"], sent["files"]) == ({"p": "2"}, "1", ["MLmodel"])
    registered = seen["registered"]["Sent"]
    assert registered["info"] == ["what was sent", {"a": "b"}, {"champion": "2"}]
    assert [v[0] for v in registered["versions"]] == [1, 2]
    assert registered["next"] == 3
    import_from(server, "back.duckdb", progress=False)
    back = nbtrack.Client("back.duckdb").get_logged_model(there)
    assert Path(back.artifact_location, "MLmodel").read_text().endswith(f"model_id: {there}\n")
    assert nbtrack.Client("back.duckdb").get_run(str(back.source_run_id)).info.run_name == "maker"
