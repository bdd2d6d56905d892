"""What a table of runs shows, and where it asks for rows."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NotRequired, Protocol, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

from nbtrack.store.search import Direction
from nbtrack.views.metric_names import compared_metrics
from nbtrack.views.table.group_query import Group, GroupJson
from nbtrack.views.table.run_query import Stage, TableQuery, is_seed

Kind = Literal["text", "number", "time", "state", "duration", "curve", "verdict"]
Cells: TypeAlias = "Sequence[Any] | NDArray[Any]"
Best: TypeAlias = Literal["min", "max", "none"]
"""Which way a column is best, where somebody has chosen."""
NUMERIC = ("number", "time", "duration")
SortKey: TypeAlias = tuple[str, bool]
MAX_COLUMNS = 12
_FIRST = ("run_name", "status", "experiment")  # the last where there are several
_LAST = ("duration", "start_time")


class ColumnJson(TypedDict):
    """A column as the browser knows it."""

    name: str
    kind: Kind
    differs: bool
    direction: Direction | None
    editable: NotRequired[bool]


class ColumnChanges(TypedDict):
    """What somebody has changed of the columns by default: those that come later still appear.

    ``order`` is empty where nobody has moved a column.
    """

    hidden: list[str]
    added: list[str]
    order: list[str]


class ColumnSet(TypedDict, total=False):
    """What somebody has chosen to see; ``pinned`` are the columns that stay at the left.

    A set with a name has its ``columns``; what was used last has what is other than by default.
    """

    columns: list[str]
    hidden: list[str]
    added: list[str]
    order: list[str]
    sort: list[SortKey]
    group: list[str]
    pinned: list[str]
    widths: dict[str, float]
    directions: dict[str, Best]
    differing: bool


class Layout(ColumnChanges):
    """How a table is laid out; ``pinned`` are the columns that stay at the left."""

    pinned: list[str]
    widths: dict[str, float]
    directions: dict[str, Best]
    differing: bool


class ColumnSets(TypedDict):
    """Column sets of an experiment by name, and the one that was used last."""

    last: ColumnSet | None
    named: dict[str, ColumnSet]


class TableColumns(TypedDict):
    """The columns of a table; ``sets`` is null where none can be kept."""

    columns: list[ColumnJson]
    defaults: list[str]
    sets: Annotated[Any, ColumnSets | None]


@dataclass(frozen=True)
class Column:
    """A column that a table may show.

    Attributes
    ----------
    name : str
        ``run_name``, ``status``, ``start_time``, ``duration``, ``metrics.loss``, ``params.lr``, ...
    kind : {"text", "number", "time", "state", "duration", "curve", "verdict"}
        Times are milliseconds since the epoch, durations are seconds; a verdict is a text that
        begins with ``yes``, ``no`` or ``failed``.
    differs : bool
        Whether the runs have different values.
    direction : {"min", "max"} or None
        Which way is better.
    editable : bool
        Whether it can be written in the table.
    everywhere : bool
        Whether all runs have it.
    """

    name: str
    kind: Kind
    differs: bool = True
    direction: Direction | None = None
    editable: bool = False
    everywhere: bool = True

    def as_json(self) -> ColumnJson:
        """Return the column as the browser knows it."""
        found: ColumnJson = {
            "name": self.name,
            "kind": self.kind,
            "differs": self.differs,
            "direction": self.direction,
        }
        if self.editable:
            found["editable"] = True
        return found


@dataclass(frozen=True)
class TablePage:
    """Some rows of a table.

    Attributes
    ----------
    total : int
        How many rows there are, of which these are some.
    run_ids : list of str
        One per row; empty for a group.
    columns : dict of str to list or ndarray
        Values by column. In a list ``None`` is a missing value and NaN a value; in an
        array of floats NaN is missing.
    groups : list of Group or None, optional
        One per row, where rows are groups.
    children : list of int
        The rows that stand below their group.
    spreads : dict of str to list
        Standard deviations of the means of groups, by column.
    runs : int, optional
        How many runs match, where rows are groups.
    best : dict of str to float, optional
        The best value of columns over all rows; None where nobody has looked.
    warnings : list of str or None, optional
        One per row: why it may not give the same numbers when it is run again.
    hint : str
        Where there is no row: what the filter may have meant, or where there are runs.
    """

    total: int
    run_ids: list[str]
    columns: dict[str, Cells]
    groups: list[Group | None] | None = None
    children: list[int] = field(default_factory=list)
    spreads: dict[str, list[float | None]] = field(default_factory=dict)
    runs: int | None = None
    best: dict[str, float] | None = None
    warnings: list[str | None] | None = None
    hint: str = ""


class PageColumn(TypedDict):
    """A column of a page: numbers are the float64 buffer ``buffer``, all else is ``values``.

    ``gaps`` are the rows that have no number, as opposed to NaN; ``spread`` is the buffer of the
    standard deviations of the rows that are groups, whose numbers are means.
    """

    name: str
    buffer: NotRequired[int]
    gaps: NotRequired[list[int]]
    spread: NotRequired[int]
    values: NotRequired[list[str | None]]


class PageJson(TypedDict):
    """A page as the browser knows it; see `TablePage`."""

    start: int
    total: int
    run_ids: list[str]
    columns: list[PageColumn]
    groups: NotRequired[list[GroupJson | None]]
    children: NotRequired[list[int]]
    runs: NotRequired[int | None]
    best: NotRequired[dict[str, float]]
    warnings: NotRequired[list[str | None]]
    hint: NotRequired[str]


class RowsQuery(TypedDict):
    """What rows were asked for; see `TableQuery`."""

    columns: list[str]
    filter: str
    sort: Annotated[list[Any], list[SortKey]]
    group: list[str]
    expanded: list[str]
    stage: Stage
    directions: dict[str, Best]


class FirstPage(PageJson):
    """The first rows, pushed with the widget: a table shows before anything is asked."""

    generation: int
    query: RowsQuery
    buffers: list[bytes]


class TableView(TypedDict):
    """A finished table."""

    kind: Literal["table"]
    version: Literal[1]
    all_columns: list[ColumnJson]
    columns: list[str]
    sort: Annotated[list[Any], list[SortKey]]
    filter: str
    total: int
    best: dict[str, float]
    run_ids: list[str]
    values: dict[str, list[str | float | None]]


class TableSource(Protocol):
    """Where a table's rows come from."""

    def columns(self) -> list[Column]:
        """Return all columns there are."""

    def page(self, query: TableQuery) -> TablePage:
        """Return the rows from ``start`` to ``stop`` of a query.

        Raises
        ------
        NbtrackError
            If the filter cannot be read.
        """

    def ids(self, query: TableQuery, groups: Sequence[str] | None = None) -> list[str]:
        """Return the ids of all runs that match, or of those in some groups."""


