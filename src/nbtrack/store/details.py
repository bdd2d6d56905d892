"""One run with all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass

from nbtrack.entities import Run
from nbtrack.store.liveness import silent_runs
from nbtrack.store.reader import Reader
from nbtrack.store.runs import get_run
from nbtrack.store.tree import PARENT, SeriesRow, series_rows, sparks

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
    parents = reader.named("details.link", run_id=parent_id) if parent_id else []
    names = reader.named("details.experiment", experiment_id=run.info.experiment_id)
    series = series_rows(reader, [run.info.run_id])
    return Details(
        run=run,
        experiment=names[0][0] if names else run.info.experiment_id,
        parent=Link(*parents[0]) if parents else None,
        children=[
            Link(*row)
            for row in reader.named("details.nested", run_id=run.info.run_id, limit=MAX_LINKS)
        ],
        series=series,
        sparks=sparks(reader, [row.number for row in series]),
        silent_s=silent_runs(reader).get(run.info.run_id),
    )
