"""Numbers and durations as people read them; the browser's ``format.ts`` writes the same."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nbtrack.redaction.names import is_private
from nbtrack.redaction.secrets import HIDDEN
from nbtrack.views.json_types import FoundItem
from nbtrack.views.redaction import Redaction

OUR_TAGS = ("mlflow.", "nbtrack.")  # those that programs read
MAX_FOUND = 5  # of one source
STATE_WORDS = {
    "RUNNING": "Running",
    "SCHEDULED": "Scheduled",
    "FINISHED": "Finished",
    "FAILED": "Failed",
    "KILLED": "Stopped",
    "INTERRUPTED": "Interrupted",
}


def format_number(value: float | None, digits: int = 4) -> str:
    """Return a number with four significant digits, ``1.2e-5`` where zeros would be counted."""
    if value is None:
        return ""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    size = abs(value)
    if size < 1e9 and float(value).is_integer():
        text = f"{int(value):,}"
    elif size < 1e-3 or size >= 1e6:
        mantissa, exponent = f"{value:.{digits - 2}e}".split("e")
        text = f"{_plain(mantissa)}e{int(exponent)}"
    else:
        text = _plain(f"{float(f'{value:.{digits}g}'):,.{max(6, digits)}f}")
    return text.replace("-", "−", 1) if text.startswith("-") else text


def json_number(value: float | None) -> float | str | None:
    """Return a number, or the word for one that JSON has not: ``∞``."""
    return value if value is None or math.isfinite(value) else format_number(value)


def natural_order(name: str) -> list[Any]:
    """Return the key that puts ``layer_2`` before ``layer_10``, for ``sorted``."""
    parts = re.split(r"(\d+)", name)  # texts and numbers take turns
    return [_size(part) if place % 2 else part for place, part in enumerate(parts)]


def _size(digits: str) -> tuple[int, str]:
    """Order digits as the number that they are: int() refuses what has thousands of them."""
    short = digits.lstrip("0")
    return len(short), short


def by_name(values: Mapping[str, str], left_out: tuple[str, ...] = ()) -> list[list[str]]:
    """Return names and values as pairs in natural order, without names that begin so."""
    names = sorted(values, key=natural_order)
    return [[name, values[name]] for name in names if not name.startswith(left_out)]


def _plain(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_duration(seconds: float | None) -> str:
    """Return a duration such as ``4.2 s``, ``3 min 20 s`` or ``2 h 05 min``."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return ""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"


def format_bytes(size: int | None) -> str:
    """Return a size such as ``512 B``, ``1.2 MB`` or ``34 GB``."""
    if size is None:
        return ""
    if size < 1000:
        return f"{size} B"
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def format_rate(per_second: float | None) -> str:
    """Return a rate such as ``12.3 steps/s``, or ``4.1 s/step`` when it is slow."""
    if not per_second or not math.isfinite(per_second):
        return ""
    if per_second < 0.5:
        return f"{format_duration(1 / per_second)}/step"
    number = round(per_second) if per_second >= 100 else per_second
    return f"{format_number(number, 3)} steps/s"


def head_facts(head: Mapping[str, Any]) -> list[str]:
    """Return what a card's first line says behind name and state."""
    overhead, step = head.get("overhead_percent"), head.get("step")
    memory = head.get("gpu_memory_bytes")
    facts = [
        str(head.get("experiment") or ""),
        str(head.get("progress") or ""),
        format_duration(head.get("elapsed_s")),
        "" if step is None else f"step {format_number(step)}",
        format_rate(head.get("steps_per_s")),
        "" if overhead is None else f"logging {format_number(overhead, 2)} %",
        "" if memory is None else f"GPU memory {format_bytes(round(memory))}",
    ]
    return [fact for fact in facts if fact]


def found_text(found: Sequence[FoundItem]) -> str:
    """Return what was found outside the cell of a run, with its sources, in a line."""
    sources: dict[str, list[str]] = {}
    for item in found:
        if item["source"] != "this cell":
            sources.setdefault(item["source"], []).append(item["key"])
    parts = []
    for source, keys in sources.items():
        more = f" and {len(keys) - MAX_FOUND} more" if len(keys) > MAX_FOUND else ""
        parts.append(f"{', '.join(keys[:MAX_FOUND])}{more} ({source})")
    return "; ".join(parts)


def shareable(value: Any) -> Any:
    """Return text, or lists and dicts of it, without home folders and without secrets.

    Outputs are saved in notebooks, and notebooks are shared. What is packed into base64 looks like
    a secret and must not go through it.
    """
    return _shareable(value, Redaction())


def _shareable(value: Any, redaction: Redaction) -> Any:
    if isinstance(value, str):
        return redaction.text(value)
    if isinstance(value, dict):
        if is_private(str(value.get("label", ""))) and value.get("text"):
            value = value | {"text": HIDDEN}  # an item of what has changed since the last run
        return {
            key: HIDDEN if is_private(str(key)) and item else _shareable(item, redaction)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        if len(value) == 3 and isinstance(value[0], str) and is_private(value[0]):
            return [value[0], HIDDEN, HIDDEN]
        return [_shareable(item, redaction) for item in value]
    return value


def shareable_column(name: str, values: Any) -> Any:
    """Return the cells of a column without secrets; of a param with a private name, none."""
    family, _, key = name.partition(".")
    if family in ("params", "tags") and is_private(key):
        return [value if value is None or value == "" else HIDDEN for value in values]
    return shareable(list(values))
