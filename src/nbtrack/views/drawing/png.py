"""The picture of a finished chart or card, for viewers that run no scripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbtrack.views.chart.content import ChartContent, RunRef
from nbtrack.views.chart.curves import Curve
from nbtrack.views.drawing.canvas import COLOURS, GRID, INK, MUTED, Canvas
from nbtrack.views.drawing.panel import Line, draw_panel, line_of
from nbtrack.views.drawing.values import draw_values
from nbtrack.views.formats import STATE_WORDS, found_text, head_facts, shareable
from nbtrack.views.metric_names import group_metrics, parse_metric, title_of

WIDTH = 760
MARGIN = 16
GAP = 22
PANEL_HEIGHT = 168
LEGEND_LINES = 3
# plots, points of a curve per CSS pixel, and how much coarser the pixels are: first the best looks
LEVELS = (
    (9, 2.0, 1),
    (9, 0.8, 1),
    (6, 0.8, 1),
    (9, 0.8, 2),
    (4, 0.5, 2),
    (1, 0.5, 2),
    (1, 0.5, 3),
    (1, 0.5, 4),
)
STATE_COLOURS = {
    "RUNNING": "#0072b2",
    "FINISHED": "#0a7d55",
    "FAILED": "#c0392b",
    "KILLED": "#9a6700",
    "INTERRUPTED": "#9a6700",
}
KIND_COLOURS = {"better": "#0a7d55", "worse": "#c0392b"}
BASELINES = {"last": "last run", "best": "best run"}


@dataclass(frozen=True)
class Picture:
    """A PNG, drawn with two pixels to the point where that is not too large.

    Attributes
    ----------
    png : bytes
        The file.
    width, height : int
        The size to show it at, in CSS pixels.
    """

    png: bytes
    width: int
    height: int


def draw_chart(content: ChartContent, max_bytes: int = 27_000) -> Picture:
    """Return a chart or a card as a picture.

    Parameters
    ----------
    content : ChartContent
        What it shows.
    max_bytes : int
        With less detail, then with fewer plots and pixels, where the file would be larger.
    """
    folded = {curve.key for curve in content.curves if len(curve)}
    content = content.unfolded()
    folded -= {curve.key for curve in content.curves}
    found: list[Picture] = []
    for panels, detail, coarser in LEVELS:
        canvas = _draw(content, panels, detail, len(folded))
        found.append(Picture(canvas.png(coarser), WIDTH, canvas.height))
        if len(found[-1].png) <= max_bytes:
            return found[-1]
    return min(found, key=lambda picture: len(picture.png))


def _draw(content: ChartContent, max_panels: int, detail: float, folded: int) -> Canvas:
    canvas = Canvas(WIDTH)
    y = 14.0
    if content.head is not None:
        y = _draw_head(canvas, shareable(content.head), y)
    elif content.title:
        canvas.text(MARGIN, y, content.title, size=14, bold=True)
        y += 24
    if content.since:
        y = _draw_since(canvas, shareable(list(content.since)), y)
    if found := shareable(found_text(content.found)):
        canvas.text(MARGIN, y, "Found", size=12, colour=MUTED)
        x = MARGIN + canvas.width_of("Found", 12) + 16
        canvas.text(x, y, canvas.shortened(found, WIDTH - MARGIN - x, 12), size=12, colour=INK)
        y += 24
    here = [run for run in content.runs if _has_points(content, run)]
    main = [run for run in here if run.role not in BASELINES]
    baselines = [run for run in here if run.role in BASELINES]
    if len(main) > 1 or (baselines and any(len(curve) > 1 for curve in content.curves)):
        y = _draw_legend(canvas, main if len(main) > 1 else [], baselines, y)
    y = _draw_panels(canvas, content, (max_panels, detail), y + 4)
    if folded:
        canvas.box(MARGIN, y - 4, WIDTH - 2 * MARGIN, 1, GRID)
        canvas.text(MARGIN, y + 3, f"System metrics ({folded})", size=11.5, colour=MUTED)
        y += 24
    canvas.finish(y + 6)
    return canvas


def _has_points(content: ChartContent, run: RunRef) -> bool:
    return any(curve.run_id == run.run_id and len(curve) for curve in content.curves)


def _draw_head(canvas: Canvas, head: dict[str, Any], y: float) -> float:
    state = str(head.get("state") or "FINISHED")
    colour = STATE_COLOURS.get(state, MUTED)
    facts = " · ".join(head_facts(head))
    room = WIDTH - 2 * MARGIN - canvas.width_of(facts, 12) - 130
    name = canvas.shortened(str(head.get("name") or "Run"), max(120, room), 15, bold=True)
    canvas.text(MARGIN, y, name, size=15, bold=True)
    x = MARGIN + canvas.width_of(name, 15, bold=True) + 12
    word = STATE_WORDS.get(state, state)
    canvas.badge(x, y, word, colour)
    canvas.text(WIDTH - MARGIN, y + 3, facts, size=12, colour=MUTED, right=True)
    y += 28
    if head.get("error"):
        message = canvas.shortened(str(head["error"]).splitlines()[0], WIDTH - 2 * MARGIN - 12, 12)
        canvas.box(MARGIN, y, 3, 19, STATE_COLOURS["FAILED"])
        canvas.text(MARGIN + 10, y + 2, message, size=12, colour=STATE_COLOURS["FAILED"])
        y += 25
    return y


def _draw_since(canvas: Canvas, items: list[dict[str, Any]], y: float) -> float:
    canvas.text(MARGIN, y, "Since last run", size=12, colour=MUTED)
    x = MARGIN + canvas.width_of("Since last run", 12) + 16
    for item in items:
        label, kind = str(item.get("label", "")), item.get("kind", "info")
        text = canvas.shortened(str(item.get("text", "")), 420, 12)
        lead = canvas.width_of(label + " ", 12) if label else 0
        width = lead + canvas.width_of(text, 12)
        if x + width > WIDTH - MARGIN and x > MARGIN:
            x, y = MARGIN, y + 18
        canvas.text(x, y, label, size=12, colour=MUTED)
        canvas.text(x + lead, y, text, size=12, colour=KIND_COLOURS.get(str(kind), INK))
        x += width + 16
    return y + 24


def _draw_legend(canvas: Canvas, main: list[RunRef], baselines: list[RunRef], y: float) -> float:
    """Draw the names of the runs, in at most three lines."""
    entries = [(run.name, COLOURS[i % len(COLOURS)], ()) for i, run in enumerate(main)]
    named = [
        (f"{BASELINES[run.role]}: {run.name}", MUTED, line_of(run, 0, 0).dash) for run in baselines
    ]
    x, lines = float(MARGIN), 1
    for i, (name, colour, dash) in enumerate([*entries, *named]):
        text = canvas.shortened(name, 260, 11.5)
        width = 25 + canvas.width_of(text, 11.5)
        if x + width > WIDTH - MARGIN and x > MARGIN:
            if lines == LEGEND_LINES:
                rest = f"and {len(entries) + len(named) - i} more"
                canvas.text(MARGIN, y + 17, rest, size=11.5, colour=MUTED)
                return y + 37
            x, y, lines = float(MARGIN), y + 17, lines + 1
        canvas.sample(x, y + 7, colour, dash)
        canvas.text(x + 25, y, text, size=11.5, colour=MUTED)
        x += width + 18
    return y + 20


def _draw_panels(
    canvas: Canvas, content: ChartContent, limits: tuple[int, float], y: float
) -> float:
    max_panels, detail = limits
    by_key: dict[str, list[Curve]] = {}
    for curve in content.curves:
        if len(curve):
            by_key.setdefault(curve.key, []).append(curve)
    groups = group_metrics(by_key)
    if not groups:
        canvas.text(MARGIN, y, "No metrics yet", size=12.5, colour=MUTED)
        return y + 24
    plots: dict[str, list[Line]] = {}
    listed: dict[str, list[Line]] = {}
    for group, keys in groups.items():
        curves = [curve for key in keys for curve in by_key[key]]
        into = plots if any(len(curve) > 1 for curve in curves) else listed
        into[group] = _lines(content, curves)
    shown = list(plots.items())[:max_panels]
    columns = {1: 1, 2: 2, 4: 2}.get(len(shown), 3)
    width = (WIDTH - 2 * MARGIN - GAP * (columns - 1)) / columns
    for i, (group, lines) in enumerate(shown):
        x = MARGIN + (i % columns) * (width + GAP)
        top = y + (i // columns) * (PANEL_HEIGHT + 14)
        draw_panel(canvas, title_of(group), lines, content, (x, top, width, PANEL_HEIGHT), detail)
    y += -(-len(shown) // columns) * (PANEL_HEIGHT + 14)
    if len(plots) > len(shown):
        canvas.text(MARGIN, y, f"and {len(plots) - len(shown)} more", size=11.5, colour=MUTED)
        y += 20
    if listed:
        box = (MARGIN, y, WIDTH - 2.0 * MARGIN)
        y = draw_values(canvas, listed, content.runs, box, max(6, 2 * max_panels))
    return y


def _lines(content: ChartContent, curves: list[Curve]) -> list[Line]:
    runs = {run.run_id: run for run in content.runs}
    shown = {curve.run_id for curve in content.curves if len(curve)}
    main = [run.run_id for run in content.runs if run.role not in BASELINES and run.run_id in shown]
    starts: dict[str, float] = {}
    for curve in content.curves:
        if len(curve):
            first = float(curve.times[0])
            starts[curve.run_id] = min(first, starts.get(curve.run_id, first))
    order = {"": 0, "train": 0, "val": 1, "test": 2}
    lines = []
    for curve in curves:
        run = runs.get(curve.run_id) or RunRef(curve.run_id, curve.run_id)
        split = parse_metric(curve.key).split
        several = len(main) > 1
        place = main.index(run.run_id) if several and run.run_id in main else order[split]
        line = line_of(run, place % len(COLOURS), order[split])
        label = " ".join(part for part in (run.name if several else "", split) if part)
        lines.append(line.showing(curve, label, starts[curve.run_id]))
    return sorted(lines, key=lambda line: not line.is_baseline)
