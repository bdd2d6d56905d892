"""What came of running a run again: the verdict that stays with it, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict, get_args

from nbtrack.entities.runs import REPRODUCED, VERDICT

Reproduced = Literal["yes", "no", "failed"]
VerdictResult = Literal["exact", "close", "different", "failed"]
_RESULTS: dict[str, VerdictResult] = {"yes": "exact", "no": "different", "failed": "failed"}
MAX_NAMES = 3


class Verdict(TypedDict):
    """What came of running a run again.

    ``short`` says it in a few words; ``cause`` and ``cells`` are null where they are not known.
    """

    reproduced: Reproduced
    result: VerdictResult
    short: str
    text: str
    date: int | None
    cause: str | None
    cells: str | None
    environment: str | None
    differs: list[str]


def verdict_of(tags: Mapping[str, str]) -> Verdict | None:
    """Return the verdict among the tags of a run, or None where it was never run again."""
    return read_verdict(tags.get(REPRODUCED), tags.get(VERDICT))


def read_verdict(reproduced: str | None, text: str | None) -> Verdict | None:
    """Return a verdict as its two tags have it; what cannot be read of the second is left out."""
    known: dict[str, Reproduced] = {word: word for word in get_args(Reproduced)}
    found = known.get(reproduced or "")
    if found is None:
        return None
    try:
        facts = json.loads(text or "{}")
    except (ValueError, RecursionError):
        facts = {}
    facts = facts if isinstance(facts, dict) else {}
    close = found == "yes" and facts.get("result") == "close"
    names = facts.get("differs")
    differs = [str(name) for name in names] if isinstance(names, list) else []
    result: VerdictResult = "close" if close else _RESULTS[found]
    short = _short(result, differs)
    return {
        "reproduced": found,
        "result": result,
        "short": short,
        "text": _text(facts.get("text")) or short,
        "date": _milliseconds(facts.get("date")),
        "cause": _text(facts.get("cause")),
        "cells": _text(facts.get("cells")),
        "environment": _text(facts.get("environment")),
        "differs": differs,
    }


def verdict_text(reproduced: str | None, text: str | None) -> str | None:
    """Return a verdict as a cell has it, such as ``yes: same numbers, 2026-11-30``.

    Of a run that differs with its cause: ``no: differs in loss (data changed), 2026-11-30``.
    """
    found = read_verdict(reproduced, text)
    if found is None:
        return None
    why = f" ({found['cause']})" if found["result"] == "different" and found["cause"] else ""
    return f"{found['reproduced']}: {found['short']}{why}{day_of(found)}"


def day_of(verdict: Verdict) -> str:
    """Return the day of a verdict after a comma, as the clock of this machine has it."""
    date = verdict["date"]
    if date is None:
        return ""
    return f", {datetime.fromtimestamp(date / 1000, UTC).astimezone():%Y-%m-%d}"


def _short(result: VerdictResult, differs: list[str]) -> str:
    if result == "exact":
        return "same numbers"
    if result == "close":
        return "close"
    if result == "failed":
        return "could not be run again"
    more = len(differs) - MAX_NAMES
    names = ", ".join(differs[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
    return f"differs in {names}" if names else "differs"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _milliseconds(value: Any) -> int | None:
    """Return a date that a calendar has."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value < 2.5e14 else None
