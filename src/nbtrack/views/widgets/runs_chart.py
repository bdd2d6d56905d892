"""The chart of stored runs, which follows those that go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.entities.run_data import is_system_metric
from nbtrack.errors import InvalidParameterError, NotFoundError, warn
from nbtrack.store import Reader, Store, find_run, get_runs, no_run_fits
from nbtrack.suggestions import did_you_mean
from nbtrack.views.chart.content import ChartContent, RunRef
from nbtrack.views.chart.curves import MAX_POINTS, Curve
from nbtrack.views.chart.query import counts, runs_with_system, stored_curves, system_curves
from nbtrack.views.table.query import runs_elsewhere, table_rows
from nbtrack.views.watch import StoreWatch
from nbtrack.views.widgets.metric_chart import X_MODES, MetricChart

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

NEWEST = 20  # of a filter
MAX_RUNS = 500
REST_S = 1.0  # after a look that found something
GOING_ON = ("RUNNING", "SCHEDULED")


class RunsChart(MetricChart):
    """A chart of stored runs. While some of them go on, here or elsewhere, it grows with them.

    It looks once a second whether the store has changed, and reads only the metrics that have
    more points than before. Takes what `MetricChart` takes, and the ``keys`` to show.
    """

    def __init__(
        self,
        store: Store,
        runs: Sequence[RunRef],
        curves: Sequence[Curve],
        keys: Sequence[str] | None = None,
        system: Sequence[str] = (),
        **options: Any,
    ) -> None:
        self._watch = StoreWatch(  # first: a chart that is refused is closed, too
            store,
            self.refresh,
            self._failed,
            name="nbtrack-chart",
            rest_s=REST_S,
            at_once=True,
            wanted=lambda: bool(self._going_on()),
        )
        super().__init__(runs, curves, store=store, **options)
        self.system = list(system)
        self.system_open = keys is not None
        self._source = store
        self._keys = None if keys is None else list(keys)
        self._counts = {(curve.run_id, curve.key): curve.total for curve in curves}
        if self.comm is not None and self._going_on():
            self._watch.start()

    def close(self) -> None:
        """Close the widget; it no longer follows the runs."""
        self._watch.stop()
        super().close()

    def refresh(self) -> None:
        """Read what the runs that went on have logged since the last time."""
        going = self._going_on()
        if not going:
            return
        with self._source.read() as reader:
            now = counts(reader, going, self._keys)
            grown = [name for name, count in now.items() if count != self._counts.get(name)]
            if self._keys is None:
                grown = [name for name in grown if not is_system_metric(name[1])]
            found = get_runs(reader, going)
            curves = [
                curve
                for run_id in dict.fromkeys(run_id for run_id, _ in grown)
                for curve in stored_curves(
                    reader, [run_id], [key for owner, key in grown if owner == run_id]
                )
            ]
            measured = runs_with_system(reader, list(self._refs)) if self._keys is None else []
        self._counts.update({name: now[name] for name in grown})
        self.system = measured
        if curves:
            self.replace_curves(curves)
        for run in found:
            if run.info.status != self._refs[run.info.run_id].state:
                self.set_run_state(run.info.run_id, run.info.status)

    def _going_on(self) -> list[str]:
        return [run.run_id for run in self._refs.values() if run.state in GOING_ON]

    def _failed(self, error: Exception) -> None:
        self._source.warn_once(f"The chart no longer follows its runs: {error!r}")


def runs_chart(
    store: Store,
    experiment_ids: Sequence[str] | None,
    runs: str | Sequence[str] | pd.DataFrame = "",
    keys: Sequence[str] | None = None,
    **options: Any,
) -> RunsChart:
    """Return a chart of metrics of stored runs.

    Parameters
    ----------
    store : Store
    experiment_ids : list of str or None
        Where a filter and names are looked for first; None for all experiments.
    runs : str, list of str or DataFrame
        Ids or names; or a filter, or a frame with the column ``run_id``. Of a filter, the
        20 newest runs are shown.
    keys : list of str, optional
        By default all metrics but those of the machine.
    **options
        As for `MetricChart`.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    refs, curves, title, system = _read(
        store, experiment_ids, runs, keys, MAX_POINTS, str(options.get("x", "auto"))
    )
    if title:
        options.setdefault("title", title)
    return RunsChart(store, refs, curves, keys, system, **options)


