"""Questions of a whole store: its experiments and runs as a tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, get_args

from nbtrack.errors import InvalidParameterError
from nbtrack.store.liveness import silent_runs
from nbtrack.store.store import Store
from nbtrack.views.details.details import tree_run
from nbtrack.views.details.tree_query import (
    NOTE,
    SeriesRow,
    Stage,
    experiment_rows,
    last_step,
    run_rows,
    series_rows,
    sparks,
    tree_page,
)
from nbtrack.views.metric_names import primary_metric
from nbtrack.views.questions.question import Answer, Question

if TYPE_CHECKING:
    from nbtrack.views.questions import Answerer

MAX_PAGE = 500
STAGES: tuple[Stage, ...] = get_args(Stage)


def experiments(store: Store, question: Question) -> Answer:
    """Return all experiments, deleted ones too."""
    with store.read() as reader:
        rows = experiment_rows(reader)
    return Answer({"experiments": [asdict(row) for row in rows]})


def tree(store: Store, question: Question) -> Answer:
    """Return runs of an experiment, each followed by the ones nested in it.

    ``start``, ``stop`` and ``total`` count the runs that belong under no other one that matches.
    """
    stage = question.text("stage", "active")
    if stage not in STAGES:
        raise InvalidParameterError(f"stage is {stage!r}; use one of {', '.join(STAGES)}.")
    start = max(0, question.integer("start", 0))
    stop = min(question.integer("stop", start + 100), start + MAX_PAGE)
    with store.read() as reader:
        page = tree_page(
            reader,
            question.text("experiment_id"),
            question.text("filter", ""),
            stage,
            start,
            stop,
            state=question.text("state", ""),
        )
        rows = run_rows(reader, page.run_ids)
        series = _by_run(series_rows(reader, page.run_ids))
        shown = {run_id: _primary(found) for run_id, found in series.items()}
        curves = sparks(reader, [row.number for row in shown.values() if row is not None])
        silent = silent_runs(reader)
    runs = []
    for row in rows:
        chosen = shown.get(row.run_id)
        spark = None if chosen is None else {"key": chosen.key, "values": curves[chosen.number]}
        step = last_step(series.get(row.run_id, []))
        children = page.children.get(row.run_id, 0)
        runs.append(tree_run(row, step, children, spark, silent.get(row.run_id)))
    return Answer({"total": page.total, "runs": runs})


def act(store: Store, question: Question) -> Answer:
    """Rename, delete or restore an experiment, or set its note."""
    action = question.text("action")
    experiment_id = question.text("experiment_id")
    if action == "rename":
        store.experiments.rename(experiment_id, question.text("name"))
    elif action == "note":
        store.experiments.set_tags(experiment_id, {NOTE: question.text("note")})
    elif action in _ACTIONS:
        _ACTIONS[action](store, experiment_id)
    else:
        raise InvalidParameterError(
            f"action is {action!r}; use one of {', '.join(['rename', 'note', *_ACTIONS])}."
        )
    return Answer({"experiment_id": experiment_id})


_ACTIONS: Mapping[str, Callable[[Store, str], None]] = {
    "delete": lambda store, experiment_id: store.experiments.delete(experiment_id),
    "restore": lambda store, experiment_id: store.experiments.restore(experiment_id),
}


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


QUESTIONS: Mapping[str, Answerer] = {"experiments": experiments, "tree": tree, "act": act}
