"""What is different since the last run, in a line, and in detail."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from nbtrack.store.search import direction_of
from nbtrack.views.formats import format_duration, format_number
from nbtrack.views.json_types import RunDiffDetail, RunDiffItem
from nbtrack.views.metric_names import compared_metrics

MAX_PARAMS = 4
MAX_METRICS = 3
MAX_TEXT = 40


@dataclass(frozen=True)
class RunFacts:
    """What of a run is compared; what is not known yet is empty or None.

    Attributes
    ----------
    params : mapping of str to str
    metrics : mapping of str to float
        The last values.
    source : str or None
        The code of its cell.
    duration_s : float or None
    finished : bool
        Whether the run came to its end; of one that did not, metrics and duration are not compared.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    source: str | None = None
    duration_s: float | None = None
    finished: bool = True


@dataclass(frozen=True)
class RunDiff:
    """The line of a card, and what a click on it shows; see ``RunCard.set_since``."""

    items: list[RunDiffItem]
    detail: RunDiffDetail


def run_diff(now: RunFacts, before: RunFacts) -> RunDiff:
    """Compare a run with the one before it.

    Whether a metric got better follows from its name
    (``nbtrack.store.search.metric_direction``); where that does not tell, it is said.
    """
    changed = _changed_params(now, before)
    detail: RunDiffDetail = {}
    items: list[RunDiffItem] = [
        {"label": name, "text": _change(old, new), "kind": "info"}
        for name, old, new in changed[:MAX_PARAMS]
    ]
    if len(changed) > MAX_PARAMS:
        more = len(changed) - MAX_PARAMS
        items.append(
            {"label": "and", "text": f"{more} more param{'s' if more > 1 else ''}", "kind": "info"}
        )
    if changed:
        detail["params"] = [list(triple) for triple in changed]
    lines, diff = _code(now, before)
    if lines:
        text = f"{lines} line{'s' if lines > 1 else ''} changed"
        items.append({"label": "code", "text": text, "kind": "info"})
        detail["code_diff"] = diff
    elif now.source is not None and before.source is not None and not changed:
        items.append({"label": "code and params", "text": "same", "kind": "same"})
    # what a run that was cut short has reached says nothing about how good it is
    keys = compared_metrics(now.metrics, before.metrics)[:MAX_METRICS] if now.finished else []
    items += [_metric(key, now.metrics[key], before.metrics[key]) for key in keys]
    if (
        now.finished
        and before.finished
        and now.duration_s is not None
        and before.duration_s is not None
    ):
        items.append(_duration(now.duration_s, before.duration_s))
    return RunDiff(items, detail)


def _changed_params(now: RunFacts, before: RunFacts) -> list[tuple[str, str | None, str | None]]:
    names = [*now.params, *(name for name in before.params if name not in now.params)]
    pairs = [(name, before.params.get(name), now.params.get(name)) for name in names]
    changed = [(name, old, new) for name, old, new in pairs if old != new]
    # one that both have says more than one that is new or gone
    return sorted(changed, key=lambda change: change[1] is None or change[2] is None)


def _change(old: str | None, new: str | None) -> str:
    if new is None:
        return "removed"
    return f"{_short(new)} (new)" if old is None else f"{_short(old)} → {_short(new)}"


def _short(value: str) -> str:
    text = " ".join(value.split())
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _code(now: RunFacts, before: RunFacts) -> tuple[int, str]:
    """Return how many lines have changed, and the unified diff; the front end counts alike.

    A line that takes the place of another counts once.
    """
    if now.source is None or before.source is None:
        return 0, ""
    old, new = (
        [line.rstrip() for line in s.strip().split("\n")] for s in (before.source, now.source)
    )
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    lines = sum(
        max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"
    )
    diff = difflib.unified_diff(old, new, "last run", "this run", lineterm="")
    return lines, "\n".join(diff)


def _metric(key: str, now: float, before: float) -> RunDiffItem:
    direction = direction_of(key)
    value = format_number(now)
    if now == before or (math.isnan(now) and math.isnan(before)):
        return {"label": key, "text": f"{value} (same)", "kind": "same"}
    if math.isnan(now) or math.isnan(before):
        kind = "info" if direction is None else "worse" if math.isnan(now) else "better"
        return {"label": key, "text": f"{value} (was {format_number(before)})", "kind": kind}
    share = _share(now, before)
    if direction is None:
        text = f"{value} ({share or 'was ' + format_number(before)}, unsure if better)"
        return {"label": key, "text": text, "kind": "info"}
    kind = "better" if (now < before) == (direction == "min") else "worse"
    size = share.lstrip("+−")
    text = f"{value} ({size} {kind})" if size else f"{value} ({kind}, was {format_number(before)})"
    return {"label": key, "text": text, "kind": kind}


def _share(now: float, before: float) -> str:
    """Return the change in per cent; nothing where it says nothing."""
    if not before or not math.isfinite(now) or not math.isfinite(before) or now * before < 0:
        return ""
    percent = 100 * (now - before) / abs(before)
    if abs(percent) >= 1000:
        return ""
    sign = "+" if percent > 0 else "−"
    size = abs(percent)
    return f"{sign}{format_number(size, 2)} %" if size >= 0.01 else f"{sign}<0.01 %"


def _duration(now: float, before: float) -> RunDiffItem:
    text = format_duration(now)
    apart = now - before
    if abs(apart) >= max(1.0, 0.02 * before):
        text += f" ({'+' if apart > 0 else '−'}{format_duration(abs(apart))})"
    return {"label": "took", "text": text, "kind": "info"}
