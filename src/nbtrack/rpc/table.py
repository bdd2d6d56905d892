"""Requests of tables of runs: columns, rows, and what is changed in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, TypedDict

from nbtrack.errors import InvalidParameterError
from nbtrack.rpc.column_sets import remember_set, remembered_sets
from nbtrack.rpc.registry import Topic
from nbtrack.rpc.request import Response
from nbtrack.store import RunAction, Store
from nbtrack.store.search import is_unfinished
from nbtrack.views.table.export import EXTENSIONS, export_page
from nbtrack.views.table.page import (
    Best,
    Column,
    ColumnSet,
    ColumnSets,
    PageJson,
    SortKey,
    TableColumns,
    TableSource,
    encode_page,
    table_columns,
)
from nbtrack.views.table.query import small_curves
from nbtrack.views.table.run_query import Scope, Stage, TableQuery
from nbtrack.views.table.source import StoreTable

MAX_STOP = 1000
MAX_CURVES = 2000
MAX_EXPORT = 100_000

REQUESTS = Topic("table")
ROWS = Topic("table")
"""Those that any source of rows can answer."""


@dataclass(frozen=True)
class TableParams:
    """Whose runs a table is about: null for those of all experiments."""

    experiment_ids: list[str] | None = None
    run_ids: list[str] | None = None

    @property
    def scope(self) -> Scope:
        """Return it as the store takes it."""
        return Scope(self.experiment_ids, self.run_ids)


@dataclass(frozen=True)
class QueryParams(TableParams):
    """Which rows, as `TableQuery` has them; ``sort`` are columns, and whether each rises."""

    columns: list[str] = field(default_factory=list)
    filter: str = ""
    sort: Annotated[list[Any], list[SortKey]] = field(default_factory=list)
    group: list[str] = field(default_factory=list)
    expanded: list[str] = field(default_factory=list)
    stage: Stage = "active"
    directions: Mapping[str, Best] | None = None
    start: int = 0
    stop: int | None = None

    @property
    def query(self) -> TableQuery:
        """Return it as the store takes it.

        Raises
        ------
        InvalidParameterError
            If the order cannot be read.
        """
        start = max(0, self.start)
        stop = start + 100 if self.stop is None else self.stop
        return TableQuery(
            columns=self.columns,
            filter=self.filter,
            sort=sort_keys(self.sort),
            group=self.group,
            expanded=self.expanded,
            stage=self.stage,
            directions=dict(self.directions or {}),
            start=start,
            stop=min(stop, start + MAX_STOP),
        )


@dataclass(frozen=True)
class IdsParams(QueryParams):
    """``groups`` are the keys of groups whose runs are meant; none for all that match."""

    groups: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ExportParams(QueryParams):
    """``format`` is that of the text."""

    format: Annotated[str, Literal["csv", "markdown", "latex"]]


class RunIds(TypedDict):
    """Runs that match, or to which something was done."""

    run_ids: list[str]


@dataclass(frozen=True)
class TypedFilter:
    """A filter as it stands in a field while somebody types."""

    filter: str


class Unfinished(TypedDict):
    """Whether it cannot be read, and may be the beginning of a filter that can."""

    unfinished: bool


class Export(TypedDict):
    """A table as text."""

    text: str
    filename: str
    rows: int


@dataclass(frozen=True)
class ColumnsParams(TableParams):
    """Of which runs the columns are."""

    stage: Stage = "active"


class Sets(TypedDict):
    """The column sets that are kept; null where none can be."""

    sets: Annotated[Any, ColumnSets | None]


@dataclass(frozen=True)
class SmallCurvesParams:
    """Metrics of runs, and how many points of each."""

    run_ids: list[str]
    keys: list[str]
    points: int = 24


class SmallCurves(TypedDict):
    """Small curves; the buffer has the points of each run in turn, by metric."""

    run_ids: list[str]
    keys: list[str]
    points: int


@dataclass(frozen=True)
class EditParams:
    """A cell and what it shall say."""

    run_id: str
    column: str
    value: str


class Edited(TypedDict):
    """The value as it is kept."""

    value: str


@dataclass(frozen=True)
class ActParams:
    """What shall be done, and to which runs."""

    action: RunAction
    run_ids: list[str]


@dataclass(frozen=True)
class RememberParams:
    """A column set: the one that was used last where it has no name; null forgets it."""

    experiment_ids: list[str] | None = None
    name: Annotated[Any, str | None] = None
    set: Annotated[Any, ColumnSet | None] = None


@ROWS.reads("rows")
def rows_of(source: TableSource, params: QueryParams) -> Response[PageJson]:
    """Return some rows, with their numbers as buffers."""
    query = params.query
    return Response(*encode_page(source.page(query), query.start))


@ROWS.reads("ids")
def ids_of(source: TableSource, params: IdsParams) -> Response[RunIds]:
    """Return the ids of all runs that match, or of those of some groups."""
    return Response({"run_ids": source.ids(params.query, params.groups or None)})


@ROWS.reads("export")
def export_of(source: TableSource, params: ExportParams) -> Response[Export]:
    """Return the table as text: all rows that match, with the columns that are shown."""
    asked = params.query
    query = replace(
        asked,
        columns=[name for name in asked.columns if not name.startswith("curves.")],
        expanded=(),
        start=0,
        stop=MAX_EXPORT,
    )
    page = source.page(query)
    kinds = {column.name: column for column in source.columns()}
    shown = [kinds.get(name, Column(name, "text")) for name in query.columns]
    text = export_page(page, shown, params.format)
    filename = f"runs{EXTENSIONS[params.format]}"
    return Response({"text": text, "filename": filename, "rows": len(page.run_ids)})


@ROWS.reads("unfinished")
def unfinished_of(source: TableSource, params: TypedFilter) -> Response[Unfinished]:
    """Return whether a filter is in the middle of typing: then it is no error yet."""
    return Response({"unfinished": is_unfinished(params.filter)})


@REQUESTS.reads("columns")
def columns(store: Store, params: ColumnsParams) -> Response[TableColumns]:
    """Return all columns that the runs of a table have."""
    scope = params.scope
    with store.read() as reader:
        found = StoreTable(store, scope=scope).columns(params.stage)
        # chosen runs are shown by what tells them apart, whatever is hidden of their experiment
        sets = None if scope.run_ids is not None else remembered_sets(reader, scope.experiment_ids)
    return Response(table_columns(found, sets))


@REQUESTS.reads("rows")
def rows(store: Store, params: QueryParams) -> Response[PageJson]:
    """Return some rows, with their numbers as buffers."""
    return rows_of(StoreTable(store, scope=params.scope), params)


@REQUESTS.reads("ids")
def ids(store: Store, params: IdsParams) -> Response[RunIds]:
    """Return the ids of all runs that match, or of those of some groups."""
    return ids_of(StoreTable(store, scope=params.scope), params)


@REQUESTS.reads("export")
def export(store: Store, params: ExportParams) -> Response[Export]:
    """Return the table as text: all rows that match, with the columns that are shown."""
    return export_of(StoreTable(store, scope=params.scope), params)


@REQUESTS.reads("unfinished")
def unfinished(store: Store, params: TypedFilter) -> Response[Unfinished]:
    """Return whether a filter is in the middle of typing: then it is no error yet."""
    return Response({"unfinished": is_unfinished(params.filter)})


@REQUESTS.reads("curves")
def curves(store: Store, params: SmallCurvesParams) -> Response[SmallCurves]:
    """Return small curves of metrics, for the cells of a table."""
    run_ids, keys = params.run_ids[:MAX_CURVES], params.keys[:50]
    points = max(2, min(100, params.points))
    with store.read() as reader:
        found = small_curves(reader, run_ids, keys, points)
    body: SmallCurves = {"run_ids": run_ids, "keys": keys, "points": points}
    return Response(body, [found.astype("<f8").tobytes()])


@REQUESTS.writes("edit")
def edit(store: Store, params: EditParams) -> Response[Edited]:
    """Change the name, the note or a tag of a run."""
    return Response({"value": store.runs.edit(params.run_id, params.column, params.value)})


@REQUESTS.writes("act")
def act(store: Store, params: ActParams) -> Response[RunIds]:
    """Archive, delete, restore, ... runs."""
    return Response({"run_ids": store.runs.act(params.action, params.run_ids)})


@REQUESTS.writes("remember")
def remember(store: Store, params: RememberParams) -> Response[Sets]:
    """Keep a column set, or forget it."""
    name, chosen = params.name, params.set
    if not isinstance(name, (str, type(None))) or not isinstance(chosen, (dict, type(None))):
        raise InvalidParameterError("A column set has a name, and is an object.")
    return Response({"sets": remember_set(store, params.experiment_ids, name, chosen)})


def sort_keys(items: Sequence[Any]) -> list[tuple[str, bool]]:
    """Return the keys of an order, each a column and whether it rises."""
    keys = []
    for item in items:
        if not isinstance(item, (list, tuple)) or len(item) != 2 or not isinstance(item[0], str):
            raise InvalidParameterError(f"sort has {item!r} in it; [column, ascending] is needed.")
        keys.append((item[0], bool(item[1])))
    return keys
