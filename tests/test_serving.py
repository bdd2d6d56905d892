"""Serving and predicting as programs: what they print, and how they end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError, UntrustedError
from programs import SRC

FRAME = pd.DataFrame({"x": [1.0, 2.0], "n": np.array([3, 4])})


def add_up(data: pd.DataFrame) -> Any:
    """Slowly, for those who ask so."""
    import time

    time.sleep(float(data["x"].max() > 100))
    return data.sum(axis=1).to_numpy()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "sum"
    nbtrack.pyfunc.save_model(folder, python_model=add_up, input_example=FRAME)
    return folder


def start(module: str, *options: object, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"nbtrack.models.{module}", *map(str, options)],
        env={**os.environ, "PYTHONPATH": str(SRC), **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(*options: object, lines: int = 1, **variables: str) -> Iterator[tuple[Any, list[str]]]:
    """Run the server; give its process and what it has printed."""
    process = start("serve", *options, "-p", 0, **variables)
    try:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        if not said[-1]:
            pytest.fail(process.communicate()[1])
        yield process, said
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ask(url: str, value: float = 1, **headers: str) -> tuple[int, Any]:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
    body = json.dumps({"dataframe_records": [{"x": value, "n": 2}]})
    connection.request("POST", address.path, body, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


def url_in(line: str) -> str:
    found = re.search(r"http://\S+/invocations", line)
    assert found, line
    return found[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_says_where_it_listens_and_ends_by_a_signal(
    model: Path, number: signal.Signals
) -> None:
    with serving("-m", model) as (process, said):
        url = url_in(said[0])
        assert ask(url) == (200, {"predictions": [3.0]})
        waiting = HTTPConnection(urlsplit(url).netloc, timeout=60)
        slow = json.dumps({"dataframe_records": [{"x": 101, "n": 2}]})
        waiting.request("POST", "/invocations", slow, {"Content-Type": "application/json"})
        time.sleep(0.3)  # the model has it now
        process.send_signal(number)
        assert json.loads(waiting.getresponse().read()) == {"predictions": [103.0]}
        waiting.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


def test_workers_share_one_port(model: Path) -> None:
    with serving("-m", model, "-w", 2) as (process, said):
        url = url_in(said[0])
        assert [ask(url)[0] for _ in range(6)] == [200] * 6
        process.terminate()
        assert process.wait(30) == 0
        with pytest.raises(OSError, match="refused"):
            ask(url)


def test_beyond_this_machine_a_token_is_made_and_asked_for(model: Path) -> None:
    with serving("-m", model, "-h", "0.0.0.0", lines=2) as (_, said):
        token = re.search(r"Token: (\S+)", said[0])
        assert token
        url = url_in(said[1])
        assert ask(url)[0] == 401
        assert ask(url, Authorization=f"Bearer {token[1]}")[0] == 200


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["-m", "MODEL", "--env-manager", "virtualenv"], "env_manager='virtualenv'"),
        (["-m", "nowhere/at/all"], "nowhere/at/all"),
        (["-m", "MODEL", "-h", "203.0.113.1", "--no-auth"], "cannot be listened on"),
    ],
)
def test_a_server_that_cannot_start_says_why(model: Path, options: list[str], says: str) -> None:
    given = [str(model) if option == "MODEL" else option for option in options]
    process = start("serve", *given, "-p", 0)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert says in errors
    assert "Traceback" not in errors


def test_a_notebook_serves_by_uri_or_what_it_has_loaded(model: Path) -> None:
    with nbtrack.models.serve(model) as served:
        assert served.predict(FRAME) == [4.0, 6.0]
        assert str(model) in repr(served)
    loaded = nbtrack.pyfunc.load_model(model)
    with nbtrack.models.serve(loaded) as served:
        assert served.model is loaded
        assert ask(f"{served.url}/invocations") == (200, {"predictions": [3.0]})
    with pytest.raises(InvalidParameterError, match="comes too late"):
        nbtrack.models.serve(loaded, device="cpu")


def test_a_missing_column_and_a_wrong_type_are_named(model: Path) -> None:
    with nbtrack.models.serve(model) as served:
        for frame, says in ((FRAME[["x"]], "n"), (FRAME.assign(n=["a", "b"]), "'n'")):
            with pytest.raises(nbtrack.NbtrackError, match=says) as caught:
                served.predict(frame)
            assert caught.value.get_http_status_code() == 400


def test_a_strangers_model_is_not_served_without_trust(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UntrustedError):
        nbtrack.models.serve(model)
    with nbtrack.models.serve(model, trust=True) as served:
        assert served.predict(FRAME) == [4.0, 6.0]


def test_predict_is_a_program_too(model: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    FRAME.to_csv(source, index=False)
    process = start("predict", "-m", model, "-i", source, "-o", target)
    assert process.communicate(timeout=60) == ("", "")
    assert pd.read_csv(target)["prediction"].tolist() == [4.0, 6.0]
    process = start("predict", "-m", model, "-t", "csv")
    out, errors = process.communicate("x,n\n1,2\n", timeout=60)
    assert json.loads(out) == {"predictions": [3.0]}, errors
    process = start("predict", "-m", model, "-i", tmp_path / "gone.csv")
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "gone.csv" in errors


def test_a_pytorch_model_gives_each_client_its_own_rows(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    layers = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    inputs = torch.randn(5, 3)
    nbtrack.pytorch.save_model(layers, tmp_path / "net", input_example=inputs.numpy())
    expected = layers(inputs).detach().numpy()
    with nbtrack.models.serve(tmp_path / "net", device="cpu") as served:
        np.testing.assert_allclose(served.predict(inputs), expected, rtol=1e-5)
        with ThreadPoolExecutor(5) as pool:
            for _ in range(4):
                found = pool.map(lambda row: served.predict(row[None]), inputs)
                np.testing.assert_allclose(np.concatenate(list(found)), expected, rtol=1e-5)