def runs_figure(
    store: Store,
    experiment_ids: Sequence[str] | None,
    runs: str | Sequence[str] | pd.DataFrame = "",
    keys: str | Sequence[str] | None = None,
    *,
    points: int = MAX_POINTS,
    **options: Any,
) -> Figure:
    """Return a figure of Plotly with metrics of stored runs; see `runs_chart`.

    Raises
    ------
    MissingDependencyError
        If plotly is not installed.
    """
    from nbtrack.views.chart.figure import chart_figure

    x = str(options.get("x", "auto"))
    refs, curves, title, _ = _read(store, experiment_ids, runs, keys, points, x)
    options["title"] = options.get("title") or title
    return chart_figure(ChartContent(refs, curves, **options))


def _read(
    store: Store,
    experiment_ids: Sequence[str] | None,
    runs: Any,
    keys: str | Sequence[str] | None,
    points: int,
    x: str,
) -> tuple[list[RunRef], list[Curve], str, list[str]]:
    """Return runs, curves, a title that says what is left out, and which have system metrics."""
    keys = [keys] if isinstance(keys, str) else keys
    with store.read() as reader:
        ids, total = _run_ids(reader, experiment_ids, runs)
        if len(ids) > MAX_RUNS:
            raise InvalidParameterError(
                f"A chart shows at most {MAX_RUNS} runs; these are {len(ids)}. Choose some of them."
            )
        found = get_runs(reader, ids)
        curves = stored_curves(reader, ids, keys, points=points)
        if ids:
            ended = all(run.info.status not in GOING_ON for run in found)
            _check_names(reader, ids, keys, x, curves, ended=ended)
        system = runs_with_system(reader, ids) if keys is None else []
        if system and not curves:
            curves = system_curves(reader, system, points=points)
        title = f"The newest {len(ids)} of {total} runs" if total > len(ids) else ""
        if not ids and experiment_ids is not None:
            title = runs_elsewhere(reader, experiment_ids)
    refs = [RunRef(r.info.run_id, r.info.run_name, "plain", r.info.status) for r in found]
    return refs, curves, title, system


def _check_names(
    reader: Reader,
    ids: Sequence[str],
    keys: Sequence[str] | None,
    x: str,
    curves: Sequence[Curve],
    *,
    ended: bool,
) -> None:
    """Say which metrics none of the runs has: an error where nothing could be drawn."""
    drawn = {curve.key for curve in curves}
    missing = [key for key in dict.fromkeys(keys or ()) if key not in drawn]
    if x not in (*X_MODES, *drawn):
        missing.append(x)
    if not missing:
        return
    known = sorted({key for _, key in counts(reader, ids)})
    for key in missing:
        names = [*X_MODES[1:], *known] if key == x else known
        otherwise = f"They have {', '.join(known[:10])}." if known else "They have none."
        text = f"None of the runs has a metric {key!r}. {did_you_mean(key, names, otherwise)}"
        if ended and (not drawn or key == x):
            raise NotFoundError(text)
        if known:  # others are drawn, or it may still be logged
            warn(text, stacklevel=4)


def _run_ids(
    reader: Reader, experiment_ids: Sequence[str] | None, runs: Any
) -> tuple[list[str], int]:
    """Return the runs to show, and how many there are."""
    if hasattr(runs, "columns"):
        runs = runs["run_id"].tolist()
    first = (experiment_ids or ["0"])[0]
    if not isinstance(runs, str):
        ids = list(dict.fromkeys(find_run(reader, str(name), first) for name in runs))
        return ids, len(ids)
    if runs.strip():
        try:
            return [find_run(reader, runs.strip(), first)], 1
        except NotFoundError:
            pass  # then it is a filter
    ids, total = table_rows(reader, experiment_ids, runs, [], 0, NEWEST)
    if not ids and runs.strip():
        raise no_run_fits(reader, runs)
    return ids, total
