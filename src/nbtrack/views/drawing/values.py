"""Metrics of one point each in a card's picture: names and values, for a plot would be a dot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nbtrack.views.chart.content import RunRef
from nbtrack.views.drawing.canvas import INK, MUTED, Canvas
from nbtrack.views.drawing.panel import Line
from nbtrack.views.formats import format_number
from nbtrack.views.metric_names import parse_metric, title_of

SIZE = 12.0
ROW = 19
GAP = 32  # between cells, and columns of runs
NAME = 240  # the most that the name of a metric takes, and that of a run
RUN = 130
Box = tuple[float, float, float]  # x, y, width


@dataclass(frozen=True)
class _Piece:
    """One value of a cell: the split, the value, and that of the run before."""

    split: str
    value: str
    before: str

    def widths(self, canvas: Canvas) -> list[float]:
        """Return how wide its three columns are, with the space behind each."""
        texts = self.split, self.value, self.before
        return [canvas.width_of(text, SIZE) + 6 if text else 0.0 for text in texts]


def draw_values(
    canvas: Canvas,
    listed: Mapping[str, Sequence[Line]],
    runs: Sequence[RunRef],
    box: Box,
    most_rows: int,
) -> float:
    """Draw the last values of metrics, by group; return where the next thing may stand.

    Those of one run stand in cells, with that of a baseline behind; several runs are columns.
    """
    main = {
        line.curve.run_id for lines in listed.values() for line in lines if not line.is_baseline
    }
    if len(main) > 1:
        shown = [run for run in runs if run.run_id in main]
        return _draw_columns(canvas, listed, shown, box, most_rows)
    return _draw_cells(canvas, listed, {run.run_id: run.role for run in runs}, box, most_rows)


def _draw_cells(
    canvas: Canvas,
    listed: Mapping[str, Sequence[Line]],
    roles: Mapping[str, str],
    box: Box,
    most_rows: int,
) -> float:
    x, y, width = box
    cells = {title_of(group): _pieces(lines, roles) for group, lines in listed.items()}
    slots = max(len(pieces) for pieces in cells.values())
    widths = [[0.0, 0.0, 0.0] for _ in range(slots)]  # the last value stands at the right
    for pieces in cells.values():
        for slot, piece in zip(widths[slots - len(pieces) :], pieces, strict=True):
            slot[:] = map(max, slot, piece.widths(canvas))
    room = sum(map(sum, widths)) + 8 * slots
    name_width = min(NAME, max(canvas.width_of(name, SIZE) for name in cells))
    columns = max(1, min(3, len(cells), int((width + GAP) // (name_width + room + GAP))))
    cell = min(name_width + room + GAP, (width - GAP * (columns - 1)) / columns)
    shown = list(cells.items())[: columns * most_rows]
    for i, (name, pieces) in enumerate(shown):
        left, top = x + i % columns * (cell + GAP), y + i // columns * ROW
        text = canvas.shortened(name, cell - room, SIZE)
        canvas.text(left, top, text, size=SIZE, colour=MUTED)
        at = left + cell - sum(map(sum, widths[slots - len(pieces) :])) - 8 * (len(pieces) - 1) + 6
        for (split, value, before), piece in zip(
            widths[slots - len(pieces) :], pieces, strict=True
        ):
            canvas.text(at, top, piece.split, size=SIZE, colour=MUTED)
            canvas.text(at + split + value - 6, top, piece.value, size=SIZE, right=True)
            canvas.text(at + split + value, top, piece.before, size=SIZE, colour=MUTED)
            at += split + value + before + 8
    y += -(-len(shown) // columns) * ROW
    return _say_rest(canvas, len(cells) - len(shown), x, y)


def _pieces(lines: Sequence[Line], roles: Mapping[str, str]) -> list[_Piece]:
    """Return the values of a metric, by split."""
    values: dict[str, list[str]] = {}
    for line in sorted(lines, key=lambda line: line.is_baseline):
        pair = values.setdefault(parse_metric(line.curve.key).split, ["", ""])
        text = format_number(float(line.curve.values[-1]))
        if not line.is_baseline:
            pair[0] = text
        elif not pair[1]:
            pair[1] = f"{roles.get(line.curve.run_id, 'last')} {text}"
    return [_Piece(split, *pair) for split, pair in values.items()]


def _draw_columns(
    canvas: Canvas,
    listed: Mapping[str, Sequence[Line]],
    runs: Sequence[RunRef],
    box: Box,
    most_rows: int,
) -> float:
    x, y, width = box
    rows: dict[tuple[str, str], dict[str, str]] = {}
    colours: dict[str, tuple[str, tuple[float, ...]]] = {}
    for group, lines in listed.items():
        for line in lines:
            if line.is_baseline:
                continue
            row = rows.setdefault((title_of(group), parse_metric(line.curve.key).split), {})
            row[line.curve.run_id] = format_number(float(line.curve.values[-1]))
            colours.setdefault(line.curve.run_id, (line.colour, ()))
    names = [" ".join(part for part in row if part) for row in rows]
    at = x + min(NAME, max(canvas.width_of(name, SIZE) for name in names))
    drawn = 0
    shown = list(rows.values())[:most_rows]
    for run in runs:
        name = canvas.shortened(run.name, RUN, SIZE)
        texts = [row.get(run.run_id, "") for row in shown]
        needed = max(25 + canvas.width_of(name, SIZE), *(canvas.width_of(t, SIZE) for t in texts))
        rest = len(runs) - drawn - 1
        more = canvas.width_of(f"and {rest} more", SIZE) + GAP if rest else 0
        if at + GAP + needed + more > x + width:
            break
        at += GAP + needed
        drawn += 1
        canvas.text(at, y, name, size=SIZE, colour=MUTED, right=True)
        canvas.sample(at - canvas.width_of(name, SIZE) - 24, y + 7, *colours[run.run_id])
        for i, text in enumerate(texts):
            canvas.text(at, y + (i + 1) * ROW, text, size=SIZE, colour=INK, right=True)
    if drawn < len(runs):
        text = f"and {len(runs) - drawn} more"
        canvas.text(at + GAP, y, text, size=SIZE, colour=MUTED)
    for i, name in enumerate(names[:most_rows]):
        text = canvas.shortened(name, NAME, SIZE)
        canvas.text(x, y + (i + 1) * ROW, text, size=SIZE, colour=MUTED)
    return _say_rest(canvas, len(rows) - len(shown), x, y + (len(shown) + 1) * ROW)


def _say_rest(canvas: Canvas, rest: int, x: float, y: float) -> float:
    if rest:
        canvas.text(x, y, f"and {rest} more", size=11.5, colour=MUTED)
        y += ROW
    return y + 6
