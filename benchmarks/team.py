"""Measure how a team's store bears many writers, beside a file that as many share.

Usage::

    python benchmarks/team.py [--writers 1,4,8,16] [--seconds 20]

Each writer is a process that logs 20 values ten times a second. All share a file; in a team's
store each has a spool of its own, as machines and containers have, or all share one. Asked are: how
long a fold keeps the lock, and how long it takes until a logged point is read by another process
whose spool is another one. PostgreSQL is started in a folder of its own. Writes
``benchmarks/team.md``. Needs what tests marked ``team`` need.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "src"), str(HERE.parent / "tests")]

KEYS = 20
PAUSE_S = 0.1
PAGE = """\
# Many writers of a team's store

Written by `python benchmarks/team.py`: {seconds} s each, every writer a process that logs {keys}
values ten times a second, PostgreSQL and all writers on one machine ({machine}; load before it
began: {load}). DuckDB {duckdb}. Own spools: each writer as on a machine of its own; they fold one
after the other, under the one lock of the team. One spool: whichever process of the machine folds
takes along what the others have logged. Seen: from the log call to a read by a process that has
another spool, or in a file by another process; of each fold the point that has waited longest. A
fold of a file is measured without its lock, too.

| store | writers | folds/s | fold p50 / p95, ms | seen p50 / p95 / max, s | slowest log call, ms |
|---|---|---|---|---|---|
{rows}
"""


def write(uri: str, seconds: float) -> None:
    """Log, and print what the folds of this process took."""
    import nbtrack
    from nbtrack.store.opening import open_store

    nbtrack.set_tracking_uri(uri)
    took: list[float] = []
    kind: Any = type(open_store(uri))
    fold = kind._fold_into

    def timed(self: Any, reader: Any) -> Any:
        start = time.perf_counter()
        try:
            return fold(self, reader)
        finally:
            took.append(time.perf_counter() - start)

    kind._fold_into = timed
    slowest = 0.0
    with nbtrack.start_run():
        nbtrack.log_metric("sent", time.time(), step=0)
        print("ready", flush=True)
        sys.stdin.readline()
        took.clear()
        end, step = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            step += 1
            start = time.perf_counter()
            nbtrack.log_metrics({f"m{key}": float(step) for key in range(KEYS)}, step=step)
            slowest = max(slowest, time.perf_counter() - start)
            nbtrack.log_metric("sent", time.time(), step=step)
            time.sleep(PAUSE_S)
        found = list(took)
    print(json.dumps({"folds": found, "slowest": slowest}), flush=True)


def watch(uri: str, seconds: float) -> list[float]:
    """Return how long points had waited when they were read first: the oldest of each fold."""
    import nbtrack

    nbtrack.set_tracking_uri(uri)
    ask = "SELECT run_id, last_value FROM series WHERE key = 'sent' AND last_step > 0"
    known: dict[str, float] = {}
    ages = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for run_id, sent in nbtrack.sql(ask).itertuples(index=False):
            if known.get(run_id, 0.0) < sent:
                if run_id in known:  # the first point after it has waited longest
                    ages.append(time.time() - known[run_id] - PAUSE_S)
                known[run_id] = sent
        time.sleep(0.2)
    return ages


def measure(uri: str, writers: int, seconds: float, own: bool) -> str:
    """Return a row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        started = []
        for number in range(writers):
            place = f"{folder}/{number if own else 0}"
            command = [sys.executable, __file__, "--write", uri, "--seconds", str(seconds)]
            started.append(
                subprocess.Popen(
                    command,
                    env={**os.environ, "NBTRACK_REMOTE_DIR": place},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            assert started[-1].stdout is not None
            started[-1].stdout.readline()
        for each in started:
            assert each.stdin is not None
            each.stdin.write("\n")
            each.stdin.flush()
        os.environ["NBTRACK_REMOTE_DIR"] = f"{folder}/watcher"
        ages = sorted(watch(uri, seconds))
        said = [json.loads(each.communicate(timeout=600)[0].splitlines()[-1]) for each in started]
    folds = sorted(1000 * took for each in said for took in each["folds"])
    slowest = 1000 * max(each["slowest"] for each in said)
    kind = "file" if "://" not in uri else "team, own spools" if own else "team, one spool"
    return (
        f"| {kind} | {writers} | {len(folds) / seconds:.1f} | {_at(folds, 0.5):.0f} / "
        f"{_at(folds, 0.95):.0f} | {_at(ages, 0.5):.1f} / {_at(ages, 0.95):.1f} / "
        f"{_at(ages, 1.0):.1f} | {slowest:.1f} |"
    )


def _at(values: list[float], part: float) -> float:
    """Return a quantile of sorted values."""
    return values[min(len(values) - 1, int(part * len(values)))] if values else float("nan")


def main() -> None:
    """Measure all, and write the page."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--writers", default="1,4,8,16")
    arguments.add_argument("--seconds", type=float, default=20.0)
    arguments.add_argument("--write")
    given = arguments.parse_args()
    if given.write:
        write(given.write, given.seconds)
        return
    from team_services import Postgres, fresh_catalog

    rows, load = [], os.getloadavg()[0]
    server = Postgres()
    try:
        for writers in map(int, given.writers.split(",")):
            for kind in ("file", "own", "one"):
                with tempfile.TemporaryDirectory() as folder:
                    os.environ["NBTRACK_DATA_PATH"] = folder
                    uri = f"{folder}/f.duckdb" if kind == "file" else fresh_catalog(server).uri
                    rows.append(measure(uri, writers, given.seconds, kind == "own"))
                    print(rows[-1], flush=True)
    finally:
        server.close()
    page = PAGE.format(
        seconds=f"{given.seconds:g}",
        keys=KEYS + 1,
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
        load=f"{load:.1f}",
        duckdb=version("duckdb"),
        rows="\n".join(rows),
    )
    (HERE / "team.md").write_text(page, "utf-8")


if __name__ == "__main__":
    main()
