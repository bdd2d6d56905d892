"""The finished output: what stays in the notebook when the kernel is gone.

A picture for every viewer, text for every reader, and the data for the JupyterLab extension, which
makes it interactive again. The whole stays below 50 KB.
"""

from __future__ import annotations

import base64
import html
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nbtrack.views.curves import Curve, RunRef
from nbtrack.views.display import display_mode, live_front_end
from nbtrack.views.formats import (
    STATE_WORDS,
    format_duration,
    format_number,
    head_facts,
    shareable,
    shareable_column,
)
from nbtrack.views.packed import pack_curves, share_of_curves
from nbtrack.views.table import Cells, Column, TablePage

__all__ = [
    "VIEW_MIME",
    "ChartContent",
    "chart_bundle",
    "chart_text",
    "display_mode",
    "live_front_end",
    "pack_curves",
    "plain_json",
    "table_bundle",
]

VIEW_MIME = "application/vnd.nbtrack.view.v1+json"
MAX_BYTES = 50_000
MAX_PICTURE = 27_000
MOST = 100  # runs, and changed params
MAX_HEAD = 14_000  # of what a view has besides its curves
MAX_TEXT = 2_000
MAX_ALT = 600
MAX_DIFF = 6_000
REST = 500  # names of types, punctuation, and what a front end adds
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
        for detail, and for curves that found no room in the output.
    keys
        The metrics that were asked for; None for all but those of the machine.
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
    keys: Sequence[str] | None = None


def chart_bundle(content: ChartContent) -> Bundle:
    """Return the finished output of a chart or a card, and its metadata.

    The picture leaves the curves what they need to be seen, where that is possible at all.
    """
    from nbtrack.views.picture import draw_chart

    text = _shortened(chart_text(content), MAX_TEXT)
    alt = _shortened(text, MAX_ALT)  # nbconvert gives it to screen readers
    head = _view_without_curves(content)
    room = MAX_BYTES - len(json.dumps([text, alt, head])) - REST
    share = share_of_curves(content.curves)
    limits = [min(MAX_PICTURE, (room - share) * 3 // 4), min(MAX_PICTURE, room * 3 // 4)]
    for limit in dict.fromkeys(limits):
        picture = draw_chart(content, limit)
        png = base64.b64encode(picture.png).decode("ascii")
        curves = pack_curves(content.curves, room - len(png))
        if share == 0 or not curves.get("left_out"):
            break
    bundle = {"text/plain": text, "image/png": png, VIEW_MIME: head | {"curves": curves}}
    size = {"width": picture.width, "height": picture.height, "alt": alt}
    return bundle, {"image/png": size}


def _view_without_curves(content: ChartContent) -> dict[str, Any]:
    """Return a chart as JupyterLab reads it; of very much, the first."""
    # texts are cut when they are clean: half a secret has no form that is known
    whole = plain_json(shareable(_whole_view(content)))
    totals = len(content.runs), len(content.detail.get("params") or ())
    for most in (MOST, 40, 15, 5, 1):
        view = _cut_view(whole, most, totals)
        if len(json.dumps(view)) <= MAX_HEAD:
            break
    return view


def _whole_view(content: ChartContent) -> dict[str, Any]:
    view: dict[str, Any] = {
        "kind": "chart" if content.head is None else "card",
        "version": 1,
        "title": content.title,
        "runs": [run.as_json() for run in content.runs[:MOST]],
        "options": {
            "x": content.x,
            "smoothing": content.smoothing,
            "log_x": content.log_x,
            "log_y": content.log_y,
        },
    }
    if content.store_id:
        view["store_id"] = content.store_id
    if content.keys is not None:
        view["keys"] = list(content.keys)
    if content.head is not None:
        detail = dict(content.detail)
        if detail.get("params"):
            detail["params"] = detail["params"][:MOST]
        if detail.get("code_diff"):
            detail["code_diff"] = detail["code_diff"][: 10 * MAX_DIFF]
        view |= {"head": content.head, "since": list(content.since), "detail": detail}
    return view


def _cut_view(view: dict[str, Any], most: int, totals: tuple[int, int]) -> dict[str, Any]:
    """Return a view with at most so many runs and changed params, and texts of that order.

    ``totals`` is how many runs and params there are.
    """
    cut: dict[str, Any] = view | {
        "title": _shortened(view["title"], 10 * most),
        "runs": [run | {"name": _shortened(run["name"], 4 * most)} for run in view["runs"][:most]],
    }
    if totals[0] > most or len(view.get("keys", ())) > 2 * most:
        cut["cut"] = True  # what is left does not say what to ask a store for
        cut.pop("keys", None)
    if "head" in view:
        items = [view["head"], *view["since"]]
        head, *since = ({k: _shortened(v, 20 * most) for k, v in item.items()} for item in items)
        detail = _cut_detail(view["detail"], most, totals[1])
        cut |= {"head": head, "since": since, "detail": detail}
    return cut


def _cut_detail(detail: dict[str, Any], most: int, total: int) -> dict[str, Any]:
    """Return what a click on the line of changes shows; of much, the first."""
    cut = dict(detail)
    diff, limit = str(detail.get("code_diff") or ""), MAX_DIFF * most // MOST
    if len(diff) > limit:
        cut["code_diff"] = diff[:limit].rsplit("\n", 1)[0] + "\n... (cut here)"
    if total:
        params = [[_shortened(part, 2 * most) for part in each] for each in detail["params"][:most]]
        more = [[f"and {total - most} more", "", ""]] if total > most else []
        cut["params"] = params + more
    return cut


def _shortened(value: Any, most: int) -> Any:
    long = isinstance(value, str) and len(value) > most
    return value[: most - 1] + "…" if long else value


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
