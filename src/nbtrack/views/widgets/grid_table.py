"""The table of the runs of a grid, while it goes on and in the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbtrack.store import Store
from nbtrack.store.search import Direction
from nbtrack.views.metric_names import compared_metrics
from nbtrack.views.table.page import Best, Column
from nbtrack.views.table.run_query import FOLD, Scope
from nbtrack.views.table.source import StoreTable
from nbtrack.views.widgets.store_run_table import StoreRunTable

METRICS = 3


class GridTable(StoreRunTable):
    """A table of chosen runs, to which others are added.

    Parameters
    ----------
    store : Store
    run_ids : list of str
        In the order of the rows.
    params : list of str
        Those that differ.
    seeds : list of str
        Those of them by which runs are only repeated: the runs that differ in nothing else are one
        row.
    """

    def __init__(
        self, store: Store, run_ids: Sequence[str], params: Sequence[str], seeds: Sequence[str]
    ) -> None:
        self._ids = list(run_ids)
        # a group has no curve, and no seed
        self._folded = bool(seeds) and len(seeds) < len(params)
        self._params = [f"params.{n}" for n in params if not self._folded or n not in seeds]
        self._metric: str | None = None
        source = StoreTable(store, scope=Scope(None, self._ids))
        super().__init__(source, group=[FOLD] if self._folded else ())

    def show_runs(
        self, run_ids: Sequence[str], metric: str | None, direction: Direction | None
    ) -> None:
        """Show these runs, judged by a metric, when the store is looked at next.

        Parameters
        ----------
        run_ids : list of str
        metric : str or None
        direction : {"min", "max"} or None
            Which way it is best.
        """
        self._ids[:] = run_ids
        if metric == self._metric or metric is None or direction is None:
            return
        self._metric = metric
        wanted: dict[str, Best] = {f"metrics.{metric}": direction}
        with self._lock:
            layout = self.preferences.copy()
            layout["directions"] = wanted
            self.preferences = layout

    def rest(self) -> None:
        """Show how the runs have ended, and follow the store no longer."""
        self._watcher.stop()
        self.refresh()

    def _set_known(self, columns: Sequence[Column]) -> None:
        super()._set_known(columns)
        self._defaults = [name for name in self._wanted(columns) if name in self._known]

    def _wanted(self, columns: Sequence[Column]) -> list[Any]:
        """Return the columns: state, what varies, the metrics that tell most, the first's curve."""
        keys = {c.name[8:]: 0.0 for c in columns if c.name.startswith("metrics.")}
        metrics = compared_metrics(keys, keys)
        if self._metric in metrics:
            metrics.remove(self._metric)
            metrics.insert(0, self._metric)
        families = ("metrics",) if self._folded else ("metrics", "curves")
        first = [f"{family}.{key}" for key in metrics[:1] for family in families]
        others = [f"metrics.{key}" for key in metrics[1:METRICS]]
        return ["run_name", "status", *self._params, *first, *others, "duration"]
