"""The finished output of a comparison: pictures, a table, and the data, below 50 KB."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from typing import Any

from nbtrack.store.store import Store
from nbtrack.views.chart.curves import Curve
from nbtrack.views.chart.packed import pack_curves
from nbtrack.views.comparison import Scope
from nbtrack.views.comparison_picture import comparison_picture
from nbtrack.views.comparison_saved import SavedLimits, SavedView, comparison_parts
from nbtrack.views.display import MAX_BYTES, VIEW_MIME, Bundle
from nbtrack.views.formats import STATE_WORDS, format_duration, format_number

PICTURE_BYTES = 14_500
TABLE_ROWS = 20
TABLE_COLUMNS = 12
CURVE_RUNS = 10
CURVE_POINTS = 240
CURVE_BYTES = 18_000
FEWEST_CURVE_BYTES = 2_500  # before rows beyond those of the HTML are given up for them
CURVE_SIZE = 240  # bytes of one curve, below which it says little
ROWS = (50, 40, 30, 20, 12, 5, 1)  # from much to little, until the output fits


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
    room = MAX_BYTES - len(json.dumps([bundle, metadata])) - len(VIEW_MIME) - 100
    for rows in ROWS:
        cut = _first_rows(saved, rows)
        left = room - len(json.dumps(cut))
        if left >= FEWEST_CURVE_BYTES or (rows <= TABLE_ROWS and left > 0):
            bundle[VIEW_MIME] = cut | {"curves": _fitting(curves, cut, min(left, CURVE_BYTES))}
            break
    return bundle, metadata


def _texts(store: Store, saved: dict[str, Any]) -> Bundle:
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


def _first_rows(saved: dict[str, Any], rows: int) -> dict[str, Any]:
    table = saved["table"]
    values = {name: column[:rows] for name, column in table["values"].items()}
    return saved | {
        "table": table | {"run_ids": table["run_ids"][:rows], "values": values},
        "curves": {},
    }


def _fitting(curves: Sequence[Curve], saved: dict[str, Any], budget: int) -> dict[str, Any]:
    """Return curves of as many runs as there is room for, and still look like curves."""
    here = set(saved["table"]["run_ids"])
    curves = [curve for curve in curves if curve.run_id in here]
    runs = list(dict.fromkeys(curve.run_id for curve in curves))
    packed: dict[str, Any] = {"series": [], "data": ""}
    for count in range(len(runs), 0, -1):
        shown = [curve for curve in curves if curve.run_id in runs[:count]]
        if count > 1 and len(shown) * CURVE_SIZE > budget:
            continue
        packed = pack_curves(shown, budget)
        if packed["series"]:
            break
    return packed


def _rows(table: dict[str, Any], most: int) -> tuple[list[str], list[list[str]]]:
    kinds = {column["name"]: column["kind"] for column in table["all_columns"]}
    names = [name for name in table["columns"] if name in table["values"]][:TABLE_COLUMNS]
    rows = min(len(table["run_ids"]), most)
    return names, [
        [_cell(table["values"][name][i], kinds[name]) for name in names] for i in range(rows)
    ]


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind == "duration":
        return format_duration(value)
    if kind == "state":
        return STATE_WORDS.get(value, str(value))
    if isinstance(value, (int, float)):
        return format_number(value)
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _text(table: dict[str, Any]) -> str:
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


def _html(saved: dict[str, Any], url: str = "", width: int = 0, alt: str = "") -> str:
    """Return picture and table: of an output's forms, viewers show one only."""
    table = saved["table"]
    names, rows = _rows(table, TABLE_ROWS)
    head = "".join(f"<th>{html.escape(name.partition('.')[2] or name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    total = table["total"]
    note = f"{total:,} {'run' if total == 1 else 'runs'} compared"
    if len(rows) < total:
        note += f", the first {len(rows)} shown"
    picture = ""
    if url:
        said = html.escape(alt, quote=True)
        picture = f'<img src="{url}" width="{width}" alt="{said}">'
    return (
        f"{picture}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<p><small>{note}</small></p>"
    )
