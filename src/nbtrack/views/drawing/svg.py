"""Curves as a small SVG: crisp at any size, in a quarter of a picture's bytes."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence

import numpy as np

from nbtrack.views.chart.content import ChartContent
from nbtrack.views.drawing.axes import Axis, axis_for, nothing_text, stands, x_axis_for
from nbtrack.views.drawing.canvas import COLOURS, FRAME, GRID, INK, MUTED, PAPER
from nbtrack.views.drawing.panel import Line
from nbtrack.views.formats import format_number

WIDTH = 760
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 64, 24
PLOT = 140
GAP = 18
ROW = 17
HEIGHT = TOP + PLOT + BOTTOM
NAME = 16  # letters of a run's name in the legend


def drawing_url(content: ChartContent) -> str:
    """Return a chart of a few runs as a ``data:`` URL for the source of an image."""
    return "data:image/svg+xml;base64," + base64.b64encode(draw_svg(content).encode()).decode()


def draw_svg(content: ChartContent) -> str:
    """Return a chart of a few runs as an SVG, with one plot per metric."""
    keys = list(dict.fromkeys(curve.key for curve in content.curves if len(curve)))
    colours = {run.run_id: COLOURS[i % len(COLOURS)] for i, run in enumerate(content.runs)}
    frame = f'width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="7" fill="{PAPER}" stroke="{FRAME}"'
    parts = [
        f'<rect x=".5" y=".5" {frame}/>',
        _text(14, 22, content.title, INK, 'font-size="14" font-weight="600"'),
        *_legend([(run.name, colours[run.run_id]) for run in content.runs]),
    ]
    width = (WIDTH - 20 - GAP * (len(keys) - 1)) / max(1, len(keys))
    for i, key in enumerate(keys):
        lines = [
            Line(colours[curve.run_id], (), is_baseline=False, curve=curve)
            for curve in content.curves
            if curve.key == key and len(curve)
        ]
        left = 10 + i * (width + GAP)
        if all(len(line.curve) == 1 for line in lines):
            names = {run.run_id: run.name for run in content.runs}
            parts += _values(key, lines, names, left)
        else:
            parts += _panel(key, lines, content, left, width)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">'
        f"{''.join(parts)}</svg>"
    )


def _legend(entries: Sequence[tuple[str, str]]) -> list[str]:
    parts, x = [], 14.0
    for name, colour in entries:
        text = name if len(name) <= NAME else name[: NAME - 1] + "…"
        if x + 26 + 6.5 * len(text) > WIDTH - 10:
            break
        parts.append(f'<path d="M{x:g} 38h18" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(x + 23, 42, text, MUTED))
        x += 38 + 6.5 * len(text)
    return parts


def _values(key: str, lines: Sequence[Line], names: Mapping[str, str], x: float) -> list[str]:
    """Return a metric of one point in each run: a plot would have dots at one place."""
    parts = [_text(x + 4, TOP - 6, key, INK, 'font-weight="600"')]
    fit = PLOT // ROW
    for i, line in enumerate(lines[:fit]):
        y = TOP + (i + 1) * ROW
        name, value = names.get(line.curve.run_id, ""), float(line.curve.values[-1])
        parts.append(f'<path d="M{x + 4:.4g} {y - 4}h18" stroke="{line.colour}" stroke-width="2"/>')
        parts.append(_text(x + 28, y, name if len(name) <= NAME else name[: NAME - 1] + "…", MUTED))
        parts.append(_text(x + 195, y, format_number(value), INK, 'text-anchor="end"'))
    if len(lines) > fit:
        parts.append(_text(x + 28, TOP + (fit + 1) * ROW, f"and {len(lines) - fit} more", MUTED))
    return parts


def _panel(
    key: str, lines: Sequence[Line], content: ChartContent, x: float, width: float
) -> list[str]:
    values = [line.curve.values for line in lines]
    up = _axis(values, 0.06)
    nothing = nothing_text(values, log=False)
    levels = [] if nothing else up.ticks(4)
    room = max([LEFT, *(6.2 * len(label) + 12 for _, label in levels)])
    inner = width - room - RIGHT
    x_axis = x_axis_for(content.x, content.curves, [line.curve for line in lines])
    xs = [x_axis.of(line.curve) for line in lines]
    across = _axis(xs, 0.015)
    left, bottom = x + room, TOP + PLOT
    parts = [_text(x + 4, TOP - 6, key, INK, 'font-weight="600"')]
    if nothing:
        middle = left + inner / 2, TOP + PLOT / 2
        parts.append(_text(*middle, nothing, MUTED, 'text-anchor="middle"'))
    for place, label in levels:
        y = bottom - PLOT * place
        parts.append(f'<path d="M{left:.4g} {y:.4g}h{inner:.4g}" stroke="{GRID}"/>')
        parts.append(_text(left - 6, y + 4, label, MUTED, 'text-anchor="end"'))
    for place, label in across.ticks(4):
        parts.append(_text(left + inner * place, bottom + 16, label, MUTED, 'text-anchor="middle"'))
    for line, at in zip(lines, xs, strict=True):
        along = left + inner * (at - across.low) / (across.high - across.low)
        heights = bottom - PLOT * (line.curve.values - up.low) / (up.high - up.low)
        if stands(at):
            parts += [
                f'<circle cx="{along[0]:.1f}" cy="{height:.1f}" r="2.2" fill="{line.colour}"/>'
                for height in heights[np.isfinite(heights)]
            ]
            continue
        path = _path(along, heights)
        parts.append(f'<path d="{path}" fill="none" stroke="{line.colour}" stroke-width="1.7"/>')
    return parts


def _axis(columns: Sequence[np.ndarray[tuple[int], np.dtype[np.float64]]], pad: float) -> Axis:
    joined = np.concatenate(columns)
    finite = joined[np.isfinite(joined)]
    return axis_for(finite.min(), finite.max(), pad=pad) if len(finite) else Axis(0.0, 1.0)


def _path(
    x: np.ndarray[tuple[int], np.dtype[np.float64]], y: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> str:
    """Return a polyline that is broken where a point has no place."""
    parts, pen = [], "M"
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        if np.isfinite(a) and np.isfinite(b):
            parts.append(f"{pen}{a:.1f} {b:.1f}")
            pen = "L"
        else:
            pen = "M"
    return "".join(parts)


def _text(x: float, y: float, text: str, colour: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" {more}>{html.escape(text)}</text>'
