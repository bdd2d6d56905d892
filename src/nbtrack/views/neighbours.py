"""The runs that a new run is seen beside: the last one, and the best one."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbtrack.entities import Run, RunInfo
from nbtrack.store import experiments
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.store.neighbours import best_run, previous_run
from nbtrack.store.runs import get_run
from nbtrack.store.search.direction import direction
from nbtrack.store.store import Store
from nbtrack.views.chart.content import RunRef
from nbtrack.views.chart.curves import Curve
from nbtrack.views.chart.query import stored_curves
from nbtrack.views.code import CELL_FILE, read_text
from nbtrack.views.since import RunFacts, compared_metrics
from nbtrack.views.standing import Standing, read_standing

GHOST_POINTS = 500
COMPARED = 3  # metrics by which a run is compared with earlier ones
MAX_SOURCE = 200_000


@dataclass(frozen=True)
class Neighbours:
    """What was read when a run started.

    Attributes
    ----------
    experiment : str
        The experiment's name.
    last : RunFacts or None
        The run before; None for the first one.
    ghosts : list of RunRef
        The last and the best run.
    curves : list of Curve
        Theirs.
    standings : list of Standing
        Comparisons with earlier runs, the most telling metric first.
    """

    experiment: str = ""
    last: RunFacts | None = None
    ghosts: list[RunRef] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)


def neighbours_of(store: Store, info: RunInfo) -> Neighbours:
    """Return the runs that a run is seen beside."""
    with store.read() as reader:
        experiment = experiments.get(reader, info.experiment_id).name
        last_id = previous_run(reader, info)
        if last_id is None:
            return Neighbours(experiment)
        last = get_run(reader, last_id)
        ghosts = [_ghost(last, "last")]
        key = telling_metric(last)
        way = direction(key) if key else None
        if key and way:
            best_id = best_run(reader, info, key, way)
            if best_id not in (None, last_id):
                ghosts.append(_ghost(get_run(reader, str(best_id)), "best"))
        curves = stored_curves(reader, [ghost.run_id for ghost in ghosts], points=GHOST_POINTS)
        telling = compared_metrics(last.data.metrics, last.data.metrics)[:COMPARED]
        standings = [read_standing(reader, info, metric) for metric in telling]
    facts = facts_of(last, source_of(store.access.folder(last.info.artifact_uri)))
    return Neighbours(experiment, facts, ghosts, curves, [s for s in standings if s])


def telling_metric(run: Run) -> str | None:
    """Return the metric that tells best how good a run is, if it has any."""
    keys = compared_metrics(run.data.metrics, run.data.metrics)
    return keys[0] if keys else None


def facts_of(run: Run, source: str | None) -> RunFacts:
    """Return what of a run is compared."""
    ended = run.info.end_time
    duration = None if ended is None else max(0, ended - run.info.start_time) / 1000
    finished = run.info.status == "FINISHED"
    return RunFacts(run.data.params, run.data.metrics, source, duration, finished)


def source_of(folder: ArtifactFolder) -> str | None:
    """Return the code of a run's cell, if it was kept among its artifacts."""
    return read_text(folder, CELL_FILE, MAX_SOURCE)


def _ghost(run: Run, role: str) -> RunRef:
    return RunRef(run.info.run_id, run.info.run_name, role, run.info.status)
