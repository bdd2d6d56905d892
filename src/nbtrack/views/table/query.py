"""Runs as rows of a table: which columns there are, and the cells of some of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nbtrack.entities.runs import NOTE, REPRODUCED, VERDICT, WARNINGS
from nbtrack.store import SQL, Reader, now_ms
from nbtrack.store.search import direction_of
from nbtrack.views.formats import natural_order
from nbtrack.views.table.run_query import (
    EXTRA_TABLE,
    TAG_COLUMNS,
    RunSelect,
    Scope,
    Stage,
    TableQuery,
)
from nbtrack.views.verdict import verdict_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Family = Literal["metrics", "params", "tags"]
FAMILIES: tuple[Family, ...] = ("params", "metrics", "tags")
INFO = ("run_name", "status", "start_time", "duration", "experiment", "user_id", "run_id")
_NO_LIMIT = 2**62


@dataclass(frozen=True)
class Key:
    """A metric, param or tag that some of the runs have.

    Attributes
    ----------
    family : {"metrics", "params", "tags"}
    key : str
    differs : bool
        Whether not all runs have the same value of it.
    numeric : bool
        Whether all its values are numbers.
    everywhere : bool
        Whether all runs have it.
    """

    family: Family
    key: str
    differs: bool
    numeric: bool
    everywhere: bool = True

    @property
    def name(self) -> str:
        """The column's name, such as ``metrics.loss``."""
        return f"{self.family}.{self.key}"


@dataclass(frozen=True)
class Keys:
    """The columns of a table of runs.

    Attributes
    ----------
    keys : list of Key
        Params, metrics and tags, each by name.
    several : bool
        Whether the runs belong to several experiments.
    noted : bool
        Whether one of them has a note.
    verified : bool
        Whether one of them was run again.
    warned : bool
        Whether one of them may not give the same numbers when it is run again.
    running : int
        How many of them are still running.
    """

    keys: list[Key]
    several: bool
    noted: bool
    verified: bool
    warned: bool
    running: int


def table_keys(reader: Reader, scope: Scope, stage: Stage = "active") -> Keys:
    """Return what the runs of a scope have logged."""
    if scope.run_ids is None:
        reader.refresh(runs_of=scope.experiment_ids)
    else:
        reader.refresh(runs=scope.run_ids)
    rows = reader.named(
        "table.keys",
        experiment_ids=_list(scope.experiment_ids),
        run_ids=_list(scope.run_ids),
        lifecycle="deleted" if stage == "deleted" else "active",
    )
    total, several, running = next((r[2:] for r in rows if not r[0]), (0, False, 0))
    keys = [
        Key(family, key, bool(different) or runs < total, numeric == runs, runs >= total)
        for family, key, runs, different, numeric in rows
        if family and (family != "tags" or key not in (NOTE, REPRODUCED, WARNINGS))
    ]
    keys.sort(key=lambda found: (FAMILIES.index(found.family), natural_order(found.key)))
    tags = {row[1] for row in rows if row[0] == "tags"}
    return Keys(keys, bool(several), NOTE in tags, REPRODUCED in tags, WARNINGS in tags, running)


def table_rows(
    reader: Reader,
    experiment_ids: Sequence[str] | None,
    filter_string: str,
    order_by: Sequence[tuple[str, bool]],
    start: int,
    stop: int,
) -> tuple[list[str], int]:
    """Return the ids of the runs at ``start`` to ``stop``, and how many runs match.

    Parameters
    ----------
    reader : Reader
    experiment_ids : list of str or None
        None for all experiments.
    filter_string : str
        See ``nbtrack.store.search.grammar``; words are looked for in names, params, tags, notes.
    order_by : list of (column, rises)
        The newest first where there is none. Params that are numbers go by their size,
        and what a run lacks comes last.
    start, stop : int
    """
    query = TableQuery(filter=filter_string, sort=order_by, start=start, stop=stop)
    return select_ids(reader, Scope(experiment_ids), query)


def select_ids(reader: Reader, scope: Scope, query: TableQuery) -> tuple[list[str], int]:
    """Return the ids of a query's rows, and how many runs match; groups are not looked at."""
    select = RunSelect(reader, scope, query.filter, query.sort, query.stage)
    order = select.order()
    text = SQL["table.ids"].format(
        joins=" ".join(select.joins), condition=select.condition, order=order
    )
    limit = max(query.stop - query.start, 0)
    with joined(reader, scope):
        rows = reader.rows(text, **select.values, limit=limit, offset=query.start)
    if rows:
        return [row[0] for row in rows], rows[0][1]
    if query.start == 0 and limit > 0:
        return [], 0
    text = SQL["table.count"].format(joins="", condition=select.condition)
    return [], reader.rows(text, **select.count_values)[0][0]


def all_ids(reader: Reader, scope: Scope, query: TableQuery) -> list[str]:
    """Return the ids of all runs that match, in order."""
    whole = TableQuery(filter=query.filter, sort=query.sort, stage=query.stage, stop=_NO_LIMIT)
    return select_ids(reader, scope, whole)[0]


@contextmanager
def joined(reader: Reader, scope: Scope) -> Iterator[None]:
    """Let queries see the extra columns of a scope."""
    if scope.extra is None:
        yield
        return
    names = {name: f"c{place}" for place, name in enumerate(scope.extra.columns)}
    names["run_id"] = "run_id"
    reader.connection.register(EXTRA_TABLE, scope.extra.rename(columns=names))
    try:
        yield
    finally:
        reader.connection.unregister(EXTRA_TABLE)


