"""Groups of runs as rows of a table: by the values of columns, or all but the seeds alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader
from nbtrack.store.table import column_keys, joined, ways_of
from nbtrack.store.table_query import FOLD, RunSelect, Scope, TableQuery


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

    def as_json(self) -> dict[str, Any]:
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


def grouped_lines(reader: Reader, scope: Scope, query: TableQuery) -> GroupedLines:
    """Return the rows of a grouped table from ``start`` to ``stop``."""
    members = _Members(reader, scope, query)
    with joined(reader, scope):
        groups = members.groups()
        expanded = set(query.expanded)
        total = runs = 0
        shown: list[tuple[Group, str, int]] = []
        for group, first in groups:
            alone = group.runs == 1 and members.fold
            size = 1 + (group.runs if group.key in expanded and not alone else 0)
            if total < query.stop and total + size > query.start:
                shown.append((group, first if alone else "", total))
            total += size
            runs += group.runs
        below = members.of([g.key for g, first, _ in shown if not first and g.key in expanded])
    lines: list[Line] = []
    for group, first, place in shown:
        rows = [Line(None, first)] if first else [Line(group, "")]
        rows += [Line(None, run_id, child=True) for run_id in below.get(group.key, ())]
        lines += rows[max(0, query.start - place) : max(0, query.stop - place)]
    return GroupedLines(total, runs, lines)


def members_of(
    reader: Reader, scope: Scope, query: TableQuery, keys: Sequence[str]
) -> dict[str, list[str]]:
    """Return the runs of some groups by the groups' keys."""
    members = _Members(reader, scope, query)
    with joined(reader, scope):
        return members.of(keys)


def group_cells(
    reader: Reader, members: dict[str, list[str]], columns: Sequence[str]
) -> GroupCells:
    """Return the values of groups: means with their spread, and what their runs share."""
    cells = GroupCells()
    pairs = [(run_id, key) for key, ids in members.items() for run_id in ids]
    ids, grps = [p[0] for p in pairs], [p[1] for p in pairs]
    if not pairs:
        return cells
    if names := column_keys(columns, "metrics"):
        found = reader.named("table.group_metrics", run_ids=ids, grps=grps, keys=list(names))
        for group, key, mean, spread in found:
            cells.put(names[key], group, mean, spread)
    for family in ("params", "tags"):
        names = column_keys(columns, family)
        if not names:
            continue
        rows = reader.named(f"table.group_{family}", run_ids=ids, grps=grps, keys=list(names))
        for group, key, value, different, count in rows:
            if different == 1 and count == len(members[group]):
                cells.put(names[key], group, value)
    text = SQL["table.group_info"].format(
        duration=SQL["table.duration"].format(now="epoch_ms(now())")
    )
    for group, status, start, mean, spread, experiment, user in reader.rows(
        text, run_ids=ids, grps=grps
    ):
        cells.put("status", group, status)
        cells.put("start_time", group, start)
        cells.put("duration", group, mean, spread)
        cells.put("experiment", group, experiment)
        cells.put("user_id", group, user)
    return cells


def best_means(reader: Reader, scope: Scope, query: TableQuery) -> dict[str, float]:
    """Return the best mean of each metric over all groups."""
    ways = {n: way for n, way in ways_of(query).items() if n.startswith("metrics.")}
    if not ways:
        return {}
    names = column_keys(ways, "metrics")
    with joined(reader, scope):
        rows = _Members(reader, scope, query).extremes(list(names))
    return {
        names[key]: low if ways[names[key]] == "min" else high
        for key, low, high, groups in rows
        if groups > 1 and low != high
    }


class _Members:
    """The runs that match, each with the key of its group and its place in the order."""

    def __init__(self, reader: Reader, scope: Scope, query: TableQuery) -> None:
        self._reader = reader
        self._query = query
        self.fold = list(query.group) == [FOLD]
        select = RunSelect(reader, scope, query.filter, query.sort, query.stage)
        if self.fold:
            group = select.seeds()
        else:
            texts = ", ".join(f"({select.value(name)})::VARCHAR" for name in query.group)
            group = f"to_json([{texts}])::VARCHAR"
        first = query.sort[0] if query.sort else None
        measure = select.number(first[0]) if first else None
        order = select.order()
        self._values = select.values
        self._text = SQL["table.members"].format(
            group=group,
            measure=measure or "NULL::DOUBLE",
            order=order,
            joins=" ".join(select.joins),
            condition=select.condition,
        )
        self._order = "min(place)"
        if measure and first:
            way = "ASC" if first[1] else "DESC"
            mean = "avg(measure) FILTER (isfinite(measure))"
            self._order = f"{mean} {way} NULLS LAST, min(place)"

    def groups(self) -> list[tuple[Group, str]]:
        """Return the groups in order, each with its first run."""
        text = SQL["table.groups"].format(members=self._text, group_order=self._order)
        rows = self._reader.rows(text, **self._values)
        found = [
            (Group(key, self._label(key, low, high), runs), first)
            for key, runs, first, low, high in rows
        ]
        if not self.fold and not self._query.sort:
            found.sort(key=lambda pair: _natural(pair[0].key))
        return found

    def of(self, keys: Sequence[str]) -> dict[str, list[str]]:
        """Return the runs of some groups, in order."""
        found: dict[str, list[str]] = {key: [] for key in keys}
        if keys:
            text = SQL["table.members_of"].format(members=self._text)
            for key, run_id in self._reader.rows(text, **self._values, groups=list(keys)):
                found[key].append(run_id)
        return found

    def extremes(self, metrics: list[str]) -> list[tuple[Any, ...]]:
        """Return the least and the greatest mean of metrics, and of how many groups."""
        text = SQL["table.group_extremes"].format(members=self._text)
        return self._reader.rows(text, **self._values, metrics=metrics)

    def _label(self, key: str, low: str, high: str) -> str:
        if self.fold:
            return _common(low, high)
        pairs = zip(self._query.group, json.loads(key), strict=True)
        return ", ".join(
            f"{name.split('.', 1)[-1]} {'is not set' if value is None else f'= {value}'}"
            for name, value in pairs
        )


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


def _natural(key: str) -> list[tuple[int, float, str]]:
    """Order numbers by size before texts, and what is missing last."""

    def rank(value: str | None) -> tuple[int, float, str]:
        if value is None:
            return 2, 0.0, ""
        try:
            return 0, float(value), ""
        except ValueError:
            return 1, 0.0, value

    return [rank(value) for value in json.loads(key)]
