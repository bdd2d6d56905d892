"""Curves as a finished output holds them: in few bytes, and all of them or none."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from nbtrack.views.chart.curves import MAX_POINTS, Curve, thinned

FEWEST = 4  # points of a curve
COARSE = (24, 12, FEWEST)  # points of a curve that still shows its course, the better ones first
MAX_SHARE = 24_000
_LIMITS = [round(MAX_POINTS * 0.75**i) for i in range(22)]  # the last one is about FEWEST
_HEAD_BYTES = 80  # of a series, besides its run and its key


def pack_curves(curves: Sequence[Curve], budget: int) -> dict[str, Any]:
    """Return curves in few bytes: differences and float32, deflated, base64.

    Parameters
    ----------
    curves : sequence of Curve
        Empty ones are left out.
    budget : int
        About how many bytes of JSON may be used; points are thinned out until they fit. What
        does not fit with the fewest points is left out as a whole, and ``left_out`` says how many
        curves that are: a part of them would look like all.
    """
    filled = [curve for curve in curves if len(curve)]
    best: dict[str, Any] = {"series": [], "data": "", "left_out": len(filled)}
    if not filled or _heads_size(filled) > budget:
        return best
    low, high = 0, len(_LIMITS)  # the first limit that fits is one of these
    while low < high:
        middle = (low + high) // 2
        packed = _pack([thinned(curve, _LIMITS[middle]) for curve in filled])
        if len(json.dumps(packed)) <= budget:
            best, high = packed, middle
        else:
            low = middle + 1
    return best


def share_of_curves(curves: Sequence[Curve]) -> int:
    """Return how many bytes a picture should leave to the curves; 0 where they take too many."""
    filled = [curve for curve in curves if len(curve)]
    if not filled or _heads_size(filled) > MAX_SHARE:
        return 0
    for points in COARSE:
        size = len(json.dumps(_pack([thinned(curve, points) for curve in filled])))
        if size <= MAX_SHARE:
            return size
    return 0


def _heads_size(curves: Sequence[Curve]) -> int:
    names = sum(len(json.dumps(curve.run_id)) + len(json.dumps(curve.key)) for curve in curves)
    return names + _HEAD_BYTES * len(curves)


def _pack(curves: list[Curve]) -> dict[str, Any]:
    series: list[dict[str, Any]] = []
    steps: list[bytes] = []
    times: list[bytes] = []
    values: list[bytes] = []
    for curve in curves:
        step = curve.steps.astype(np.float64)
        time = np.nan_to_num(curve.times.astype(np.float64))
        apart = np.diff(step, prepend=step[0])
        whole = bool(np.all(step == np.rint(step)) and np.all(np.abs(apart) < 2**31))
        column = apart.astype("<i4") if whole else (step - step[0]).astype("<f4")
        steps.append(column.tobytes())
        pauses = np.clip(np.diff(np.rint(time), prepend=np.rint(time[0])), -(2**31), 2**31 - 1)
        times.append(pauses.astype("<i4").tobytes())
        with np.errstate(over="ignore"):
            values.append(curve.values.astype("<f4").tobytes())
        series.append(
            {
                "run": curve.run_id,
                "key": curve.key,
                "n": len(curve),
                **({"total": curve.total} if curve.total > len(curve) else {}),
                "step0": float(step[0]),
                "time0": float(np.rint(time[0])),
                "whole": whole,
            }
        )
    data = zlib.compress(b"".join(steps + times + values), 9)
    return {"series": series, "data": base64.b64encode(data).decode("ascii")}
