"""Requests of charts: the curves of runs, and the points of a part of the x axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from nbtrack.errors import InvalidParameterError
from nbtrack.rpc.registry import Topic
from nbtrack.rpc.request import Response
from nbtrack.store import MetricAxis, Store, get_runs, now_ms
from nbtrack.views.chart.content import RunRef, RunRefJson
from nbtrack.views.chart.curves import MAX_POINTS, SeriesHead, encoded
from nbtrack.views.chart.query import (
    curves_of_window,
    runs_with_system,
    starts_of,
    stored_curves,
    system_curves,
)

MOST_POINTS = 20_000
_FARTHEST = 2.0**62

REQUESTS = Topic("chart")


@dataclass(frozen=True)
class CurvesParams:
    """Which curves, and about how many points of each at most.

    Attributes
    ----------
    keys : list of str, optional
        By default all metrics but those of the machine.
    system : bool
        Those of the machine, and no others.
    """

    run_ids: list[str]
    keys: list[str] | None = None
    points: int = MAX_POINTS
    system: bool = False


class Curves(TypedDict):
    """The curves of runs, and how long they ran; the buffers are steps, times and values.

    ``system`` are the ids of the runs that have metrics of the machine, too.
    """

    runs: list[RunRefJson]
    series: list[SeriesHead]
    elapsed_s: dict[str, float]
    system: list[str]


@dataclass(frozen=True)
class WindowParams:
    """A part of the x axis.

    Attributes
    ----------
    x : {"step", "time", "relative"}
        ``time`` is ms since the epoch, ``relative`` seconds since ``starts``.
    window : list of float
        The first and the last x.
    points : int
        How many points of a series there are at most, about.
    starts : mapping, optional
        Ms by run id; by default since the first point of the run.
    """

    run_ids: list[str]
    keys: list[str]
    window: Annotated[list[Any], tuple[float, float]]
    x: Literal["step", "time", "relative"] = "step"
    points: int = MAX_POINTS
    starts: Annotated[Any, Mapping[str, float] | None] = None


class WindowCurves(TypedDict):
    """What is to be seen in it; the buffers are steps, times and values."""

    series: list[SeriesHead]


@REQUESTS.reads("runs")
def curves_of_runs(store: Store, params: CurvesParams) -> Response[Curves]:
    """Return the curves of runs, and how long they ran."""
    points = _points(params.points)
    with store.read() as reader:
        found = get_runs(reader, params.run_ids)
        ids = [run.info.run_id for run in found]
        measured = runs_with_system(reader, ids) if params.keys is None else []
        if params.system:
            curves = system_curves(reader, measured, points=points)
        else:
            curves = stored_curves(reader, ids, params.keys, points=points)
    refs = [RunRef(r.info.run_id, r.info.run_name, "plain", r.info.status) for r in found]
    series, buffers = encoded(curves)
    now = now_ms()
    elapsed = {
        r.info.run_id: max(0, (r.info.end_time or now) - r.info.start_time) / 1000 for r in found
    }
    body: Curves = {
        "runs": [ref.as_json() for ref in refs],
        "series": series,
        "elapsed_s": elapsed,
        "system": measured,
    }
    return Response(body, buffers)


@REQUESTS.reads("window")
def window(store: Store, params: WindowParams) -> Response[WindowCurves]:
    """Return what is to be seen of metrics in a window of the x axis."""
    low, high = _bounds(params.window)
    points = _points(params.points)
    axis: MetricAxis = "step" if params.x == "step" else "time"
    with store.read() as reader:
        if params.x == "relative":
            starts = _starts(params.starts) or starts_of(reader, params.run_ids)
            windows = {
                run_id: (math.floor(start + low * 1000), math.ceil(start + high * 1000))
                for run_id, start in starts.items()
            }
        else:
            windows = dict.fromkeys(params.run_ids, (math.floor(low), math.ceil(high)))
        curves = curves_of_window(reader, params.run_ids, params.keys, axis, windows, points)
    series, buffers = encoded(curves)
    return Response({"series": series}, buffers)


def _points(wanted: int) -> int:
    return max(4, min(MOST_POINTS, wanted))


def _bounds(window: Sequence[Any]) -> tuple[float, float]:
    numbers = [v for v in window if isinstance(v, (int, float)) and math.isfinite(v)]
    if len(numbers) != 2 or len(window) != 2:
        raise InvalidParameterError(f"window is {window!r}; give the first and the last x.")
    low, high = (max(-_FARTHEST, min(_FARTHEST, float(v))) for v in numbers)
    return min(low, high), max(low, high)


def _starts(given: Any) -> dict[str, float]:
    starts = given or {}
    if not isinstance(starts, dict):
        raise InvalidParameterError(f"starts is {starts!r}; give milliseconds by run id.")
    return {str(run_id): float(start) for run_id, start in starts.items()}
