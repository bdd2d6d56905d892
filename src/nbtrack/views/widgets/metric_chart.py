"""The live chart: small multiples of metrics that grow while a run goes on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import traitlets as t

from nbtrack.errors import InvalidParameterError
from nbtrack.store import Store
from nbtrack.views.chart.content import ChartContent, RunRef, RunRefJson
from nbtrack.views.chart.curves import (
    AppendMessage,
    Content,
    Curve,
    CurveBuffer,
    encoded,
    thinned,
)
from nbtrack.views.chart.output import chart_bundle
from nbtrack.views.display import Bundle
from nbtrack.views.widgets.view import Synced, View, refuse_unknown, synced

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["Curve", "MetricChart", "RunRef"]

CONTENT_EVERY_S = 5.0
MAX_NEW_POINTS = 500  # of one series in one message: more than a plot has pixels for
X_MODES = ("auto", "step", "time", "relative")
_KEYWORDS = ("runs", "curves", "title", "x", "smoothing", "log_x", "log_y", "store")


class MetricChart(View):
    """Curves of metrics of one or several runs, grouped into small plots.

    Parameters
    ----------
    runs : sequence of RunRef
        The runs; those in the role ``last`` or ``best`` are faint baselines.
    curves : sequence of Curve
        The points there are already.
    title : str
        A heading.
    x : str
        The x axis: ``step``, ``time``, ``relative``, or the name of a metric; ``auto`` is the
        step, or relative time where a series has one step only.
    smoothing : float
        Weight of the moving average, from 0 (none) to below 1.
    log_x, log_y : bool
        Logarithmic axes.
    store : Store, optional
        Where the runs are: whoever zooms gets more detail from it.

    Notes
    -----
    New points go to the browser as messages. A message may be lost and a page reloaded while a
    cell keeps the kernel busy, so the whole (thinned out) content is pushed too while it changes:
    often at first, then every five seconds. Methods may be called from any thread.
    """

    _entry = "metric_chart"
    runs: Synced[list[RunRefJson]] = synced(t.List(t.Dict()))
    content: Synced[Content] = synced(t.Dict())
    title = t.Unicode("").tag(sync=True)
    x = t.Unicode("auto").tag(sync=True)
    smoothing = t.Float(0.0, min=0.0, max=0.999).tag(sync=True)
    log_x = t.Bool(False).tag(sync=True)
    log_y = t.Bool(False).tag(sync=True)
    #: The runs whose metrics of the machine are read from the store when somebody wants them.
    system: Synced[list[str]] = synced(t.List(t.Unicode()))
    #: Whether those among the curves are shown at once, also beside others: they were asked for.
    system_open = t.Bool(False).tag(sync=True)

    #: The metrics that were asked for, where these are not all.
    _keys: list[str] | None = None

    def __init__(
        self,
        runs: Sequence[RunRef] = (),
        curves: Sequence[Curve] = (),
        *,
        title: str = "",
        x: str = "auto",
        smoothing: float = 0.0,
        log_x: bool = False,
        log_y: bool = False,
        store: Store | None = None,
        **unknown: Any,
    ) -> None:
        refuse_unknown(type(self).__name__, unknown, _KEYWORDS)
        if not isinstance(x, str) or not x:
            raise InvalidParameterError(
                f"x is {x!r}; use one of {', '.join(X_MODES)}, or the name of a metric."
            )
        if not 0 <= smoothing < 1:
            raise InvalidParameterError(f"smoothing is {smoothing}; give 0 to 0.999.")
        self._refs = {run.run_id: run for run in runs}
        self._buffers: dict[tuple[str, str], CurveBuffer] = {}
        self._seq = 0
        self._pushed_seq = 0
        self._made_at = self._pushed_at = time.monotonic()
        self._store(curves)
        super().__init__(
            runs=[run.as_json() for run in runs],
            content=self._content(),
            title=title,
            x=x,
            smoothing=smoothing,
            log_x=log_x,
            log_y=log_y,
            store=store,
        )
        self.on_msg(self._on_message)

    def append(self, curves: Sequence[Curve]) -> None:
        """Add new points, of known or new metrics and runs.

        Call it at most about ten times a second: a server drops messages above a thousand.
        """
        with self._lock:
            self._store(curves)
            self._seq += 1
            series, buffers = encoded([thinned(curve, MAX_NEW_POINTS) for curve in curves])
            message: AppendMessage = {"type": "append", "seq": self._seq, "series": series}
            self.send(message, buffers)
            self.catch_up()

    def catch_up(self) -> None:
        """Send all points once more, if some were sent one by one and it is some time ago.

        A page that is only just opening the chart misses the first messages, and a kernel that
        runs a cell cannot hear it ask.
        """
        with self._lock:
            now = time.monotonic()
            every = min(CONTENT_EVERY_S, max(0.25, (now - self._made_at) / 4))
            if self._seq != self._pushed_seq and now - self._pushed_at >= every:
                self._push()

    def replace_curves(self, curves: Sequence[Curve]) -> None:
        """Show these points in the place of what there was of the same metrics and runs."""
        with self._lock:
            for curve in curves:
                self._buffers.pop((curve.run_id, curve.key), None)
            self._store(curves)
            self._seq += 1
            self._push()

    def add_runs(self, runs: Sequence[RunRef]) -> None:
        """Show more runs; their points come with ``append``."""
        with self._lock:
            self._refs.update({run.run_id: run for run in runs})
            self.runs = [run.as_json() for run in self._refs.values()]

    def set_run_state(self, run_id: str, state: str) -> None:
        """Say what became of a run."""
        with self._lock:
            known = self._refs.get(run_id)
            if known is None:
                raise InvalidParameterError(f"This chart has no run with the id {run_id!r}.")
            self._refs[run_id] = RunRef(run_id, known.name, known.role, state)
            self.runs = [run.as_json() for run in self._refs.values()]
            self._push()

    def snapshot(self) -> list[Curve]:
        """Return the points that are shown, thinned out to about 2,000 a series."""
        with self._lock:
            return [thinned(buffer.curve(), 2000) for buffer in self._buffers.values()]

    def finished_bundle(self) -> Bundle:
        """Return the output that stays in the notebook, and its metadata."""
        return chart_bundle(self._finished())

    def figure(self) -> Figure:
        """Return what is shown as a figure of Plotly, to style and to save.

        Raises
        ------
        MissingDependencyError
            If plotly is not installed.
        """
        from nbtrack.views.chart.figure import chart_figure

        return chart_figure(self._finished())

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
        """Return the synced state; a page that asks for all of it gets every point."""
        if key is None and self._seq != self._pushed_seq:
            with self._lock:
                self._push()
        return super().get_state(key=key, drop_defaults=drop_defaults)

    def _finished(self) -> ChartContent:
        return ChartContent(
            runs=list(self._refs.values()),
            curves=self.snapshot(),
            title=self.title,
            x=self.x,
            smoothing=self.smoothing,
            log_x=self.log_x,
            log_y=self.log_y,
            store_id=self.store_id,
            keys=self._keys,
            system=list(self.system),
        )

    def _store(self, curves: Sequence[Curve]) -> None:
        for curve in curves:
            name = (curve.run_id, curve.key)
            if name not in self._buffers:
                self._buffers[name] = CurveBuffer(*name)
            self._buffers[name].append(curve)

    def _content(self) -> Content:
        series, (step, moment, value) = encoded(self.snapshot())
        return {"seq": self._seq, "series": series, "step": step, "time": moment, "value": value}

    def _push(self) -> None:
        self._pushed_seq, self._pushed_at = self._seq, time.monotonic()
        self.content = self._content()

    def _on_message(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if isinstance(message, dict) and message.get("type") == "resync":
            with self._lock:
                if self._seq != self._pushed_seq:
                    self._push()
