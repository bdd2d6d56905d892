"""What was found about a run without a log call, and where it came from; a tag has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nbtrack.entities.runs import FOUND_TAG
from nbtrack.views.json_types import FoundItem

KINDS = ("param", "metric")


def found_of(tags: Mapping[str, str]) -> list[FoundItem]:
    """Return what was found about a run, with its sources, as its tags have it.

    A tag that somebody has changed says nothing, or what is left of it.
    """
    items: list[FoundItem] = []
    for each in _parsed(tags.get(FOUND_TAG)):
        keys = each.get("keys")
        if each.get("kind") in KINDS and isinstance(keys, list):
            items += [
                {"kind": each["kind"], "key": str(key), "source": str(each.get("from", ""))}
                for key in keys
            ]
    return items


def found_keys(kind: str, text: str | None) -> set[str]:
    """Return the names of the params, or of the metrics, among what was found."""
    found = found_of({} if text is None else {FOUND_TAG: text})
    return {item["key"] for item in found if item["kind"] == kind}


def without(kind: str, key: str, text: str | None) -> str:
    """Return the tag without one thing that was found.

    Parameters
    ----------
    kind : {"param", "metric"}
    key : str
        Its name.
    text : str or None
        The tag as it is.
    """
    kept = []
    for each in _parsed(text):
        keys = [k for k in each.get("keys", []) if not (each.get("kind") == kind and k == key)]
        if keys:
            kept.append({**each, "keys": keys})
    return json.dumps(kept, separators=(",", ":"))


def _parsed(text: str | None) -> list[dict[str, Any]]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
