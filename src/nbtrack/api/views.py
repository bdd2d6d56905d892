"""The fluent functions that show runs: a table, a chart, a comparison."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrack.suggestions import suggests_keywords
from nbtrack.tracking import context
from nbtrack.tracking import start as _start

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

    from nbtrack.views.widgets.comparison import Comparison
    from nbtrack.views.widgets.runs_chart import RunsChart
    from nbtrack.views.widgets.store_run_table import StoreRunTable


@suggests_keywords
def runs(
    filter: str = "",
    *,
    experiment_names: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    sort: str | Sequence[Any] = (),
    group: str | Sequence[str] = (),
) -> StoreRunTable:
    """Return the live table of runs, with sorting and filters.

    Parameters
    ----------
    filter : str
        The grammar of ``search_runs``, such as ``"metrics.val_loss < 0.3"``, or words that stand
        in names, params, tags and notes.
    experiment_names : list of str, optional
        By default the active experiment; ``[]`` for all.
    columns : list of str, optional
        Such as ``["run_name", "metrics.val_loss", "params.lr"]``; by default what was shown last.
    sort : str or list, optional
        Such as ``"metrics.val_loss"`` or ``["metrics.val_loss DESC", "run_name"]``.
    group : str or list of str, optional
        Params or tags, or ``"seeds"``: runs that differ in their seed only are one row, with mean
        and standard deviation.

    Returns
    -------
    StoreRunTable
        ``table.selected`` is a DataFrame of the runs that are selected; ``to_csv``,
        ``to_markdown`` and ``to_latex`` give the table as text.

    Examples
    --------
    >>> for lr, accuracy in ((0.1, 0.7), (0.01, 0.95)):
    ...     with nbtrack.start_run(run_name=f"lr {lr}"):
    ...         nbtrack.log_metric("accuracy", accuracy)
    >>> table = nbtrack.runs("metrics.accuracy > 0.9", columns=["run_name", "metrics.accuracy"])
    >>> len(table.frame())
    1
    """
    from nbtrack.views.widgets.store_run_table import runs_table

    scope = _scope(experiment_names)
    return runs_table(context.store(), scope, filter, columns, sort=sort, group=group)


def chart(
    runs: str | Sequence[str] | pd.DataFrame = "",
    keys: Sequence[str] | None = None,
    *,
    experiment_names: Sequence[str] | None = None,
    **options: Any,
) -> RunsChart:
    """Return a chart of the metrics of some runs; it is updated while they log.

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
        ``title``, ``x``, ``smoothing``, ``log_x``, ``log_y``: see `MetricChart`.

    Returns
    -------
    RunsChart
        ``chart.figure()`` is a figure of Plotly, to style and to save.

    Examples
    --------
    >>> with nbtrack.start_run(run_name="to be drawn"):
    ...     for step in range(3):
    ...         nbtrack.log_metric("loss", 1 / (step + 1), step=step)
    >>> chart = nbtrack.chart(["to be drawn"], keys=["loss"], log_y=True)
    """
    from nbtrack.views.widgets.runs_chart import runs_chart

    return runs_chart(context.store(), _scope(experiment_names), runs, keys, **options)


@suggests_keywords
def plot(
    runs: str | Sequence[str] | pd.DataFrame = "",
    keys: str | Sequence[str] | None = None,
    *,
    experiment_names: Sequence[str] | None = None,
    title: str = "",
    x: str = "auto",
    smoothing: float = 0.0,
    log_x: bool = False,
    log_y: bool = False,
    points: int = 2000,
) -> Figure:
    """Return a figure of Plotly with the metrics of some runs, to style and to save.

    Parameters
    ----------
    runs, keys, experiment_names
        As for ``chart``.
    title : str
        A heading.
    x : str
        The x axis: ``step``, ``time``, ``relative``, or the name of a metric.
    smoothing : float
        Weight of the moving average, from 0 (none) to below 1.
    log_x, log_y : bool
        Logarithmic axes.
    points : int
        About how many points of a metric are drawn at most; spikes stay.

    Raises
    ------
    MissingDependencyError
        If plotly is not installed.

    Examples
    --------
    >>> with nbtrack.start_run(run_name="plotted"):
    ...     for step in range(3):
    ...         nbtrack.log_metric("loss", 1 / (step + 1), step=step)
    >>> figure = nbtrack.plot(["plotted"], "loss", title="Loss")
    >>> figure.write_html("loss.html")
    """
    from nbtrack.views.widgets.runs_chart import runs_figure

    options = {"title": title, "x": x, "smoothing": smoothing, "log_x": log_x, "log_y": log_y}
    scope = _scope(experiment_names)
    return runs_figure(context.store(), scope, runs, keys, points=points, **options)


@suggests_keywords
def compare(
    runs: str | Sequence[str] | pd.DataFrame = "",
    *,
    experiment_names: Sequence[str] | None = None,
    metric: str | None = None,
    columns: Sequence[str] | None = None,
) -> Comparison:
    """Compare runs: a table linked with curves, parallel coordinates and differences.

    Parameters
    ----------
    runs : str, list of str or DataFrame
        A filter as for ``runs``; or names and ids; or a frame such as ``table.selected``.
    experiment_names : list of str, optional
        By default the active experiment; ``[]`` for all.
    metric : str, optional
        What runs are judged by, such as ``"val_loss"``.
    columns : list of str, optional
        What the table shows, such as ``["run_name", "params.lr", "metrics.val_loss"]``.

    Returns
    -------
    Comparison
        ``comparison.selected`` is a DataFrame of the runs that are selected, and can be set;
        ``comparison.brush({"column": "params.lr", "low": 1e-4, "high": 1e-2})`` selects.

    Examples
    --------
    >>> for name, lr in (("first", 0.1), ("second", 0.01)):
    ...     with nbtrack.start_run(run_name=name):
    ...         _ = nbtrack.log_param("lr", lr)
    ...         nbtrack.log_metric("loss", lr * 3)
    >>> comparison = nbtrack.compare(["first", "second"], metric="loss")
    """
    from nbtrack.views.widgets.comparison import Comparison

    scope = _scope(experiment_names)
    return Comparison(context.store(), scope, runs, metric=metric, columns=columns)


@suggests_keywords
def export_html(
    path: str | os.PathLike[str],
    runs: str | Sequence[str] | pd.DataFrame = "",
    *,
    experiment_names: Sequence[str] | None = None,
    title: str = "",
) -> Path:
    """Write runs as one HTML file that opens anywhere: no server, no network, no secrets.

    What looks like a token, a key or a password, home folders, and the names of users and hosts
    are taken out of params, tags, notes, sources and error texts. A secret that looks like a
    plain word cannot be known: look at the file before you give it away.

    Parameters
    ----------
    path : str or Path
        The file; replaced if it exists.
    runs, experiment_names
        As for ``compare``; at most 500 runs.
    title : str
        A heading.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> with nbtrack.start_run(run_name="for a colleague"):
    ...     nbtrack.log_metric("loss", 0.4)
    >>> nbtrack.export_html("report.html", ["for a colleague"], title="Baseline").name
    'report.html'
    """
    from nbtrack.views.comparison.data import find_scope
    from nbtrack.views.report.report import write_report

    store = context.store()
    with store.read() as reader:
        scope, _ = find_scope(reader, _scope(experiment_names), runs)
    return write_report(store, scope, Path(path), title=title)


@suggests_keywords
def param_importance(
    metric: str | None = None,
    runs: str | Sequence[str] | pd.DataFrame = "",
    *,
    experiment_names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the importance of the params of runs for a metric.

    Spearman's rank correlation with a 95 % interval, and, where scikit-learn is installed and
    there are 20 runs, the permutation importance of a random forest on runs that it has not
    seen. Neither says what causes what.

    Parameters
    ----------
    metric : str, optional
        Such as ``"val_loss"``; by default the one that tells most.
    runs, experiment_names
        As for ``compare``.

    Returns
    -------
    pandas.DataFrame
        A row per param, the most important first: ``name``, ``kind``, ``values``, ``runs``,
        ``correlation``, ``low``, ``high``, ``importance``, ``importance_sd``. ``frame.attrs``
        has the metric, the methods, how well the forest predicts, and a message where there are
        not enough runs.

    Examples
    --------
    >>> _ = nbtrack.set_experiment("importance")
    >>> for n in range(8):
    ...     with nbtrack.start_run():
    ...         _ = nbtrack.log_param("lr", 10.0**-n)
    ...         nbtrack.log_metric("loss", n)
    >>> nbtrack.param_importance("loss")[["name", "correlation"]]
      name  correlation
    0   lr         -1.0
    """
    from nbtrack.views.comparison.data import find_scope
    from nbtrack.views.comparison.importance import find_importance

    store = context.store()
    with store.read() as reader:
        scope, _ = find_scope(reader, _scope(experiment_names), runs)
    return find_importance(store, scope, metric).frame()


def _scope(names: Sequence[str] | None) -> list[str] | None:
    """Return the ids of the experiments to look at; None for all."""
    store = context.store()
    if names is None:
        return [_start.active_experiment_id(store)]
    if not names:
        return None
    from nbtrack.tracking.search import ids_of, no_such_experiment

    found = ids_of(store, names)
    if not found:
        raise no_such_experiment(store, [names] if isinstance(names, str) else names)
    return found
