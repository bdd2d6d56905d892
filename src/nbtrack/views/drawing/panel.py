"""One plot of a card's picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nbtrack.views.chart.content import ChartContent, RunRef
from nbtrack.views.chart.curves import Curve, Floats, thinned
from nbtrack.views.drawing.axes import (
    Axis,
    XAxis,
    axis_for,
    nothing_text,
    smoothed,
    stands,
    time_unit,
    x_axis_for,
)
from nbtrack.views.drawing.canvas import COLOURS, GRID, INK, MUTED, Canvas, Sheet, blend
from nbtrack.views.formats import format_number

LEFT, RIGHT, TOP, BOTTOM = 42, 6, 24, 20
BAD = "#c0392b"
SPLIT_DASHES: tuple[tuple[float, ...], ...] = ((), (7, 3), (2, 2))
BASELINE_DASHES: dict[str, tuple[float, ...]] = {"last": (3, 3), "best": (6, 2, 1, 2)}
_EMPTY = Curve("", "", np.empty(0), np.empty(0), np.empty(0))


@dataclass(frozen=True)
class Frame:
    """Where curves go: two axes over a box of this size, in CSS pixels."""

    across: Axis
    up: Axis
    width: float
    height: float
    detail: float


@dataclass(frozen=True)
class Line:
    """A curve with how it looks."""

    colour: str
    dash: tuple[float, ...]
    is_baseline: bool
    curve: Curve = _EMPTY
    label: str = ""
    start: float = 0.0

    def showing(self, curve: Curve, label: str, start: float) -> Line:
        """Return the line with this curve; ``start`` is when its run began, in ms."""
        return replace(self, curve=curve, label=label, start=start)


def line_of(run: RunRef, colour: int, split: int) -> Line:
    """Return how the lines of a run look."""
    is_baseline = run.role in BASELINE_DASHES
    dash = BASELINE_DASHES[run.role] if is_baseline else SPLIT_DASHES[split]
    return Line(COLOURS[colour], dash, is_baseline)


def draw_panel(
    canvas: Canvas,
    group: str,
    lines: Sequence[Line],
    content: ChartContent,
    box: tuple[float, float, float, float],
    detail: float = 2.0,
) -> None:
    """Draw heading, axes and curves into ``box`` (x, y, width, height).

    ``detail`` is how many points of a curve are drawn per CSS pixel.
    """
    x, y, width, height = box
    _draw_heading(canvas, group, lines, x, y, width)
    drawn = [line.curve.values for line in lines]
    nothing = nothing_text(drawn, log=content.log_y)
    up = axis_for(*_extent(drawn, log=content.log_y), log=content.log_y, pad=0.06)
    levels = [] if nothing else up.ticks(4)
    left = max([LEFT, *(canvas.width_of(label, 10.5) + 12 for _, label in levels)])
    inner = (width - left - RIGHT, height - TOP - BOTTOM)
    x_axis = x_axis_for(content.x, content.curves, [line.curve for line in lines])
    xs, unit = _positions(lines, x_axis)
    log_x = content.log_x and x_axis.kind != "time"
    smooth_values = [
        smoothed(line.curve.values, content.smoothing, x, line.curve.total)
        for line, x in zip(lines, xs, strict=True)
    ]
    across = axis_for(*_extent(xs, log=log_x), log=log_x, pad=0.015)
    sheet = Sheet(*inner)
    frame = Frame(across, up, *inner, detail)
    for place, label in levels:
        level = inner[1] * (1 - place)
        sheet.line([(0, level), (inner[0], level)], GRID, 1)
        canvas.text(x + left - 6, y + TOP + level - 6.5, label, size=10.5, colour=MUTED, right=True)
    for line, x_values, smooth in zip(lines, xs, smooth_values, strict=True):
        if content.smoothing > 0:
            share = 0.12 if line.is_baseline else 0.28
            _draw_curve(
                sheet,
                replace(line, dash=()),
                x_values,
                line.curve.values,
                frame,
                share,
                1,
            )
        share, thick = (0.5, 1.3) if line.is_baseline else (1.0, 1.8)
        _draw_curve(sheet, line, x_values, smooth, frame, share, thick)
        if not line.is_baseline:
            _mark_odd(sheet, x_values, line.curve.values, across, inner, log=content.log_y)
    canvas.paste(sheet, x + left, y + TOP)
    if nothing:
        middle = x + left + inner[0] / 2
        level = y + TOP + inner[1] / 2 - 8
        canvas.text(middle, level, nothing, size=11.5, colour=MUTED, centre=True)
    canvas.box(x + left, y + TOP + inner[1], inner[0], 0.5, "#c9ced4")
    ticks = across.ticks(4)
    for i, (place, label) in enumerate(ticks):
        text = f"{label} {unit}" if unit and i == len(ticks) - 1 else label
        at = min(x + left + inner[0] * place, x + width - canvas.width_of(text, 10.5) / 2)
        canvas.text(at, y + height - BOTTOM + 5, text, size=10.5, colour=MUTED, centre=True)


def _draw_heading(
    canvas: Canvas, group: str, lines: Sequence[Line], x: float, y: float, width: float
) -> None:
    right = x + width
    main = [line for line in lines if not line.is_baseline]
    for line in reversed(main[:4]):
        value = format_number(float(line.curve.values[-1]))
        label = canvas.shortened(line.label, 90, 11)
        needed = canvas.width_of(f"{label} {value}", 11) + 31
        if right - needed < x + min(60.0, canvas.width_of(group, 12.5, bold=True)) - 12:
            break
        canvas.text(right, y + 2, value, size=11, right=True)
        right -= canvas.width_of(value, 11) + 4
        if label:
            canvas.text(right, y + 2, label, size=11, colour=MUTED, right=True)
            right -= canvas.width_of(label, 11) + 5
        canvas.sample(right - 18, y + 9, line.colour, line.dash)
        right -= 27
    title = canvas.shortened(group, max(40, right - x - 4), 12.5, bold=True)
    canvas.text(x, y, title, size=12.5, bold=True, colour=INK)


def _positions(lines: Sequence[Line], x_axis: XAxis) -> tuple[list[Floats], str]:
    """Return where the points stand on the x axis, and its unit."""
    xs = [x_axis.of(line.curve) for line in lines]
    if x_axis.kind in ("step", "metric"):
        return xs, ""
    if x_axis.kind == "time":  # a picture has no calendar: since the first point of all
        since = min((float(x[0]) for x in xs if len(x)), default=0.0)
        xs = [(x - since) / 1000 for x in xs]
    seconds, unit = time_unit(max((float(x[-1]) for x in xs if len(x)), default=0.0))
    return [x / seconds for x in xs], unit


def _extent(columns: Sequence[Floats], *, log: bool) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for column in columns:
        drawable = column[np.isfinite(column) & ((column > 0) | (not log))]
        if len(drawable):
            low, high = min(low, drawable.min()), max(high, drawable.max())
    return float(low), float(high)


def _draw_curve(
    sheet: Sheet,
    line: Line,
    xs: Floats,
    values: Floats,
    frame: Frame,
    share: float,
    thick: float,
) -> None:
    across, up = frame.across, frame.up
    points = Curve("", "", xs, xs, values)
    points = (
        _averaged(points, frame.width / 3)
        if line.is_baseline
        else thinned(points, round(frame.width * frame.detail))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        heights = np.log10(points.values) if up.log else points.values
        y = frame.height * (1 - (heights - up.low) / (up.high - up.low))
        along = np.log10(points.steps) if across.log else points.steps
        x = frame.width * (along - across.low) / (across.high - across.low)
    colour = blend(line.colour, share)
    for piece in _unbroken(np.isfinite(y) & np.isfinite(x)):
        pairs = list(zip(x[piece].tolist(), y[piece].tolist(), strict=True))
        if len(pairs) == 1 or stands(x[piece]):
            for pair in pairs:
                sheet.dot(*pair, 2.2, colour)
            continue
        sheet.line(pairs, colour, thick, line.dash)


def _averaged(curve: Curve, places: float) -> Curve:
    """Return a curve's course: the mean of each of about ``places`` pieces."""
    width = max(1, round(len(curve) / max(places, 1)))
    if width == 1:
        return curve
    starts = np.arange(0, len(curve), width)
    counts = np.diff(starts, append=len(curve))
    x = np.add.reduceat(curve.steps, starts) / counts
    return Curve("", "", x, x, np.add.reduceat(curve.values, starts) / counts)


def _unbroken(drawable: NDArray[np.bool_]) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], drawable, [False]])))
    return [slice(a, b) for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)]


def _mark_odd(
    sheet: Sheet, xs: Floats, values: Floats, across: Axis, size: tuple[float, float], *, log: bool
) -> None:
    """Mark what has no place on the axis at the edge of the plot."""
    odd = np.flatnonzero(~np.isfinite(values) | ((values <= 0) & log))
    odd = odd[np.isfinite(xs[odd]) & ((xs[odd] > 0) | (not across.log))]
    for i in odd[:50]:
        at = size[0] * across.place(float(xs[i]))
        sheet.cross(at, 5 if values[i] == np.inf else size[1] - 5, 3, BAD)