def table_columns(
    columns: Sequence[Column],
    sets: dict[str, Any] | None = None,
    defaults: list[str] | None = None,
) -> TableColumns:
    """Return the columns of a table as the browser knows them."""
    return {
        "columns": [column.as_json() for column in columns],
        "defaults": default_columns(columns) if defaults is None else defaults,
        "sets": sets,
    }


def default_columns(columns: Sequence[Column]) -> list[str]:
    """Return what is shown where nobody has chosen: state, metrics, params, times.

    What varies comes in first, together with the metric by which runs are judged, then the rest,
    metrics and params in turn. Metrics stand before params: a notebook is narrow.
    """
    names = [column.name for column in columns]
    differ = {column.name for column in columns if column.differs}
    keys = dict.fromkeys((name[8:] for name in names if name.startswith("metrics.")), 0.0)
    metrics = [f"metrics.{key}" for key in compared_metrics(keys, keys)]
    judged = metrics[:1]
    params = sorted(
        (column for column in columns if column.name.startswith("params.")),
        key=lambda column: (not column.everywhere, is_seed(column.name)),
    )
    first = [name for name in _FIRST if name in names]
    room = MAX_COLUMNS - len(first) - len(_LAST)
    varying = [name for name in metrics if name in differ or name in judged]
    equal = [name for name in metrics if name not in varying]
    differing = [column.name for column in params if column.differs]
    same = [column.name for column in params if not column.differs]
    chosen = _share(varying, differing, room)
    chosen |= _share(equal, same, room - len(chosen))
    shown = [name for name in (*varying, *equal, *differing, *same) if name in chosen]
    extra = [name for name in names if name.startswith("sql.")]
    return [name for name in (*first, *extra, *shown, *_LAST) if name in names]


