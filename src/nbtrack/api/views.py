"""The fluent functions that show runs: a table, a chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.tracking import context
from nbtrack.tracking import start as _start

if TYPE_CHECKING:
    import pandas as pd

    from nbtrack.views.run_tables import StoreRunTable
    from nbtrack.views.widgets.metric_chart import MetricChart


def runs(
    filter: str = "",
    *,
    experiment_names: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> StoreRunTable:
    """Return the table of runs: it sorts, filters, and follows runs that go on.

    Parameters
    ----------
    filter : str
        The grammar of ``search_runs``, such as ``"metrics.val_loss < 0.3"``, or plain words
        of the runs' names.
    experiment_names : list of str, optional
        By default the active experiment; ``[]`` for all.
    columns : list of str, optional
        Such as ``["run_name", "metrics.val_loss", "params.lr"]``.

    Returns
    -------
    StoreRunTable
        ``table.selected`` is a DataFrame of the runs that are selected.
    """
    from nbtrack.views.run_tables import runs_table

    return runs_table(context.store(), _scope(experiment_names), filter, columns)


def chart(
    runs: str | Sequence[str] | pd.DataFrame = "",
    keys: Sequence[str] | None = None,
    *,
    experiment_names: Sequence[str] | None = None,
    **options: Any,
) -> MetricChart:
    """Return a chart of the metrics of some runs.

    Parameters
    ----------
    runs : str, list of str or DataFrame
        Names or ids; or a filter as for ``runs``; or a frame such as ``table.selected``.
        By default the newest runs.
    keys : list of str, optional
        Which metrics; by default all but those of the machine.
    experiment_names : list of str, optional
        By default the active experiment; ``[]`` for all.
    **options
        ``title``, ``x``, ``smoothing``, ``log_y``: see `MetricChart`.
    """
    from nbtrack.views.run_charts import runs_chart

    return runs_chart(context.store(), _scope(experiment_names), runs, keys, **options)


def _scope(names: Sequence[str] | None) -> list[str] | None:
    """Return the ids of the experiments to look at; None for all."""
    store = context.store()
    if names is None:
        return [_start.active_experiment_id(store)]
    if not names:
        return None
    from nbtrack.errors import NotFoundError
    from nbtrack.tracking.search import ids_of

    found = ids_of(store, names)
    if not found:
        raise NotFoundError(f"There is no experiment with the name {', '.join(map(repr, names))}.")
    return found
