"""The picture of a comparison: the course of a few metrics, in few bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nbtrack.store.store import Store
from nbtrack.views.chart.content import ChartContent, RunRef
from nbtrack.views.chart.curves import Curve, Floats
from nbtrack.views.chart.metric_groups import parse_metric
from nbtrack.views.chart.query import stored_curves
from nbtrack.views.drawing.png import Picture, draw_chart
from nbtrack.views.drawing.svg import drawing_url
from nbtrack.views.since import compared_metrics

MAX_RUNS = 7  # as many as there are colours
MAX_METRICS = 3
# runs, and pieces of a curve: from much to little, until the file is small enough
_STEPS = ((7, 48), (7, 30), (7, 20), (5, 20), (3, 20), (1, 12))


@dataclass(frozen=True)
class ComparisonPicture:
    """A few curves, twice: as a PNG, and as an image for HTML.

    Attributes
    ----------
    picture : Picture
    url : str
        An SVG as a ``data:`` URL.
    alt : str
        What is to be seen, in words.
    """

    picture: Picture
    url: str
    alt: str


def comparison_picture(
    store: Store, saved: dict[str, Any], max_bytes: int
) -> ComparisonPicture | None:
    """Return a picture of the runs that are selected, or else first.

    Parameters
    ----------
    store : Store
    saved : dict
        From ``saved_comparison``; names in it have no secrets.
    max_bytes : int
        Of the PNG. Curves are drawn as the means of fewer and fewer pieces, of fewer and fewer
        runs, until it fits.
    """
    table = saved["table"]
    names = dict(zip(table["run_ids"], table["values"]["run_name"], strict=True))
    ids = [i for i in saved["selected"] or table["run_ids"] if i in names][:MAX_RUNS]
    if not ids:
        return None
    with store.read() as reader:
        keys = _metrics(saved)
        curves = stored_curves(reader, ids, keys, points=1000)
    curves.sort(key=lambda curve: keys.index(curve.key))
    for runs, pieces in _STEPS:
        shown = ids[:runs]
        title = f"{len(shown)} of {table['total']:,} runs"
        if len(shown) == table["total"]:
            title = f"{len(shown)} {'run' if len(shown) == 1 else 'runs'}"
        if any(len(curve) > pieces for curve in curves):
            title += ", curves averaged"
        content = ChartContent(
            runs=[RunRef(run_id, names[run_id], "plain", "FINISHED") for run_id in shown],
            curves=[course(curve, pieces) for curve in curves if curve.run_id in shown],
            title=title,
        )
        picture = draw_chart(content, 10 * max_bytes)
        if len(picture.png) <= max_bytes:
            drawn = ", ".join(dict.fromkeys(curve.key for curve in curves)) or "no metrics"
            alt = f"{title}: {', '.join(names[run_id] for run_id in shown)}; {drawn}"
            return ComparisonPicture(picture, drawing_url(content), alt)
    return None


def course(curve: Curve, pieces: int) -> Curve:
    """Return the means of about ``pieces`` pieces of a curve; its first and last points stay."""
    width = -(-len(curve) // pieces)
    if width <= 1:
        return curve
    starts = np.arange(0, len(curve), width)
    steps, times, values = (
        _means(column, starts) for column in (curve.steps, curve.times, curve.values)
    )
    ends = [0, -1]
    for means, column in zip(
        (steps, times, values), (curve.steps, curve.times, curve.values), strict=True
    ):
        means[ends] = column[ends]
    return Curve(curve.run_id, curve.key, steps, times, values, curve.total)


def _means(column: Any, starts: Any) -> Floats:
    numbers = np.asarray(column, dtype=np.float64)
    finite = np.isfinite(numbers)
    sums = np.add.reduceat(np.where(finite, numbers, 0.0), starts)
    counts = np.add.reduceat(finite.astype(np.float64), starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Floats = sums / counts
    return means


def _metrics(saved: dict[str, Any]) -> Sequence[str]:
    """Return the metrics that tell most, the one that runs are judged by first."""
    keys = [key["name"] for key in saved["keys"] if key["name"].startswith("metrics.")]
    plain = {name.removeprefix("metrics."): 0.0 for name in keys}
    first = [saved["metric"].removeprefix("metrics.")] if saved["metric"] else []
    by_group: dict[str, str] = {}
    for name in [*first, *compared_metrics(plain, plain)]:
        if name in plain:  # of train and val of one metric, the one that tells more
            by_group.setdefault(parse_metric(name).group, name)
    return list(by_group.values())[:MAX_METRICS]
