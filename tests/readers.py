"""An in-memory database with the schema of the store, and a way to put runs into it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from nbtrack.store.queries import migrations
from nbtrack.store.reader import Reader

FOLDER = Path("/store/nbtrack.duckdb.d")
START = 1_700_000_000_000

Point = tuple[int, int, float]


def new_reader() -> Reader:
    """Return a reader of an empty store."""
    connection = duckdb.connect(":memory:", config={"threads": 1})
    for _, _, sql in migrations():
        connection.execute(sql)
    return Reader(connection, FOLDER)


def clear(reader: Reader) -> None:
    """Remove all runs."""
    for table in ("runs", "params", "tags", "series", "points", "inputs", "datasets"):
        reader.connection.execute(f"DELETE FROM {table}")


@pytest.fixture(scope="module")
def shared() -> Iterator[Reader]:
    """One reader for all tests of a module; property tests clear it themselves."""
    made = new_reader()
    yield made
    made.connection.close()


@pytest.fixture
def reader(shared: Reader) -> Reader:
    """A reader of an empty store."""
    clear(shared)
    return shared


def add_experiment(
    reader: Reader,
    experiment_id: str,
    name: str,
    *,
    stage: str = "active",
    created: int = START,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Insert an experiment."""
    reader.rows(
        "INSERT INTO experiments VALUES ($id, $name, $stage, NULL, epoch_ms($t), epoch_ms($t))",
        id=experiment_id, name=name, stage=stage, t=created,
    )  # fmt: skip
    for key, value in (tags or {}).items():
        reader.connection.execute(
            "INSERT INTO experiment_tags VALUES (?, ?, ?)", [experiment_id, key, value]
        )


def add_run(
    reader: Reader,
    run_id: str,
    *,
    experiment_id: str = "1",
    name: str = "quick-fox-1",
    status: str = "FINISHED",
    user: str = "ada",
    stage: str = "active",
    start: int = START,
    end: int | None = None,
    uri: str | None = None,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    metrics: Mapping[str, float | Iterable[Point]] | None = None,
) -> None:
    """Insert a run; a metric is one value, or points (step, time, value)."""
    reader.rows(
        "INSERT INTO runs VALUES ($id, $experiment, $name, $status, epoch_ms($start), "
        "epoch_ms($end), $user, $stage, NULL, $uri, NULL, NULL, NULL, NULL)",
        id=run_id, experiment=experiment_id, name=name, status=status, start=start, end=end,
        user=user, stage=stage, uri=uri,
    )  # fmt: skip
    for table, pairs in (("params", params), ("tags", tags)):
        for key, value in (pairs or {}).items():
            reader.connection.execute(f"INSERT INTO {table} VALUES (?, ?, ?)", [run_id, key, value])
    for key, points in (metrics or {}).items():
        listed = [(0, start, points)] if isinstance(points, (int, float)) else list(points)
        _add_series(reader, run_id, key, listed)


def _add_series(reader: Reader, run_id: str, key: str, points: list[Point]) -> None:
    number = reader.rows("SELECT coalesce(max(series), 0) + 1 FROM series")[0][0]
    last = max(points, key=lambda p: (p[0], p[1], -math.inf if math.isnan(p[2]) else p[2]))
    real = [p for p in points if not math.isnan(p[2])]
    low = min(real, key=lambda p: p[2], default=None)
    high = max(real, key=lambda p: p[2], default=None)
    reader.connection.execute(
        "INSERT INTO series VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            number, run_id, key, len(points), len(points) - len(real), *last,
            low and low[2], low and low[0], high and high[2], high and high[0],
            max(p[1] for p in points), min(p[0] for p in points), min(p[1] for p in points),
        ],
    )  # fmt: skip
    reader.connection.executemany(
        "INSERT INTO points VALUES (?, ?, ?, ?)", [(number, *point) for point in points]
    )


def add_dataset(
    reader: Reader, run_id: str, name: str, digest: str, tags: Mapping[str, Any] | None = None
) -> None:
    """Insert a dataset that a run of experiment 1 has read."""
    reader.connection.execute(
        "INSERT INTO datasets VALUES ('1', ?, ?, 'local', '{}', NULL, NULL)", [name, digest]
    )
    reader.connection.execute(
        "INSERT INTO inputs VALUES (?, '1', ?, ?, ?)",
        [run_id, name, digest, json.dumps(tags or {})],
    )
