"""A comparison as data alone: what a browser shows when there is nobody to ask."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypedDict

from nbtrack.entities.run_data import is_system_metric
from nbtrack.errors import NbtrackError
from nbtrack.redaction.names import is_private
from nbtrack.store import Reader, Store
from nbtrack.views.chart.curves import Curve, PackedCurves, pack_curves
from nbtrack.views.chart.query import stored_curves
from nbtrack.views.comparison.data import (
    Brush,
    ComparedKeyJson,
    Scope,
    compare_runs,
    keys_as_json,
    primary_column,
)
from nbtrack.views.comparison.importance import Importance, find_importance
from nbtrack.views.comparison.query import ComparedKey, ComparedRun, compared_columns
from nbtrack.views.comparison.run_facts import DiffEnvironment, DiffHead, DiffRun, run_facts
from nbtrack.views.images import runs_with_images
from nbtrack.views.metric_names import compared_metrics
from nbtrack.views.redaction import Redaction
from nbtrack.views.table.page import ColumnJson, TableView
from nbtrack.views.table.page import Kind as ColumnKind
from nbtrack.views.table.query import table_cells

MAX_TABLE_METRICS = 3


class SavedRun(DiffHead):
    """What is known of a run; its environment and source are places in what runs share."""

    environment: int | None
    source: int | None


class SavedFacts(TypedDict):
    """What is known of runs, and what they share."""

    runs: dict[str, SavedRun]
    environments: list[DiffEnvironment]
    sources: list[str]


class ComparisonParts(TypedDict):
    """A comparison as data alone, but its curves; ``with_images`` are the runs that have images."""

    kind: Literal["comparison"]
    version: Literal[1]
    table: TableView
    keys: list[ComparedKeyJson]
    metric: str
    selected: list[str]
    brushes: list[Brush]
    importance: Annotated[list[dict[str, Any]], list[Importance]]
    facts: SavedFacts | None
    with_images: list[str]


class SavedComparison(ComparisonParts):
    """A comparison as data alone, in a finished output or an HTML file."""

    curves: PackedCurves


@dataclass(frozen=True)
class SavedLimits:
    """How much of a comparison is kept.

    Attributes
    ----------
    runs : int
    curve_runs : int
        Of how many runs the curves are kept, and the facts where there are any.
    curve_bytes : int
    curve_points : int
        Of one series.
    importances : int
        Of how many metrics.
    facts : bool
        Whether sources, environments and data sets are kept, for the difference of two runs.
    forest : bool
        Whether a forest may tell the importance of params: it takes seconds.
    """

    runs: int
    curve_runs: int
    curve_bytes: int
    curve_points: int
    importances: int
    facts: bool
    forest: bool = True


@dataclass(frozen=True)
class SavedView:
    """How a comparison is looked at."""

    metric: str = ""
    columns: Sequence[str] = ()
    selected: Sequence[str] = ()
    brushes: Sequence[Brush] = field(default_factory=list)


def saved_comparison(
    store: Store, scope: Scope, view: SavedView, limits: SavedLimits
) -> SavedComparison:
    """Return a comparison as plain JSON without secrets."""
    saved, curves = comparison_parts(store, scope, view, limits)
    return {**saved, "curves": pack_curves(curves, limits.curve_bytes)}


def comparison_parts(
    store: Store, scope: Scope, view: SavedView, limits: SavedLimits
) -> tuple[ComparisonParts, list[Curve]]:
    """Return a comparison as plain JSON without secrets, and the curves that belong to it."""
    with store.read() as reader:
        data = compare_runs(reader, scope, [])
        ids = data.run_ids[: limits.runs]
        runs = data.runs[: limits.runs]
        keys = [key for key in data.available if not is_private(key.name.partition(".")[2])]
        table = _table(reader, runs, keys, data.total, view)
        first = [run_id for run_id in dict.fromkeys([*view.selected, *ids]) if run_id in set(ids)]
        first = first[: limits.curve_runs]
        curves = stored_curves(reader, first, points=limits.curve_points)
        facts = [run_facts(reader, run_id) for run_id in ids] if limits.facts else []
        names = names_to_hide(reader, ids)
        with_images = runs_with_images(reader, ids)
    shown = Scope(None, "", ids)
    saved: ComparisonParts = {
        "kind": "comparison",
        "version": 1,
        "table": table,
        "keys": keys_as_json(keys),
        "metric": view.metric or primary_column(keys) or "",
        "selected": list(view.selected),
        "brushes": list(view.brushes),
        "importance": _importances(store, shown, view.metric, keys, limits),
        "facts": _shared(facts),
        "with_images": with_images,
    }
    saved = Redaction(names).json(_plain(saved))
    # the machine's own metrics tell nothing about the runs of others
    return saved, [curve for curve in curves if not is_system_metric(curve.key)]


def _table(
    reader: Reader,
    runs: Sequence[ComparedRun],
    keys: Sequence[ComparedKey],
    total: int,
    view: SavedView,
) -> TableView:
    """Return the rows as a finished table keeps them."""
    ids = [run.run_id for run in runs]
    logged = [key for key in keys if key.name != "duration"]
    values: dict[str, list[str | float | None]] = {
        "run_name": [run.name for run in runs],
        "status": [run.status for run in runs],
        "duration": [
            None if run.end_ms is None else max(0, run.end_ms - run.start_ms) / 1000 for run in runs
        ],
        "start_time": [run.start_ms for run in runs],
    }
    kinds: dict[str, ColumnKind] = {
        "run_name": "text",
        "status": "state",
        "duration": "duration",
        "start_time": "time",
    }
    columns: list[ColumnJson] = [
        {"name": name, "kind": kind, "differs": True, "direction": None}
        for name, kind in kinds.items()
    ]
    for column in compared_columns(reader, ids, [key.name for key in logged]):
        gaps = set(column.missing)
        values[column.name] = [
            None
            if i in gaps
            else (column.categories[int(number)] if column.kind == "category" else float(number))
            for i, number in enumerate(column.numbers)
        ]
    columns += [
        {
            "name": key.name,
            "kind": "number" if key.kind == "number" else "text",
            "differs": key.differs,
            "direction": key.direction,
        }
        for key in logged
    ]
    notes = table_cells(reader, ids, ["tags.mlflow.note.content"])["tags.mlflow.note.content"]
    if any(notes):
        values["note"] = notes
        columns.append({"name": "note", "kind": "text", "differs": True, "direction": None})
    return {
        "kind": "table",
        "version": 1,
        "all_columns": columns,
        "columns": [name for name in view.columns if name in values] or _first(keys, values),
        "sort": [],
        "filter": "",
        "total": total,
        "best": _best(logged, values),
        "run_ids": ids,
        "values": values,
    }


def _first(keys: Sequence[ComparedKey], values: Collection[str]) -> list[str]:
    metrics = dict.fromkeys(
        (k.name.removeprefix("metrics.") for k in keys if k.name.startswith("metrics.")), 0.0
    )
    ranked = [f"metrics.{key}" for key in compared_metrics(metrics, metrics)][:MAX_TABLE_METRICS]
    params = [
        key.name
        for key in keys
        if key.name.startswith("params.") and key.differs and key.values > 1
    ]
    return ["run_name", *ranked, *params[:8], *(["note"] if "note" in values else []), "duration"]


def _best(
    keys: Sequence[ComparedKey], values: Mapping[str, Sequence[str | float | None]]
) -> dict[str, float]:
    found: dict[str, float] = {}
    for key in keys:
        numbers = [v for v in values[key.name] if isinstance(v, float) and v - v == 0]
        if key.direction and len(numbers) > 1:
            found[key.name] = min(numbers) if key.direction == "min" else max(numbers)
    return found


def _importances(
    store: Store, scope: Scope, metric: str, keys: Sequence[ComparedKey], limits: SavedLimits
) -> list[dict[str, Any]]:
    names = [key.name for key in keys if key.name.startswith("metrics.")]
    plain = {name.removeprefix("metrics."): 0.0 for name in names}
    ranked = [f"metrics.{key}" for key in compared_metrics(plain, plain)]
    first = [metric] if metric in names else []
    wanted = list(dict.fromkeys([*first, *ranked]))[: limits.importances]
    found = []
    for name in wanted:
        try:
            found.append(find_importance(store, scope, name, forest=limits.forest).as_json())
        except NbtrackError:
            continue  # of runs that were deleted meanwhile
    for answer in found:
        answer["params"] = [p for p in answer["params"] if not is_private(p["name"])]
    return found


def _shared(facts: Sequence[DiffRun]) -> SavedFacts | None:
    """Return facts of runs with what many of them share kept once."""
    if not facts:
        return None
    environments: list[Any] = []
    sources: list[Any] = []
    runs: dict[str, SavedRun] = {}
    for run in facts:
        runs[run["run_id"]] = {
            **run,
            "environment": _place(environments, run["environment"]),
            "source": _place(sources, run["source"]),
        }
    return {"runs": runs, "environments": environments, "sources": sources}


def _place(known: list[Any], value: Any) -> int | None:
    if value is None:
        return None
    if value not in known:
        known.append(value)
    return known.index(value)


def names_to_hide(reader: Reader, run_ids: Sequence[str]) -> set[str]:
    """Return the names of people and hosts that the runs and this process know."""
    import getpass
    import socket

    cells = table_cells(reader, run_ids, ["user_id", "tags.mlflow.user", "tags.nbtrack.host"])
    names = {str(value) for values in cells.values() for value in values if value}
    with contextlib.suppress(OSError, KeyError, ImportError):  # a container without accounts
        names |= {socket.gethostname(), getpass.getuser()}
    return names


def _plain(value: Any) -> Any:
    """Return JSON without NaN and infinities, as finished outputs write them."""
    text = json.dumps(value, allow_nan=True)
    words = {"NaN": None, "Infinity": "∞", "-Infinity": "−∞"}
    return json.loads(text, parse_constant=words.__getitem__)
