"""The finished output of a comparison: pictures, a table, and the data, below 50 KB."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nbtrack.entities.shown import plain_line
from nbtrack.store import Store
from nbtrack.views.chart.content import ChartContent, RunRef
from nbtrack.views.chart.curves import Curve, Floats, PackedCurves, pack_curves
from nbtrack.views.chart.query import stored_curves
from nbtrack.views.comparison.data import Scope
from nbtrack.views.comparison.saved import (
    ComparisonParts,
    SavedComparison,
    SavedLimits,
    SavedView,
    comparison_parts,
)
from nbtrack.views.display import MAX_BYTES, VIEW_MIME, Bundle
from nbtrack.views.drawing.png import Picture, draw_chart
from nbtrack.views.drawing.svg import drawing_url
from nbtrack.views.formats import STATE_WORDS, format_duration, format_number
from nbtrack.views.metric_names import compared_metrics, parse_metric
from nbtrack.views.table.page import TableView

PICTURE_BYTES = 14_500
TABLE_ROWS = 20
TABLE_COLUMNS = 12
CURVE_RUNS = 10
CURVE_POINTS = 240
CURVE_BYTES = 18_000
REST = 240  # names of types, and the id that a page adds
FEWEST_CURVE_BYTES = 2_500  # before rows beyond those of the HTML are given up for them
CURVE_SIZE = 320  # bytes of one curve of about 20 points; with fewer it says little
ROWS = (50, 40, 30, 20, 12, 5, 1)  # from much to little, until the output fits
DRAWN_RUNS = 7  # as many as there are colours
DRAWN_METRICS = 3
# runs, and pieces of a curve: from much to little, until the file is small enough
_DETAIL = ((7, 48), (7, 30), (7, 20), (5, 20), (3, 20), (1, 12))


@dataclass(frozen=True)
class ComparisonPicture:
    """A few curves, twice: as a PNG, and as an image for HTML.

    Attributes
    ----------
    picture : Picture
    url : str
        An SVG as a ``data:`` URL.
    alt : str
        What is to be seen, in words.
    """

    picture: Picture
    url: str
    alt: str


def comparison_picture(
    store: Store, saved: ComparisonParts, max_bytes: int
) -> ComparisonPicture | None:
    """Return a picture of the runs that are selected, or else first.

    Parameters
    ----------
    store : Store
    saved : dict
        From ``saved_comparison``; names in it have no secrets.
    max_bytes : int
        Of the PNG. Curves are drawn as the means of fewer and fewer pieces, of fewer and fewer
        runs, until it fits.
    """
    table = saved["table"]
    names = dict(zip(table["run_ids"], map(str, table["values"]["run_name"]), strict=True))
    ids = [i for i in saved["selected"] or table["run_ids"] if i in names][:DRAWN_RUNS]
    if not ids:
        return None
    with store.read() as reader:
        keys = _drawn_metrics(saved)
        curves = stored_curves(reader, ids, keys, points=1000)
    curves.sort(key=lambda curve: keys.index(curve.key))
    for runs, pieces in _DETAIL:
        shown = ids[:runs]
        title = f"{len(shown)} of {table['total']:,} runs"
        if len(shown) == table["total"]:
            title = f"{len(shown)} {'run' if len(shown) == 1 else 'runs'}"
        if any(len(curve) > pieces for curve in curves):
            title += ", curves averaged"
        content = ChartContent(
            runs=[RunRef(run_id, names[run_id], "plain", "FINISHED") for run_id in shown],
            curves=[course(curve, pieces) for curve in curves if curve.run_id in shown],
            title=title,
        )
        picture = draw_chart(content, 10 * max_bytes)
        if len(picture.png) <= max_bytes:
            drawn = ", ".join(dict.fromkeys(curve.key for curve in curves)) or "no metrics"
            alt = f"{title}: {', '.join(names[run_id] for run_id in shown)}; {drawn}"
            return ComparisonPicture(picture, drawing_url(content), alt)
    return None


def comparison_bundle(
    store: Store, scope: Scope, view: SavedView, *, forest: bool = True
) -> Bundle:
    """Return the finished output of a comparison, and its metadata.

    Without ``forest``, the importance of params is the rank correlation alone, which takes no
    time.
    """
    limits = SavedLimits(
        ROWS[0], CURVE_RUNS, CURVE_BYTES, CURVE_POINTS, 1, facts=False, forest=forest
    )
    saved, curves = comparison_parts(store, scope, view, limits)
    bundle, metadata = _texts(store, saved)
    room = MAX_BYTES - len(json.dumps([bundle, metadata])) - len(VIEW_MIME) - REST
    for rows in ROWS:
        cut = _first_rows(saved, rows)
        left = room - len(json.dumps({**cut, "curves": {}}))
        if left >= FEWEST_CURVE_BYTES or (rows <= TABLE_ROWS and left > 0):
            packed = _fitting(curves, cut, min(left, CURVE_BYTES))
            shown: SavedComparison = {**cut, "curves": packed}
            bundle[VIEW_MIME] = shown
            break
    return bundle, metadata


def _texts(store: Store, saved: ComparisonParts) -> Bundle:
    """Return the forms for people without the extension."""
    drawn = comparison_picture(store, saved, PICTURE_BYTES)
    text = _text(saved["table"])
    if drawn is None:
        return {"text/plain": text, "text/html": _html(saved)}, {}
    picture = drawn.picture
    bundle = {
        "text/plain": text,
        "text/html": _html(saved, drawn.url, picture.width, drawn.alt),
        "image/png": base64.b64encode(picture.png).decode("ascii"),
    }
    size = {"width": picture.width, "height": picture.height, "alt": drawn.alt}
    return bundle, {"image/png": size}


def _first_rows(saved: ComparisonParts, rows: int) -> ComparisonParts:
    table = saved["table"]
    values = {name: column[:rows] for name, column in table["values"].items()}
    shown: TableView = table | {"run_ids": table["run_ids"][:rows], "values": values}
    cut: ComparisonParts = saved | {"table": shown}
    return cut


def _fitting(curves: Sequence[Curve], saved: ComparisonParts, budget: int) -> PackedCurves:
    """Return curves of as many runs as there is room for, and still look like curves."""
    here = set(saved["table"]["run_ids"])
    curves = [curve for curve in curves if curve.run_id in here]
    runs = list(dict.fromkeys(curve.run_id for curve in curves))
    packed: PackedCurves = {"series": [], "data": ""}
    for count in range(len(runs), 0, -1):
        shown = [curve for curve in curves if curve.run_id in runs[:count]]
        if count > 1 and len(shown) * CURVE_SIZE > budget:
            continue
        packed = pack_curves(shown, budget)
        if packed["series"]:
            break
    return packed


def _rows(table: TableView, most: int) -> tuple[list[str], list[list[str]]]:
    kinds = {column["name"]: column["kind"] for column in table["all_columns"]}
    names = [name for name in table["columns"] if name in table["values"]][:TABLE_COLUMNS]
    rows = min(len(table["run_ids"]), most)
    return names, [
        [_cell(table["values"][name][i], name, kinds[name]) for name in names] for i in range(rows)
    ]


def _cell(value: Any, name: str, kind: str) -> str:
    if value is None:
        return ""
    if kind == "duration":
        return format_duration(value)
    if kind == "state":
        return STATE_WORDS.get(value, str(value))
    if isinstance(value, (int, float)):
        return format_number(value)
    return _cut(plain_line(str(value)) if name == "note" else str(value))


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _text(table: TableView) -> str:
    names, rows = _rows(table, TABLE_ROWS)
    heads = [name.partition(".")[2] or name for name in names]
    widths = [
        min(24, max(len(text) for text in column)) for column in zip(heads, *rows, strict=True)
    ]
    lines = [
        "  ".join(
            cell[:width].ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in [heads, *rows]
    ]
    total = table["total"]
    return "\n".join([*lines, f"({total:,} {'run' if total == 1 else 'runs'} compared)"])


def _html(saved: ComparisonParts, url: str = "", width: int = 0, alt: str = "") -> str:
    """Return picture and table: of an output's forms, viewers show one only."""
    table = saved["table"]
    names, rows = _rows(table, TABLE_ROWS)
    labels = [name.partition(".")[2] or name for name in names]
    head = "".join(f"<th>{html.escape(_cut(label))}</th>" for label in labels)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    total = table["total"]
    note = f"{total:,} {'run' if total == 1 else 'runs'} compared"
    if len(rows) < total:
        note += f", the first {len(rows)} shown"
    picture = ""
    if url:
        alt_text = html.escape(alt, quote=True)
        picture = f'<img src="{url}" width="{width}" alt="{alt_text}">'
    return (
        f"{picture}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<p><small>{note}</small></p>"
    )


