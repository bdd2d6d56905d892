"""``nbtrack server`` as a shell starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from nbtrack.server.page import FOLDER
from programs import python_path

COMMAND = [sys.executable, "-c", "from nbtrack.cli import main; main()", "server"]
API = "/api/2.0/mlflow"


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NBTRACK_", "MLFLOW_"))}
    return {**kept, "PYTHONPATH": python_path(), **more}


class Running:
    """A server that was started by a command; ``url`` is what it has printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.printed = process.stdout.readline()
        self.url = self.printed.split()[-1]

    def ask(self, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        try:
            with urlopen(Request(self.url + API + path, data, headers), timeout=60) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    def new_run(self) -> dict[str, Any]:
        status, made = self.ask("/runs/create", {"experiment_id": "0"})
        assert status == 200, made
        return dict(made["run"]["info"])


@contextmanager
def running(folder: Path, *words: str, **variables: str) -> Iterator[Running]:
    process = subprocess.Popen(
        [*COMMAND, *words],
        cwd=folder,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield Running(process)
        finally:
            process.kill()


def refused(folder: Path, *words: str, **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr


def test_sigterm_folds_what_was_logged(tmp_path: Path) -> None:
    store = tmp_path / "served.duckdb"
    with running(tmp_path, "--backend-store-uri", str(store), "-p", "0") as server:
        assert str(store) in server.printed
        run_id = server.new_run()["run_id"]
        param = {"run_id": run_id, "key": "a", "value": "1"}
        assert server.ask("/runs/log-parameter", param) == (200, {})
        server.process.send_signal(signal.SIGTERM)
        assert server.process.communicate(timeout=60)[0] == ""  # it ends without a word
        assert server.process.returncode == 0
    assert list((tmp_path / "served.duckdb.d" / "journal").iterdir()) == []


def test_a_browser_gets_the_page(tmp_path: Path) -> None:
    if not FOLDER.is_dir():
        pytest.skip("the front end is not built")
    with (
        running(tmp_path, "-p", "0") as server,
        urlopen(server.url, timeout=60) as answer,
    ):
        assert '<div id="page">' in answer.read().decode()


def test_options_come_from_mlflows_environment_too(tmp_path: Path) -> None:
    variables = {
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:1",  # what clients here track to
        "MLFLOW_PORT": "0",
        "MLFLOW_SERVE_ARTIFACTS": "false",
        "NBTRACK_SERVER_TOKEN": "word",
    }
    with running(tmp_path, **variables) as server:
        assert str(tmp_path / "nbtrack.duckdb") in server.printed
        assert server.ask("/experiments/get?experiment_id=0")[0] == 401
        status, found = server.ask("/experiments/get?experiment_id=0", token="word")
        assert status == 200
        place = tmp_path / "nbtrack.duckdb.d" / "artifacts" / "0"
        assert found["experiment"]["artifact_location"] == str(place)


@pytest.mark.parametrize(
    ("root", "shown"),
    [
        ("kept", "{folder}/kept/0/{run}/artifacts"),
        ("file:///srv/kept", "file:///srv/kept/0/{run}/artifacts"),
        (
            "http://127.0.0.1:1/api/2.0/mlflow-artifacts/artifacts",
            "mlflow-artifacts:/0/{run}/artifacts",
        ),
        ("mlflow-artifacts:/", "mlflow-artifacts:/0/{run}/artifacts"),
    ],
)
def test_clients_are_told_where_artifacts_go(tmp_path: Path, root: str, shown: str) -> None:
    with running(tmp_path, "-p", "0", "--default-artifact-root", root) as server:
        info = server.new_run()
        expected = shown.format(folder=tmp_path, run=info["run_id"])
        assert info["artifact_uri"] == expected


def test_versions_of_models_that_are_kept_elsewhere_go_through_the_server(tmp_path: Path) -> None:
    with running(tmp_path, "-p", "0", "--artifacts-destination", "kept") as server:
        run = server.new_run()
        path = f"0/{run['run_id']}/artifacts/m/MLmodel"
        url = f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{path}"
        urlopen(Request(url, b"x", method="PUT"), timeout=60).close()
        assert (tmp_path / "kept" / path).is_file()
        server.ask("/registered-models/create", {"name": "reg"})
        source = f"{run['artifact_uri']}/m"
        version = {"name": "reg", "source": source, "run_id": run["run_id"]}
        status, made = server.ask("/model-versions/create", version)
        assert (status, made["model_version"]["source"]) == (200, source)
        found = server.ask("/model-versions/get-download-uri?name=reg&version=1")
        assert found == (200, {"artifact_uri": source})


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("--uri", "broken.duckdb", "-p", "0"), 5, "is no DuckDB file"),
        (("--token", "a", "--no-auth"), 2, "choose one of them"),
        (("--host", "no.such.host.invalid"), 4, "cannot be listened on"),
        (("--port", "70000"), 2, "70000"),
    ],
)
def test_what_cannot_be_served_is_said(
    tmp_path: Path, words: tuple[str, ...], status: int, message: str
) -> None:
    (tmp_path / "broken.duckdb").write_text("no database")
    found = refused(tmp_path, *words)
    assert found[0] == status
    assert message in found[1]
    assert "Traceback" not in found[1]


def test_the_store_is_one_of_this_machine(tmp_path: Path) -> None:
    status, printed = refused(tmp_path, "--uri", "http://127.0.0.1:1")
    assert status == 2
    assert "nbtrack.duckdb" in printed
