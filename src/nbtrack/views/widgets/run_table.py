"""The table of runs: the browser asks for the rows it shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import traitlets as t

from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.rpc import Fields, Response, name_of
from nbtrack.rpc.table import ROWS, sort_keys
from nbtrack.store import Store
from nbtrack.suggestions import did_you_mean
from nbtrack.views.display import Bundle
from nbtrack.views.table.export import export_page, table_bundle
from nbtrack.views.table.page import (
    Column,
    FirstPage,
    Layout,
    RowsQuery,
    SortKey,
    TableColumns,
    TablePage,
    TableSource,
    arranged_columns,
    default_columns,
    encode_page,
    table_columns,
    with_numbers,
)
from nbtrack.views.table.run_query import FOLD, STAGES, Stage, TableQuery
from nbtrack.views.table.source import page_frame
from nbtrack.views.widgets.view import Names, SortKeys, Synced, View, refuse_unknown, synced

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Column", "RunTable", "TablePage", "TableSource"]

PAGE = 100
_ALL = 2**62
_KEYWORDS = ("source", "columns", "filter", "sort", "group")
_VIEW = ("columns", "filter", "sort", "group", "stage", "preferences")
_LAYOUT: Layout = {
    "hidden": [],
    "added": [],
    "order": [],
    "pinned": ["run_name"],
    "widths": {},
    "directions": {},
    "differing": False,
}


class RunTable(View):
    """A table of runs that sorts, filters, groups and scrolls where the runs are stored.

    Parameters
    ----------
    source : TableSource
        Answers queries.
    columns : sequence of str, optional
        Which columns to show; by default name, state, the params that differ, the metrics,
        duration and start, or what was chosen last.
    filter : str
        In the search grammar, such as ``metrics.loss < 0.3``, or words.
    sort, group
        As the attributes.

    Attributes
    ----------
    columns : list of str
    sort : list of [name, ascending]
        The order; empty for the source's own. Takes ``"metrics.loss"`` and
        ``"metrics.loss DESC"`` as well.
    group : list of str
        Params or tags by which runs are grouped, or ``"seeds"``: runs that differ in their
        seed only are one row, with mean and standard deviation.
    stage : {"active", "archived", "deleted"}
    selected_ids : list of str
        The runs that are selected.
    preferences : dict
        Which of the columns by default are hidden, which were added, and in which order all
        stand; pinned columns, widths, which way columns are best, whether only differing ones show.
    error : str
        What is wrong with the filter, if something is.
    """

    _entry = "run_table"
    experiment_ids = t.List(t.Unicode(), allow_none=True, default_value=None).tag(sync=True)
    editable = t.Bool(False).tag(sync=True)
    all_columns: Synced[TableColumns] = synced(t.Dict())
    columns = Names().tag(sync=True)
    filter = t.Unicode("").tag(sync=True)
    sort: Synced[Annotated[list[Any], list[SortKey]]] = synced(SortKeys())
    group = Names().tag(sync=True)
    stage: Synced[Stage] = synced(t.Enum(STAGES, "active"))
    preferences: Synced[Layout] = synced(t.Dict(dict(_LAYOUT)))
    selected_ids = t.List(t.Unicode()).tag(sync=True)
    first: Synced[FirstPage] = synced(t.Dict())
    error = t.Unicode("").tag(sync=True)

    def __init__(
        self,
        source: TableSource,
        *,
        columns: Sequence[str] | None = None,
        filter: str = "",
        sort: Any = (),
        group: Any = (),
        store: Store | None = None,
        experiment_ids: Sequence[str] | None = None,
        sets: dict[str, Any] | None = None,
        **unknown: Any,
    ) -> None:
        refuse_unknown("RunTable", unknown, _KEYWORDS)
        self._source = source
        self._sets = sets
        self._generation = 0
        self._asked: TableQuery | None = None
        self._last_page = TablePage(0, [], {})
        self._set_known(source.columns())
        view = self._remembered() if columns is None else {}
        if columns is not None:
            self._check_names(columns)
        view |= {"columns": list(columns or view.get("columns") or self._defaults)}
        if sort:
            view["sort"] = sort
        if group:
            view["group"] = group
        super().__init__(
            store=store,
            experiment_ids=None if experiment_ids is None else list(experiment_ids),
            editable=store is not None,
            all_columns=self._columns_response(),
            filter=filter,
            **view,
        )
        with self._lock:
            self._update()
        self.observe(self._on_view, names=list(_VIEW))

    # -- what is assigned in Python ------------------------------------------------------

    @property
    def selected(self) -> pd.DataFrame:
        """The selected runs as a DataFrame; takes ids, names, or a DataFrame with ``run_id``."""
        frame = self.frame()
        chosen = [run_id for run_id in self.selected_ids if run_id in frame.index]
        return frame.loc[chosen].reset_index()

    @selected.setter
    def selected(self, runs: Any) -> None:
        self.selected_ids = self._ids_of(runs)

    def frame(self) -> pd.DataFrame:
        """Return all runs that match, with the shown columns, in order; the index is the run's id.

        Raises
        ------
        InvalidParameterError
            If the filter cannot be read.
        """
        query = self._query(stop=_ALL)
        ungrouped = TableQuery(
            columns=[name for name in query.columns if not name.startswith("curves.")],
            filter=query.filter,
            sort=query.sort,
            stage=query.stage,
            stop=_ALL,
        )
        return page_frame(self._source.page(ungrouped), self._known)

    def to_csv(self, path: str | Path | None = None) -> str:
        """Return the table as CSV: all rows that match, or those that are selected.

        Parameters
        ----------
        path : path, optional
            Where to write it, too.
        """
        return self._export("csv", path)

    def to_markdown(self, path: str | Path | None = None) -> str:
        """Return the table in Markdown, the best values in bold; otherwise as ``to_csv``."""
        return self._export("markdown", path)

    def to_latex(self, path: str | Path | None = None) -> str:
        """Return a LaTeX ``tabular``, the best values in bold; otherwise as ``to_csv``."""
        return self._export("latex", path)

    # -- what the browser asks -----------------------------------------------------------

    def respond(self, request: Fields) -> Response[Any]:
        """Answer a request of the browser, those for rows from the source."""
        topic, _, verb = name_of(request).partition(".")
        if topic == "table" and verb == "columns":
            with self._lock:
                self._set_known(self._source.columns())
                return Response(self._columns_response())
        known = ROWS.requests.get(verb) if topic == ROWS.name else None
        if known is not None and request.get("run_ids") is None:
            with self._lock:
                return known.respond(self._source, request)
        return super().respond(request)

    def refresh(self) -> None:
        """Ask the source again and show what it says now."""
        with self._lock:
            try:
                known = self._source.columns()
            except NbtrackError as error:
                self.error = str(error)
                return
            # columns that nobody named go with what the runs have
            by_default = list(self.columns) == self._arranged(self.preferences)
            self._set_known(known)
            self.all_columns = self._columns_response()
            arranged = self._arranged(self.preferences)
            if by_default and arranged != list(self.columns):
                self.columns = arranged
            else:
                self._update()

    def finished_bundle(self) -> Bundle:
        """Return the output that stays in the notebook: the first 50 rows."""
        with self._lock:
            page = self._last_page
            spreads: dict[str, list[float | None]] = {}
            if page.groups is not None:
                metrics = (name for name in page.spreads if name.startswith("metrics."))
                spreads = {f"{name} ±": page.spreads[name] for name in metrics}
                page = self._labelled(page)
            cells = with_numbers(page, self._kinds) | spreads
            if any(page.warnings or ()):
                cells.setdefault("warnings", page.warnings or [])
            shown = [n for name in self.columns for n in (name, f"{name} ±") if n in cells]
            known = [*self._known.values(), *(Column(name, "number") for name in spreads)]
            return table_bundle(
                TablePage(page.total, page.run_ids, cells),
                all_columns=known,
                columns=shown,
                filter=self.filter,
                sort=[(name, ascending) for name, ascending in self.sort],
                best=page.best or {},
            )

    # -- within --------------------------------------------------------------------------

    @t.validate("columns", "sort", "group")
    def _known_names(self, proposal: Any) -> Any:
        value = proposal["value"]
        names = [key[0] for key in value] if proposal["trait"].name == "sort" else list(value)
        if proposal["trait"].name == "group" and names == [FOLD]:
            return value
        self._check_names(names)
        return value

    def _check_names(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._known:
                refuse_unknown("The table", {name: None}, tuple(self._known))

    def _set_known(self, columns: Sequence[Column]) -> None:
        self._known = {column.name: column for column in columns}
        self._kinds: dict[str, str] = {name: column.kind for name, column in self._known.items()}
        self._defaults = default_columns(columns)

    def _columns_response(self) -> TableColumns:
        return table_columns(list(self._known.values()), self._sets, self._defaults)

    def _arranged(self, layout: Layout) -> list[str]:
        whole: Layout = {**_LAYOUT, **layout}
        return arranged_columns(self._defaults, whole, self._known)

    def _remembered(self) -> dict[str, Any]:
        """Return the view that was shown last, as far as its columns are there."""
        last = (self._sets or {}).get("last")
        if not last:
            return {}
        layout: Any = {k: last.get(k, v) for k, v in _LAYOUT.items()}
        view: dict[str, Any] = {"preferences": layout, "columns": self._arranged(layout)}
        view["sort"] = [key for key in sort_keys(last.get("sort", ())) if key[0] in self._known]
        group = list(last.get("group", ()))
        view["group"] = [name for name in group if name in self._known or group == [FOLD]]
        return view

    def _ids_of(self, runs: Any) -> list[str]:
        if hasattr(runs, "columns") and hasattr(runs, "index"):
            if "run_id" in runs.columns:
                return [str(run_id) for run_id in runs["run_id"]]
            if runs.index.name == "run_id":
                return [str(run_id) for run_id in runs.index]
            raise InvalidParameterError(
                "The DataFrame has no column run_id, so it does not say which runs are meant."
            )
        if not isinstance(runs, (str, list, tuple, set)) and not hasattr(runs, "tolist"):
            raise InvalidParameterError(
                f"selected takes ids, names or a DataFrame of runs, not {type(runs).__name__}."
            )
        wanted = [runs] if isinstance(runs, str) else [str(run) for run in runs]
        page = self._source.page(TableQuery(columns=["run_name"], stage=self.stage, stop=_ALL))
        by_name: dict[str, list[str]] = {}
        for run_id, name in zip(page.run_ids, page.columns["run_name"], strict=True):
            by_name.setdefault(str(name), []).append(run_id)
        ids = set(page.run_ids)
        found: list[str] = []
        for name in wanted:
            if name not in ids and name not in by_name:
                raise NotFoundError(
                    f"The table has no run with the name or id {name!r}. "
                    f"{did_you_mean(name, by_name)}".strip()
                )
            found += [name] if name in ids else by_name[name]
        return list(dict.fromkeys(found))

    def _query(self, start: int = 0, stop: int = PAGE) -> TableQuery:
        return TableQuery(
            columns=[name for name in self.columns if name in self._known],
            filter=self.filter,
            sort=[(name, ascending) for name, ascending in self.sort],
            group=list(self.group),
            stage=self.stage,
            directions=dict(self.preferences.get("directions", {})),
            start=start,
            stop=stop,
        )

    def _on_view(self, _change: Any) -> None:
        with self._lock:
            if self._asked != self._query():
                self._update()

    def _update(self) -> None:
        """Ask for the first rows of the view; after an error the rows stay."""
        query = self._asked = self._query()
        try:
            page = self._source.page(query)
        except NbtrackError as error:
            self.error = str(error)
            return
        self._last_page = page
        self._generation += 1
        message, buffers = encode_page(page, 0)
        asked: RowsQuery = {
            "columns": list(query.columns),
            "filter": query.filter,
            "sort": [list(key) for key in query.sort],
            "group": list(query.group),
            "expanded": [],
            "stage": query.stage,
            "directions": dict(query.directions),
        }
        with self.hold_sync():
            self.first = {
                **message,
                "best": page.best or {},
                "buffers": buffers,
                "query": asked,
                "generation": self._generation,
            }
            self.error = ""

    def _labelled(self, page: TablePage) -> TablePage:
        """Return a page of groups with their labels as names, as a plain table shows it."""
        names = [
            f"{group.label} ({group.runs} runs)" if group else name
            for group, name in zip(
                page.groups or [], page.columns.get("run_name", page.run_ids), strict=True
            )
        ]
        return TablePage(
            page.total, page.run_ids, {**page.columns, "run_name": names}, best=page.best
        )

    def _export(self, kind: str, path: str | Path | None) -> str:
        query = self._query(stop=_ALL)
        page = self._source.page(query)
        if self.selected_ids and page.groups is None:
            page = _only(page, set(self.selected_ids))
        shown = [self._known[name] for name in query.columns]
        text = export_page(page, [column for column in shown if column.kind != "curve"], kind)
        if path is not None:
            Path(path).write_text(text, "utf-8")
        return text


def _only(page: TablePage, ids: set[str]) -> TablePage:
    kept = [place for place, run_id in enumerate(page.run_ids) if run_id in ids]
    return TablePage(
        len(kept),
        [page.run_ids[place] for place in kept],
        {name: [cells[place] for place in kept] for name, cells in page.columns.items()},
        best=page.best,
    )
