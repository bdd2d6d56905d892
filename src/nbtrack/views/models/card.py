"""The card of a model as it stays in the notebook: text, small HTML, and the data."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from nbtrack.views.display import VIEW_MIME, Bundle, plain_json
from nbtrack.views.formats import format_bytes, format_number, shareable
from nbtrack.views.json_types import ModelMetric, ModelState, RunOfModel, Signature

STATES = {"READY": "Ready", "PENDING": "Being written", "FAILED": "Failed"}
MAX_ROWS = 30
MAX_METRICS = 8
MAX_VALUE = 200


class CardSignature(Signature):
    """The signature in a card; ``more`` says how many rows were left out."""

    more: int


class CardFacts(TypedDict):
    """What a card shows of a model; ``version`` is that of a registered one."""

    name: str
    version: int | None
    model_id: str | None
    state: ModelState | None
    message: str | None
    stage: str | None
    aliases: list[str] | None
    flavors: list[str]
    size: int | None
    device: str | None
    precision: str | None
    parameters: int | None
    created_ms: int | None
    description: str | None
    uri: str
    load: str
    run: RunOfModel | None
    metrics: list[ModelMetric]
    signature: CardSignature | None


class ModelView(TypedDict):
    """A finished card."""

    kind: Literal["model"]
    version: Literal[1]
    facts: CardFacts


def model_bundle(facts: CardFacts) -> Bundle:
    """Return the finished output of a model's card, and its metadata.

    Parameters
    ----------
    facts : CardFacts
        As `card_facts` returns them.
    """
    view: ModelView = {"kind": "model", "version": 1, "facts": facts}
    return {
        "text/plain": model_text(facts),
        "text/html": model_html(facts),
        VIEW_MIME: plain_json(view),
    }, {}


def card_facts(facts: Mapping[str, Any]) -> CardFacts:
    """Return what a card shows: few of each, and nothing that must not leave this machine.

    Parameters
    ----------
    facts : mapping
        As `nbtrack.views.models.facts` returns them.
    """
    signature = facts.get("signature")
    if signature is not None:
        signature = {part: rows[:MAX_ROWS] for part, rows in signature.items()} | {
            "more": sum(max(0, len(rows) - MAX_ROWS) for rows in signature.values())
        }
    known = {name: facts.get(name) for name in CardFacts.__annotations__}
    found = known | {
        "metrics": list(facts.get("metrics") or ())[:MAX_METRICS],
        "signature": signature,
    }
    checked: CardFacts = shareable(_short(found))
    return checked


def model_text(facts: Mapping[str, Any]) -> str:
    """Return a model in a few lines of text."""
    lines = [", ".join([_title(facts), *_facts(facts)])]
    if facts.get("message"):
        lines.append(str(facts["message"]))
    for label, rows in _signature(facts):
        lines.append(f"{label}: " + ", ".join(" ".join(filter(None, row)) for row in rows))
    metrics = _metrics(facts)
    if metrics:
        lines.append(", ".join(f"{key} {value}" for key, value in metrics))
    lines.append(str(facts["load"]))
    return "\n".join(lines)


def model_html(facts: Mapping[str, Any]) -> str:
    """Return a model as HTML without styles or scripts, for readers that show nothing else."""
    rows = []
    for label, specs in _signature(facts):
        cells = "<br>".join(
            f"{html.escape(name)} <code>{html.escape(kind)}</code>" for name, kind in specs
        )
        rows.append((label, cells))
    metrics = _metrics(facts)
    if metrics:
        texts = (f"{html.escape(key)} <b>{html.escape(value)}</b>" for key, value in metrics)
        rows.append(("metrics", ", ".join(texts)))
    run = facts.get("run")
    if run:
        rows.append(("run", html.escape(str(run["name"]))))
    rows.append(("load", f"<code>{html.escape(str(facts['load']))}</code>"))
    body = "".join(
        f"<tr><th align='left'>{html.escape(label)}</th><td align='left'>{cells}</td></tr>"
        for label, cells in rows
    )
    told = html.escape(" · ".join(_facts(facts)))
    failed = f"<p>{html.escape(str(facts['message']))}</p>" if facts.get("message") else ""
    return f"<p><b>{html.escape(_title(facts))}</b> {told}</p>{failed}<table>{body}</table>"


def _title(facts: Mapping[str, Any]) -> str:
    version = facts.get("version")
    return f"{facts['name']} v{version}" if version is not None else str(facts["name"])


def _facts(facts: Mapping[str, Any]) -> list[str]:
    state = facts.get("state")
    stage = facts.get("stage")
    found = [
        STATES.get(str(state), str(state)) if state not in (None, "READY") else "",
        *(f"@{alias}" for alias in facts.get("aliases") or ()),
        str(stage) if stage not in (None, "None") else "",
        ", ".join(facts.get("flavors") or ()),
        f"{facts['parameters']:,} parameters" if facts.get("parameters") else "",
        format_bytes(facts.get("size")),
        str(facts.get("device") or ""),
        str(facts.get("precision") or ""),
    ]
    return [each for each in found if each]


def _signature(facts: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    signature = facts.get("signature") or {}
    labels = (("inputs", "in"), ("outputs", "out"), ("params", "params"))
    found = []
    for part, label in labels:
        specs = signature.get(part) or []
        if specs:
            found.append((label, [(each["name"] or "", _kind(each)) for each in specs]))
    return found


def _kind(spec: Mapping[str, Any]) -> str:
    if "default" in spec:
        return f"{spec['type']} = {spec['default']}"
    return str(spec["type"]) if spec.get("required", True) else f"{spec['type']} (optional)"


def _metrics(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [(each["key"], each["value"]) for each in facts.get("metrics") or ()]
    return [(key, v if isinstance(v, str) else format_number(v)) for key, v in found]


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= MAX_VALUE else value[: MAX_VALUE - 1] + "…"
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(item) for item in value]
    return value
