"""What the main thread of Chromium does while a page works: CPU time by kind, from its trace."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

CATEGORIES = ["devtools.timeline", "blink.user_timing", "toplevel", "__metadata"]
# what Chromium calls the work of a frame, and what its own Performance panel calls it
KINDS = {
    "style": ["UpdateLayoutTree", "ParseAuthorStyleSheet"],
    "layout": ["Layout", "PrePaint", "IntersectionObserverController::computeIntersections"],
    "paint": ["Paint", "Layerize", "Commit", "UpdateLayer"],
    "scripting": [
        "EvaluateScript",
        "EventDispatch",
        "FireAnimationFrame",
        "FunctionCall",
        "MajorGC",
        "MinorGC",
        "RunMicrotasks",
        "TimerFire",
        "V8.GCFinalizeMC",
        "v8.callFunction",
    ],
}
KIND_OF = {name: kind for kind, names in KINDS.items() for name in names}


def record(page: Page, work: Callable[[], Any]) -> tuple[Any, list[dict[str, Any]]]:
    """Do something with a page; return what it returned, and what the browser did meanwhile."""
    session = page.context.new_cdp_session(page)
    events: list[dict[str, Any]] = []
    ended: list[bool] = []
    session.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    session.on("Tracing.tracingComplete", lambda _: ended.append(True))
    config = {"includedCategories": CATEGORIES, "recordMode": "recordAsMuchAsPossible"}
    session.send("Tracing.start", {"traceConfig": config, "transferMode": "ReportEvents"})
    result = work()
    session.send("Tracing.end")
    while not ended:
        page.wait_for_timeout(20)
    session.detach()
    return result, events


def main_thread(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the finished events of the page's main thread, in order."""
    threads = {
        (each["pid"], each["tid"])
        for each in events
        if each["name"] == "thread_name" and each["args"].get("name") == "CrRendererMain"
    }
    whole = [e for e in events if e.get("ph") == "X" and (e["pid"], e["tid"]) in threads]
    work: Counter[int] = Counter()
    for each in whole:
        work[each["pid"]] += each.get("dur", 0)
    busiest = work.most_common(1)[0][0]
    return sorted((e for e in whole if e["pid"] == busiest), key=lambda e: (e["ts"], -e["dur"]))


def shares(events: list[dict[str, Any]]) -> dict[str, float]:
    """Return milliseconds of CPU by kind: each event's own, without what happens inside it.

    ``all`` is their sum.
    """
    found: Counter[str] = Counter()
    stack: list[tuple[float, str]] = []
    for each in main_thread(events):
        while stack and each["ts"] >= stack[-1][0]:
            stack.pop()
        cpu = each.get("tdur", 0) / 1000
        kind = KIND_OF.get(each["name"], stack[-1][1] if stack else "other")
        if stack:
            found[stack[-1][1]] -= cpu
        else:
            found["all"] += cpu
        found[kind] += cpu
        stack.append((each["ts"] + each["dur"], kind))
    return dict(found)
