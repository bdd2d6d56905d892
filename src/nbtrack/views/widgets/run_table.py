"""The table of runs: the browser asks for the rows it shows."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets as t

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.views.mime import MAX_ROWS, Bundle, table_bundle
from nbtrack.views.table import Column, TablePage, TableSource, encode_page
from nbtrack.views.widgets.view import View, bundle_path, refuse_unknown

__all__ = ["Column", "RunTable", "TablePage", "TableSource"]

MAX_COLUMNS = 12
MAX_STOP = 1000
_KEYWORDS = ("source", "columns", "filter", "page")
_FIRST = ("run_name", "status")
_LAST = ("duration", "start_time")


class RunTable(View):
    """A table of runs that sorts, filters and scrolls where the runs are stored.

    Parameters
    ----------
    source : TableSource
        Answers queries.
    columns : sequence of str, optional
        Which columns to show; by default name, state, the params that differ, the metrics,
        duration and start.
    filter : str
        In the search grammar, such as ``metrics.loss < 0.3``.
    page : int
        How many rows travel at once.

    Attributes
    ----------
    selected_ids : list of str
        The runs that are selected.
    sort : list of [name, ascending]
        The order; empty for the source's own.
    error : str
        What is wrong with the filter, if something is.
    """

    _esm = bundle_path("run_table")

    all_columns = t.List(t.Dict()).tag(sync=True)
    columns = t.List(t.Unicode()).tag(sync=True)
    filter = t.Unicode("").tag(sync=True)
    sort = t.List(t.List()).tag(sync=True)
    selected_ids = t.List(t.Unicode()).tag(sync=True)
    page = t.Int(100).tag(sync=True)
    first = t.Dict().tag(sync=True)
    error = t.Unicode("").tag(sync=True)

    def __init__(
        self,
        source: TableSource,
        *,
        columns: Sequence[str] | None = None,
        filter: str = "",
        page: int = 100,
        **unknown: Any,
    ) -> None:
        refuse_unknown("RunTable", unknown, _KEYWORDS)
        if not 1 <= page <= MAX_STOP:
            raise InvalidParameterError(f"page is {page}; give 1 to {MAX_STOP} rows.")
        self._lock = threading.RLock()
        self._source = source
        self._rows = max(MAX_ROWS, page)
        self._known: dict[str, Column] = {}
        self._last_page = TablePage(0, [], {})
        self._generation = 0
        self._asked: dict[str, Any] = {}
        with self._lock:
            known = {column.name: column for column in source.columns()}
            for name in columns or ():
                if name not in known:
                    refuse_unknown("The table", {name: None}, tuple(known))
            self._known = known
            shown = list(columns) if columns is not None else _default_columns(known)
            state = self._first_state(shown, filter, [])
        super().__init__(
            all_columns=[column.as_json() for column in known.values()],
            columns=shown,
            filter=filter,
            page=page,
            **state,
        )
        self.observe(self._on_view, names=["columns", "filter", "sort"])
        self.on_msg(self._on_message)

    def refresh(self) -> None:
        """Ask the source again and show what it says now."""
        with self._lock:
            try:
                known = {column.name: column for column in self._source.columns()}
            except NbtrackError as error:
                self.error = str(error)
                return
            # columns that nobody chose go with what the runs have
            by_default = self.columns == _default_columns(self._known)
            self._known = known
            self.all_columns = [column.as_json() for column in known.values()]
            shown = _default_columns(known) if by_default else self.columns
            if shown != self.columns:
                self.columns = shown
            else:
                self._update()

    def finished_bundle(self) -> Bundle:
        """Return the output that stays in the notebook: the first 50 rows."""
        with self._lock:
            return table_bundle(
                self._last_page,
                all_columns=list(self._known.values()),
                columns=self.columns,
                filter=self.filter,
                sort=[(name, ascending) for name, ascending in self.sort],
                best=dict(self.first.get("best", {})),
            )

    def _on_view(self, _change: Any) -> None:
        with self._lock:
            if self._asked != _query(self.columns, self.filter, self.sort):
                self._update()

    def _update(self) -> None:
        state = self._first_state(self.columns, self.filter, self.sort)
        with self.hold_sync():
            for name, value in state.items():
                setattr(self, name, value)

    def _first_state(
        self, columns: list[str], filter: str, sort: list[list[Any]]
    ) -> dict[str, Any]:
        """Return the first rows and the error of a view; after an error the rows stay."""
        query = self._asked = _query(columns, filter, sort)
        try:
            page = self._ask(columns, filter, sort, 0, self._rows)
            best = self._best(page, columns, filter)
        except NbtrackError as error:
            return {"error": str(error)}
        self._last_page = page
        self._generation += 1
        message, buffers = self._encode(page, 0)
        first = {
            **message,
            "buffers": buffers,
            "best": best,
            "query": query,
            "generation": self._generation,
        }
        return {"first": first, "error": ""}

    def _best(self, page: TablePage, columns: list[str], filter: str) -> dict[str, float]:
        """Return the best value of each column that has a better direction, over all runs."""
        best: dict[str, float] = {}
        if page.total < 2:
            return best
        for name in columns:
            column = self._known.get(name)
            if column is None or column.direction is None or not column.differs:
                continue
            top = self._ask([name], filter, [[name, column.direction == "min"]], 0, 1)
            value = top.columns.get(name, [None])[0]
            if value is not None and np.isfinite(value):
                best[name] = float(value)
        return best

    def _ask(
        self, columns: Sequence[str], filter: str, sort: list[list[Any]], start: int, stop: int
    ) -> TablePage:
        return self._source.query(
            columns=[name for name in columns if name in self._known],
            filter=filter,
            order_by=[(str(name), bool(ascending)) for name, ascending in sort],
            start=start,
            stop=stop,
        )

    def _encode(self, page: TablePage, start: int) -> tuple[dict[str, Any], list[bytes]]:
        kinds: dict[str, str] = {name: column.kind for name, column in self._known.items()}
        return encode_page(page, start, kinds)

    def _on_message(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if not isinstance(message, dict) or message.get("type") != "query":
            return
        answer: dict[str, Any]
        buffers: list[bytes] = []
        try:
            start = max(0, int(message["start"]))
            stop = min(int(message["stop"]), start + MAX_STOP)
            with self._lock:
                page = self._ask(
                    message["columns"], message["filter"], message["sort"], start, stop
                )
                body, buffers = self._encode(page, start)
            answer = {"type": "page", "id": message["id"], **body}
        except NbtrackError as error:
            answer = {"type": "failed", "id": message["id"], "message": str(error)}
        except (KeyError, TypeError, ValueError) as error:
            text = f"The table asked for rows in a way that is not understood: {error!r}"
            answer = {"type": "failed", "id": message.get("id"), "message": text}
        self.send(answer, buffers)


def _query(columns: list[str], filter: str, sort: list[list[Any]]) -> dict[str, Any]:
    return {"columns": list(columns), "filter": filter, "sort": [list(key) for key in sort]}


def _default_columns(known: dict[str, Column]) -> list[str]:
    params = [n for n, column in known.items() if n.startswith("params.") and column.differs]
    metrics = [n for n in known if n.startswith("metrics.") and not n.startswith("metrics.system/")]
    room = MAX_COLUMNS - len(_FIRST) - len(_LAST)
    half = max(room // 2, room - len(metrics))
    middle = [*params[:half], *metrics][:room]
    return [name for name in (*_FIRST, *middle, *_LAST) if name in known]
