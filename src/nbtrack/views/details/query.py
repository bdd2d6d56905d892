"""What the database knows of one run, and of the runs that it is compared with."""

from __future__ import annotations

from dataclasses import dataclass

from nbtrack.entities import Run, RunInfo
from nbtrack.entities.runs import PARENT
from nbtrack.store import Reader, get_run, silent_runs
from nbtrack.store.search import Direction
from nbtrack.views.details.tree_query import SeriesRow, series_rows, sparks

MAX_LINKS = 200


@dataclass(frozen=True)
class Link:
    """Another run, as it is referred to."""

    run_id: str
    name: str
    status: str


@dataclass(frozen=True)
class Details:
    """What there is to see of a run.

    Attributes
    ----------
    run : Run
    experiment : str
        The name of its experiment.
    parent : Link or None
    children : list of Link
        The runs that are nested in it, at most 200.
    silent_s : float or None
        For how long a running run has shown no sign of life.
    series : list of SeriesRow
    sparks : dict of int to list
        A small curve of each series, by its number.
    """

    run: Run
    experiment: str
    parent: Link | None
    children: list[Link]
    series: list[SeriesRow]
    sparks: dict[int, list[float | None]]
    silent_s: float | None = None


def run_details(reader: Reader, run_id: str) -> Details:
    """Return all that the database knows of a run, deleted or not.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    run = get_run(reader, run_id)
    parent_id = run.data.tags.get(PARENT)
    reader.refresh(runs=[parent_id] if parent_id else [], runs_of=[run.info.experiment_id])
    parents = reader.named("details.link", run_id=parent_id) if parent_id else []
    series = series_rows(reader, [run.info.run_id])
    return Details(
        run=run,
        experiment=experiment_name(reader, run.info.experiment_id),
        parent=Link(*parents[0]) if parents else None,
        children=[
            Link(*row)
            for row in reader.named("details.nested", run_id=run.info.run_id, limit=MAX_LINKS)
        ],
        series=series,
        sparks=sparks(reader, series),
        silent_s=silent_runs(reader).get(run.info.run_id),
    )


def experiment_name(reader: Reader, experiment_id: str) -> str:
    """Return the name of an experiment; its id where it has been removed for good."""
    reader.refresh()
    known = reader.experiment_id(experiment_id)
    names = reader.named("details.experiment", experiment_id=known)
    return str(names[0][0]) if names else experiment_id


def previous_run(reader: Reader, info: RunInfo) -> str | None:
    """Return the id of the run that a run is compared with, or None.

    Of its experiment's runs that have ended: one of the same name before others, one of the same
    cell, one that has finished, then the latest. Runs that autologging has opened for a library
    are compared with each other, not with others.
    """
    reader.refresh(runs_of=[info.experiment_id])
    rows = reader.named(
        "details.previous",
        experiment_id=reader.experiment_id(info.experiment_id),
        run_id=info.run_id,
        run_name=info.run_name,
        start_ms=info.start_time,
    )
    return rows[0][0] if rows else None


def best_run(reader: Reader, info: RunInfo, key: str, direction: Direction) -> str | None:
    """Return the id of the run of the experiment, not this one, with the best value of a metric."""
    reader.refresh(runs_of=[info.experiment_id])
    rows = reader.named(
        "details.best",
        experiment_id=reader.experiment_id(info.experiment_id),
        run_id=info.run_id,
        key=key,
        smallest=direction == "min",
    )
    return rows[0][0] if rows else None


def earlier_runs(reader: Reader, info: RunInfo, key: str, limit: int) -> dict[str, int]:
    """Return the latest runs of the experiment that have finished, with their last step.

    Only those that have the metric and started no later than this one.
    """
    reader.refresh(runs_of=[info.experiment_id])
    rows = reader.named(
        "details.earlier",
        experiment_id=reader.experiment_id(info.experiment_id),
        run_id=info.run_id,
        key=key,
        start_ms=info.start_time,
        limit=limit,
    )
    return dict(rows)


def means(reader: Reader, run_ids: list[str], key: str, width: int) -> dict[str, dict[int, float]]:
    """Return a metric's mean over every ``width`` steps, by run and bucket (step // width)."""
    reader.refresh(runs=run_ids, history=[key])
    found: dict[str, dict[int, float]] = {}
    for run_id, bucket, mean in reader.named(
        "details.means", run_ids=run_ids, key=key, width=width
    ):
        found.setdefault(run_id, {})[bucket] = mean
    return found
