"""Measure the tracking server against MLflow's, asked the same by the same clients.

Usage::

    python benchmarks/server.py [--seconds 5] [--runs 1000] [--gigabytes 1]

Four client processes log batches over plain HTTP; then runs are listed, and a large file goes up
and comes down. Both servers are fresh, on this machine, with their defaults. Writes
``benchmarks/server.md``. Needs mlflow for its half.
"""

from __future__ import annotations

import argparse
import http.client
import importlib.util
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).resolve().parent
SRC = HERE.parent / "src"
CLIENTS = 4
METRICS = 10
ROUNDS = 3
PIECE = bytes(range(256)) * 4096
API = "/api/2.0/mlflow"
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
COMMANDS = {
    "nbtrack": ["-c", "from nbtrack.cli import main; main()", "server", "--uri", "s.duckdb"],
    "mlflow": ["-m", "mlflow", "server", "--backend-store-uri", "sqlite:///s.db"],
}
PAGE = """\
# The tracking server

Written by `python benchmarks/server.py`; nbtrack beside `mlflow server` {mlflow} with SQLite, both
fresh, with their defaults, asked one after the other by the same plain HTTP clients on the same
machine: {machine}.

| | nbtrack | mlflow | ratio |
|---|---|---|---|
{rows}

- A batch has {metrics} metrics; {clients} client processes send them to runs of their own, one
  after the other, on connections that stay open, and share the cores with the server. The best of
  {best} rounds of {seconds:g} seconds.
- The batch of 1,000 has 800 metrics, 100 params and 100 tags, with keys of 250 characters and
  values of 2,500: 820 KB; the slowest of 5.
- The list is one `runs/search` with {runs:,} runs of 5 metrics, 3 params and 3 tags; the median of
  {rounds}, read to its end by the client, whose parsing of the JSON is not counted.
- Memory is what the processes of the server took more than before, at most, while the file was
  under way.
- The load of the machine was {load:.1f} when it began: what is above 0 is other programs, which
  took their share all along, from both.
"""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Running:
    """A server, and what it is asked."""

    def __init__(self, name: str, port: int, process: subprocess.Popen[bytes]) -> None:
        self.name = name
        self.port = port
        self.process = psutil.Process(process.pid)

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection that stays open."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)

    def ask(self, path: str, body: Any) -> Any:
        """Send JSON on a connection of its own; return what is answered."""
        return json.loads(post(self.connect(), path, json.dumps(body)))

    def new_run(self, name: str = "run") -> dict[str, Any]:
        """Make a run; return what it is."""
        made = self.ask("/runs/create", {"experiment_id": "0", "run_name": name})
        return dict(made["run"]["info"])

    def memory(self) -> int:
        """Return the bytes that the processes of the server have."""
        processes = [self.process, *self.process.children(recursive=True)]
        return sum(each.memory_info().rss for each in processes)


def post(connection: http.client.HTTPConnection, path: str, body: str) -> bytes:
    """Send JSON; return the answer, which must be a good one."""
    headers = {"Content-Type": "application/json"}
    try:
        connection.request("POST", API + path, body, headers)
        answer = connection.getresponse()
    except ConnectionError:  # the server closes what was idle for a few seconds
        connection.close()
        connection.request("POST", API + path, body, headers)
        answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {text[:500]!r}")
    return text


@contextmanager
def running(name: str, folder: Path) -> Iterator[tuple[Running, float]]:
    """Start a server; yield it and the seconds until it answered."""
    port = free_port()
    begin = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *COMMANDS[name], "--port", str(port)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(SRC), "MLFLOW_DISABLE_TELEMETRY": "true"},
            stdout=log,
            stderr=log,
        )
    server = Running(name, port, process)
    while True:
        try:
            connection = server.connect()
            connection.request("GET", "/health")
            if connection.getresponse().read() == b"OK":
                break
        except OSError:
            time.sleep(0.005)
        if process.poll() is not None:
            raise SystemExit((folder / "log").read_text()[-3000:])
    took = time.perf_counter() - begin
    try:
        yield server, took
    finally:
        children = server.process.children(recursive=True)
        process.terminate()
        process.wait(60)
        psutil.wait_procs(children, 20)


def client(port: int, run_id: str, seconds: float) -> None:
    """Log batches for a while, from a process of its own; print how many were answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    step = 0

    def log() -> None:
        metrics = [
            {"key": f"m{key}", "value": step / 7, "timestamp": 1000 + step, "step": step}
            for key in range(METRICS)
        ]
        post(connection, "/runs/log-batch", json.dumps({"run_id": run_id, "metrics": metrics}))

    log()
    print("ready", flush=True)
    while sys.stdin.readline():
        end, begin = time.monotonic() + seconds, step
        while time.monotonic() < end:
            step += 1
            log()
        print(step - begin, flush=True)


def batches(server: Running, seconds: float) -> float:
    """Return log-batch requests per second of four clients, in the best of some rounds."""
    started = [
        subprocess.Popen(
            [sys.executable, __file__, "--client", str(server.port), server.new_run()["run_id"],
             str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(CLIENTS)
    ]  # fmt: skip
    lines: list[list[bytes]] = []
    for go in (b"", *([b"\n"] * ROUNDS)):
        for each in started:
            assert each.stdin is not None
            each.stdin.write(go)
            each.stdin.flush()
        lines.append([each.stdout.readline() for each in started if each.stdout is not None])
    for each in started:
        each.communicate()
    return max(sum(map(int, counts)) for counts in lines[1:]) / seconds


def largest_batch(server: Running) -> float:
    """Return the milliseconds that the slowest of some batches of the limits' size takes."""
    connection = server.connect()
    pairs = [{"key": f"p{key}".ljust(250, "k"), "value": "v" * 2500} for key in range(100)]
    metrics = [
        {"key": f"m{key}".ljust(250, "k"), "value": key / 7, "timestamp": 1000 + key, "step": key}
        for key in range(800)
    ]
    times = []
    for _ in range(5):
        batch = {"run_id": server.new_run()["run_id"], "metrics": metrics}
        body = json.dumps({**batch, "params": pairs, "tags": pairs})
        begin = time.perf_counter()
        post(connection, "/runs/log-batch", body)
        times.append(1000 * (time.perf_counter() - begin))
    return max(times)


