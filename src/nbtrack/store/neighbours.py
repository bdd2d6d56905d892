"""Runs beside a run: the one before it, the best one, and runs as people name them."""

from __future__ import annotations

import difflib
import re

from nbtrack.entities import RunInfo
from nbtrack.errors import NotFoundError
from nbtrack.store.reader import Reader
from nbtrack.store.search.direction import Direction

_ID = re.compile(r"[0-9a-f]{6,32}")


def previous_run(reader: Reader, info: RunInfo) -> str | None:
    """Return the id of the run that a run is compared with, or None.

    Of its experiment's runs that have ended: one of the same name before others, one
    that has finished before others, then the latest.
    """
    rows = reader.named(
        "neighbours.previous",
        experiment_id=info.experiment_id,
        run_id=info.run_id,
        run_name=info.run_name,
        start_ms=info.start_time,
    )
    return rows[0][0] if rows else None


def best_run(reader: Reader, info: RunInfo, key: str, way: Direction) -> str | None:
    """Return the id of the run of the experiment, not this one, with the best value of a metric."""
    rows = reader.named(
        "neighbours.best",
        experiment_id=info.experiment_id,
        run_id=info.run_id,
        key=key,
        smallest=way == "min",
    )
    return rows[0][0] if rows else None


def find_run(reader: Reader, name: str, experiment_id: str) -> str:
    """Return the id of a run that is given by its id, the beginning of it, or its name.

    Of runs with the same name it is the latest, one of the experiment before others.

    Raises
    ------
    NotFoundError
        If there is none; the message has the nearest name.
    """
    rows = reader.named("neighbours.by_name", name=name, experiment_id=experiment_id)
    if not rows and _ID.fullmatch(name):
        rows = reader.named("neighbours.by_id", name=name)
    if len(rows) == 1:
        return str(rows[0][0])
    if rows:
        raise NotFoundError(f"Several runs have an id that starts with {name!r}. Give more of it.")
    close = difflib.get_close_matches(name, latest_names(reader, 500), n=1)
    hint = f"Did you mean {close[0]!r}?" if close else "nbtrack.runs() shows the runs there are."
    raise NotFoundError(f"There is no run with the name or id {name!r}. {hint}")


def latest_names(reader: Reader, limit: int) -> list[str]:
    """Return the names of the runs that started last, each once."""
    return [name for (name,) in reader.named("neighbours.latest_names", limit=limit)]


def earlier_runs(reader: Reader, info: RunInfo, key: str, limit: int) -> dict[str, int]:
    """Return the latest runs of the experiment that have finished, with their last step.

    Only those that have the metric and started no later than this one.
    """
    rows = reader.named(
        "neighbours.earlier",
        experiment_id=info.experiment_id,
        run_id=info.run_id,
        key=key,
        start_ms=info.start_time,
        limit=limit,
    )
    return dict(rows)


def means(reader: Reader, run_ids: list[str], key: str, width: int) -> dict[str, dict[int, float]]:
    """Return a metric's mean over every ``width`` steps, by run and bucket (step // width)."""
    found: dict[str, dict[int, float]] = {}
    for run_id, bucket, mean in reader.named(
        "neighbours.means", run_ids=run_ids, key=key, width=width
    ):
        found.setdefault(run_id, {})[bucket] = mean
    return found
