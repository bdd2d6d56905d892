"""The runs that growth.py asks about, in bulk: into a store of nbtrack, or into MLflow's tables.

Every value follows from the number of its run, so that both hold the same and must give the same
answers. A run has 50 metrics of 200 points, 10 params and 5 tags; the run in the middle has one
metric more, of 100,000 points.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from nbtrack.store import Store

KEYS, STEPS, LONG_STEPS = 50, 200, 100_000
PARAMS, TAGS = 10, 5
RUNS_OF_EXPERIMENT = 1_000
POINTS_OF_COMMIT = 10_000_000
LONG = "long"

RUNS = """
SELECT md5(i::VARCHAR) AS run_id, (1 + i // 1000) AS experiment_id, 'run-' || i AS run_name,
       1700000000000 + i * 60000 AS start
FROM range($first, $last) t(i)
"""
TEXTS = """
SELECT md5(i::VARCHAR) AS run_id, '{letter}' || k AS key, ((i * (k + 3)) % 97)::VARCHAR AS value
FROM range($first, $last) t(i), range({keys}) u(k)
"""
POINTS = f"""
SELECT series, md5((series // {KEYS})::VARCHAR) AS run_id,
       'm' || lpad((series % {KEYS})::VARCHAR, 2, '0') AS key, step,
       1700000000000 + (series // {KEYS}) * 60000 + step * 200 AS time,
       exp(-step / (20.0 + series % 37))
       + ((series * 2654435761 + step * 40503) % 65521) / 655210.0 AS value
FROM (SELECT series, unnest(range({STEPS})) AS step
      FROM range($first * {KEYS}, $last * {KEYS}) t(series))
"""
LONG_POINTS = f"""
SELECT $runs * {KEYS} AS series, md5(($runs // 2)::VARCHAR) AS run_id, '{LONG}' AS key, step,
       1700000000000 + ($runs // 2)::BIGINT * 60000 + step AS time, sin(step / 1000.0) AS value
FROM range({LONG_STEPS}) t(step)
"""
SUMMARY = """
SELECT {id}, key, count(*) AS count, max(step) AS last_step, max(time) AS last_time,
       arg_max(value, step) AS last_value, min(value) AS min_value,
       arg_min(step, value) AS min_step, max(value) AS max_value,
       arg_max(step, value) AS max_step, min(step) AS first_step, min(time) AS min_time
FROM ({points}) GROUP BY ALL
"""
ADD_SERIES = """
INSERT INTO series (series, run_id, key, count, nan_count, last_step, last_time, last_value,
                    min_value, min_step, max_value, max_step, max_time, first_step, min_time)
SELECT series, run_id, key, count, 0, last_step, last_time, last_value,
       min_value, min_step, max_value, max_step, last_time, first_step, min_time
FROM ({summary}) ORDER BY series
"""
ADD_EXPERIMENTS = """
INSERT INTO experiments
SELECT (i + 1)::VARCHAR, 'experiment-' || (i + 1), 'active', NULL,
       make_timestamp(1700000000000000), make_timestamp(1700000000000000)
FROM range($count) t(i)
"""
ADD_RUNS = f"""
INSERT INTO runs (run_id, experiment_id, run_name, status, start_time, end_time, user_id,
                  lifecycle_stage)
SELECT run_id, experiment_id::VARCHAR, run_name, 'FINISHED', make_timestamp(start * 1000),
       make_timestamp((start + 40000) * 1000), 'ada', 'active'
FROM ({RUNS})
"""
MLFLOW_RUNS = f"""
SELECT run_id AS run_uuid, run_name AS name, 'UNKNOWN' AS source_type, 'ada' AS user_id,
       'FINISHED' AS status, start AS start_time, start + 40000 AS end_time,
       'active' AS lifecycle_stage, experiment_id
FROM ({RUNS})
"""
MLFLOW_TEXTS = "SELECT key, value, run_id AS run_uuid FROM ({texts})"
MLFLOW_POINTS = """
SELECT key, {last}value AS value, {last}time AS timestamp, run_id AS run_uuid, {last}step AS step,
       false AS is_nan
FROM ({points})
"""
MLFLOW_AT_ONCE = 200


def run_id(number: int) -> str:
    """Return the id of a run."""
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()


def experiments_of(runs: int) -> int:
    """Return how many experiments so many runs belong to."""
    return -(-runs // RUNS_OF_EXPERIMENT)


def fill(store: Store, runs: int) -> float:
    """Write runs with their points into an empty store; return the seconds that it took."""
    begin = time.perf_counter()
    at_once = POINTS_OF_COMMIT // (KEYS * STEPS)
    with store.read():  # makes a team store where there is none
        pass
    with store.write() as reader:
        reader.connection.execute(ADD_EXPERIMENTS, {"count": experiments_of(runs)})
    for first in range(0, runs, at_once):
        part = {"first": first, "last": min(first + at_once, runs)}
        with store.write() as reader:
            run = reader.connection.execute
            run(ADD_RUNS, part)
            for table, texts in _texts().items():
                run(f"INSERT INTO {table} {texts}", part)
            _add_points(run, POINTS, part)
    with store.write() as reader:
        _add_points(reader.connection.execute, LONG_POINTS, {"runs": runs})
    return time.perf_counter() - begin


def _texts() -> dict[str, str]:
    tables = {"params": ("p", PARAMS), "tags": ("t", TAGS)}
    return {
        table: TEXTS.format(letter=letter, keys=keys) for table, (letter, keys) in tables.items()
    }


def _add_points(run: Any, points: str, values: dict[str, int]) -> None:
    run(f"INSERT INTO points SELECT series, step, time, value FROM ({points})", values)
    summary = SUMMARY.format(id="series, run_id", points=points)
    run(ADD_SERIES.format(summary=summary), values)


def fill_mlflow(url: str, tracking: Any, runs: int) -> float:
    """Write the same into the tables that MLflow has just made in PostgreSQL."""
    import psycopg

    begin = time.perf_counter()
    for number in range(1, experiments_of(runs) + 1):
        made = tracking.create_experiment(f"experiment-{number}")
        assert made == str(number), "the database is not empty"
    with psycopg.connect(url) as database:
        for first in range(0, runs, MLFLOW_AT_ONCE):
            part = {"first": first, "last": min(first + MLFLOW_AT_ONCE, runs)}
            _copy(database, "runs", MLFLOW_RUNS, part)
            for table, texts in _texts().items():
                _copy(database, table, MLFLOW_TEXTS.format(texts=texts), part)
            _copy_points(database, POINTS, part)
        _copy_points(database, LONG_POINTS, {"runs": runs})
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("VACUUM ANALYZE")
    return time.perf_counter() - begin


def _copy_points(database: Any, points: str, values: dict[str, int]) -> None:
    _copy(database, "metrics", MLFLOW_POINTS.format(last="", points=points), values)
    summary = SUMMARY.format(id="run_id", points=points)
    _copy(database, "latest_metrics", MLFLOW_POINTS.format(last="last_", points=summary), values)


def _copy(database: Any, table: str, query: str, values: dict[str, int]) -> None:
    """Copy the rows of a query of DuckDB into a table of PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(duckdb.connect()) as local:
        file = Path(folder, "rows.csv")
        columns = local.execute(f"{query} LIMIT 0", values).description or ()
        local.execute(f"COPY ({query}) TO '{file}' (FORMAT csv, HEADER false)", values)
        names = ", ".join(column[0] for column in columns)
        into = f"COPY {table} ({names}) FROM STDIN (FORMAT csv)"
        with database.cursor().copy(into) as copy, file.open("rb") as source:
            while piece := source.read(1 << 20):
                copy.write(piece)
    database.commit()