def _share(some: list[str], others: list[str], room: int) -> set[str]:
    """Return as many of both as there is room for; what one does not need, the other gets."""
    half = max(room - room // 2, room - len(others))
    taken = some[: max(half, 0)]
    return {*taken, *others[: max(room - len(taken), 0)]}


def arranged_columns(
    defaults: Sequence[str], changes: ColumnChanges, known: Container[str]
) -> list[str]:
    """Return the columns by default, as far as they are known, with what somebody has changed.

    ``js/shared/src/column_changes.ts`` does the same in the browser.
    """
    shown = [name for name in defaults if name not in changes["hidden"]]
    names = [name for name in dict.fromkeys([*shown, *changes["added"]]) if name in known]
    if not changes["order"]:
        return names
    arranged = [name for name in changes["order"] if name in names]
    for place, name in enumerate(names):
        if name not in arranged:  # behind what it stands behind by default
            arranged.insert(arranged.index(names[place - 1]) + 1 if place else 0, name)
    return arranged


def encode_page(page: TablePage, start: int) -> tuple[PageJson, list[bytes]]:
    """Return a page as a message for the browser, with its numbers as float64 buffers.

    Text stays text: the browser knows which params are numbers.
    """
    columns: list[PageColumn] = []
    buffers: list[bytes] = []
    for name, cells in page.columns.items():
        numbers, gaps = _numbers(cells)
        if numbers is None:
            columns.append({"name": name, "values": [None if v is None else str(v) for v in cells]})
            continue
        column: PageColumn = {"name": name, "buffer": len(buffers), "gaps": gaps}
        buffers.append(numbers.tobytes())
        if name in page.spreads:
            spreads = [np.nan if v is None else v for v in page.spreads[name]]
            column["spread"] = len(buffers)
            buffers.append(np.array(spreads, "<f8").tobytes())
        columns.append(column)
    message: PageJson = {
        "start": start,
        "total": page.total,
        "run_ids": page.run_ids,
        "columns": columns,
    }
    if page.groups is not None:
        message["groups"] = [None if g is None else g.as_json() for g in page.groups]
        message["children"] = page.children
        message["runs"] = page.runs
    if page.best is not None:
        message["best"] = page.best
    if page.warnings is not None and any(page.warnings):
        message["warnings"] = page.warnings
    if page.hint:
        message["hint"] = page.hint
    return message, buffers


def _numbers(cells: Cells) -> tuple[NDArray[np.float64] | None, list[int]]:
    """Return cells as numbers with the places of those that are missing; None for text."""
    if isinstance(cells, np.ndarray):
        numbers = cells.astype("<f8")
        return numbers, np.flatnonzero(np.isnan(numbers)).tolist()
    if any(isinstance(v, str) for v in cells):
        return None, []
    numbers = np.array([np.nan if v is None else float(v) for v in cells], dtype="<f8")
    return numbers, [i for i, v in enumerate(cells) if v is None]


def with_numbers(page: TablePage, kinds: Mapping[str, str]) -> dict[str, Cells]:
    """Return a page's cells with the params that are numbers as numbers."""

    def cell(value: Any) -> Any:
        try:
            return float(value)
        except (TypeError, ValueError):  # one that came after the columns were looked at
            return None

    return {
        name: [cell(v) for v in cells]
        if kinds.get(name) in NUMERIC and not isinstance(cells, np.ndarray)
        else cells
        for name, cells in page.columns.items()
    }
