"""Projects that log with the real mlflow: they find nbtrack behind an address."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

import nbtrack
from nbtrack.projects.tracking_server import TrackingServer
from nbtrack.projects.variables import variables_for
from nbtrack.tracking import context

SRC = Path(__file__).parents[1] / "src"
TRAIN = """
import sys
import mlflow
assert mlflow.__file__ and mlflow.__name__ == "mlflow" and not hasattr(mlflow, "compact")
with mlflow.start_run() as run:
    mlflow.log_metric("loss", 0.5, step=3)
    mlflow.log_text("from mlflow", "note.txt")
    with mlflow.start_run(nested=True, run_name="inner"):
        mlflow.log_param("depth", 1)
version = mlflow.MlflowClient().create_registered_model("line")
if "--fail" in sys.argv:
    raise SystemExit(3)
"""


@pytest.fixture
def project(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    folder = workdir / "project"
    folder.mkdir()
    (folder / "MLproject").write_text(
        "entry_points: {main: {command: 'python train.py --lr {lr}', parameters: {lr: float}}}"
    )
    (folder / "train.py").write_text(TRAIN)
    return folder


def children_of(pid: int) -> list[int]:
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in done.stdout.split()]


def ask(server: dict[str, str], token: str | None) -> int:
    url = f"{server['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/experiments/get?experiment_id=0"
    request = urllib.request.Request(url)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=90) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize("fails", [False, True])
def test_a_script_of_mlflow_logs_to_the_run(
    project: Path, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "somebody")  # for a server elsewhere
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "else")
    nbtrack.set_experiment("digits")
    params = {"lr": 0.1, **({"fail": "1"} if fails else {})}
    started = nbtrack.run(str(project), parameters=params, synchronous=False)
    assert started.wait() is not fails
    run = nbtrack.get_run(started.run_id)
    assert run.info.status == ("FAILED" if fails else "FINISHED")
    assert (run.data.metrics, run.data.params["lr"]) == ({"loss": 0.5}, "0.1")
    assert nbtrack.artifacts.load_text(f"runs:/{started.run_id}/note.txt") == "from mlflow"
    (inner,) = nbtrack.search_runs(filter_string="run_name = 'inner'", output_format="list")
    assert inner.data.tags["mlflow.parentRunId"] == started.run_id
    assert inner.info.experiment_id == run.info.experiment_id
    assert nbtrack.MlflowClient().get_registered_model("line").name == "line"


def test_the_server_runs_only_when_somebody_asks(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    before = children_of(os.getpid())
    server = TrackingServer("nbtrack.duckdb", "nbtrack.duckdb")
    try:
        assert children_of(os.getpid()) == before
        found = server.variables()
        assert ask(found, found["MLFLOW_TRACKING_TOKEN"]) == 200
        assert ask(found, None) == 401
        (child,) = set(children_of(os.getpid())) - set(before)
    finally:
        server.close()
    assert not Path(f"/proc/{child}").exists()
    with pytest.raises(urllib.error.URLError):
        ask(found, None)


def test_nobody_waits_for_a_server_that_cannot_start(
    workdir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nbtrack.projects.tracking_server.MODULE", "nbtrack.nothing")
    server = TrackingServer("nbtrack.duckdb", "nbtrack.duckdb")
    with pytest.raises(OSError, match=r"reset|closed|refused"):
        ask(server.variables(), None)
    server.close()
    assert "has ended with exit status 1" in capfd.readouterr().err


def test_the_server_ends_with_the_process_that_has_made_it(workdir: Path) -> None:
    code = (
        "import sys, time, urllib.request\n"
        "from nbtrack.projects.tracking_server import TrackingServer\n"
        "url = TrackingServer('n.duckdb', 'n.duckdb').variables()['MLFLOW_TRACKING_URI']\n"
        "urllib.request.urlopen(url + '/health').read()\n"
        "print('up', flush=True)\n"
        "time.sleep(300)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        stdout=subprocess.PIPE,
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        (server,) = children_of(owner.pid)
        owner.send_signal(signal.SIGKILL)
    for _ in range(1200):
        stat = Path(f"/proc/{server}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    os.kill(server, signal.SIGKILL)
    raise AssertionError("the server has outlived its owner")


def test_a_server_that_is_tracked_to_is_handed_on_as_it_was_given(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBTRACK_REMOTE_DIR", str(workdir / "remote"))
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "mine")
    url = "http://ada:secret@127.0.0.1:9"
    nbtrack.set_tracking_uri(url)
    with ExitStack() as held:
        found = variables_for(context.store(), "a" * 32, "1", held)
    assert (found["MLFLOW_TRACKING_URI"], found["NBTRACK_URI"]) == (url, url)
    assert found["MLFLOW_TRACKING_TOKEN"] == "mine"
    assert (found["MLFLOW_RUN_ID"], found["NBTRACK_RUN_ID"]) == ("a" * 32, "a" * 32)