def listing(server: Running, runs: int, rounds: int) -> float:
    """Return the median of the milliseconds in which many runs are listed."""
    connection = server.connect()
    made = server.ask("/experiments/create", {"name": "listed"})["experiment_id"]
    for number in range(runs):
        body = {"experiment_id": made, "run_name": f"run {number}"}
        info = json.loads(post(connection, "/runs/create", json.dumps(body)))["run"]["info"]
        batch = {
            "run_id": info["run_id"],
            "metrics": [
                {"key": f"m{key}", "value": number, "timestamp": 1, "step": 1} for key in range(5)
            ],
            "params": [{"key": f"p{key}", "value": str(number)} for key in range(3)],
            "tags": [{"key": f"t{key}", "value": str(number)} for key in range(3)],
        }
        post(connection, "/runs/log-batch", json.dumps(batch))
    question = json.dumps({"experiment_ids": [made], "max_results": runs})
    times = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        text = post(connection, "/runs/search", question)
        times.append(1000 * (time.perf_counter() - begin))
        found = len(json.loads(text)["runs"])
        if found != runs:
            raise SystemExit(f"{server.name} lists {found} runs")
    return statistics.median(times[1:])


def file(server: Running, gigabytes: float) -> tuple[float, float, float, float]:
    """Send a large file up and fetch it; return seconds and added megabytes of each way."""
    run = server.new_run("large")
    path = run["artifact_uri"].removeprefix("mlflow-artifacts:")
    pieces = int(gigabytes * 1000**3 / len(PIECE))
    size = pieces * len(PIECE)

    def up() -> None:
        connection = server.connect()
        connection.request(
            "PUT",
            f"{PROXY}{path}/large.bin",
            (PIECE for _ in range(pieces)),
            {"Content-Length": str(size), "Content-Type": "application/octet-stream"},
        )
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"{server.name}: {answer.status}")

    def down() -> None:
        connection = server.connect()
        connection.request("GET", f"{PROXY}{path}/large.bin")
        answer = connection.getresponse()
        buffer = bytearray(1 << 20)
        found = 0
        while count := answer.readinto(buffer):
            found += count
        if found != size:
            raise SystemExit(f"{server.name}: {found} bytes of {size}")

    up_s, up_mb = watched(server, up)
    down_s, down_mb = watched(server, down)
    return up_s, up_mb, down_s, down_mb


def watched(server: Running, work: Any) -> tuple[float, float]:
    """Return the seconds that something takes, and the megabytes that the server took for it."""
    before = server.memory()
    peak = [before]
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            peak[0] = max(peak[0], server.memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    work()
    took = time.perf_counter() - begin
    stop.set()
    watcher.join()
    return took, (peak[0] - before) / 1e6


def measure(name: str, options: argparse.Namespace) -> dict[str, float]:
    """Return what one server does, with its units."""
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        with running(name, Path(folder)) as (server, started):
            found = {"answers after its start, s": started}
            found["memory when idle, MB"] = server.memory() / 1e6
            found["log-batch requests per second"] = batches(server, options.seconds)
            found["batch of 1,000 with long keys, ms"] = largest_batch(server)
            found[f"list of {options.runs:,} runs, ms"] = listing(
                server, options.runs, options.rounds
            )
            up_s, up_mb, down_s, down_mb = file(server, options.gigabytes)
            size = f"{options.gigabytes:g} GB"
            found[f"{size} up, s"] = up_s
            found[f"{size} up, memory added, MB"] = up_mb
            found[f"{size} down, s"] = down_s
            found[f"{size} down, memory added, MB"] = down_mb
        return found


def main() -> None:
    """Measure both servers and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="of each round of log-batch")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--folder", help="where the stores are made")
    parser.add_argument("--only", choices=list(COMMANDS))
    parser.add_argument("--client", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        port, run_id, seconds = options.client
        client(int(port), run_id, float(seconds))
        return
    load = os.getloadavg()[0]
    ours = measure("nbtrack", options)
    for what, value in ours.items():
        print(f"nbtrack: {what}: {value:.3g}", flush=True)
    if importlib.util.find_spec("mlflow") is None or options.only == "nbtrack":
        return
    theirs = measure("mlflow", options)
    rows = []
    for what, value in ours.items():
        other = theirs[what]
        print(f"mlflow: {what}: {other:.3g}", flush=True)
        ratio = value / other if "per second" in what else other / value if value > 0 else 0
        note = "" if "memory" in what else f"{ratio:.1f} times"
        rows.append(f"| {what} | {value:,.3g} | {other:,.3g} | {note} |")
    page = PAGE.format(
        mlflow=version("mlflow"),
        machine=f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        rows="\n".join(rows),
        metrics=METRICS,
        clients=CLIENTS,
        seconds=options.seconds,
        best=ROUNDS,
        load=load,
        runs=options.runs,
        rounds=options.rounds,
    )
    (HERE / "server.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
