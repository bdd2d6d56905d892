"""The finished output of a chart: what stays in the notebook when the kernel is gone.

A picture for every viewer, text for every reader, and the data for the JupyterLab extension, which
makes it interactive again. The whole stays below 50 KB.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, NotRequired, TypedDict

from nbtrack.entities.run_data import is_system_metric
from nbtrack.views.chart.content import ChartContent, Head, RunRefJson
from nbtrack.views.chart.curves import PackedCurves, pack_curves, share_of_curves, thinned
from nbtrack.views.display import MAX_BYTES, VIEW_MIME, Bundle, plain_json
from nbtrack.views.formats import STATE_WORDS, format_number, found_text, head_facts, shareable
from nbtrack.views.json_types import FoundItem, RunDiffDetail, RunDiffItem

MAX_PICTURE = 27_000
MOST = 100  # runs, and changed params
MAX_HEAD = 14_000  # of what a view has besides its curves
MAX_TEXT = 2_000
MAX_ALT = 600
SYSTEM_POINTS = (100, 40)  # of a metric of the machine, beside others
MAX_SYSTEM = 8_000
MAX_DIFF = 6_000
REST = 500  # names of types, punctuation, and what a front end adds


class ChartViewOptions(TypedDict):
    """How a chart is drawn; outputs of before do not say ``log_x``."""

    x: str
    smoothing: float
    log_x: NotRequired[bool]
    log_y: bool


class ChartViewHead(TypedDict):
    """What a finished chart or card has besides its curves.

    ``store_id`` is that of the store that has the runs: a server may still answer requests about
    it. ``keys`` are the metrics that were asked for, where these are not all but the machine's;
    ``system`` are the runs that have such in the store; ``cut`` says that there were more runs or
    keys than these.
    """

    kind: Literal["chart", "card"]
    version: Literal[1]
    title: str
    runs: list[RunRefJson]
    options: ChartViewOptions
    store_id: NotRequired[str]
    keys: NotRequired[list[str]]
    system: NotRequired[list[str]]
    cut: NotRequired[bool]
    head: NotRequired[Head]
    since: NotRequired[list[RunDiffItem]]
    detail: NotRequired[RunDiffDetail]
    found: NotRequired[list[FoundItem]]


class ChartView(ChartViewHead):
    """A finished chart or card, as JupyterLab reads it."""

    curves: PackedCurves


def chart_bundle(content: ChartContent) -> Bundle:
    """Return the finished output of a chart or a card, and its metadata.

    The picture leaves the curves what they need to be seen, where that is possible at all.
    """
    from nbtrack.views.drawing.png import draw_chart

    content = _with_few_of_the_machine(content)
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
    view: ChartView = {**head, "curves": curves}
    bundle = {"text/plain": text, "image/png": png, VIEW_MIME: view}
    size = {"width": picture.width, "height": picture.height, "alt": alt}
    return bundle, {"image/png": size}


def _with_few_of_the_machine(content: ChartContent) -> ChartContent:
    """Return a chart in which metrics of the machine take no room from the others.

    Where even few points of each are too many, they are read from the store.
    """
    machine = [curve for curve in content.curves if is_system_metric(curve.key)]
    if content.keys is not None or len(machine) in (0, len(content.curves)):
        return content
    curves = [curve for curve in content.curves if not is_system_metric(curve.key)]
    for points in SYSTEM_POINTS:
        few = [thinned(curve, points) for curve in machine]
        packed = pack_curves(few, MAX_SYSTEM)
        if sum(head["n"] for head in packed["series"]) == sum(len(curve) for curve in few):
            return replace(content, curves=[*curves, *few])
    measured = dict.fromkeys([*content.system, *(curve.run_id for curve in machine)])
    return replace(content, curves=curves, system=list(measured))


def _view_without_curves(content: ChartContent) -> ChartViewHead:
    """Return a chart as JupyterLab reads it; of very much, the first."""
    # texts are cut when they are clean: half a secret has no form that is known
    whole: ChartViewHead = plain_json(shareable(_whole_view(content)))
    totals = len(content.runs), len(content.detail.get("params") or ())
    for most in (MOST, 40, 15, 5, 1):
        view = _cut_view(whole, most, totals)
        if len(json.dumps(view)) <= MAX_HEAD:
            break
    return view


def _whole_view(content: ChartContent) -> ChartViewHead:
    view: ChartViewHead = {
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
    if content.system:
        view["system"] = list(content.system[:MOST])
    if content.head is not None:
        detail = content.detail.copy()
        if detail.get("params"):
            detail["params"] = detail["params"][:MOST]
        if detail.get("code_diff"):
            detail["code_diff"] = detail["code_diff"][: 10 * MAX_DIFF]
        view |= {"head": content.head, "since": list(content.since), "detail": detail}
        if content.found:
            view["found"] = list(content.found)
    return view


def _cut_view(view: ChartViewHead, most: int, totals: tuple[int, int]) -> ChartViewHead:
    """Return a view with at most so many runs and changed params, and texts of that order.

    ``totals`` is how many runs and params there are.
    """
    cut: ChartViewHead = view | {
        "title": _shortened(view["title"], 10 * most),
        "runs": [run | {"name": _shortened(run["name"], 4 * most)} for run in view["runs"][:most]],
    }
    if totals[0] > most or len(view.get("keys", ())) > 2 * most:
        cut["cut"] = True  # what is left does not say what to ask a store for
        cut.pop("keys", None)
        cut.pop("system", None)
    if "head" in view:
        cut |= {
            "head": _texts_shortened(view["head"], 20 * most),
            "since": [_texts_shortened(item, 20 * most) for item in view["since"]],
            "detail": _cut_detail(view["detail"], most, totals[1]),
        }
    if "found" in view:
        cut["found"] = [_texts_shortened(item, 20 * most) for item in view["found"][: 2 * most]]
    return cut


def _cut_detail(detail: RunDiffDetail, most: int, total: int) -> RunDiffDetail:
    """Return what a click on the line of changes shows; of much, the first."""
    cut = detail.copy()
    diff, limit = str(detail.get("code_diff") or ""), MAX_DIFF * most // MOST
    if len(diff) > limit:
        cut["code_diff"] = diff[:limit].rsplit("\n", 1)[0] + "\n... (cut here)"
    if total:
        params = [[_shortened(part, 2 * most) for part in each] for each in detail["params"][:most]]
        more = [[f"and {total - most} more", "", ""]] if total > most else []
        cut["params"] = params + more
    return cut


def _texts_shortened(item: Mapping[str, Any], most: int) -> Any:
    return {key: _shortened(value, most) for key, value in item.items()}


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
    for curve in content.unfolded().curves:
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
    if found := found_text(content.found):
        sentences.append(f"Found: {found}")
    text: str = shareable(". ".join(sentences) or "No metrics yet")
    return text