def course(curve: Curve, pieces: int) -> Curve:
    """Return the means of about ``pieces`` pieces of a curve; its first and last points stay."""
    width = -(-len(curve) // pieces)
    if width <= 1:
        return curve
    starts = np.arange(0, len(curve), width)
    steps, times, values = (
        _means(column, starts) for column in (curve.steps, curve.times, curve.values)
    )
    ends = [0, -1]
    for means, column in zip(
        (steps, times, values), (curve.steps, curve.times, curve.values), strict=True
    ):
        means[ends] = column[ends]
    return Curve(curve.run_id, curve.key, steps, times, values, curve.total)


def _means(column: Any, starts: Any) -> Floats:
    numbers = np.asarray(column, dtype=np.float64)
    finite = np.isfinite(numbers)
    sums = np.add.reduceat(np.where(finite, numbers, 0.0), starts)
    counts = np.add.reduceat(finite.astype(np.float64), starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Floats = sums / counts
    return means


def _drawn_metrics(saved: ComparisonParts) -> Sequence[str]:
    """Return the metrics that tell most, the one that runs are judged by first."""
    keys = [key["name"] for key in saved["keys"] if key["name"].startswith("metrics.")]
    plain = {name.removeprefix("metrics."): 0.0 for name in keys}
    first = [saved["metric"].removeprefix("metrics.")] if saved["metric"] else []
    by_group: dict[str, str] = {}
    for name in [*first, *compared_metrics(plain, plain)]:
        if name in plain:  # of train and val of one metric, the one that tells more
            by_group.setdefault(parse_metric(name).group, name)
    return list(by_group.values())[:DRAWN_METRICS]
