"""Measure one thing with one tracker in this process and print the figures as JSON.

Usage: ``python worker.py TRACKER TASK FOLDER SECONDS``; ``run.py`` calls it.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trackers
from points import fill_points, measure_fold, measure_points, median_time

N_RUNS = 500
N_KEYS = 10
MIB = 1024 * 1024
Figures = dict[str, float]


def values_at(step: int) -> dict[str, float]:
    """Return the four values that are logged at a step."""
    return {"a": 1.0 / (step + 1), "b": step * 0.5, "c": 0.25, "d": -float(step)}


def percentiles(seconds: list[float]) -> Figures:
    """Return p50 and p99."""
    ordered = sorted(seconds)
    return {"p50": ordered[len(ordered) // 2], "p99": ordered[int(len(ordered) * 0.99)]}


def timed_calls(tracker: Any, seconds: float, first: int = 0) -> list[float]:
    """Return how long each log call took, made one after the other for a while."""
    batches = [values_at(step) for step in range(1000)]
    took: list[float] = []
    clock, log = time.perf_counter, tracker.log
    end = clock() + seconds
    while clock() < end and len(took) < 400_000:
        step = first + len(took)
        values = batches[step % 1000]
        start = clock()
        log(values, step)
        took.append(clock() - start)
    return took


def resident_memory() -> float:
    """Return the resident memory of this process in MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    import psutil

    return float(psutil.Process().memory_info().rss) / MIB


def measure_import(tracker: Any, folder: Path, seconds: float) -> Figures:
    """Measure the import in a fresh process."""
    start = time.perf_counter()
    importlib.import_module(tracker.module)
    return {"import": time.perf_counter() - start}


def measure_first_run(tracker: Any, folder: Path, seconds: float) -> Figures:
    """Measure from the start of a run in an empty folder until the first log call returns."""
    importlib.import_module(tracker.module)
    start = time.perf_counter()
    tracker.start(folder)
    tracker.log(values_at(0), 0)
    took = time.perf_counter() - start
    tracker.finish()
    return {"first run": took}


def measure_log(tracker: Any, folder: Path, seconds: float) -> Figures:
    """Measure single log calls."""
    tracker.start(folder)
    timed_calls(tracker, seconds / 4)
    figures = percentiles(timed_calls(tracker, seconds, first=400_000))
    tracker.finish()
    return {"log p50": figures["p50"], "log p99": figures["p99"]}


def measure_log_folding(tracker: Any, folder: Path, seconds: float) -> Figures:
    """Measure single log calls while another thread folds without a pause."""
    if not hasattr(tracker, "fold_while_logging"):
        return {}
    tracker.start(folder)
    timed_calls(tracker, seconds / 4)
    fold, stop = tracker.fold_while_logging(folder), threading.Event()

    def fold_on() -> None:
        while not stop.is_set():
            fold()

    thread = threading.Thread(target=fold_on)
    thread.start()
    figures = percentiles(timed_calls(tracker, seconds, first=400_000))
    stop.set()
    thread.join()
    tracker.finish()
    return {"log p99 while folding": figures["p99"]}


def measure_throughput(tracker: Any, folder: Path, seconds: float) -> Figures:
    """Measure steps per second, from the first call until another process reads the last one."""
    command = [sys.executable, __file__, tracker_name(tracker), "read", str(folder), "0"]
    reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert reader.stdin
    assert reader.stdout
    reader.stdout.readline()
    tracker.start(folder)
    tracker.log(values_at(0), 0)
    start = time.perf_counter()
    steps = 1
    while time.perf_counter() - start < seconds:
        for _ in range(50):
            tracker.log(values_at(steps), steps)
            steps += 1
    tracker.finish()
    print(steps, file=reader.stdin, flush=True)
    answer = reader.stdout.readline()
    took = time.perf_counter() - start
    reader.wait()
    if answer.strip() != "read":
        return {}
    return {"steps per second": steps / took}


def read_along(tracker: Any, folder: Path, seconds: float) -> Figures:
    """Be the other process: say when as many steps as were asked for can be read."""
    with contextlib.suppress(Exception):
        tracker.count_steps(folder)
    print("ready", flush=True)
    wanted = int(sys.stdin.readline())
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if tracker.count_steps(folder) >= wanted:
            print("read", flush=True)
            return {}
        time.sleep(0.005)
    print("never", flush=True)
    return {}


def measure_memory(tracker: Any, folder: Path, seconds: float) -> Figures:
    """Measure the memory that is added by a first run, and by one that has gone on for a while."""
    before = resident_memory()
    tracker.start(folder)
    tracker.log(values_at(0), 0)
    first = resident_memory() - before
    for step in range(1, 300):
        tracker.log(values_at(step), step)
        time.sleep(0.01)
    tracker.finish()
    return {"memory, first": first, "memory": resident_memory() - before}


def fill_search(tracker: Any, folder: Path, seconds: float) -> Figures:
    """Log the runs that the search looks at."""
    if not hasattr(tracker, "fill"):
        return {}
    chance = random.Random(0)
    runs = [
        {
            "params": {f"p{i}": str(chance.randrange(3)) for i in range(N_KEYS)},
            "metrics": {f"m{i}": chance.random() for i in range(N_KEYS)},
        }
        for _ in range(N_RUNS)
    ]
    tracker.fill(folder, runs)
    return {}


def measure_search(tracker: Any, folder: Path, seconds: float) -> Figures:
    """Measure searches of 500 runs to a DataFrame."""
    if not hasattr(tracker, "search_all"):
        return {}
    assert tracker.search_all(folder) == N_RUNS
    assert tracker.search_top(folder) == 10
    return {
        "search all": median_time(lambda: tracker.search_all(folder)),
        "search top 10": median_time(lambda: tracker.search_top(folder)),
    }


TASKS: dict[str, Callable[[Any, Path, float], Figures]] = {
    "import": measure_import,
    "first_run": measure_first_run,
    "log": measure_log,
    "log_folding": measure_log_folding,
    "throughput": measure_throughput,
    "read": read_along,
    "memory": measure_memory,
    "fill_search": fill_search,
    "search": measure_search,
    "fold": measure_fold,
    "fill_points": fill_points,
    "points": measure_points,
}


def tracker_name(tracker: Any) -> str:
    """Return the name under which ``trackers.load`` finds a tracker."""
    return type(tracker).__module__.removeprefix("trackers.with_")


def main() -> None:
    """Run one task as the command line says."""
    name, task, folder, seconds = sys.argv[1:]
    where = Path(folder)
    os.chdir(where)
    tracker = trackers.load(name)
    tracker.prepare(where)
    if task == "read":
        read_along(tracker, where, 0)
        return
    with contextlib.redirect_stdout(io.StringIO()):
        figures = TASKS[task](tracker, where, float(seconds))
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
