"""Measure how an ``mlflow.db`` comes in and goes out, beside the least that reading it costs.

Usage::

    python benchmarks/interchange.py [--points 10000000] [--folder FOLDER]

Each figure is of a process of its own: seconds on the clock, seconds of the processor (which a
busy machine changes less), and the most memory that it has held. For Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RUNS, KEYS = 200, 10
START = 1_700_000_000_000
SRC = Path(__file__).parents[1] / "src"

MEASURED = """
import json, pathlib, resource, sys, time
begin = time.monotonic()
%s
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
status = pathlib.Path("/proc/self/status").read_text().split()
print(json.dumps({"clock": time.monotonic() - begin, "count": count,
                  "processor": sum(each.ru_utime + each.ru_stime for each in used),
                  "memory": int(status[status.index("VmHWM:") + 1]) * 1024}))
"""
SCAN = """
import sqlite3
cursor = sqlite3.connect(sys.argv[1]).execute(
    "SELECT run_uuid, key, step, timestamp, value, is_nan FROM metrics")
count = 0
while rows := cursor.fetchmany(200_000):
    count += len(rows)
"""
IMPORT = """
from nbtrack.interop import import_from
report = import_from(sys.argv[1], sys.argv[2], progress=False)
assert report.ok, str(report)
count = next(row.came + row.known for row in report.rows if row.what == "points")
"""
EXPORT = """
from nbtrack.interop import export_to
report = export_to(sys.argv[1], sys.argv[2], progress=False)
assert report.ok, str(report)
count = next(row.came for row in report.rows if row.what in ("points", "metrics"))
"""
MLFLOW = """
import mlflow
client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{sys.argv[1]}")
(experiment,) = client.search_experiments(filter_string="name = 'filled'")
begin = time.monotonic()
count = 0
for run in client.search_runs([experiment.experiment_id], max_results=2):
    for key in run.data.metrics:
        count += len(client.get_metric_history(run.info.run_id, key))
"""


def fill(path: Path, points: int) -> None:
    """Let MLflow make a database, and write runs with histories into it."""
    make = "import mlflow, sys; mlflow.MlflowClient(sys.argv[1]).create_experiment('filled')"
    subprocess.run([sys.executable, "-c", make, f"sqlite:///{path}"], check=True)
    steps = points // (RUNS * KEYS)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA synchronous = off")
        database.execute("PRAGMA cache_size = -1000000")
        (experiment,) = database.execute(
            "SELECT experiment_id FROM experiments WHERE name = 'filled'"
        ).fetchone()
        database.executemany(
            "INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage, "
            "user_id, experiment_id) VALUES (?, ?, 'FINISHED', ?, ?, 'active', 'ada', ?)",
            [
                (f"{run:032x}", f"run-{run}", _start(run), _start(run) + steps, experiment)
                for run in range(RUNS)
            ],
        )
        for run in range(RUNS):
            database.executemany(
                "INSERT INTO metrics (run_uuid, key, step, timestamp, value) VALUES (?,?,?,?,?)",
                _points(run, steps),
            )
            database.executemany(
                "INSERT INTO latest_metrics (run_uuid, key, step, timestamp, value, is_nan) "
                "VALUES (?, ?, ?, ?, 0.5, 0)",
                [
                    (f"{run:032x}", f"m{key}", steps - 1, _start(run) + steps - 1)
                    for key in range(KEYS)
                ],
            )
    database.close()


def _start(run: int) -> int:
    return START + run * 10_000_000


def _points(run: int, steps: int) -> Iterator[tuple[str, str, int, int, float]]:
    for step in range(steps):
        for key in range(KEYS):
            yield f"{run:032x}", f"m{key}", step, _start(run) + step, 1 / (step + key + 1)


def measured(code: str, *words: object) -> dict[str, Any]:
    """Run a piece of code in a process of its own, and return what it took."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED % code, *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(points: int, folder: Path) -> None:
    """Measure and print the figures."""
    source, store = folder / "mlflow.db", folder / "nbtrack.duckdb"
    if not source.exists():
        fill(source, points)
    todo = {
        "Python reads all rows with sqlite3, and drops them": (SCAN, source),
        "nbtrack imports them": (IMPORT, source, store),
        "nbtrack imports them again: all are known": (IMPORT, source, store),
        "mlflow's client reads the histories of 2 runs": (MLFLOW, source),
        "nbtrack exports them as Parquet": (EXPORT, folder / "tables.parquet", store),
        "nbtrack exports them as an mlflow.db": (EXPORT, folder / "back.db", store),
    }
    print(f"{'':<52}{'points':>12}{'clock s':>10}{'processor s':>13}{'memory MB':>11}")
    for name, (code, *words) in todo.items():
        got = measured(code, *words)
        print(
            f"{name:<52}{got['count']:>12,}{got['clock']:>10.1f}{got['processor']:>13.1f}"
            f"{got['memory'] / 1e6:>11,.0f}",
            flush=True,
        )
    sizes = {path.name: path.stat().st_size / 1e6 for path in (source, store)}
    print("; ".join(f"{name}: {size:,.0f} MB" for name, size in sizes.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument(
        "--folder", type=Path, help="By default a temporary one; an mlflow.db in it is used again."
    )
    given = parser.parse_args()
    if given.folder is not None:
        given.folder.mkdir(parents=True, exist_ok=True)
        main(given.points, given.folder.absolute())
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(given.points, Path(temporary))
