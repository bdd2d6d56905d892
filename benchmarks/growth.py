"""Measure how the questions of a user grow with the number of runs and points.

Usage::

    python benchmarks/growth.py fill URI --runs 10000
    python benchmarks/growth.py ask URI [--runs 10000] [--times 9]
    python benchmarks/growth.py commits URI --runs 1000 [--steps 0,100,1000,5000]
    python benchmarks/growth.py fill-mlflow postgresql://USER:PASSWORD@HOST/DB --runs 1000
    python benchmarks/growth.py ask-mlflow postgresql://USER:PASSWORD@HOST/DB --runs 1000

The URI is that of an empty store: a file, or a team store (with NBTRACK_DATA_PATH). ``fill``
writes runs of 50 metrics with 200 points each in bulk (growth_data.py): 10,000 runs are 100
million points. ``ask`` prints the milliseconds of each question; each opens the store as any use
of it does. ``commits`` measures a team store between two merges, on a store of its own. MLflow's
store is asked the same in this process, without its server: JSON and HTTP come on top there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import duckdb
import psutil

import growth_data
from growth_data import LONG, experiments_of, run_id
from nbtrack.store import Store, get_run, open_store, runs_frame
from nbtrack.store.history import bucket_columns, buckets, latest_values
from nbtrack.store.search import search_runs
from nbtrack.views.chart.query import stored_curves
from nbtrack.views.comparison.data import Scope, compare_runs
from nbtrack.views.details.details import details
from nbtrack.views.details.tree_query import experiment_rows, tree_page
from nbtrack.views.table.page import default_columns
from nbtrack.views.table.run_query import TableQuery
from nbtrack.views.table.source import StoreTable

Questions = dict[str, Callable[[], Any]]

FILTER = "metrics.m03 > 0.05 AND params.p2 != '4'"
ORDER = ["metrics.m01 DESC"]
KEY = "m07"
MOST_S = 8.0

EXPERIMENTS = "experiments, and the first 100 runs of one"
COLUMNS = "which columns there are"
PAGE = "page of 100 runs in the table"
SORTED = "the same, sorted by a metric"
ENTITIES = "search, 100 runs"
TOP = "search, filtered and sorted, top 10"
FRAME = "search, 500 runs as a DataFrame"
LATEST = "latest of 50 metrics of 1,000 runs"
CURVE = "curve of 200 points"
LONG_CURVE = "curve of 100,000 points as 1,000 buckets"
COMPARE = "comparison of 20 runs, with a curve each"
ONE = "one run by its id"
DETAILS = "all of a run, with 50 small curves"
FOLD = "fold of 200 points"


def questions(store: Store, runs: int) -> Questions:
    """Return what a user asks of a store with so many runs, as functions."""
    middle = runs // 2
    some = [run_id(number * runs // 20) for number in range(20)]
    first = max(0, min(middle, runs - 1000))
    many = [run_id(number) for number in range(first, min(first + 1000, runs))]
    table = StoreTable(store)
    columns = default_columns(table.columns())
    last = str(experiments_of(runs))

    def read(ask: Callable[[Any], Any]) -> Any:
        with store.read() as reader:
            return ask(reader)

    def tree() -> Any:
        with store.read() as reader:
            return experiment_rows(reader), tree_page(reader, last).run_ids

    def compared() -> Any:
        with store.read() as reader:
            return compare_runs(reader, Scope(None, "", some)), stored_curves(reader, some, [KEY])

    return {
        EXPERIMENTS: tree,
        COLUMNS: table.columns,
        PAGE: lambda: table.page(TableQuery(columns=columns)),
        SORTED: lambda: table.page(TableQuery(columns=columns, sort=[(f"metrics.{KEY}", False)])),
        ENTITIES: lambda: read(lambda reader: search_runs(reader, None, max_results=100)),
        TOP: lambda: read(
            lambda reader: runs_frame(reader, None, FILTER, max_results=10, order_by=ORDER)
        ),
        FRAME: lambda: read(lambda reader: runs_frame(reader, None, max_results=500)),
        LATEST: lambda: read(lambda reader: latest_values(reader, many)),
        CURVE: lambda: read(lambda reader: buckets(reader, run_id(middle), KEY, 1000)),
        LONG_CURVE: lambda: read(lambda reader: buckets(reader, run_id(middle), LONG, 1000)),
        COMPARE: compared,
        ONE: lambda: read(lambda reader: get_run(reader, run_id(middle))),
        DETAILS: lambda: details(store, run_id(middle)),
    }


def mlflow_questions(url: str, runs: int) -> Questions:
    """Return the same questions for MLflow's store on PostgreSQL, in MLflow's words."""
    import mlflow
    from mlflow.entities import ViewType
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    address = url.replace("postgresql:", "postgresql+psycopg:", 1)
    mlflow.set_tracking_uri(address)
    store = SqlAlchemyStore(address, "mlflow-artifacts:/")
    middle = runs // 2
    everything = [str(number + 1) for number in range(experiments_of(runs))]
    keys = [f"m{number:02}" for number in range(growth_data.KEYS)]
    some = [run_id(number * runs // 20) for number in range(20)]
    among = f"attributes.run_id IN ({', '.join(map(repr, some))})"

    def found(where: str, most: int, order: list[str] | None = None) -> Any:
        return store.search_runs(everything, where, ViewType.ACTIVE_ONLY, most, order)

    def frame(**more: Any) -> Any:
        return mlflow.search_runs(everything, **more)

    def curve(ids: list[str], key: str, points: int) -> Any:
        return store.get_metric_history_bulk_interval(ids, key, points, None, None)

    def whole() -> Any:
        return store.get_run(run_id(middle)), [curve([run_id(middle)], key, 320) for key in keys]

    return {
        EXPERIMENTS: lambda: (
            store.search_experiments(max_results=1000),
            store.search_runs(everything[-1:], "", ViewType.ACTIVE_ONLY, 100),
        ),
        PAGE: lambda: found("", 100),
        SORTED: lambda: found("", 100, [f"metrics.{KEY} DESC"]),
        ENTITIES: lambda: found("", 100),
        TOP: lambda: frame(filter_string=FILTER, max_results=10, order_by=ORDER),
        FRAME: lambda: frame(max_results=500),
        LATEST: lambda: found("", 1000),
        CURVE: lambda: curve([run_id(middle)], KEY, 1000),
        LONG_CURVE: lambda: curve([run_id(middle)], LONG, 1000),
        COMPARE: lambda: (found(among, 20), curve(some, KEY, 1000)),
        ONE: lambda: store.get_run(run_id(middle)),
        DETAILS: whole,
    }


def some_of(asked: Questions, only: str | None) -> Questions:
    """Return the questions whose names match."""
    return {name: question for name, question in asked.items() if re.search(only or "", name)}


def ask(asked: Questions, times: int) -> dict[str, dict[str, float]]:
    """Return and print the milliseconds of warm calls of each question.

    Least and median by the clock, and the least of what the processors have worked for it, here
    and in PostgreSQL: that is what other programs on the machine change least.
    """
    figures = {}
    for name, question in asked.items():
        question()
        servers = _postgres()
        spent: list[float] = []
        used: list[float] = []
        begin = time.perf_counter()
        while len(spent) < times and (len(spent) < 3 or time.perf_counter() - begin < MOST_S):
            start, worked = time.perf_counter(), _worked(servers)
            question()
            spent.append((time.perf_counter() - start) * 1000)
            used.append((_worked(servers) - worked) * 1000)
        found = {"min": min(spent), "median": statistics.median(spent), "cpu": min(used)}
        figures[name] = {key: round(value, 1) for key, value in found.items()}
        print(f"{name:<48}" + "".join(f"{value:>10.1f}" for value in found.values()), flush=True)
    return figures


def _postgres() -> list[Path]:
    """Return where Linux counts the time of the processes of PostgreSQL that answer this one."""
    ports = {f"({each.laddr.port})" for each in psutil.Process().net_connections()}
    found = []
    for process in psutil.process_iter(["cmdline"]):
        title = " ".join(process.info["cmdline"] or ())
        if title.startswith("postgres:") and any(port in title for port in ports):
            found.append(Path(f"/proc/{process.pid}/schedstat"))
    return found


def _worked(servers: list[Path]) -> float:
    """Return the seconds that this process and those of a server have used a processor."""
    return time.process_time() + sum(int(file.read_text().split()[0]) for file in servers) / 1e9


class Logger:
    """Logs points to one run and folds them, as a training does.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._step = 0
        info, self._writer = store.runs.create(
            "1", run_name="training", start_time=int(time.time() * 1000), user_id="ada", tags={},
            owner=None,
        )  # fmt: skip
        self.run_id = info.run_id
        store.rest()
        self.fold()

    def fold(self) -> None:
        """Log 10 points of each of 20 metrics, and fold them."""
        now = int(time.time() * 1000)
        self._writer.log_points(
            [
                (f"m{key:02}", 1 / (self._step + place + 1), now, self._step + place)
                for place in range(10)
                for key in range(20)
            ]
        )
        self._step += 10
        self.store.rest()
        self.store.fold()


