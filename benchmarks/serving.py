"""Measure serving: requests of eight clients to nbtrack and to ``mlflow models serve``.

Usage::

    python benchmarks/serving.py [--requests 2000] [--rounds 3]

Both serve one folder that mlflow saved, a scikit-learn model of ten columns, from the environment
that they run in. The clients keep their connections, and take turns with the two servers.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import numpy as np

CLIENTS = 8
COLUMNS = 10
SIZES = (1, 100)
PATIENCE_S = 120
SRC = Path(__file__).parents[1] / "src"

SAVE = """
import sys, mlflow.sklearn, numpy as np, pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

frame = pd.DataFrame(np.random.default_rng(0).random((500, int(sys.argv[2]))))
frame.columns = [f"c{i}" for i in frame.columns]
model = LinearRegression().fit(frame, frame.sum(axis=1))
mlflow.sklearn.save_model(
    model, sys.argv[1], signature=infer_signature(frame, model.predict(frame)), pip_requirements=[]
)
"""


@dataclass
class Figures:
    """Of one server and one size of request."""

    per_second: float
    p50_ms: float
    p95_ms: float


def commands(model: str, port: int) -> dict[str, list[str]]:
    """Return how each server is started."""
    options = ["-m", model, "-p", str(port), "--env-manager", "local"]
    return {
        "nbtrack": [sys.executable, "-m", "nbtrack.models.serve", *options],
        "mlflow": [sys.executable, "-m", "mlflow", "models", "serve", *options],
    }


@contextmanager
def running(name: str, model: str) -> Iterator[tuple[int, float]]:
    """Run a server; give its port and the seconds until it answered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = os.pathsep.join(filter(None, [str(SRC), os.environ.get("PYTHONPATH")]))
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            commands(model, port)[name],
            env={**os.environ, "PYTHONPATH": path},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_until_it_answers(port, process)
            yield port, time.perf_counter() - begin
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def wait_until_it_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait for ``/ping``."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/ping")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.02)
        finally:
            connection.close()
    raise SystemExit("a server did not start")


def body(rows: int, seed: int) -> bytes:
    """Return a request of its own."""
    columns = [f"c{i}" for i in range(COLUMNS)]
    data = np.random.default_rng(seed).random((rows, COLUMNS)).tolist()
    return json.dumps({"dataframe_split": {"columns": columns, "data": data}}).encode()


def client(port: int, contents: list[bytes], count: int) -> list[float]:
    """Ask one request after the other; return the seconds of each."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    spent = []
    for i in range(count):
        content = contents[i % len(contents)]
        begin = time.perf_counter()
        connection.request("POST", "/invocations", content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        spent.append(time.perf_counter() - begin)
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {text.decode()}")
    connection.close()
    return spent


def measure(port: int, rows: int, count: int) -> Figures:
    """Let all clients ask at once."""
    contents = [[body(rows, seed * CLIENTS + i) for seed in range(20)] for i in range(CLIENTS)]
    begin = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = [pool.submit(client, port, each, count // CLIENTS) for each in contents]
        spent = [seconds for each in asked for seconds in each.result()]
    whole = time.perf_counter() - begin
    p50, p95 = np.quantile(spent, [0.5, 0.95]) * 1000
    return Figures(len(spent) / whole, float(p50), float(p95))


def median(found: list[Figures]) -> Figures:
    """Return the medians of several rounds."""
    return Figures(
        statistics.median(each.per_second for each in found),
        statistics.median(each.p50_ms for each in found),
        statistics.median(each.p95_ms for each in found),
    )


def main(count: int, rounds: int) -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        model = str(Path(folder, "model"))
        arguments = [sys.executable, "-W", "ignore", "-c", SAVE, model, str(COLUMNS)]
        subprocess.run(arguments, check=True, capture_output=True)
        with running("nbtrack", model) as ours, running("mlflow", model) as theirs:
            servers = {"nbtrack": ours, "mlflow": theirs}
            found: dict[tuple[str, int], list[Figures]] = {}
            for port, _ in servers.values():
                for rows in SIZES:
                    measure(port, rows, CLIENTS * 20)  # warm
            for _ in range(rounds):
                for rows in SIZES:
                    for name, (port, _) in servers.items():
                        found.setdefault((name, rows), []).append(measure(port, rows, count))
    show("until the server answers", *(f"{seconds:.2f} s" for _, seconds in servers.values()))
    for rows in SIZES:
        ours_, theirs_ = (median(found[name, rows]) for name in servers)
        what = f"{rows} row{'s' if rows > 1 else ''} a request"
        show(
            f"{what}: requests per second",
            f"{ours_.per_second:,.0f}",
            f"{theirs_.per_second:,.0f} ({ours_.per_second / theirs_.per_second:.1f}x)",
        )
        for label in ("p50_ms", "p95_ms"):
            one, other = getattr(ours_, label), getattr(theirs_, label)
            name = label.removesuffix("_ms")
            show(f"{what}: {name}", f"{one:.1f} ms", f"{other:.1f} ms ({other / one:.1f}x)")


def show(what: str, ours: str, theirs: str) -> None:
    """Print one row."""
    print(f"| {what:<45} | {ours:>10} | {theirs:>20} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    main(options.requests, options.rounds)
