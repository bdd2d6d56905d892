"""Curves of runs that are stored, thinned out where they are long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from nbtrack.store.history import Axis, Buckets, bucket_columns, metric_history_columns
from nbtrack.store.reader import Reader
from nbtrack.views.curves import MAX_POINTS, Curve, thinned

LONG = 200_000  # from this many points on, the database sums a series up


def stored_curves(
    reader: Reader,
    run_ids: Sequence[str],
    keys: Iterable[str] | None = None,
    *,
    points: int = MAX_POINTS,
) -> list[Curve]:
    """Return metrics of runs as curves of at most about ``points`` points.

    Parameters
    ----------
    reader : Reader
    run_ids : list of str
    keys : list of str, optional
        By default all metrics but those of the machine (``system/``).
    points : int
        Spikes and the first and last points stay.
    """
    wanted = None if keys is None else list(keys)
    curves: list[Curve] = []
    for run_id in run_ids:
        short, long = [], []
        for key, count, last_step, *steps in reader.named("neighbours.extents", run_id=run_id):
            if key.startswith("system/") if wanted is None else key not in wanted:
                continue
            if count <= LONG:
                short.append(key)
            else:
                long.append((key, all(step == last_step for step in steps)))
        if short:
            curves += [
                thinned(Curve(s.run_id, s.key, s.step, s.time, s.value), points)
                for s in metric_history_columns(reader, [run_id], short)
            ]
        for key, flat in long:
            axis: Axis = "time" if flat else "step"
            found = bucket_columns(reader, [run_id], [key], max(1, points // 4), axis=axis)
            curves += [_of_buckets(bucket, flat=flat) for bucket in found]
    return curves


def _of_buckets(buckets: Buckets, *, flat: bool) -> Curve:
    """Return the first, smallest, largest and last point of each bucket."""
    x = np.stack([buckets.x_first, buckets.min_x, buckets.max_x, buckets.x_last], axis=1).ravel()
    value = np.stack([buckets.first, buckets.min, buckets.max, buckets.last], axis=1).ravel()
    order = np.argsort(x, kind="stable")
    x, value = x[order], value[order]
    new = np.ones(len(x), dtype=bool)
    new[1:] = (x[1:] != x[:-1]) | (value[1:] != value[:-1])
    x, value = x[new], value[new]
    nothing = np.full(len(x), np.nan)
    steps, times = (np.zeros(len(x)), x) if flat else (x, nothing)
    return Curve(buckets.run_id, buckets.key, steps, times, value)
