"""Measure reading runs and points: searching, data frames, histories, buckets.

Usage::

    python benchmarks/search.py [--small]

Figures are medians of warm calls on a DuckDB file that one thread reads, without
the milliseconds of attaching it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from nbtrack.store.frame import runs_frame
from nbtrack.store.history import (
    bucket_columns,
    buckets,
    latest_values,
    metric_history,
    metric_history_columns,
)
from nbtrack.store.queries import migrations
from nbtrack.store.reader import Reader
from nbtrack.store.runs import get_run
from nbtrack.store.search.runs import search_runs, select_run_ids

FILTER = "metrics.m3 > 0.2 AND params.p2 != '4'"
ORDER = ["metrics.m1 DESC"]
LONG = "m0"

FILL_RUNS = """
INSERT INTO runs (run_id, experiment_id, run_name, status, start_time, user_id, lifecycle_stage)
SELECT md5(i::VARCHAR), '1', 'run-' || i, 'FINISHED',
       make_timestamp(1700000000000000 + i * 1000000), 'ada', 'active'
FROM range($runs) t(i);
"""
FILL_TEXTS = """
INSERT INTO {table}
SELECT md5(i::VARCHAR), '{letter}' || k, (i * k)::VARCHAR FROM range($runs) t(i), range($keys) u(k)
"""
FILL_POINTS = """
INSERT INTO points
SELECT i, step, 1700000000000 + step * 10, random()
FROM (SELECT i, unnest(range(CASE WHEN i = $long THEN 100000 ELSE $steps END)) AS step
      FROM range($runs * 10) t(i))
"""
FILL_SERIES = """
INSERT INTO series
SELECT series, md5((series // 10)::VARCHAR), 'm' || (series % 10), count(*), 0, max(step),
       max(time), arg_max(value, step), min(value), arg_min(step, value), max(value),
       arg_max(step, value), max(time), min(step), min(time)
FROM points GROUP BY series
"""


@contextmanager
def filled(path: Path, runs: int, steps: int) -> Iterator[Reader]:
    """Make a store of ``runs`` runs with 10 metrics of ``steps`` points, one of 100,000."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(f"ATTACH '{path}' AS store (STORAGE_VERSION 'v1.2.0')")
    connection.execute("USE store")
    for _, _, sql in migrations():
        connection.execute(sql)
    connection.execute(FILL_RUNS, {"runs": runs})
    for table, letter, keys in (("params", "p", 10), ("tags", "t", 3)):
        fill = FILL_TEXTS.format(table=table, letter=letter)
        connection.execute(fill, {"runs": runs, "keys": keys})
    connection.execute(FILL_POINTS, {"runs": runs, "steps": steps, "long": runs // 2 * 10})
    connection.execute(FILL_SERIES)
    connection.execute("CHECKPOINT store")
    yield Reader(connection, path.with_name(path.name + ".d"))
    connection.close()


def median(work: Callable[[], Any], times: int = 30) -> float:
    """Return the median time of a warm call, in seconds."""
    work()
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def search_figures(reader: Reader) -> dict[str, float]:
    """Return seconds for searches among 500 runs of 10 metrics and 10 params."""
    ids = select_run_ids(reader, None).run_ids
    return {
        "500 runs as a data frame": median(lambda: runs_frame(reader, None)),
        "filtered and ordered, top 10, as a data frame": median(
            lambda: runs_frame(reader, None, FILTER, max_results=10, order_by=ORDER)
        ),
        "filtered and ordered, top 10, as ids": median(
            lambda: select_run_ids(reader, None, FILTER, order_by=ORDER, stop=10)
        ),
        "500 runs as a list": median(lambda: search_runs(reader, None, max_results=500), 10),
        "one run by its id": median(lambda: get_run(reader, ids[0])),
    }


def point_figures(reader: Reader, runs: int) -> dict[str, float]:
    """Return seconds for reads of points among all points of the store."""
    ids = [run_id for (run_id,) in reader.rows("SELECT run_id FROM runs ORDER BY start_time")]
    long = ids[runs // 2]
    return {
        "100,000 points as 1,000 buckets": median(lambda: buckets(reader, long, LONG)),
        "20 runs of one metric as 500 buckets": median(
            lambda: bucket_columns(reader, ids[:20], ["m1"], 500)
        ),
        "100,000 points as columns": median(lambda: metric_history_columns(reader, [long], [LONG])),
        "100,000 points as a list": median(lambda: metric_history(reader, long, LONG), 5),
        "latest values of all metrics of all runs": median(lambda: latest_values(reader, ids)),
    }


def main(*, small: bool = False) -> dict[str, float]:
    """Measure, print and return the figures, in seconds."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        with filled(Path(folder) / "search.duckdb", 500, 20) as reader:
            figures |= search_figures(reader)
        runs = 100 if small else 1000
        with filled(Path(folder) / "points.duckdb", runs, 990) as reader:
            figures |= point_figures(reader, runs)
    for name, seconds in figures.items():
        print(f"{name:<50} {seconds * 1000:8.2f} ms")
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="1 million points rather than 10")
    main(small=parser.parse_args().small)
