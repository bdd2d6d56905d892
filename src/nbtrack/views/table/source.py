"""Where the rows of a table come from: a store, or a DataFrame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.entities.run_data import is_system_metric
from nbtrack.errors import InvalidParameterError
from nbtrack.store import Store, filter_hint
from nbtrack.store.search import direction_of, is_filter_expression
from nbtrack.views.table.group_query import grouped_runs
from nbtrack.views.table.page import NUMERIC, Cells, Column, TablePage, with_numbers
from nbtrack.views.table.query import (
    Key,
    all_ids,
    best_directions,
    best_values,
    runs_elsewhere,
    select_ids,
    table_cells,
    table_keys,
    warnings_of,
)
from nbtrack.views.table.run_query import Scope, Stage, TableQuery

if TYPE_CHECKING:
    import pandas as pd


class StoreTable:
    """Answers the queries of a table from a store; see ``nbtrack.views.table.page.TableSource``.

    Parameters
    ----------
    store : Store
    experiment_ids : list of str or None
        None for all experiments.
    scope : Scope, optional
        In place of ``experiment_ids``: chosen runs, with more columns.
    """

    def __init__(
        self,
        store: Store,
        experiment_ids: Sequence[str] | None = None,
        scope: Scope | None = None,
    ) -> None:
        self.store = store
        self.scope = scope or Scope(None if experiment_ids is None else list(experiment_ids))

    def columns(self, stage: Stage = "active") -> list[Column]:
        """Return all columns there are."""
        with self.store.read() as reader:
            found = table_keys(reader, self.scope, stage)
        curves = [f"curves.{key.key}" for key in found.keys if _has_curve(key)]
        return [
            Column("run_name", "text", editable=True),
            Column("status", "state"),
            Column("start_time", "time"),
            Column("duration", "duration"),
            *([Column("experiment", "text")] if found.several else []),
            Column("note", "text", found.noted, editable=True),
            Column("reproduced", "verdict", found.verified),
            Column("warnings", "text", found.warned),
            *self._extra(),
            *map(_column, found.keys),
            *(Column(name, "curve") for name in curves),
            Column("user_id", "text"),
            Column("run_id", "text"),
        ]

    def page(self, query: TableQuery) -> TablePage:
        """Return the rows from ``start`` to ``stop`` of a query."""
        with self.store.read() as reader:
            if query.group:
                return self._grouped(reader, query)
            ids, total = select_ids(reader, self.scope, query)
            cells = self._cells(reader, ids, query)
            best = None
            if query.start == 0:
                best = best_values(reader, self.scope, query, best_directions(query))
            hint = "" if total else self._hint(reader, query)
            warnings = warnings_of(reader, ids)
            return TablePage(total, ids, cells, best=best, warnings=warnings, hint=hint)

    def ids(self, query: TableQuery, groups: Sequence[str] | None = None) -> list[str]:
        """Return the ids of all runs that match, or of those in some groups."""
        with self.store.read() as reader:
            if groups is None:
                return all_ids(reader, self.scope, query)
            with grouped_runs(reader, self.scope, query) as grouped:
                found = grouped.members(groups)
        return [run_id for ids in found.values() for run_id in ids]

    def _grouped(self, reader: Any, query: TableQuery) -> TablePage:
        with grouped_runs(reader, self.scope, query) as grouped:
            found = grouped.lines()
            lines = found.lines
            of_groups = grouped.cells([line.group for line in lines if line.group is not None])
            best = grouped.best() if query.start == 0 else None
            hint = "" if found.total else self._hint(reader, query)
        ids = [line.run_id for line in lines if line.group is None]
        of_runs = self._cells(reader, ids, query)
        cells: dict[str, Cells] = {}
        spreads: dict[str, list[float | None]] = {}
        for name in of_runs:
            own = iter(of_runs[name])
            values, spread = of_groups.values.get(name, {}), of_groups.spreads.get(name, {})
            cells[name] = [
                next(own) if line.group is None else values.get(line.group.key) for line in lines
            ]
            if spread:
                spreads[name] = [
                    None if line.group is None else spread.get(line.group.key) for line in lines
                ]
        return TablePage(
            found.total,
            [line.run_id for line in lines],
            cells,
            groups=[line.group for line in lines],
            children=[place for place, line in enumerate(lines) if line.child],
            spreads=spreads,
            runs=found.runs,
            best=best,
            warnings=warnings_of(reader, [line.run_id for line in lines]),
            hint=hint,
        )

    def _hint(self, reader: Any, query: TableQuery) -> str:
        """Say where runs may be that are not here."""
        if query.filter:
            return filter_hint(reader, query.filter)
        if self.scope.experiment_ids is None or query.stage != "active":
            return ""
        return runs_elsewhere(reader, self.scope.experiment_ids)

    def _cells(self, reader: Any, ids: list[str], query: TableQuery) -> dict[str, Cells]:
        names = [name for name in query.columns if not name.startswith("curves.")]
        cells: dict[str, Cells] = dict(table_cells(reader, ids, names))
        extra = self.scope.extra
        if extra is not None and any(name.startswith("sql.") for name in names):
            rows = extra.set_index("run_id").reindex(ids)
            for name in names:
                if name.startswith("sql."):
                    cells[name] = [_plain_value(value) for value in rows[name[4:]].tolist()]
        return cells

    def _extra(self) -> list[Column]:
        extra = self.scope.extra
        if extra is None:
            return []
        return [
            Column(f"sql.{name}", "number" if extra[name].dtype.kind in "iuf" else "text")
            for name in map(str, extra.columns)
            if name != "run_id"
        ]


class FrameTable:
    """Answers the queries of a table from a DataFrame; see ``nbtrack.views.table.page``.

    Parameters
    ----------
    frame : DataFrame
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame.reset_index(drop=True)
        self.frame.columns = [str(name) for name in frame.columns]
        if self.frame.columns.duplicated().any():
            twice = sorted(set(self.frame.columns[self.frame.columns.duplicated()]))
            raise InvalidParameterError(
                f"The result has the columns {', '.join(twice)} twice; name them with AS."
            )

    def columns(self) -> list[Column]:
        """Return the columns of the frame."""
        return [
            Column(str(name), _kind(values.dtype.kind), bool(values.nunique(dropna=False) > 1))
            for name, values in self.frame.items()
        ]

    def page(self, query: TableQuery) -> TablePage:
        """Return the rows from ``start`` to ``stop`` of a query."""
        found = self._found(query)
        rows = found.iloc[query.start : query.stop]
        cells: dict[str, Cells] = {
            name: _frame_cells(rows[name]) for name in query.columns if name in rows
        }
        return TablePage(len(found), [f"row-{i}" for i in rows.index], cells, best={})

    def ids(self, query: TableQuery, groups: Sequence[str] | None = None) -> list[str]:
        """Return what tells the rows that match from each other."""
        return [f"row-{i}" for i in self._found(query).index]

    def _found(self, query: TableQuery) -> pd.DataFrame:
        found = self.frame
        if is_filter_expression(query.filter):
            raise InvalidParameterError(
                "The result of a query is filtered by words; write a condition into its SQL."
            )
        words = query.filter.lower().split()
        if words:
            texts = found.astype(str).agg(" ".join, axis=1).str.lower()
            for word in words:
                found = found[texts.loc[found.index].str.contains(word, regex=False)]
        keys = [(name, rises) for name, rises in query.sort if name in found]
        if keys:
            found = found.sort_values(
                [name for name, _ in keys],
                ascending=[rises for _, rises in keys],
                na_position="last",
                kind="stable",
            )
        return found


