"""`nbtrack models`: serve and predict from a shell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import nbtrack
from nbtrack.cli.program import program

SRC = Path(__file__).parents[1] / "src"
pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the model ``line``: twice its column ``x``."""
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    path = tmp_path_factory.mktemp("models") / "nbtrack.duckdb"
    nbtrack.set_tracking_uri(path)
    rows = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
    fitted = LinearRegression().fit(rows, [0.0, 2.0, 4.0])
    nbtrack.sklearn.log_model(fitted, name="line", registered_model_name="line", input_example=rows)
    nbtrack.set_tracking_uri(None)
    return path


def call(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(program, ["models", *words], input=stdin)


def test_predict_reads_a_file_and_writes_one(store: Path, workdir: Path) -> None:
    Path("in.csv").write_text("x\n3\n4\n")
    words = ["predict", "-m", "models:/line/1", "--uri", str(store)]
    done = call(*words, "-i", "in.csv", "-o", "out.json")
    assert (done.exit_code, done.stdout) == (0, "")
    found = json.loads(Path("out.json").read_text())["predictions"]
    assert found == pytest.approx([6, 8])
    piped = call(*words, "-t", "csv", stdin="x\n3\n")
    assert json.loads(piped.stdout)["predictions"] == pytest.approx([6])


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["predict", "-m", "models:/none/1"], 3, "not found"),
        (["serve", "-m", "models:/none/1", "-p", "0"], 3, "not found"),
        (["predict", "-m", "models:/line/1", "--env-manager", "conda"], 2, "requirements.txt"),
        (["predict", "-m", "models:/line/1", "-r", "numpy"], 2, "pip_requirements_override"),
        (["serve", "-m", "models:/line/1", "--env-manager", "virtualenv"], 2, "requirements.txt"),
        (["predict"], 2, "--model-uri"),
    ],
)
def test_what_cannot_be_done_is_said(
    store: Path, workdir: Path, words: list[str], status: int, message: str
) -> None:
    done = call(*words, "--uri", str(store), stdin="{}")
    assert done.exit_code == status
    assert message in done.output


def test_serve_answers_until_it_is_told_to_stop(store: Path) -> None:
    words = ["models", "serve", "-m", "models:/line/1", "-p", "0", "--uri", str(store)]
    server = subprocess.Popen(
        [sys.executable, "-m", "nbtrack", *words],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        body = json.dumps({"dataframe_records": [{"x": 3.0}]}).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=90) as answer:
            assert json.load(answer)["predictions"] == pytest.approx([6])
        server.send_signal(signal.SIGTERM)
        assert server.wait(90) == 0
