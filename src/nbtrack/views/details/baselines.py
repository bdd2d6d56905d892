"""The runs that a new run is compared with: the last, the best, and its rank among them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtrack.entities import Run, RunInfo
from nbtrack.store import Reader, Store, get_experiment, get_run
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.store.search import Direction, direction_of
from nbtrack.views.chart.content import RunRef
from nbtrack.views.chart.curves import Curve, Floats
from nbtrack.views.chart.query import stored_curves
from nbtrack.views.code import CELL_FILE, read_text
from nbtrack.views.details.query import best_run, earlier_runs, means, previous_run
from nbtrack.views.details.run_diff import RunFacts
from nbtrack.views.metric_names import compared_metrics

BASELINE_POINTS = 500
COMPARED = 3  # metrics by which a run is compared with earlier ones
MAX_SOURCE = 200_000
EARLIER = 10
FEWEST = 5  # of fewer runs nothing is said
SHARE = 0.9  # so many of them must be better
PARTS = 100  # of the way, over which means are compared


class RunRank:
    """Compares a run with earlier ones, by one metric.

    Single values are noisy, so means over a hundredth of the way are compared, and only where they
    are complete; and a run is called worse when it was so twice in a row.

    Parameters
    ----------
    key : str
    direction : {"min", "max"}
        Which values are better.
    width : int
        Steps of a bucket.
    earlier : dict
        The means of each earlier run, by bucket.
    """

    def __init__(
        self, key: str, direction: Direction, width: int, earlier: dict[str, dict[int, float]]
    ) -> None:
        self.key = key
        self.direction = direction
        self.width = width
        self._earlier = list(earlier.values())
        self._sums: dict[int, tuple[float, int, int]] = {}

    def add(self, steps: NDArray[Any], values: Floats) -> None:
        """Note what the run has logged."""
        good = np.isfinite(values) & (steps >= 0)
        if not good.any():
            return
        steps, values = steps[good].astype(np.int64), values[good]
        buckets, place = np.unique(steps // self.width, return_inverse=True)
        sums = np.bincount(place, weights=values)
        counts = np.bincount(place)
        for i, bucket in enumerate(buckets.tolist()):
            total, count, last = self._sums.get(bucket, (0.0, 0, 0))
            last = max(last, int(steps[place == i].max()))
            self._sums[bucket] = (total + float(sums[i]), count + int(counts[i]), last)

    def message(self) -> str | None:
        """Return the sentence that says that the run is behind, or None when that is not sure."""
        done = sorted(self._sums)
        if self.width > 1:
            done = done[:-1]  # the last one still fills
        if len(done) < 2:
            return None
        before, now = (self._worse(bucket) for bucket in done[-2:])
        if before is None or now is None:
            return None
        worse, of = now
        step = self._sums[done[-1]][2]
        return f"{self.key} is worse than {worse} of {of} earlier runs at step {step:,}"

    def _worse(self, bucket: int) -> tuple[int, int] | None:
        total, count, _ = self._sums[bucket]
        mine = total / count
        theirs = [run[bucket] for run in self._earlier if bucket in run]
        behind = sum(mine > value if self.direction == "min" else mine < value for value in theirs)
        enough = len(theirs) >= FEWEST and behind >= math.floor(SHARE * len(theirs))
        return (behind, len(theirs)) if enough else None


@dataclass(frozen=True)
class Baselines:
    """What was read when a run started.

    Attributes
    ----------
    experiment : str
        The experiment's name.
    last : RunFacts or None
        The run before; None for the first one.
    runs : list of RunRef
        The last and the best run.
    curves : list of Curve
        Theirs.
    ranks : list of RunRank
        Comparisons with earlier runs, the primary metric first.
    """

    experiment: str = ""
    last: RunFacts | None = None
    runs: list[RunRef] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    ranks: list[RunRank] = field(default_factory=list)


def read_baselines(store: Store, info: RunInfo) -> Baselines:
    """Return the runs that a run is seen beside."""
    with store.read() as reader:
        experiment = get_experiment(reader, info.experiment_id).name
        last_id = previous_run(reader, info)
        if last_id is None:
            return Baselines(experiment)
        last = get_run(reader, last_id)
        runs = [_run(last, "last")]
        keys = compared_metrics(last.data.metrics, last.data.metrics)
        direction = direction_of(keys[0]) if keys else None
        if direction:
            best_id = best_run(reader, info, keys[0], direction)
            if best_id not in (None, last_id):
                runs.append(_run(get_run(reader, str(best_id)), "best"))
        curves = stored_curves(reader, [run.run_id for run in runs], points=BASELINE_POINTS)
        ranks = [read_rank(reader, info, key) for key in keys[:COMPARED]]
    facts = facts_of(last, source_of(store.access.folder(last.info.artifact_uri)))
    return Baselines(experiment, facts, runs, curves, [rank for rank in ranks if rank])


def read_rank(reader: Reader, info: RunInfo, key: str) -> RunRank | None:
    """Return what a run is compared with, or None where a comparison would say nothing."""
    direction = direction_of(key)
    if direction is None:
        return None
    earlier = earlier_runs(reader, info, key, EARLIER)
    if len(earlier) < FEWEST:
        return None
    width = max(1, -(-(max(earlier.values()) + 1) // PARTS))
    return RunRank(key, direction, width, means(reader, list(earlier), key, width))


def facts_of(run: Run, source: str | None) -> RunFacts:
    """Return what of a run is compared."""
    ended = run.info.end_time
    duration = None if ended is None else max(0, ended - run.info.start_time) / 1000
    finished = run.info.status == "FINISHED"
    return RunFacts(run.data.params, run.data.metrics, source, duration, finished)


def source_of(folder: ArtifactFolder) -> str | None:
    """Return the code of a run's cell, if it was kept among its artifacts."""
    return read_text(folder, CELL_FILE, MAX_SOURCE)


def _run(run: Run, role: str) -> RunRef:
    return RunRef(run.info.run_id, run.info.run_name, role, run.info.status)