def page_frame(page: TablePage, known: Mapping[str, Column]) -> pd.DataFrame:
    """Return rows as a DataFrame by run id: numbers as floats, times in UTC."""
    import pandas as pd

    kinds = {name: column.kind for name, column in known.items()}
    cells = with_numbers(page, kinds)
    frame: dict[str, Any] = {}
    for name, values in cells.items():
        if kinds.get(name) == "time":
            frame[name] = pd.to_datetime(list(values), unit="ms", utc=True)
        elif kinds.get(name) in NUMERIC:
            frame[name] = pd.array([float("nan") if v is None else v for v in values], "float64")
        else:
            frame[name] = list(values)
    return pd.DataFrame(frame, index=pd.Index(page.run_ids, name="run_id"))


def _column(key: Key) -> Column:
    if key.family == "metrics":
        return Column(key.name, "number", key.differs, direction_of(key.key))
    kind = "number" if key.numeric and key.family == "params" else "text"
    return Column(
        key.name,
        kind,  # type: ignore[arg-type]
        key.differs,
        editable=key.family == "tags",
        everywhere=key.everywhere,
    )


def _has_curve(key: Key) -> bool:
    return key.family == "metrics" and not is_system_metric(key.key)


def _plain_value(value: Any) -> Any:
    if value is None or value != value:
        return None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def _kind(kind: str) -> Any:
    return "number" if kind in "iuf" else "time" if kind == "M" else "text"


def _frame_cells(values: pd.Series) -> list[Any]:
    import pandas as pd

    missing = pd.isna(values)
    kind = values.dtype.kind
    if kind == "M":
        values = values.map(_milliseconds)
    made = [
        None if gone else value if kind in "iufM" else _text(value)
        for value, gone in zip(values.tolist(), missing.tolist(), strict=True)
    ]
    return made if kind in "iufM" or any(made) else [None] * len(made)


def _milliseconds(value: Any) -> Any:
    import pandas as pd

    return None if pd.isna(value) else value.timestamp() * 1000


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
