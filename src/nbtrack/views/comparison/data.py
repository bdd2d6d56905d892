"""Runs side by side: which ones, the columns that tell them apart, and brushes on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypedDict, final

import numpy as np

from nbtrack.entities.run_data import is_system_metric
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.store import Reader, find_run
from nbtrack.store.search import Direction
from nbtrack.views.comparison.query import (
    ComparedColumn,
    ComparedKey,
    ComparedRun,
    Kind,
    compared_columns,
    compared_keys,
    compared_runs,
)
from nbtrack.views.json_types import RunState
from nbtrack.views.metric_names import compared_metrics
from nbtrack.views.table.query import table_rows
from nbtrack.views.table.run_query import is_seed

MAX_RUNS = 10_000
MAX_PARAMS = 8  # that are axes unless others are asked for
MAX_CATEGORIES = 40  # more values than these are names, not choices
DURATION = ComparedKey("duration", "number", True, 2)


@final
class RangeBrush(TypedDict):
    """A part of an axis of numbers; ``low`` and ``high`` belong to it."""

    column: str
    low: float
    high: float


@final
class ValuesBrush(TypedDict):
    """Some values of an axis of categories."""

    column: str
    values: list[str]


Brush: TypeAlias = RangeBrush | ValuesBrush
"""A part of an axis."""


@dataclass(frozen=True)
class Scope:
    """Which runs are compared.

    Attributes
    ----------
    experiment_ids : list of str or None
        None for all experiments.
    filter : str
        In the search grammar, or plain words of the runs' names.
    run_ids : list of str or None
        These runs, whatever the filter says.
    """

    experiment_ids: Sequence[str] | None = None
    filter: str = ""
    run_ids: Sequence[str] | None = None

    def find(self, reader: Reader) -> tuple[list[str], int]:
        """Return the ids of at most 10,000 runs, and how many there are."""
        if self.run_ids is not None:
            return list(self.run_ids)[:MAX_RUNS], len(self.run_ids)
        return table_rows(reader, self.experiment_ids, self.filter, [], 0, MAX_RUNS)


class ComparedKeyJson(TypedDict):
    """A param or metric that could be asked for; see `ComparedKey`."""

    name: str
    kind: Kind
    differs: bool
    values: int
    direction: Direction | None


class ComparedColumnJson(TypedDict):
    """The values of one param or metric.

    ``buffer`` is the place of its float64 buffer; of a category the numbers are places in
    ``categories``. ``missing`` are the runs that have no value, as opposed to NaN.
    """

    name: str
    kind: Kind
    buffer: int
    categories: list[str]
    missing: list[int]
    direction: Direction | None


class ComparedRuns(TypedDict):
    """Values of many runs; ``total`` is how many there are, of which at most 10,000 are here."""

    run_ids: list[str]
    names: list[str]
    states: list[RunState]
    total: int
    available: list[ComparedKeyJson]
    columns: list[ComparedColumnJson]


def keys_as_json(keys: Iterable[ComparedKey]) -> list[ComparedKeyJson]:
    """Return what could be asked for as the browser knows it."""
    return [
        {
            "name": key.name,
            "kind": key.kind,
            "differs": key.differs,
            "values": key.values,
            "direction": key.direction,
        }
        for key in keys
    ]


@dataclass(frozen=True, eq=False)
class ComparisonData:
    """The values of some columns for all runs of a scope.

    Attributes
    ----------
    runs : list of ComparedRun
    total : int
        How many runs there are, of which at most 10,000 are here.
    available : list of ComparedKey
        What could be asked for.
    columns : list of ComparedColumn
    """

    runs: list[ComparedRun]
    total: int
    available: list[ComparedKey]
    columns: list[ComparedColumn]

    @property
    def run_ids(self) -> list[str]:
        """The ids of the runs."""
        return [run.run_id for run in self.runs]

    def as_response(self) -> tuple[ComparedRuns, list[bytes]]:
        """Return it as JSON, with the numbers as float64 buffers."""
        known = {key.name: key for key in self.available}
        body: ComparedRuns = {
            "run_ids": self.run_ids,
            "names": [run.name for run in self.runs],
            "states": [run.status for run in self.runs],
            "total": self.total,
            "available": keys_as_json(self.available),
            "columns": [
                {
                    "name": column.name,
                    "kind": column.kind,
                    "buffer": place,
                    "categories": column.categories,
                    "missing": column.missing,
                    "direction": known[column.name].direction if column.name in known else None,
                }
                for place, column in enumerate(self.columns)
            ],
        }
        return body, [column.numbers.astype("<f8").tobytes() for column in self.columns]

    def within(self, brushes: Iterable[Brush]) -> list[str]:
        """Return the ids of the runs that all brushes hold; see ``check_brushes``."""
        columns = {column.name: column for column in self.columns}
        inside = np.ones(len(self.runs), dtype=bool)
        for brush in brushes:
            column = columns.get(str(brush["column"]))
            if column is None:
                raise InvalidParameterError(
                    f"There is no column {brush['column']!r} to brush; "
                    f"there are {', '.join(columns) or 'none'}."
                )
            if "values" in brush:
                wanted = {str(value) for value in brush["values"]}
                places = [i for i, name in enumerate(column.categories) if name in wanted]
                inside &= np.isin(column.numbers, places)
            else:
                low, high = float(brush["low"]), float(brush["high"])
                with np.errstate(invalid="ignore"):
                    inside &= (column.numbers >= low) & (column.numbers <= high)
        return [run.run_id for run, kept in zip(self.runs, inside, strict=True) if kept]


def compare_runs(
    reader: Reader, scope: Scope, columns: Sequence[str] | None = None
) -> ComparisonData:
    """Return the values of columns for the runs of a scope.

    Parameters
    ----------
    reader : Reader
    scope : Scope
    columns : list of str, optional
        Such as ``["params.lr", "metrics.loss", "duration"]``; by default the params that
        differ and the metrics that tell most.
    """
    ids, total = scope.find(reader)
    runs = compared_runs(reader, ids)
    available = [*compared_keys(reader, ids), DURATION]
    names = default_columns(available) if columns is None else list(dict.fromkeys(columns))
    logged = compared_columns(reader, ids, [name for name in names if name != "duration"])
    found = {column.name: column for column in logged}
    if "duration" in names:
        found["duration"] = _durations(runs)
    return ComparisonData(runs, total, available, [found[name] for name in names])


def default_columns(available: Sequence[ComparedKey]) -> list[str]:
    """Return the columns to compare: params that differ and are choices, then metrics.

    Params with most values come first, seeds last: who draws another seed asks about the others.
    """
    params = [
        key
        for key in available
        if key.name.startswith("params.")
        and key.differs
        and (key.kind == "number" or key.values <= MAX_CATEGORIES)
    ]
    metrics = {key.name.removeprefix("metrics."): 0.0 for key in available if _is_metric(key)}
    ranked = [f"metrics.{key}" for key in compared_metrics(metrics, metrics)]
    params.sort(key=lambda key: (is_seed(key.name), -key.values, key.name))
    return [*(key.name for key in params[:MAX_PARAMS]), *ranked[:2]]


def primary_column(available: Sequence[ComparedKey]) -> str | None:
    """Return the metric that tells best how good a run is, such as ``metrics.val_loss``."""
    names = default_columns(available)
    return next((name for name in names if name.startswith("metrics.")), None)


def check_brushes(brushes: Iterable[Any]) -> list[Brush]:
    """Return brushes as plain dicts.

    A brush is ``{"column", "low", "high"}`` for numbers or ``{"column", "values"}`` for
    categories.

    Raises
    ------
    InvalidParameterError
        If one is something else.
    """
    checked: list[Brush] = []
    for brush in brushes:
        try:
            name = str(brush["column"])
            if brush.get("values") is not None:
                checked.append({"column": name, "values": [str(v) for v in brush["values"]]})
            else:
                low, high = sorted((float(brush["low"]), float(brush["high"])))
                checked.append({"column": name, "low": low, "high": high})
        except (AttributeError, KeyError, TypeError, ValueError):
            raise InvalidParameterError(
                f"{brush!r} is no brush; give {{'column': 'params.lr', 'low': 0.001, "
                "'high': 0.1}} or {{'column': 'params.optimizer', 'values': ['adam']}}."
            ) from None
    return checked


def find_scope(
    reader: Reader, experiment_ids: Sequence[str] | None, runs: Any
) -> tuple[Scope, list[str]]:
    """Return the scope of what a user names, and the runs to select at first.

    Parameters
    ----------
    reader : Reader
    experiment_ids : list of str or None
    runs : str, list of str or DataFrame
        A filter, or names and ids (a text of them too), or a frame with the column ``run_id``.

    Notes
    -----
    Runs that are named may be of any experiment: the experiments only say which of several of
    the same name is meant.
    """
    if hasattr(runs, "columns"):
        runs = runs["run_id"].tolist()
    first = (experiment_ids or ["0"])[0]
    if not isinstance(runs, str):
        ids = list(dict.fromkeys(find_run(reader, str(name), first) for name in runs))
        return Scope(None, "", ids), ids
    text = runs.strip()
    words = [word.strip(",'\"") for word in text.split()]
    if words and not set("<>=`") & set(text):
        try:
            ids = list(dict.fromkeys(find_run(reader, word, first) for word in words))
        except NotFoundError:
            pass  # then it is a filter
        else:
            return Scope(None, "", ids), ids
    return Scope(experiment_ids, text, None), []


def _is_metric(key: ComparedKey) -> bool:
    return key.name.startswith("metrics.") and not is_system_metric(key.name[len("metrics.") :])


def _durations(runs: Sequence[ComparedRun]) -> ComparedColumn:
    ended = [np.nan if r.end_ms is None else max(0, r.end_ms - r.start_ms) / 1000 for r in runs]
    missing = [place for place, run in enumerate(runs) if run.end_ms is None]
    return ComparedColumn("duration", "number", np.array(ended, dtype=float), [], missing)
