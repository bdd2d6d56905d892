"""The finished output: what stays in the notebook when the kernel is gone.

A picture for every viewer, text for every reader, and the data for the JupyterLab extension, which
makes it interactive again. The whole stays below 50 KB.
"""

from __future__ import annotations

import base64
import html
import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nbtrack.views.curves import Curve, RunRef, thinned
from nbtrack.views.display import display_mode, live_front_end
from nbtrack.views.formats import (
    STATE_WORDS,
    format_duration,
    format_number,
    head_facts,
    shareable,
    shareable_column,
)
from nbtrack.views.table import Cells, Column, TablePage

__all__ = [
    "VIEW_MIME",
    "ChartContent",
    "chart_bundle",
    "chart_text",
    "chart_view",
    "display_mode",
    "live_front_end",
    "pack_curves",
    "plain_json",
    "table_bundle",
]

VIEW_MIME = "application/vnd.nbtrack.view.v1+json"
MAX_BYTES = 50_000
MAX_PICTURE = 27_000
MAX_DIFF = 6_000
MAX_ROWS = 50

Bundle = tuple[dict[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class ChartContent:
    """What a chart or a card shows.

    Attributes
    ----------
    runs, curves
        The runs and their points.
    title, x, smoothing, log_y, log_x
        As in `nbtrack.views.widgets.metric_chart.MetricChart`.
    head, since, detail
        The lines above a card, as in `nbtrack.views.widgets.run_card.RunCard`;
        ``head`` is ``None`` for a bare chart.
    store_id
        Of the store that has the runs: a server that knows it is asked about a run that goes on,
        and for detail.
    """

    runs: Sequence[RunRef] = ()
    curves: Sequence[Curve] = ()
    title: str = ""
    x: str = "auto"
    smoothing: float = 0.0
    log_y: bool = False
    log_x: bool = False
    head: dict[str, Any] | None = None
    since: Sequence[dict[str, Any]] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    store_id: str = ""


def chart_bundle(content: ChartContent) -> Bundle:
    """Return the finished output of a chart or a card, and its metadata."""
    from nbtrack.views.picture import draw_chart

    bundle: dict[str, Any] = {"text/plain": chart_text(content)}
    metadata: dict[str, Any] = {}
    picture = draw_chart(content, MAX_PICTURE)
    bundle["image/png"] = base64.b64encode(picture.png).decode("ascii")
    metadata["image/png"] = {
        "width": picture.width,
        "height": picture.height,
        "alt": bundle["text/plain"],  # nbconvert gives it to screen readers
    }
    used = len(json.dumps([bundle, metadata])) + len(json.dumps(chart_view(content, 0)))
    bundle[VIEW_MIME] = chart_view(content, MAX_BYTES - used - 500)
    return bundle, metadata


def chart_view(content: ChartContent, budget: int) -> dict[str, Any]:
    """Return a chart as JupyterLab reads it, with at most ``budget`` bytes of points."""
    view: dict[str, Any] = {
        "kind": "chart" if content.head is None else "card",
        "version": 1,
        "title": content.title,
        "runs": [run.as_json() for run in content.runs],
        "options": {
            "x": content.x,
            "smoothing": content.smoothing,
            "log_x": content.log_x,
            "log_y": content.log_y,
        },
    }
    if content.store_id:
        view["store_id"] = content.store_id
    if content.head is not None:
        detail = dict(content.detail)
        diff = str(detail.get("code_diff") or "")
        if len(diff) > MAX_DIFF:
            detail["code_diff"] = diff[:MAX_DIFF].rsplit("\n", 1)[0] + "\n... (cut here)"
        view |= {"head": content.head, "since": list(content.since), "detail": detail}
    plain: dict[str, Any] = plain_json(shareable(view))
    return plain | {"curves": pack_curves(content.curves, budget)}


def pack_curves(curves: Sequence[Curve], budget: int) -> dict[str, Any]:
    """Return curves in few bytes: differences and float32, deflated, base64.

    Parameters
    ----------
    curves : sequence of Curve
        Empty ones are left out.
    budget : int
        About how many bytes of JSON may be used; points are thinned out until they fit.
    """
    filled = [curve for curve in curves if len(curve)]
    limit = 2000
    while filled and limit >= 4:
        packed = _pack([thinned(curve, limit) for curve in filled])
        if len(json.dumps(packed)) <= budget:
            return packed
        limit = limit * 3 // 4
    return {"series": [], "data": ""}


def _pack(curves: list[Curve]) -> dict[str, Any]:
    series: list[dict[str, Any]] = []
    steps: list[bytes] = []
    times: list[bytes] = []
    values: list[bytes] = []
    for curve in curves:
        step = curve.steps.astype(np.float64)
        time = np.nan_to_num(curve.times.astype(np.float64))
        apart = np.diff(step, prepend=step[0])
        whole = bool(np.all(step == np.rint(step)) and np.all(np.abs(apart) < 2**31))
        column = apart.astype("<i4") if whole else (step - step[0]).astype("<f4")
        steps.append(column.tobytes())
        pauses = np.clip(np.diff(np.rint(time), prepend=np.rint(time[0])), -(2**31), 2**31 - 1)
        times.append(pauses.astype("<i4").tobytes())
        with np.errstate(over="ignore"):
            values.append(curve.values.astype("<f4").tobytes())
        series.append(
            {
                "run": curve.run_id,
                "key": curve.key,
                "n": len(curve),
                **({"total": curve.total} if curve.total > len(curve) else {}),
                "step0": float(step[0]),
                "time0": float(np.rint(time[0])),
                "whole": whole,
            }
        )
    data = zlib.compress(b"".join(steps + times + values), 9)
    return {"series": series, "data": base64.b64encode(data).decode("ascii")}


def chart_text(content: ChartContent) -> str:
    """Return a chart in one paragraph of text."""
    names = {run.run_id: run.name for run in content.runs}
    main = [run for run in content.runs if run.role in ("live", "plain")]
    sentences = []
    if content.head:
        state = STATE_WORDS.get(str(content.head.get("state")), "")
        parts = [str(content.head.get("name") or "Run"), state.lower(), *head_facts(content.head)]
        sentences.append(", ".join(part for part in parts if part))
    elif content.title:
        sentences.append(content.title)
    shown = {run.run_id for run in main} or set(names)
    last = []
    for curve in content.curves:
        if len(curve) and curve.run_id in shown:
            owner = f"{names[curve.run_id]} " if len(shown) > 1 else ""
            last.append(f"{owner}{curve.key} {format_number(float(curve.values[-1]))}")
    if last:
        more = f" and {len(last) - 12} more" if len(last) > 12 else ""
        sentences.append(", ".join(last[:12]) + more)
    if content.head and content.head.get("error"):
        sentences.append(str(content.head["error"]))
    if content.since:
        items = (f"{item.get('label', '')} {item.get('text', '')}" for item in content.since)
        sentences.append("Since last run: " + ", ".join(items))
    text: str = shareable(". ".join(sentences) or "No metrics yet")
    return text


def table_bundle(
    page: TablePage,
    *,
    all_columns: Sequence[Column],
    columns: Sequence[str],
    filter: str = "",
    sort: Sequence[tuple[str, bool]] = (),
    best: dict[str, float] | None = None,
) -> Bundle:
    """Return the finished output of a table: static HTML, text, and the data; at most 50 rows."""
    kinds = {column.name: column for column in all_columns}
    shown = [name for name in columns if name in kinds and name in page.columns]
    best = best or {}
    rows = min(len(page.run_ids), MAX_ROWS)
    while True:
        values = {name: shareable_column(name, _values(page.columns[name], rows)) for name in shown}
        view = {
            "kind": "table",
            "version": 1,
            "all_columns": [kinds[name].as_json() for name in shown],
            "columns": shown,
            "sort": [list(key) for key in sort],
            "filter": filter,
            "total": page.total,
            "best": best,
            "run_ids": page.run_ids[:rows],
            "values": values,
        }
        texts = {
            name: [_cell(value, kinds[name]) for value in column] for name, column in values.items()
        }
        bundle = {
            "text/plain": _table_text(texts, rows, page.total),
            "text/html": _table_html(texts, values, best, rows, page.total),
            VIEW_MIME: plain_json(view),
        }
        if rows <= 1 or len(json.dumps(bundle)) <= MAX_BYTES:
            return bundle, {}
        rows = max(1, rows * 3 // 4)


def _values(column: Cells, rows: int) -> list[Any]:
    values = column.tolist() if isinstance(column, np.ndarray) else list(column)
    return values[:rows]


def _cell(value: Any, column: Column) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value) and column.kind == "time"):
        return ""
    if isinstance(value, str):
        return value if len(value) <= 80 else value[:79] + "…"
    if column.kind == "duration":
        return format_duration(value)
    if column.kind == "time":
        moment = np.datetime64(int(value), "ms").astype("datetime64[s]")
        return str(moment).replace("T", " ") + " UTC"
    return format_number(float(value))


def _table_text(texts: dict[str, list[str]], rows: int, total: int) -> str:
    widths = {name: min(24, max(map(len, [name, *column]))) for name, column in texts.items()}
    lines = ["  ".join(name[:width].ljust(width) for name, width in widths.items()).rstrip()]
    lines += [
        "  ".join(texts[name][i][:width].ljust(width) for name, width in widths.items()).rstrip()
        for i in range(min(rows, 20))
    ]
    lines.append(f"({total} {'run' if total == 1 else 'runs'})")
    return "\n".join(lines)


def _table_html(
    texts: dict[str, list[str]],
    values: dict[str, list[Any]],
    best: dict[str, float],
    rows: int,
    total: int,
) -> str:
    head = "".join(f"<th>{html.escape(name.split('.', 1)[-1])}</th>" for name in texts)
    body = []
    for i in range(rows):
        cells = []
        for name, column in texts.items():
            text = html.escape(column[i])
            value = values[name][i]
            is_best = name in best and not isinstance(value, str) and value == best[name]
            cells.append(f"<td><b>{text}</b></td>" if is_best else f"<td>{text}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    runs = f"{total:,} {'run' if total == 1 else 'runs'}"
    note = runs if rows >= total else f"{runs}, the first {rows} shown"
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        f"<p><small>{note}</small></p>"
    )


def plain_json(value: Any) -> Any:
    """Return a value that any JSON reader takes: without numpy, NaN and infinities."""
    if isinstance(value, dict):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_json(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("∞" if value > 0 else "−∞")
    return value
