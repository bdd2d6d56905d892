"""Groups of runs as rows of a table: by the values of columns, or all but the seeds alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypedDict

from nbtrack.store import SQL, Reader
from nbtrack.views.formats import natural_order
from nbtrack.views.table.query import best_directions, column_keys, joined
from nbtrack.views.table.run_query import FOLD, RunSelect, Scope, TableQuery


class GroupJson(TypedDict):
    """A group as the browser knows it."""

    key: str
    label: str
    runs: int


@dataclass(frozen=True)
class Group:
    """Runs that share a row.

    Attributes
    ----------
    key : str
        Tells the group from the others.
    label : str
        What its runs have in common, such as ``lr = 0.1``.
    runs : int
    """

    key: str
    label: str
    runs: int

    def as_json(self) -> GroupJson:
        """Return the group as the browser knows it."""
        return {"key": self.key, "label": self.label, "runs": self.runs}


@dataclass(frozen=True)
class Line:
    """A row of a grouped table: a group, or a run that stands below its group or alone."""

    group: Group | None
    run_id: str
    child: bool = False


@dataclass(frozen=True)
class GroupedLines:
    """Some rows of a grouped table.

    Attributes
    ----------
    total : int
        How many rows there are.
    runs : int
        How many runs match.
    lines : list of Line
    """

    total: int
    runs: int
    lines: list[Line]


@dataclass(frozen=True)
class GroupCells:
    """Values of groups by column, each by the key of the group.

    Attributes
    ----------
    values : dict
        What all runs of a group have in common, or the mean.
    spreads : dict
        Standard deviations of the means.
    """

    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    spreads: dict[str, dict[str, float]] = field(default_factory=dict)

    def put(self, column: str, group: str, value: Any, spread: float | None = None) -> None:
        """Keep the value of a group, and how far its runs are apart."""
        self.values.setdefault(column, {})[group] = value
        if spread is not None:
            self.spreads.setdefault(column, {})[group] = spread


class GroupedRuns:
    """The runs that match, in groups; from ``grouped_runs``, and only within it."""

    def __init__(self, reader: Reader, query: TableQuery) -> None:
        self._reader = reader
        self._query = query
        self._fold = list(query.group) == [FOLD]
        self._numbers: dict[str, int] = {}

    def lines(self) -> GroupedLines:
        """Return the rows of the table from ``start`` to ``stop``."""
        query = self._query
        expanded = set(query.expanded)
        total = runs = 0
        shown: list[tuple[Group, str, int]] = []
        for group, first in self._groups():
            alone = group.runs == 1 and self._fold
            size = 1 + (group.runs if group.key in expanded and not alone else 0)
            if total < query.stop and total + size > query.start:
                shown.append((group, first if alone else "", total))
            total += size
            runs += group.runs
        below = self.members([g.key for g, first, _ in shown if not first and g.key in expanded])
        lines: list[Line] = []
        for group, first, place in shown:
            rows = [Line(None, first)] if first else [Line(group, "")]
            rows += [Line(None, run_id, child=True) for run_id in below.get(group.key, ())]
            lines += rows[max(0, query.start - place) : max(0, query.stop - place)]
        return GroupedLines(total, runs, lines)

    def members(self, keys: Sequence[str]) -> dict[str, list[str]]:
        """Return the runs of some groups, in order, by the groups' keys."""
        found: dict[str, list[str]] = {key: [] for key in keys}
        if keys:
            for key, run_id in self._reader.named("table.members_of", groups=list(keys)):
                found[key].append(run_id)
        return found

    def cells(self, groups: Sequence[Group]) -> GroupCells:
        """Return the values of groups: means with their spread, and what their runs share."""
        cells = GroupCells()
        if not groups:
            return cells
        by_number = {self._numbers[group.key]: group for group in groups}
        columns, numbers, named = self._query.columns, list(by_number), self._reader.named
        if names := column_keys(columns, "metrics"):
            found = named("table.group_metrics", numbers=numbers, keys=list(names))
            for number, key, mean, spread in found:
                cells.put(names[key], by_number[number].key, mean, spread)
        for family in ("params", "tags"):
            if not (names := column_keys(columns, family)):
                continue
            rows = named(f"table.group_{family}", numbers=numbers, keys=list(names))
            for number, key, value, count in rows:
                if count == by_number[number].runs:
                    cells.put(names[key], by_number[number].key, value)
        text = SQL["table.group_info"].format(
            duration=SQL["table.duration"].format(now="epoch_ms(now())")
        )
        for number, status, start, mean, spread, experiment, user in self._reader.rows(
            text, numbers=numbers
        ):
            key = by_number[number].key
            cells.put("status", key, status)
            cells.put("start_time", key, start)
            cells.put("duration", key, mean, spread)
            cells.put("experiment", key, experiment)
            cells.put("user_id", key, user)
        return cells

    def best(self) -> dict[str, float]:
        """Return the best mean of each metric over all groups."""
        directions = {
            n: best for n, best in best_directions(self._query).items() if n.startswith("metrics.")
        }
        if not directions:
            return {}
        names = column_keys(directions, "metrics")
        rows = self._reader.named("table.group_extremes", metrics=list(names))
        return {
            names[key]: low if directions[names[key]] == "min" else high
            for key, low, high, groups in rows
            if groups > 1 and low != high
        }

    def _groups(self) -> list[tuple[Group, str]]:
        """Return the groups in order, each with its first run."""
        sort = self._query.sort
        order = "min(place)"
        if sort:
            order = "ASC" if sort[0][1] else "DESC"
            order = f"avg(measure) FILTER (isfinite(measure)) {order} NULLS LAST, min(place)"
        found = []
        text = SQL["table.groups"].format(group_order=order)
        for key, number, runs, first, low, high in self._reader.rows(text):
            self._numbers[key] = number
            found.append((Group(key, self._label(key, low, high), runs), first))
        if not self._fold and not sort:
            found.sort(key=lambda pair: _natural(pair[0].key))
        return found

    def _label(self, key: str, low: str, high: str) -> str:
        if self._fold:
            return _common(low, high)
        pairs = zip(self._query.group, json.loads(key), strict=True)
        return ", ".join(
            f"{name.split('.', 1)[-1]} {'is not set' if value is None else f'= {value}'}"
            for name, value in pairs
        )


