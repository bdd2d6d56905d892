"""The table of the runs in a store, which follows the runs that go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.entities import ViewType
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.store import tails
from nbtrack.store.search.direction import direction
from nbtrack.store.store import Store
from nbtrack.store.table import Key, table_cells, table_keys, table_rows
from nbtrack.views.table import NUMERIC, Cells, Column, TablePage
from nbtrack.views.widgets.run_table import RunTable

if TYPE_CHECKING:
    import pandas as pd

LOOK_EVERY_S = 1.0
REST = 20  # after a refresh, wait so many times what it took
MIN_REST_S = 2.0


class StoreTable:
    """Answers the queries of a table from a store; see ``nbtrack.views.table.TableSource``.

    Parameters
    ----------
    store : Store
    experiment_ids : list of str or None
        None for all experiments.
    """

    def __init__(self, store: Store, experiment_ids: Sequence[str] | None = None) -> None:
        self.store = store
        self.experiment_ids = None if experiment_ids is None else list(experiment_ids)
        self._kinds: dict[str, str] = {}

    def columns(self) -> list[Column]:
        """Return all columns there are."""
        with self.store.read() as reader:
            found = table_keys(reader, self.experiment_ids)
        columns = [
            Column("run_name", "text"),
            Column("status", "state"),
            Column("start_time", "time"),
            Column("duration", "duration"),
            *([Column("experiment", "text")] if found.experiments > 1 else []),
            *map(_column, found.keys),
            Column("user_id", "text"),
            Column("run_id", "text"),
        ]
        self._kinds = {column.name: column.kind for column in columns}
        return columns

    def query(
        self,
        *,
        columns: Sequence[str],
        filter: str,
        order_by: list[tuple[str, bool]],
        start: int,
        stop: int,
    ) -> TablePage:
        """Return the rows from ``start`` to ``stop`` of the runs that match."""
        with self.store.read() as reader:
            ids, total = table_rows(reader, self.experiment_ids, filter, order_by, start, stop)
            found = table_cells(reader, ids, columns)
        cells: dict[str, Cells] = {
            name: [_number(v) for v in values] if self._is_number(name) else values
            for name, values in found.items()
        }
        return TablePage(total, ids, cells)

    def _is_number(self, name: str) -> bool:
        return name.startswith("params.") and self._kinds.get(name) in NUMERIC

    def state(self) -> tuple[Any, ...]:
        """Return what changes whenever the store does; nothing is opened for it."""
        try:
            stat = self.store.path.stat()
            database: tuple[int, int] = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            database = (0, 0)
        return database, sorted(tails.sizes(self.store.journals).items())


def _column(key: Key) -> Column:
    if key.family == "metrics":
        return Column(key.name, "number", key.differs, direction(key.key))
    return Column(key.name, "number" if key.numeric else "text", key.differs)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):  # one that came after the columns were looked at
        return None


class StoreRunTable(RunTable):
    """A table of a store's runs.

    It looks once a second whether the store has changed, and asks for the rows again when
    it has; a closed table does not. Takes a `StoreTable`, and what `RunTable` takes.
    """

    def __init__(self, source: StoreTable, **options: Any) -> None:
        self._runs = source
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None
        with source.store.read():
            super().__init__(source, **options)
        if self.comm is not None:
            self._watch()

    def _watch(self) -> None:
        self._watcher = threading.Thread(target=self._follow, name="nbtrack-table", daemon=True)
        self._watcher.start()

    @property
    def selected(self) -> pd.DataFrame:
        """The selected runs as a DataFrame, with the columns of ``nbtrack.search_runs``."""
        from nbtrack.store.frame import runs_frame

        ids = list(self.selected_ids)
        quoted = ", ".join(f"'{run_id}'" for run_id in ids) or "''"
        with self._runs.store.read() as reader:
            frame = runs_frame(reader, None, f"attributes.run_id IN ({quoted})", ViewType.ALL)
        places = {run_id: place for place, run_id in enumerate(ids)}
        return frame.sort_values("run_id", key=lambda column: column.map(places)).reset_index(
            drop=True
        )

    def refresh(self) -> None:
        """Ask the store again and show what it says now."""
        with self._runs.store.read():
            super().refresh()

    def close(self) -> None:
        """Close the widget; it no longer follows the store."""
        self._stop.set()
        super().close()

    def _follow(self) -> None:
        seen = self._runs.state()
        rest = LOOK_EVERY_S
        while not self._stop.wait(rest):
            rest = LOOK_EVERY_S
            state = self._runs.state()
            if state == seen:
                continue
            begin = time.thread_time()
            try:
                self.refresh()
            except NbtrackError as error:
                self.error = str(error)
            except Exception as error:  # noqa: BLE001  shown where the user looks, once
                self.error = f"The table no longer follows the store: {error!r}"
                return
            # the state from before: what was logged meanwhile is a change once more
            seen = state
            rest = max(MIN_REST_S, REST * (time.thread_time() - begin))


def runs_table(
    store: Store,
    experiment_ids: Sequence[str] | None,
    filter: str = "",
    columns: Sequence[str] | None = None,
) -> StoreRunTable:
    """Return the table of the runs that fit a filter.

    Parameters
    ----------
    store : Store
    experiment_ids : list of str or None
        None for all experiments.
    filter : str
        In the search grammar, or plain words of the runs' names.
    columns : list of str, optional
        Such as ``["run_name", "metrics.loss"]``.

    Raises
    ------
    InvalidParameterError
        If the filter cannot be read, or there is no such column.
    """
    table = StoreRunTable(StoreTable(store, experiment_ids), filter=filter, columns=columns)
    if table.error:
        table.close()
        raise InvalidParameterError(table.error)
    return table
