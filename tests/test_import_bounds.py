"""An import reads the source's own folders, and those that the user has named; nothing else."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

import nbtrack
from nbtrack.interop import ImportReport, export_to, import_from
from nbtrack.store import open_store
from tracking_servers import TrackingServer

SECRET = "the private key"
RECORDED = Path(__file__).with_name("recorded")


@pytest.fixture
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the user's that no source has."""
    folder = tmp_path_factory.mktemp("home") / ".ssh"
    folder.mkdir()
    for name in ("id_rsa", "meta.yaml", "x.csv", "x.wandb", "x.db"):
        (folder / name).write_text(SECRET)
    return folder


def brought(source: Path | str, **options: object) -> ImportReport:
    report = import_from(source, "ours.duckdb", progress=False, **options)  # type: ignore[arg-type]
    assert not leaks(Path.cwd()), str(report)
    return report


def leaks(workdir: Path) -> list[str]:
    """Return where the secret is in our store: among its files, or in any row."""
    store = open_store(workdir / "ours.duckdb")
    found = [str(p) for p in store.folder.rglob("*") if p.is_file() and SECRET in read(p)]
    with store.read() as reader:
        for (name,) in reader.rows("SELECT table_name FROM duckdb_tables()"):
            if name != "migrations" and SECRET in str(reader.rows(f"SELECT * FROM {name}")):
                found.append(name)
    return found


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def database(folder: Path, *places: str) -> Path:
    """Write a stranger's mlflow.db with a run for each place of artifacts."""
    folder.mkdir(exist_ok=True)
    path = folder / "mlflow.db"
    with sqlite3.connect(path) as made:
        made.executescript("""
            CREATE TABLE experiments (experiment_id, name, artifact_location, lifecycle_stage);
            CREATE TABLE runs (run_uuid, name, source_type, source_name, user_id, status,
                               start_time, end_time, lifecycle_stage, artifact_uri, experiment_id);
            CREATE TABLE metrics (key, value, timestamp, run_uuid);
            CREATE TABLE params (key, value, run_uuid);
            CREATE TABLE tags (key, value, run_uuid);
            CREATE TABLE registered_models (name, creation_time, last_updated_time, description);
            CREATE TABLE model_versions (name, version, creation_time, last_updated_time, source,
                                         current_stage, status, run_id);
            INSERT INTO experiments VALUES (0, 'Default', '/x/0', 'active');
            INSERT INTO registered_models VALUES ('net', 1, 1, '');
        """)
        for number, place in enumerate(places):
            row = ("LOCAL", "", "eve", "FINISHED", 1, 2, "active", place, 0)
            made.execute(
                f"INSERT INTO runs VALUES ({', '.join('?' * 11)})",
                (f"{number:032x}", f"r{number}", *row),
            )
            made.execute(
                "INSERT INTO model_versions VALUES ('net', ?, 1, 1, ?, 'None', 'READY', NULL)",
                (number + 1, place),
            )
    made.close()
    return path