def commits(store: Store, runs: int, stages: list[int], times: int) -> dict[str, Any]:
    """Measure reads and folds after so many folds of 200 points each, then a merge."""
    logger = Logger(store)
    asked = questions(store, runs)
    chosen = {name: asked[name] for name in (PAGE, CURVE, LATEST, DETAILS)}
    chosen["curve of the run that was folded"] = lambda: _curve(store, logger.run_id)
    figures: dict[str, Any] = {}
    done = 0
    for stage in stages:
        begin = time.perf_counter()
        while done < stage:
            logger.fold()
            done += 1
        took = time.perf_counter() - begin
        print(f"-- {stage} folds; {took:.0f} s for those since the last stage", flush=True)
        figures[str(stage)] = ask({**chosen, FOLD: logger.fold}, times)
    figures["merge"] = merge(store)
    figures["merged"] = ask({**chosen, FOLD: logger.fold}, times)
    return figures


def merge(store: Store) -> float:
    """Merge the small files of a lake with the team's lock held; return the seconds.

    Without it a fold that changes the same tables refuses the merge.
    """
    lake = getattr(store, "lake", None)
    if lake is None:
        raise SystemExit("Only a team store has files to merge.")
    begin = time.perf_counter()
    with (
        store.locked_for_writing(),
        lake.connection(read_only=False, files=False) as connection,
    ):
        connection.execute("CALL ducklake_merge_adjacent_files('store')")
    took = time.perf_counter() - begin
    print(f"-- merged in {took:.1f} s", flush=True)
    return took


