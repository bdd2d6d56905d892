"""The comparison of runs: a table and linked plots, whose selection Python sees and sets."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets as t

from nbtrack.entities import ViewType
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.store import Store, find_run, no_run_fits
from nbtrack.views.comparison.data import (
    Brush,
    Scope,
    check_brushes,
    compare_runs,
    find_scope,
    primary_column,
)
from nbtrack.views.display import Bundle
from nbtrack.views.table.run_query import Scope as TableScope
from nbtrack.views.table.source import StoreTable
from nbtrack.views.watch import StoreWatch
from nbtrack.views.widgets.view import Synced, View, refuse_unknown, synced

if TYPE_CHECKING:
    import pandas as pd

    from nbtrack.views.comparison.importance import Importance

_KEYWORDS = ("experiment_names", "metric", "columns")


class Comparison(View):
    """Runs side by side: a table linked with curves, parallel coordinates, scatter and differences.

    Parameters
    ----------
    store : Store
    experiment_ids : list of str or None
        None for all experiments.
    runs : str, list of str or DataFrame
        A filter, or names and ids, or a frame with the column ``run_id``.
    metric : str, optional
        What runs are judged by, such as ``val_loss``; by default the primary one.
    columns : list of str, optional
        What the table shows.

    Attributes
    ----------
    selected_ids : list of str
        The runs that are selected, in the page or from here.
    filter : str
        In the search grammar.
    brushes : list of dict
        Parts of the axes of the parallel coordinates: ``{"column": "params.lr", "low": 1e-4,
        "high": 1e-2}`` or ``{"column": "params.optimizer", "values": ["adam"]}``. The runs in
        all of them are selected.
    metric : str
        Such as ``metrics.val_loss``.

    Raises
    ------
    InvalidParameterError
        If the filter cannot be read, or there is no such metric or column.
    NotFoundError
        If there is no such run, or no run fits the filter.

    Notes
    -----
    It looks once a second whether the store has changed, and shows what it says now when it has;
    a closed comparison does not.
    """

    _entry = "comparison"
    experiment_ids = t.List(t.Unicode(), allow_none=True).tag(sync=True)
    run_ids = t.List(t.Unicode(), allow_none=True).tag(sync=True)
    filter = t.Unicode("").tag(sync=True)
    metric = t.Unicode("").tag(sync=True)
    columns = t.List(t.Unicode()).tag(sync=True)
    selected_ids = t.List(t.Unicode()).tag(sync=True)
    brushes: Synced[list[Brush]] = synced(t.List(t.Dict()))
    revision = t.Int(0).tag(sync=True)

    def __init__(
        self,
        store: Store,
        experiment_ids: Sequence[str] | None = None,
        runs: Any = "",
        *,
        metric: str | None = None,
        columns: Sequence[str] | None = None,
        **unknown: Any,
    ) -> None:
        refuse_unknown("compare", unknown, _KEYWORDS)
        self._store = store
        self._first = (experiment_ids or ["0"])[0]
        self._watch = StoreWatch(store, self.refresh, self._failed)
        with store.read() as reader:
            scope, selected = find_scope(reader, experiment_ids, runs)
            data = compare_runs(reader, scope, [])
            if scope.filter and not data.runs:
                raise no_run_fits(reader, scope.filter)
            available = data.available
        names = [key.name for key in available]
        chosen = primary_column(available) or ""
        if metric is not None:
            chosen = metric if metric.startswith("metrics.") else f"metrics.{metric}"
            if chosen not in names:
                known = [name.removeprefix("metrics.") for name in names if name[:8] == "metrics."]
                refuse_unknown("The comparison", {metric: None}, tuple(known) or ("no metrics",))
        shown = [columns] if isinstance(columns, str) else list(columns or ())
        if shown:
            table = StoreTable(store, scope=TableScope(scope.experiment_ids, scope.run_ids))
            there = tuple(column.name for column in table.columns())
            refuse_unknown("The comparison", dict.fromkeys(set(shown) - set(there)), there)
        super().__init__(
            store=store,
            experiment_ids=None if scope.experiment_ids is None else list(scope.experiment_ids),
            run_ids=None if scope.run_ids is None else list(scope.run_ids),
            filter=scope.filter,
            metric=chosen,
            columns=shown,
            selected_ids=selected if len(selected) == 2 else [],
        )
        self.observe(self._on_brushes, names=["brushes"])
        if self.comm is not None:
            self._watch.start()

    def close(self) -> None:
        """Close the widget; it no longer follows the store."""
        self._watch.stop()
        super().close()

    @property
    def scope(self) -> Scope:
        """Which runs are compared now."""
        return Scope(self.experiment_ids, self.filter, self.run_ids)

    @property
    def selected(self) -> pd.DataFrame:
        """The selected runs as a DataFrame, with the columns of ``nbtrack.search_runs``.

        Set it to a frame with the column ``run_id``, or to names and ids, to select runs.
        """
        from nbtrack.store import runs_frame

        ids = list(self.selected_ids)
        quoted = ", ".join(f"'{run_id}'" for run_id in ids) or "''"
        with self._store.read() as reader:
            frame = runs_frame(reader, None, f"attributes.run_id IN ({quoted})", ViewType.ALL)
        places = {run_id: place for place, run_id in enumerate(ids)}
        return frame.sort_values("run_id", key=lambda column: column.map(places)).reset_index(
            drop=True
        )

    @selected.setter
    def selected(self, runs: Any) -> None:
        names = runs["run_id"].tolist() if hasattr(runs, "columns") else runs
        if isinstance(names, str):
            names = [names]
        with self._store.read() as reader:
            found = [find_run(reader, str(name), self._first) for name in names]
        with self.hold_sync():
            self.brushes = []
            self.selected_ids = list(dict.fromkeys(found))

    def brush(self, *brushes: Brush) -> None:
        """Select the runs in these parts of axes; without any, none.

        Raises
        ------
        InvalidParameterError
            If one is no brush, or there is no such column.
        """
        checked = check_brushes(brushes)
        ids = self._within(checked) if checked else []
        with self.hold_sync():
            self.brushes = checked
            self.selected_ids = ids

    def importance(self) -> Importance:
        """Return how much the params have to do with the metric."""
        from nbtrack.views.comparison.importance import find_importance

        return find_importance(self._store, self.scope, self.metric or None)

    def refresh(self) -> None:
        """Ask the store again and show what it says now."""
        with self._lock:
            self.revision += 1

    def to_html(self, path: str | os.PathLike[str], *, title: str = "") -> Path:
        """Write the comparison as one HTML file that opens anywhere, without secrets.

        Returns
        -------
        Path
            The file.
        """
        from nbtrack.views.report.report import write_report

        target = Path(path)
        return write_report(self._store, self.scope, target, title=title, view=self._view())

    def finished_bundle(self) -> Bundle:
        """Return the output that stays in the notebook: pictures, a table, and the data."""
        from nbtrack.views.comparison.output import comparison_bundle

        # a page that shows the widget asks for the forest itself, and must not wait for it twice
        forest = self.comm is None
        return comparison_bundle(self._store, self.scope, self._view(), forest=forest)

    def _failed(self, error: Exception) -> None:
        self._store.warn_once(f"The comparison no longer follows its runs: {error!r}")

    def _view(self) -> Any:
        from nbtrack.views.comparison.saved import SavedView

        return SavedView(self.metric, self.columns, self.selected_ids, self.brushes)

    def _within(self, brushes: Sequence[Brush]) -> list[str]:
        names = list(dict.fromkeys(str(brush["column"]) for brush in brushes))
        with self._store.read() as reader:
            return compare_runs(reader, self.scope, names).within(brushes)

    @t.validate("brushes")
    def _valid_brushes(self, proposal: Any) -> list[Brush]:
        return check_brushes(proposal["value"])

    def _on_brushes(self, change: Any) -> None:
        """Select what is brushed: the page does it too, and a plain process has no page."""
        if not change["new"]:
            return
        try:
            ids = self._within(change["new"])
        except NbtrackError as error:
            raise InvalidParameterError(str(error)) from None
        if set(ids) != set(self.selected_ids):
            self.selected_ids = ids
