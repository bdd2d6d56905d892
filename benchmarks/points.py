"""Tasks about many points, which only nbtrack offers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

N_RUNS = 1_000
N_KEYS = 10
N_STEPS = 990
LONG = 100_000
N_FOLD_STEPS = 200_000
LONG_KEY = "long"


def measure_fold(tracker: Any, folder: Path, seconds: float) -> dict[str, float]:
    """Measure how fast the tail that a dead process has left goes into the database."""
    if tracker.module != "nbtrack":
        return {}
    from nbtrack.store import open_store

    store = open_store(str(folder / "nbtrack.duckdb"))
    child = os.fork()  # a forked process does not fold, so that all of it is left
    if child == 0:
        tracker.start(folder)
        values = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
        for step in range(N_FOLD_STEPS):
            tracker.log(values, step)
        os._exit(0)
    os.waitpid(child, 0)
    open_store(str(folder / "warm.duckdb")).fold()
    start = time.perf_counter()
    folded = store.fold()
    took = time.perf_counter() - start
    assert folded == 4 * N_FOLD_STEPS
    return {"fold": folded / took}


def fill_points(tracker: Any, folder: Path, seconds: float) -> dict[str, float]:
    """Log 10 million points: 1,000 runs of 10 metrics, one of them with a long series."""
    if tracker.module != "nbtrack":
        return {}
    keys = [f"m{i}" for i in range(N_KEYS)]
    for run in range(N_RUNS):
        tracker.start(folder)
        for step in range(N_STEPS):
            tracker.log(dict.fromkeys(keys, run + step * 0.001), step)
        if run == N_RUNS // 2:
            for step in range(LONG):
                tracker.log({LONG_KEY: (step % 977) * 0.01}, step)
        tracker.finish()
    return {}


def measure_points(tracker: Any, folder: Path, seconds: float) -> dict[str, float]:
    """Measure reads out of 10 million points, each with opening the file."""
    if tracker.module != "nbtrack":
        return {}
    from nbtrack.store import open_store
    from nbtrack.store.history import buckets, latest_values

    store = open_store(str(folder / "nbtrack.duckdb"))
    with store.read() as reader:
        long_run = reader.rows("SELECT run_id FROM latest WHERE key = $key", key=LONG_KEY)[0][0]
        total = reader.rows("SELECT sum(count) FROM latest")[0][0]
    assert total == N_RUNS * N_STEPS * N_KEYS + LONG

    def read_buckets() -> None:
        with store.read() as reader:
            assert len(buckets(reader, long_run, LONG_KEY, 1000).min) == 1000

    def read_latest() -> None:
        with store.read() as reader:
            assert len(latest_values(reader)["value"]) == N_RUNS * N_KEYS + 1

    return {"buckets": median_time(read_buckets), "latest": median_time(read_latest)}


def median_time(call: Callable[[], Any], times: int = 7) -> float:
    """Return the median time of a call, after one that does not count."""
    call()
    took = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return sorted(took)[times // 2]
