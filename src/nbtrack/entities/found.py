"""What was found about a run without a log call, and where each came from; a tag has it.

The tag is a list of objects: ``{"kind": "param", "from": "cell 3", "keys": ["lr", "epochs"]}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

FOUND_TAG = "nbtrack.found"
FoundKind: TypeAlias = Literal["param", "metric"]


class Found(NamedTuple):
    """A param or a metric of a run that no code has logged.

    Attributes
    ----------
    kind : {"param", "metric"}
    key : str
        Its name.
    source : str
        Where it came from, such as ``cell 3``, ``optimizer`` or ``printed``.
    """

    kind: FoundKind
    key: str
    source: str


def found_of(tags: Mapping[str, str]) -> list[Found]:
    """Return what was found about a run, as its tags have it.

    A tag that somebody has changed says nothing, or what is left of it.
    """
    items: list[Found] = []
    for each in _parsed(tags.get(FOUND_TAG)):
        kind, keys = each.get("kind"), each.get("keys")
        if (kind == "param" or kind == "metric") and isinstance(keys, list):
            items += [Found(kind, str(key), str(each.get("from", ""))) for key in keys]
    return items


def found_tag(items: Iterable[Found]) -> str:
    """Return the tag for what was found."""
    groups: dict[tuple[str, str], list[str]] = {}
    for kind, key, source in items:
        groups.setdefault((kind, source), []).append(key)
    record = [
        {"kind": kind, "from": source, "keys": keys} for (kind, source), keys in groups.items()
    ]
    return json.dumps(record, separators=(",", ":"))


def _parsed(text: str | None) -> list[dict[str, Any]]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
