"""What a run and its run again have logged, side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypedDict, get_args

import numpy as np

from nbtrack.entities import Run
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views.code import read_json
from nbtrack.views.verdict import Verdict, verdict_of

REPORT_FILE = ".nbtrack/reproduced.json"
MAX_ROWS = 500
MAX_CURVES = 200
MAX_POINTS = 1000
MAX_TEXT = 200

ComparedWhat = Literal["param", "metric", "artifact", "text"]
ComparedResult = Literal["exact", "close", "different", "missing", "new"]
_ORDER: tuple[ComparedResult, ...] = ("different", "missing", "new", "close", "exact")
_COLUMNS = ("steps", "values")


class ComparedValue(TypedDict):
    """Something that a run has logged, then and now; null where there is nothing to show."""

    kind: ComparedWhat
    key: str
    result: ComparedResult
    then: str | float | None
    now: str | float | None
    detail: str | None


class RerunCurve(TypedDict):
    """A curve of the run again; its ``n`` points follow those of the curve before it."""

    key: str
    n: int


class Reproduced(TypedDict):
    """What came of running a run again, what differs first; the buffers are steps and values.

    ``left_out`` is how many rows are not here.
    """

    verdict: Verdict | None
    comparison: list[ComparedValue]
    left_out: int
    curves: list[RerunCurve]


def reproduced(run: Run, folder: ArtifactFolder) -> tuple[Reproduced, list[bytes]]:
    """Return what came of running a run again, and the numbers of its curves.

    What cannot be read of the report is left out: the verdict itself is a tag.
    """
    report = read_json(folder, REPORT_FILE)
    rows = sorted(_rows(report.get("comparison")), key=lambda row: _ORDER.index(row["result"]))
    curves, steps, values = [], [], []
    for key, step, value in _curves(report.get("curves")):
        curves.append(RerunCurve(key=key, n=len(step)))
        steps.append(step)
        values.append(value)
    body: Reproduced = {
        "verdict": verdict_of(run.data.tags),
        "comparison": rows[:MAX_ROWS],
        "left_out": max(0, len(rows) - MAX_ROWS),
        "curves": curves,
    }
    return body, [np.concatenate([*each, []]).astype("<f8").tobytes() for each in (steps, values)]


def _rows(given: Any) -> Iterator[ComparedValue]:
    for row in given if isinstance(given, list) else ():
        if not isinstance(row, Mapping) or not isinstance(row.get("key"), str):
            continue
        kind = next((known for known in get_args(ComparedWhat) if known == row.get("kind")), None)
        result = next((known for known in _ORDER if known == row.get("result")), None)
        if kind is not None and result is not None:
            detail = row.get("detail")
            yield {
                "kind": kind,
                "key": row["key"],
                "result": result,
                "then": _value(row.get("then")),
                "now": _value(row.get("now")),
                "detail": detail[:MAX_TEXT] if isinstance(detail, str) else None,
            }


def _value(value: Any) -> str | float | None:
    """Return what is sent on: JSON has no NaN, and a long text is shortened."""
    if value is None or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return value
    text = str(value)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def _curves(given: Any) -> Iterator[tuple[str, Sequence[float], Sequence[float]]]:
    pairs = list(given.items())[:MAX_CURVES] if isinstance(given, Mapping) else []
    for key, curve in pairs:
        if not isinstance(curve, Mapping):
            continue
        try:
            columns = [np.array(curve[name], dtype="<f8")[:MAX_POINTS] for name in _COLUMNS]
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        steps, values = columns
        if steps.ndim == values.ndim == 1 and len(steps) == len(values):
            yield key, steps.tolist(), values.tolist()
