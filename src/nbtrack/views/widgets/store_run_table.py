"""The table of the runs in a store, which follows the runs that go on; and results of SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.entities import ViewType
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.rpc import Fields, Response, name_of
from nbtrack.rpc.column_sets import remembered_sets
from nbtrack.store import Store
from nbtrack.views.table.run_query import Scope
from nbtrack.views.table.source import FrameTable, StoreTable
from nbtrack.views.watch import StoreWatch
from nbtrack.views.widgets.run_table import RunTable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ResultTable", "StoreRunTable", "StoreTable", "result_table", "runs_table"]

MAX_RESULT = 100_000


class StoreRunTable(RunTable):
    """A table of a store's runs.

    It looks once a second whether the store has changed, and asks for the rows again when
    it has; a closed table does not. Takes a `StoreTable`, and what `RunTable` takes.
    """

    def __init__(self, source: StoreTable, **options: Any) -> None:
        self._runs = source
        self._watcher = StoreWatch(source.store, self._follow, self._failed, name="nbtrack-table")
        scope = source.scope
        with source.store.read() as reader:
            sets = (
                None if scope.run_ids is not None else remembered_sets(reader, scope.experiment_ids)
            )
            super().__init__(
                source,
                store=source.store,
                experiment_ids=scope.experiment_ids,
                sets=sets,
                **options,
            )
        if scope.run_ids is not None:
            self.store_id = ""  # only this process knows which runs these are
        if self.comm is not None:
            self._watcher.start()

    @property
    def selected(self) -> pd.DataFrame:
        """The selected runs as a DataFrame, with the columns of ``nbtrack.search_runs``.

        Takes ids, names, or a DataFrame with a column ``run_id``.
        """
        from nbtrack.store import runs_frame

        ids = list(self.selected_ids)
        quoted = ", ".join(f"'{run_id}'" for run_id in ids) or "''"
        with self._runs.store.read() as reader:
            frame = runs_frame(reader, None, f"attributes.run_id IN ({quoted})", ViewType.ALL)
        places = {run_id: place for place, run_id in enumerate(ids)}
        return frame.sort_values("run_id", key=lambda column: column.map(places)).reset_index(
            drop=True
        )

    @selected.setter
    def selected(self, runs: Any) -> None:
        self.selected_ids = self._ids_of(runs)

    def respond(self, request: Fields) -> Response[Any]:
        """Answer a request of the browser; what is remembered is known here, too."""
        found = super().respond(request)
        if name_of(request) == "table.remember":
            self._sets = found.body["sets"]
        return found

    def refresh(self) -> None:
        """Ask the store again and show what it says now."""
        with self._lock, self._runs.store.read():
            super().refresh()

    def close(self) -> None:
        """Close the widget; it no longer follows the store."""
        self._watcher.stop()
        super().close()

    def _follow(self) -> None:
        try:
            self.refresh()
        except NbtrackError as error:
            self.error = str(error)

    def _failed(self, error: Exception) -> None:
        self.error = f"The table no longer follows the store: {error!r}"


class ResultTable(RunTable):
    """The result of a query, read only; ``table.frame()`` is the DataFrame that is shown."""

    def __init__(self, frame: pd.DataFrame) -> None:
        source = FrameTable(frame)
        super().__init__(source, columns=[str(name) for name in source.frame.columns])


def runs_table(
    store: Store,
    experiment_ids: Sequence[str] | None,
    filter: str = "",
    columns: Sequence[str] | None = None,
    **view: Any,
) -> StoreRunTable:
    """Return the table of the runs that fit a filter.

    Parameters
    ----------
    store : Store
    experiment_ids : list of str or None
        None for all experiments.
    filter : str
        In the search grammar, or plain words of names, params, tags and notes.
    columns : list of str, optional
        Such as ``["run_name", "metrics.loss"]``.
    **view
        ``sort`` and ``group``; see `RunTable`.

    Raises
    ------
    InvalidParameterError
        If the filter cannot be read, or there is no such column.
    """
    source = StoreTable(store, experiment_ids)
    return _checked(StoreRunTable(source, filter=filter, columns=columns, **view))


def result_table(store: Store, frame: pd.DataFrame) -> RunTable:
    """Return the table of a query's result: of its runs, where it has a column ``run_id``.

    Parameters
    ----------
    store : Store
    frame : DataFrame
        Its other columns are shown beside those of the runs, as ``sql.<name>``.
    """
    if len(frame) > MAX_RESULT:
        raise InvalidParameterError(
            f"The result has {len(frame):,} rows; a table shows {MAX_RESULT:,}. Add a LIMIT, or "
            "use nbtrack.sql(...) for the DataFrame."
        )
    if "run_id" not in frame.columns:
        return ResultTable(frame)
    ids = [str(run_id) for run_id in frame["run_id"].dropna()]
    found = frame.drop_duplicates("run_id").dropna(subset=["run_id"])
    scope = Scope(None, list(dict.fromkeys(ids)), found.astype({"run_id": str}))
    table = _checked(StoreRunTable(StoreTable(store, scope=scope)))
    if frame["run_id"].duplicated().any() or not table._last_page.total:
        table.close()  # rows that are no runs, or runs several times: shown as they are
        return ResultTable(frame)
    return table


def _checked(table: StoreRunTable) -> StoreRunTable:
    if table.error:
        table.close()
        raise InvalidParameterError(table.error)
    return table
