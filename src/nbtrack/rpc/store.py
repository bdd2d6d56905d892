"""Requests about a whole store: its experiments and runs as a tree."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, TypedDict

from nbtrack.entities.runs import NOTE
from nbtrack.rpc.registry import Topic
from nbtrack.rpc.request import NoParams, Response
from nbtrack.store import Store, filter_hint, silent_runs
from nbtrack.views.details.tree_query import (
    ExperimentRow,
    SeriesRow,
    Stage,
    experiment_rows,
    last_step,
    run_rows,
    series_rows,
    sparks,
    tree_page,
)
from nbtrack.views.details.tree_run import Spark, TreeRun, tree_run
from nbtrack.views.metric_names import primary_metric

MAX_PAGE = 500

REQUESTS = Topic("store")


class Experiments(TypedDict):
    """All experiments, deleted ones too."""

    experiments: list[Annotated[dict[str, Any], ExperimentRow]]


@dataclass(frozen=True)
class TreeParams:
    """Which runs of an experiment.

    ``start`` and ``stop`` count those that belong under no other one that matches; ``state`` is a
    status, such as ``RUNNING``, or "" for any.
    """

    experiment_id: str
    stage: Stage = "active"
    start: int = 0
    stop: int | None = None
    filter: str = ""
    state: str = ""


class TreePage(TypedDict):
    """Runs, each followed by the ones nested in it, and how many there are that are in no other."""

    total: int
    runs: list[TreeRun]


@dataclass(frozen=True)
class HintParams:
    """A filter that no run fits."""

    filter: str


class FilterHint(TypedDict):
    """Which names the filter may have meant, as a sentence; "" where nothing is near."""

    hint: str


@dataclass(frozen=True)
class RenameExperiment:
    """Give an experiment another name."""

    action: Literal["rename"]
    experiment_id: str
    name: str

    def apply(self, store: Store) -> None:
        """Do it."""
        store.experiments.rename(self.experiment_id, self.name)


@dataclass(frozen=True)
class NoteExperiment:
    """Set the note of an experiment."""

    action: Literal["note"]
    experiment_id: str
    note: str

    def apply(self, store: Store) -> None:
        """Do it."""
        store.experiments.set_tags(self.experiment_id, {NOTE: self.note})


@dataclass(frozen=True)
class StageExperiment:
    """Delete an experiment, or restore it."""

    action: Literal["delete", "restore"]
    experiment_id: str

    def apply(self, store: Store) -> None:
        """Do it."""
        if self.action == "delete":
            store.experiments.delete(self.experiment_id)
        else:
            store.experiments.restore(self.experiment_id)


class ChangedExperiment(TypedDict):
    """Which experiment was changed."""

    experiment_id: str


@REQUESTS.reads("experiments")
def experiments(store: Store, params: NoParams) -> Response[Experiments]:
    """Return all experiments."""
    with store.read() as reader:
        rows = experiment_rows(reader)
    return Response({"experiments": [asdict(row) for row in rows]})


@REQUESTS.reads("tree")
def tree(store: Store, params: TreeParams) -> Response[TreePage]:
    """Return runs of an experiment."""
    start = max(0, params.start)
    stop = min(start + 100 if params.stop is None else params.stop, start + MAX_PAGE)
    with store.read() as reader:
        page = tree_page(
            reader,
            params.experiment_id,
            params.filter,
            params.stage,
            start,
            stop,
            state=params.state,
        )
        rows = run_rows(reader, page.run_ids)
        series = _by_run(series_rows(reader, page.run_ids))
        shown = {run_id: _primary(found) for run_id, found in series.items()}
        curves = sparks(reader, [row for row in shown.values() if row is not None])
        silent = silent_runs(reader)
    runs = []
    for row in rows:
        chosen = shown.get(row.run_id)
        spark: Spark | None = (
            None if chosen is None else {"key": chosen.key, "values": curves[chosen.number]}
        )
        step = last_step(series.get(row.run_id, []))
        children = page.children.get(row.run_id, 0)
        runs.append(tree_run(row, step, children, spark, silent.get(row.run_id)))
    return Response({"total": page.total, "runs": runs})


@REQUESTS.reads("hint")
def hint(store: Store, params: HintParams) -> Response[FilterHint]:
    """Return what a filter may have meant that no run fits."""
    with store.read() as reader:
        return Response({"hint": filter_hint(reader, params.filter)})


@REQUESTS.writes("act")
def act(
    store: Store, params: RenameExperiment | NoteExperiment | StageExperiment
) -> Response[ChangedExperiment]:
    """Rename, delete or restore an experiment, or set its note."""
    params.apply(store)
    return Response({"experiment_id": params.experiment_id})


def _by_run(rows: list[SeriesRow]) -> dict[str, list[SeriesRow]]:
    found: dict[str, list[SeriesRow]] = {}
    for row in rows:
        found.setdefault(row.run_id, []).append(row)
    return found


def _primary(rows: list[SeriesRow]) -> SeriesRow | None:
    """Return the metric to show of a run; one with a single point is no curve."""
    by_key = {row.key: row for row in rows if row.count > 1}
    key = primary_metric(list(by_key))
    return None if key is None else by_key[key]
