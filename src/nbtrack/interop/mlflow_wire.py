"""Values as MLflow's protocol has them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


def whole(value: Any) -> int | None:
    """Return an int64: a number, or a text with one."""
    return None if value is None else int(value)


def number(value: float) -> float | str:
    """Return a double as it is sent: JSON knows no NaN and no infinity."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def pairs(entries: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """Return tags or params as a dictionary."""
    return {entry["key"]: entry.get("value") or "" for entry in entries or ()}


def entries(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Return a dictionary as tags or params are sent."""
    return [{"key": key, "value": value} for key, value in values.items()]


def versions_of(name: str) -> dict[str, Any]:
    """Return the search for the versions of a registered model."""
    quote = '"' if "'" in name else "'"
    return {"filter": f"name = {quote}{name}{quote}", "max_results": 1000}
