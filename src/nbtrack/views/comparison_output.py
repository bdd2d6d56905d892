"""The finished output of a comparison: pictures, a table, and the data, below 50 KB."""

from __future__ import annotations

import base64
import html
import json
from typing import Any

from nbtrack.store.store import Store
from nbtrack.views.comparison import Scope
from nbtrack.views.comparison_saved import SavedLimits, SavedView, saved_comparison
from nbtrack.views.curves import RunRef
from nbtrack.views.formats import STATE_WORDS, format_duration, format_number
from nbtrack.views.mime import MAX_BYTES, VIEW_MIME, Bundle, ChartContent
from nbtrack.views.picture import draw_chart
from nbtrack.views.stored_curves import stored_curves

PICTURE_RUNS = 7
PICTURE_BYTES = 9_000  # twice in the output: by itself, and in the HTML
TABLE_ROWS = 20
# from much to little, until the output fits
_LIMITS = [
    SavedLimits(runs, curve_runs, curve_bytes, 120, 1, facts=False)
    for runs, curve_runs, curve_bytes in (
        (50, 10, 12_000),
        (40, 8, 8_000),
        (25, 6, 6_000),
        (12, 4, 4_000),
        (5, 2, 2_000),
        (1, 1, 1_000),
    )
]


def comparison_bundle(store: Store, scope: Scope, view: SavedView) -> Bundle:
    """Return the finished output of a comparison, and its metadata."""
    bundle: dict[str, Any] = {}
    for limits in _LIMITS:
        saved = saved_comparison(store, scope, view, limits)
        if not bundle:
            bundle, metadata = _pictures(store, saved)
        text = _text(saved["table"])
        bundle |= {
            "text/plain": text,
            "text/html": _html(saved, bundle.get("image/png"), metadata.get("image/png", {})),
        }
        if "image/png" in metadata:
            metadata["image/png"]["alt"] = text.splitlines()[-1]
        used = len(json.dumps([bundle, metadata])) + len(json.dumps(saved))
        if used <= MAX_BYTES:
            bundle[VIEW_MIME] = saved
            break
    return bundle, metadata


def _pictures(store: Store, saved: dict[str, Any]) -> Bundle:
    """Return the curves of the runs that are shown first, as a picture."""
    table = saved["table"]
    ids = (saved["selected"] or table["run_ids"])[:PICTURE_RUNS]
    if not ids:
        return {}, {}
    names = dict(zip(table["run_ids"], table["values"]["run_name"], strict=True))
    shown = [run_id for run_id in ids if run_id in names]
    with store.read() as reader:
        curves = stored_curves(reader, shown, points=200)
    more = "" if len(shown) == table["total"] else f" of {table['total']:,}"
    picture = draw_chart(
        ChartContent(
            runs=[RunRef(run_id, names[run_id], "plain", "FINISHED") for run_id in shown],
            curves=curves,
            title=f"{len(shown)}{more} runs",
        ),
        PICTURE_BYTES,
    )
    size = {"width": picture.width, "height": picture.height}
    png = base64.b64encode(picture.png).decode("ascii")
    return {"image/png": png}, {"image/png": size}


def _rows(table: dict[str, Any], most: int) -> tuple[list[str], list[list[str]]]:
    kinds = {column["name"]: column["kind"] for column in table["all_columns"]}
    names = [name for name in table["columns"] if name in table["values"]]
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
    return text if len(text) <= 60 else text[:59] + "…"


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


def _html(saved: dict[str, Any], png: str | None, size: dict[str, Any]) -> str:
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
    if png:
        alt = html.escape(f"Curves of {len(rows)} runs", quote=True)
        picture = f'<img src="data:image/png;base64,{png}" width="{size["width"]}" alt="{alt}">'
    return (
        f"{picture}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<p><small>{note}</small></p>"
    )