def _curve(store: Store, run: str) -> Any:
    with store.read() as reader:
        return bucket_columns(reader, [run], ["m00"], 1000)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=["fill", "ask", "commits", "fill-mlflow", "ask-mlflow"])
    parser.add_argument("uri")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--times", type=int, default=9, help="warm calls of each question at most")
    parser.add_argument("--steps", default="0,100,1000", help="folds after which to measure")
    parser.add_argument("--only", help="a regular expression: the questions to ask")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    figures: Any = None
    if given.what == "fill":
        print(f"{growth_data.fill(open_store(given.uri), given.runs):.1f} s")
    elif given.what == "ask":
        store = open_store(given.uri)
        asked = questions(store, given.runs)
        asked[FOLD] = Logger(store).fold
        figures = ask(some_of(asked, given.only), given.times)
    elif given.what == "commits":
        stages = [int(stage) for stage in given.steps.split(",")]
        figures = commits(open_store(given.uri), given.runs, stages, given.times)
    elif given.what == "fill-mlflow":
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        address = given.uri.replace("postgresql:", "postgresql+psycopg:", 1)
        store = SqlAlchemyStore(address, "mlflow-artifacts:/")
        print(f"{growth_data.fill_mlflow(given.uri, store, given.runs):.1f} s")
    else:
        asked = mlflow_questions(given.uri, given.runs)
        figures = ask(some_of(asked, given.only), given.times)
    if given.json is not None and figures is not None:
        about = {"runs": given.runs, "load": os.getloadavg(), "duckdb": duckdb.__version__}
        given.json.write_text(json.dumps({**about, "figures": figures}, indent=1))


if __name__ == "__main__":
    main()
