"""Questions of charts: the curves of runs, and the points of a part of the x axis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbtrack.errors import InvalidParameterError
from nbtrack.store.history import Axis
from nbtrack.store.journal import now_ms
from nbtrack.store.runs import get_runs
from nbtrack.store.store import Store
from nbtrack.views.chart.content import RunRef
from nbtrack.views.chart.curves import MAX_POINTS, encoded
from nbtrack.views.chart.query import curves_of_window, starts_of, stored_curves
from nbtrack.views.questions.question import Answer, Question

if TYPE_CHECKING:
    from nbtrack.views.questions import Answerer

MOST_POINTS = 20_000
_AXES = ("step", "time", "relative")
_FARTHEST = 2.0**62


def _runs(store: Store, question: Question) -> Answer:
    """Return the curves of ``run_ids``, of ``keys`` or of all metrics, and how long they ran."""
    run_ids = question.texts("run_ids")
    keys = question.texts("keys") if question.optional("keys") is not None else None
    points = _points(question)
    with store.read() as reader:
        found = get_runs(reader, run_ids)
        curves = stored_curves(reader, [run.info.run_id for run in found], keys, points=points)
    refs = [RunRef(r.info.run_id, r.info.run_name, "plain", r.info.status) for r in found]
    series, buffers = encoded(curves)
    now = now_ms()
    elapsed = {
        r.info.run_id: max(0, (r.info.end_time or now) - r.info.start_time) / 1000 for r in found
    }
    body = {"runs": [ref.as_json() for ref in refs], "series": series, "elapsed_s": elapsed}
    return Answer(body, buffers)


def _window(store: Store, question: Question) -> Answer:
    """Return what is to be seen of ``keys`` of ``run_ids`` in a window of the x axis.

    ``x`` is ``step``, ``time`` (ms since the epoch) or ``relative`` (seconds since ``starts``, ms
    by run id; by default since the first point of the run), ``window`` its first and last x,
    ``points`` how many points of a series there are at most, about.
    """
    run_ids, keys = question.texts("run_ids"), question.texts("keys")
    x = question.text("x", "step")
    if x not in _AXES:
        raise InvalidParameterError(f"x is {x!r}; use one of {', '.join(_AXES)}.")
    low, high = _bounds(question)
    points = _points(question)
    axis: Axis = "step" if x == "step" else "time"
    with store.read() as reader:
        if x == "relative":
            starts = _starts(question) or starts_of(reader, run_ids)
            windows = {
                run_id: (math.floor(start + low * 1000), math.ceil(start + high * 1000))
                for run_id, start in starts.items()
            }
        else:
            windows = dict.fromkeys(run_ids, (math.floor(low), math.ceil(high)))
        curves = curves_of_window(reader, run_ids, keys, axis, windows, points)
    series, buffers = encoded(curves)
    return Answer({"series": series}, buffers)


def _points(question: Question) -> int:
    return max(4, min(MOST_POINTS, question.integer("points", MAX_POINTS)))


def _bounds(question: Question) -> tuple[float, float]:
    window = question.items("window")
    numbers = [v for v in window if isinstance(v, (int, float)) and math.isfinite(v)]
    if len(numbers) != 2 or len(window) != 2:
        raise InvalidParameterError(f"window is {window!r}; give the first and the last x.")
    low, high = (max(-_FARTHEST, min(_FARTHEST, float(v))) for v in numbers)
    return min(low, high), max(low, high)


def _starts(question: Question) -> dict[str, float]:
    starts = question.optional("starts") or {}
    if not isinstance(starts, dict):
        raise InvalidParameterError(f"starts is {starts!r}; give milliseconds by run id.")
    return {str(run_id): float(start) for run_id, start in starts.items()}


QUESTIONS: Mapping[str, Answerer] = {"runs": _runs, "window": _window}
