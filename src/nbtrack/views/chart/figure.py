"""Charts as figures of Plotly, for people who want to style their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nbtrack.errors import MissingDependencyError
from nbtrack.views.chart.content import ChartContent, RunRef
from nbtrack.views.chart.curves import Curve, Floats
from nbtrack.views.drawing.axes import XAxis, smoothed, stands, time_unit, x_axis_for
from nbtrack.views.drawing.canvas import COLOURS
from nbtrack.views.metric_names import group_metrics, parse_metric, title_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SPLIT_PLACES = {"": 0, "train": 0, "val": 1, "test": 2}
DASHES = ("solid", "7px,3px", "2px,2px", "9px,3px,2px,3px")
BASELINES = {"last": ("3px,3px", "last run"), "best": ("6px,2px,1px,2px", "best run")}
PANEL_HEIGHT = 260
MANY = 12
NO_METRICS = "No metrics yet"
X_TITLES = {"step": "step", "time": ""}


@dataclass(frozen=True)
class _Look:
    """How a curve looks, and what the legend calls it."""

    name: str
    group: str
    colour: str
    dash: str
    opacity: float
    width: float


def chart_figure(content: ChartContent) -> Figure:
    """Return what a chart shows as a figure: a subplot for each group of metrics.

    Those of the machine are there where they were asked for, or where there are no others.

    Raises
    ------
    MissingDependencyError
        If plotly is not installed.
    """
    try:
        from plotly import graph_objects
        from plotly.subplots import make_subplots
    except ImportError as error:
        raise MissingDependencyError(
            'Figures need plotly, which is not installed: pip install "nbtrack[plot]".'
        ) from error
    content = content.unfolded()
    curves = [curve for curve in content.curves if len(curve)]
    by_key: dict[str, list[Curve]] = {}
    for curve in curves:
        by_key.setdefault(curve.key, []).append(curve)
    groups = group_metrics(by_key)
    columns = {0: 1, 1: 1, 2: 2, 4: 2}.get(len(groups), 3)
    rows = max(1, -(-len(groups) // columns))
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[title_of(group) for group in groups],
        horizontal_spacing=0.07,
        vertical_spacing=min(0.16, 0.4 / rows),
    )
    if not groups:
        figure.add_annotation(text=NO_METRICS, showarrow=False, font={"size": 14})
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False)
    named: set[str] = set()
    for i, keys in enumerate(groups.values()):
        at = {"row": i // columns + 1, "col": i % columns + 1}
        members = [curve for key in keys for curve in by_key[key]]
        x_axis = x_axis_for(content.x, curves, members)
        unit, title = _unit(x_axis, curves)
        log_x = content.log_x and x_axis.kind != "time"
        for curve in sorted(members, key=lambda curve: not _is_baseline(content.runs, curve)):
            look = _look(content.runs, curve, curves)
            x = _axis(x_axis, curve, unit)
            for trace in _traces(graph_objects, curve, x, look, content, first=look.name in named):
                figure.add_trace(trace, **at)
            named.add(look.name)
        figure.update_xaxes(title_text=title, type="log" if log_x else None, **at)
        if content.log_y:
            figure.update_yaxes(type="log", **at)
    figure.update_layout(
        template="plotly_white",
        height=90 + PANEL_HEIGHT * rows,
        title=content.title or None,
        hovermode="x unified" if len(content.runs) <= MANY else "closest",
        margin={"l": 55, "r": 20, "t": 70 if content.title else 40, "b": 45},
        legend={"groupclick": "togglegroup", "tracegroupgap": 2},
    )
    return figure


def _is_baseline(runs: Sequence[RunRef], curve: Curve) -> bool:
    return any(run.run_id == curve.run_id and run.role in BASELINES for run in runs)


def _look(runs: Sequence[RunRef], curve: Curve, curves: Sequence[Curve]) -> _Look:
    shown = {other.run_id for other in curves}
    main = [run for run in runs if run.role not in BASELINES and run.run_id in shown]
    run = next((run for run in runs if run.run_id == curve.run_id), None)
    split = parse_metric(curve.key).split
    place = SPLIT_PLACES.get(split, 0)
    if run is not None and run.role in BASELINES:
        dash, word = BASELINES[run.role]
        return _Look(f"{word}: {run.name}", run.run_id, COLOURS[place], dash, 0.5, 1.3)
    if len(main) < 2:
        name = split or parse_metric(curve.key).group
        return _Look(name, split or curve.key, COLOURS[place], DASHES[place], 1.0, 1.8)
    number = [other.run_id for other in main].index(curve.run_id) if run in main else 0
    several = len({parse_metric(other.key).split for other in curves}) > 1
    repeat = 0 if several else number // len(COLOURS)
    name = " ".join(part for part in (run.name if run else curve.run_id, split) if part)
    dash = DASHES[place if several else repeat % len(DASHES)]
    width = 1.8 if len(main) <= MANY else 1.2
    return _Look(name, curve.run_id, COLOURS[number % len(COLOURS)], dash, 1.0, width)


def _traces(
    plotly: Any, curve: Curve, x: Any, look: _Look, content: ChartContent, *, first: bool
) -> list[Any]:
    raw = curve.values
    along = np.arange(len(raw), dtype=np.float64) if x.dtype.kind == "M" else x
    drawn = smoothed(raw, content.smoothing, along, curve.total)
    common = {"x": x, "legendgroup": look.group, "name": look.name}
    line = {"color": look.colour, "dash": look.dash, "width": look.width}
    traces = [
        plotly.Scatter(
            **common,
            y=drawn,
            mode="markers" if len(raw) == 1 or stands(along) else "lines",
            line=line,
            marker={"color": look.colour},
            opacity=look.opacity,
            showlegend=not first,
        )
    ]
    if content.smoothing > 0:
        faint = {"color": look.colour, "width": 1}
        traces.insert(
            0,
            plotly.Scatter(
                **common,
                y=raw,
                mode="lines",
                line=faint,
                opacity=look.opacity * 0.28,
                showlegend=False,
                hoverinfo="skip",
            ),
        )
    odd = _odd(plotly, curve, x, look)
    return [*traces, odd] if odd is not None else traces


def _odd(plotly: Any, curve: Curve, x: Any, look: _Look) -> Any:
    """Return marks for what is no number, at the lower edge of its curve."""
    odd = ~np.isfinite(curve.values)
    if not odd.any():
        return None
    real = curve.values[~odd]
    words = ["NaN" if np.isnan(v) else "∞" if v > 0 else "−∞" for v in curve.values[odd]]
    return plotly.Scatter(
        x=x[odd],
        y=np.full(int(odd.sum()), real.min() if len(real) else 0.0),
        mode="markers",
        marker={"symbol": "x-thin-open", "color": "#c0392b", "size": 8},
        text=words,
        hovertemplate="%{text}",
        legendgroup=look.group,
        name=f"{look.name} (no number)",
        showlegend=False,
    )


def _unit(x_axis: XAxis, curves: Sequence[Curve]) -> tuple[int, str]:
    if x_axis.kind != "relative":
        return 1, X_TITLES.get(x_axis.kind, x_axis.key)
    longest = max((float(x_axis.of(curve)[-1]) for curve in curves), default=0.0)
    unit, name = time_unit(longest)
    return unit, f"time ({name})"


def _axis(x_axis: XAxis, curve: Curve, unit: int) -> Any:
    x: Floats = x_axis.of(curve)
    if x_axis.kind != "time":
        return x / unit
    # Plotly writes dates as they come; people read their own clock
    moment = dt.datetime.fromtimestamp(float(x[-1]) / 1000, dt.UTC).astimezone()
    shift = (moment.utcoffset() or dt.timedelta()).total_seconds() * 1000
    return (x + shift).astype("datetime64[ms]")
