"""Runs as rows of a table: which columns there are, and the cells of some of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nbtrack.errors import InvalidParameterError
from nbtrack.store.journal import now_ms
from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader
from nbtrack.store.search.runs import select_run_ids

Family = Literal["metrics", "params", "tags"]
FAMILIES: tuple[Family, ...] = ("metrics", "params", "tags")
INFO = ("run_name", "status", "start_time", "duration", "experiment", "user_id", "run_id")
_PLAIN = re.compile(r"[\w .+-]+")
_SEARCHABLE = {"run_name", "status", "start_time", "user_id", "run_id"}


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
    """

    family: Family
    key: str
    differs: bool
    numeric: bool

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
        Metrics, params and tags, each by name.
    experiments : int
        How many experiments the runs belong to.
    running : int
        How many of them are still running.
    """

    keys: list[Key]
    experiments: int
    running: int


def table_keys(reader: Reader, experiment_ids: Sequence[str] | None) -> Keys:
    """Return what the runs of some experiments (None for all) have logged."""
    rows = reader.named("table.keys", experiment_ids=_list(experiment_ids))
    total, experiments, running = next((r[2:] for r in rows if not r[0]), (0, 0, 0))
    keys = [
        Key(family, key, different > 1 or runs < total, numeric == runs)
        for family, key, runs, different, numeric in rows
        if family
    ]
    keys.sort(key=lambda found: (FAMILIES.index(found.family), found.key))
    return Keys(keys, experiments, running)


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
    reader, experiment_ids
        As for ``table_keys``.
    filter_string : str
        See ``nbtrack.store.search.grammar``; plain words are looked for in the runs' names.
    order_by : list of (column, rises)
        The newest first where there is none. Params that are numbers go by their size,
        and what a run lacks comes last.
    start, stop : int
    """
    text = _filter(filter_string)
    ids = _list(experiment_ids)
    if all(_is_searchable(name) for name, _ in order_by):
        orders = [f"{_identifier(name)} {'ASC' if rises else 'DESC'}" for name, rises in order_by]
        found = select_run_ids(reader, ids, text, order_by=orders, start=start, stop=stop)
        return found.run_ids, found.total
    everything = select_run_ids(reader, ids, text).run_ids
    for name, rises in reversed(order_by):
        everything = _sorted(everything, table_cells(reader, everything, [name])[name], rises=rises)
    return everything[start:stop], len(everything)


def table_cells(
    reader: Reader, run_ids: Sequence[str], columns: Sequence[str]
) -> dict[str, list[Any]]:
    """Return the values of some columns of some runs; None where a run has none.

    Times are milliseconds since the epoch, durations seconds; params and tags are text.
    """
    ids = list(run_ids)
    cells: dict[str, list[Any]] = {name: [None] * len(ids) for name in columns}
    places = {run_id: place for place, run_id in enumerate(ids)}
    if any(name in INFO for name in columns):
        now = now_ms()
        for row in reader.named("table.info", run_ids=ids):
            for name, value in _info(row, now).items():
                if name in cells:
                    cells[name][places[row[0]]] = value
    for family in FAMILIES:
        keys = [name.partition(".")[2] for name in columns if name.startswith(f"{family}.")]
        if keys:
            for run_id, key, value in reader.rows(SQL[f"table.{family}"], run_ids=ids, keys=keys):
                cells[f"{family}.{key}"][places[run_id]] = value
    return cells


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


def _filter(text: str) -> str:
    words = text.strip()
    if _PLAIN.fullmatch(words) and not re.search(r"(?i)\b(is|in|like|ilike)\b", words):
        return f"attributes.run_name ILIKE '%{words}%'"
    return words


def _is_searchable(name: str) -> bool:
    return name in _SEARCHABLE or name.startswith(("metrics.", "tags."))


def _identifier(name: str) -> str:
    if name in INFO:
        return f"attributes.{name}"
    family, _, key = name.partition(".")
    if family not in FAMILIES or not key:
        raise InvalidParameterError(f"The table has no column {name!r} to sort by.")
    return f"{family}.`{key.replace('`', '``')}`"


def _sorted(run_ids: list[str], values: list[Any], *, rises: bool) -> list[str]:
    def rank(value: Any) -> tuple[bool, float, str]:
        try:
            return False, float(value), ""
        except (TypeError, ValueError):
            return True, 0.0, str(value)

    pairs = list(zip(run_ids, values, strict=True))
    present = [p for p in pairs if p[1] is not None]
    present.sort(key=lambda p: rank(p[1]), reverse=not rises)
    return [p[0] for p in present] + [p[0] for p in pairs if p[1] is None]


def _list(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)
