"""Objects as MLflow's protocol has them, read: ``encode`` is the way back.

Servers of all ages are understood: what is not set is left out there, whole numbers may be text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def integer(value: Any) -> int | None:
    """Return an int64: a number, or a text with one."""
    return None if value is None else int(value)


def tags(given: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """Return tags or params as a dictionary."""
    return dict(tag_pairs(given))


def tag_pairs(given: Iterable[Mapping[str, Any]] | None) -> list[tuple[str, str]]:
    """Return tags or params as they came; one without a value has an empty one."""
    return [(_text(item["key"]), _text(item.get("value"))) for item in given or ()]


def _text(value: Any) -> str:
    return "" if value is None else str(value)