def test_a_strangers_database_does_not_bring_the_users_files(workdir: Path, secret: Path) -> None:
    given = workdir / "given"
    (given / "mlruns" / "0" / "own" / "artifacts").mkdir(parents=True)
    (given / "mlruns" / "0" / "own" / "artifacts" / "a.txt").write_text("mine")
    (given / "mlruns" / "0" / "own" / "artifacts" / "key").symlink_to(secret / "id_rsa")
    (given / "mlruns" / "out").symlink_to(secret)
    (given / "mlartifacts").symlink_to(secret.parent)
    up = os.path.relpath(secret, given / "mlruns")
    places = [
        str(secret), f"file://{secret}", f"local:{secret}", f"{given}/mlruns/{up}",
        f"{given}/mlruns/out", "mlflow-artifacts:/.ssh", "mlflow-artifacts:/../.ssh",
        f"/nowhere/mlartifacts/{secret.name}", "dir::file://" + str(secret), "reference::x",
        f"{given}/mlruns/0/own/artifacts",
    ]  # fmt: skip
    path = database(given, *places)
    with sqlite3.connect(path) as made:
        row = ("net", 99, 1, 1, str(secret.parent), "None", "READY", None)
        made.execute("INSERT INTO model_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    made.close()
    report = brought(path)
    last = f"{len(places) - 1:032x}"
    client = nbtrack.Client("ours.duckdb")
    assert [f.path for f in client.list_artifacts(last)] == ["a.txt"]
    named = {problem.name: problem.reason for problem in report.problems}
    assert named[f"{last}/key"].startswith("It is a link")
    for number in range(5):
        assert "--artifact-root" in named[f"{number:032x}"], number
    assert "--artifact-root" in named["net 99"]
    for number in range(len(places)):
        for version in (f"models:/net/{number + 1}/id_rsa", f"runs:/{number:032x}/id_rsa"):
            with pytest.raises(nbtrack.exceptions.MlflowException):
                nbtrack.artifacts.load_text(version)
    report = import_from(given / "mlflow.db", "ours.duckdb", artifact_roots=[str(secret)],
                         progress=False)  # fmt: skip
    assert client.list_artifacts(f"{0:032x}")  # the user has named that folder
    assert len(leaks(workdir)) > 0


def test_links_in_a_folder_of_runs_do_not_lead_out(workdir: Path, secret: Path) -> None:
    root = workdir / "given" / "mlruns"
    for number in ("a" * 32, "b" * 32):
        run = root / "0" / number
        for name in ("params", "tags", "metrics", "artifacts"):
            (run / name).mkdir(parents=True)
        text = f"run_id: {number}\nartifact_uri: {run}/artifacts\nstart_time: 1\nstatus: 3\n"
        (run / "meta.yaml").write_text(text)
        (run / "params" / "lr").write_text("0.1")
    (root / "0" / "meta.yaml").write_text("experiment_id: '0'\nname: Default\n")
    first = root / "0" / ("a" * 32)
    for name in ("params/key", "tags/key", "metrics/key", "artifacts/key"):
        (first / name).symlink_to(secret / "id_rsa")
    if hasattr(os, "mkfifo"):
        os.mkfifo(first / "params" / "pipe")
    second = root / "0" / ("b" * 32)
    for name in ("params", "artifacts"):
        shutil.rmtree(second / name)
        (second / name).symlink_to(secret)
    (root / "0" / ("c" * 32)).symlink_to(secret)
    (root / "7").symlink_to(secret)
    report = brought(root)
    run = nbtrack.Client("ours.duckdb").get_run("a" * 32)
    assert run.data.params == {"lr": "0.1"}
    named = {Path(problem.name).name for problem in report.problems}
    assert {"key", "params", "artifacts", "c" * 32} <= named, str(report)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("csv", "x.csv"), ("wandb", "x.wandb"), ("trackio", "x.db"), ("tensorboard", "x.tfevents")],
)
def test_files_of_other_trackers_that_are_links_are_not_read(
    workdir: Path, secret: Path, kind: str, name: str
) -> None:
    (workdir / "given").mkdir()
    (workdir / "given" / name).symlink_to(secret / "id_rsa")
    report = brought(workdir / "given", kind=kind)
    assert [Path(problem.name).name for problem in report.problems] == [name]
    assert "link" in report.problems[0].reason


def test_the_files_of_an_offline_run_may_be_no_link(workdir: Path, secret: Path) -> None:
    shutil.copytree(RECORDED, workdir / "given", ignore=shutil.ignore_patterns("*.sql", "*.py"))
    (workdir / "given" / "files").symlink_to(secret)
    report = brought(workdir / "given", kind="wandb")
    assert any("--artifact-root" in problem.reason for problem in report.problems), str(report)


def test_another_store_gives_the_files_of_its_own_folder(workdir: Path, secret: Path) -> None:
    nbtrack.set_tracking_uri("theirs.duckdb")
    with nbtrack.start_run() as run:
        nbtrack.log_text("mine", "a.txt")
    with nbtrack.start_run() as foreign:
        nbtrack.log_text("x", "b.txt")
    theirs = open_store(None)
    with theirs.write() as reader:
        reader.rows("UPDATE runs SET artifact_uri = $l WHERE run_id = $r", l=str(secret),
                    r=foreign.info.run_id)  # fmt: skip
    report = brought("theirs.duckdb")
    assert [problem.name for problem in report.problems] == [foreign.info.run_id]
    client = nbtrack.Client("ours.duckdb")
    assert "a.txt" in [f.path for f in client.list_artifacts(run.info.run_id)]
    report = export_to("copy.duckdb", "theirs.duckdb", progress=False)  # and out of it
    assert [problem.name for problem in report.problems] == [foreign.info.run_id]


def test_a_server_does_not_name_files_of_its_clients(workdir: Path, secret: Path) -> None:
    server = TrackingServer(workdir, artifact_roots=[str(secret)]).start()
    try:
        body = {"name": "x", "artifact_location": str(secret)}
        _, made = server.ask("POST", "experiments/create", body)
        _, run = server.ask("POST", "runs/create", {"experiment_id": made["experiment_id"]})
        place = Path(run["run"]["info"]["artifact_uri"])
        place.mkdir(parents=True)
        (place / "id_rsa").write_text(SECRET)
        report = brought(server.url)
        assert [problem.name for problem in report.problems] == [run["run"]["info"]["run_id"]]
        assert "--artifact-root" in report.problems[0].reason
    finally:
        server.stop()