def table_cells(
    reader: Reader, run_ids: Sequence[str], columns: Sequence[str]
) -> dict[str, list[Any]]:
    """Return the values of some columns of some runs; None where a run has none.

    Times are milliseconds since the epoch, durations seconds; params and tags are text.
    """
    ids = list(run_ids)
    cells: dict[str, list[Any]] = {name: [None] * len(ids) for name in columns}
    places = {run_id: place for place, run_id in enumerate(ids)}
    if not ids:
        return cells
    reader.refresh(runs=ids)
    if any(name in INFO for name in columns):
        now = now_ms()
        for row in reader.named("table.info", run_ids=ids):
            for name, value in _info(row, now).items():
                if name in cells:
                    cells[name][places[row[0]]] = value
    for family in FAMILIES:
        names = column_keys(columns, family)
        if names:
            found = reader.rows(SQL[f"table.{family}"], run_ids=ids, keys=list(names))
            for run_id, key, value in found:
                cells[names[key]][places[run_id]] = value
    if "reproduced" in columns:
        verdicts = dict(_verdicts(reader, ids))
        cells["reproduced"] = [
            verdict_text(tag, verdicts.get(run_id))
            for run_id, tag in zip(ids, cells["reproduced"], strict=True)
        ]
    return cells


def warnings_of(reader: Reader, run_ids: Sequence[str]) -> list[str | None]:
    """Return why runs may not give the same numbers when run again; None where nothing says so."""
    rows = reader.rows(SQL["table.tags"], run_ids=list(run_ids), keys=[WARNINGS])
    found = {run_id: value for run_id, _, value in rows}
    return [found.get(run_id) for run_id in run_ids]


def _verdicts(reader: Reader, run_ids: list[str]) -> Iterator[tuple[str, str]]:
    for run_id, _, value in reader.rows(SQL["table.tags"], run_ids=run_ids, keys=[VERDICT]):
        yield run_id, value


def column_keys(columns: Iterable[str], family: Family) -> dict[str, str]:
    """Return the columns of a family by their keys; some columns are a tag."""
    names = {name.partition(".")[2]: name for name in columns if name.startswith(f"{family}.")}
    if family == "tags":
        names |= {tag: name for name, tag in TAG_COLUMNS.items() if name in columns}
    return names


def best_values(
    reader: Reader, scope: Scope, query: TableQuery, directions: Mapping[str, str]
) -> dict[str, float]:
    """Return the best value of columns over all runs that match.

    Parameters
    ----------
    directions : mapping of str to {"min", "max"}
        Metrics and numeric params, and which way each is best.
    """
    if not directions:
        return {}
    select = RunSelect(reader, scope, query.filter, (), query.stage)
    text = SQL["table.extremes"].format(joins=" ".join(select.joins), condition=select.condition)
    rows = reader.rows(
        text,
        **select.values,
        metrics=list(column_keys(directions, "metrics")),
        params=list(column_keys(directions, "params")),
    )
    best = {}
    for family, key, low, high in rows:
        name = f"{family}.{key}"
        if low != high and name in directions:
            best[name] = low if directions[name] == "min" else high
    return best


def best_directions(query: TableQuery) -> dict[str, str]:
    """Return which way the columns of a query are best, those that have a way."""
    directions: dict[str, str] = {}
    for name in query.columns:
        family, _, key = name.partition(".")
        chosen = query.directions.get(name)
        direction = chosen or (direction_of(key) if family == "metrics" else None)
        if family in ("metrics", "params") and direction in ("min", "max"):
            directions[name] = direction
    return directions


def small_curves(
    reader: Reader, run_ids: Sequence[str], keys: Sequence[str], points: int
) -> NDArray[np.float64]:
    """Return the curves of some runs and metrics in a few points.

    Returns
    -------
    ndarray of shape (runs, keys, points)
        NaN where nothing was logged.
    """
    import numpy as np

    curves = np.full((len(run_ids), len(keys), points), np.nan)
    rows = {run_id: place for place, run_id in enumerate(run_ids)}
    places = {key: place for place, key in enumerate(keys)}
    reader.refresh(runs=run_ids, history=keys)
    found = reader.named("table.curves", run_ids=list(run_ids), keys=list(keys), points=points)
    for run_id, key, bucket, value in found:
        curves[rows[run_id], places[key], bucket] = value
    return curves


def _info(row: tuple[Any, ...], now: int) -> dict[str, Any]:
    run_id, name, status, start, end, experiment, user = row
    until = now if end is None and status == "RUNNING" else end
    return {
        "run_id": run_id,
        "run_name": name,
        "status": status,
        "start_time": start,
        "duration": None if until is None else max(0, until - start) / 1000,
        "experiment": experiment,
        "user_id": user,
    }


def _list(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)


def runs_elsewhere(reader: Reader, experiment_ids: Sequence[str]) -> str:
    """Say which other experiments have runs, for a view that has none; the newest runs first."""
    reader.refresh(runs_of=None)
    found = [
        (str(name), int(runs))
        for experiment_id, name, stage, runs, *_ in reader.named("tree.experiments")
        if stage == "active" and runs and experiment_id not in experiment_ids
    ]
    if not found:
        return ""
    shown = ", ".join(f"{name} ({runs:,})" for name, runs in found[:3])
    more = f" and {len(found) - 3:,} more" if len(found) > 3 else ""
    choice = f"experiment_names=[{json.dumps(found[0][0], ensure_ascii=False)}]"
    return f"Runs are in {shown}{more}: choose with {choice}."