@contextmanager
def grouped_runs(reader: Reader, scope: Scope, query: TableQuery) -> Iterator[GroupedRuns]:
    """Find the runs that match once, and which group each belongs to, for all that is asked."""
    select = RunSelect(reader, scope, query.filter, query.sort, query.stage)
    if list(query.group) == [FOLD]:
        group = select.seeds()
    else:
        texts = ", ".join(f"({select.value(name)})::VARCHAR" for name in query.group)
        group = f"to_json([{texts}])::VARCHAR"
    measure = select.number(query.sort[0][0]) if query.sort else None
    order = select.order()
    text = SQL["table.members"].format(
        group=group,
        measure=measure or "NULL::DOUBLE",
        order=order,
        joins=" ".join(select.joins),
        condition=select.condition,
    )
    with joined(reader, scope):
        reader.rows(text, **select.values)
    try:
        yield GroupedRuns(reader, query)
    finally:
        reader.named("table.drop_members")


def _common(low: str, high: str) -> str:
    """Return what names have in common: the least and the greatest tell it of all between."""
    if low == high:
        return low
    same = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    prefix = low[:same].rstrip("0123456789 -_.=#/")
    for word in ("random_state", "seed", "rng"):
        if prefix.lower().endswith(word):
            prefix = prefix[: -len(word)].rstrip(" -_.=#/")
    return f"{prefix}…" if 2 * len(prefix) >= len(low) else f"{low} … {high}"


def _natural(key: str) -> list[tuple[int, float, list[Any]]]:
    """Order numbers by size before texts, and what is missing last."""

    def rank(value: str | None) -> tuple[int, float, list[Any]]:
        if value is None:
            return 2, 0.0, []
        try:
            return 0, float(value), []
        except ValueError:
            return 1, 0.0, natural_order(value)

    return [rank(value) for value in json.loads(key)]
