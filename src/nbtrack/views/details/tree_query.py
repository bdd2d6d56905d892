"""Experiments and runs as a tree: what a list of them shows of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from nbtrack.entities import RunStatus, ViewType
from nbtrack.entities.run_data import is_system_metric
from nbtrack.entities.runs import NOTE
from nbtrack.errors import InvalidParameterError
from nbtrack.store import Reader
from nbtrack.store.search import is_filter_expression, select_run_ids

Stage = Literal["active", "archived", "deleted"]

SPARK_POINTS = 20
MAX_NESTED = 200  # of one run; the others are found by a filter


@dataclass(frozen=True)
class ExperimentRow:
    """An experiment of the tree; times are milliseconds since the epoch."""

    experiment_id: str
    name: str
    stage: str
    runs: int
    running: int
    last_ms: int | None
    note: str | None


@dataclass(frozen=True)
class SeriesRow:
    """What is known of a metric of a run without its points."""

    number: int
    run_id: str
    key: str
    count: int
    last_step: int
    last: float
    min: float | None
    max: float | None
    last_ms: int


@dataclass(frozen=True)
class RunRow:
    """A run of the tree; times are milliseconds since the epoch.

    Attributes
    ----------
    marks : dict of str to str
        Its tags `PARENT`, `NOTE`, `ARCHIVED`, `KEPT`, `REPRODUCED`, `VERDICT` and `WARNINGS`, as
        far as it has them.
    """

    run_id: str
    name: str
    status: str
    stage: str
    start_ms: int
    end_ms: int | None
    experiment_id: str
    marks: dict[str, str]


@dataclass(frozen=True)
class TreePage:
    """A part of the tree.

    Attributes
    ----------
    total : int
        How many runs there are that belong under no other one of the tree.
    run_ids : list of str
        Those of the page, each followed by the ones nested in it.
    children : dict of str to int
        How many runs are nested in a run directly.
    """

    total: int
    run_ids: list[str]
    children: dict[str, int]


def experiment_rows(reader: Reader) -> list[ExperimentRow]:
    """Return all experiments, deleted ones too; those with the newest runs first."""
    reader.refresh(runs_of=None)
    return [ExperimentRow(*row) for row in reader.named("tree.experiments")]


def tree_page(
    reader: Reader,
    experiment_id: str,
    filter_string: str = "",
    stage: Stage = "active",
    start: int = 0,
    stop: int = 100,
    *,
    state: str = "",
) -> TreePage:
    """Return the runs of an experiment that fit a filter, the newest first.

    Parameters
    ----------
    reader : Reader
    experiment_id : str
    filter_string : str
        In the search grammar; or plain words, which names and notes must have.
    stage : {"active", "archived", "deleted"}
        Archived runs are active ones that somebody has put away.
    start, stop : int
        Count the runs that belong under no other one that is shown.
    state : str
        A status, such as ``"RUNNING"``; "" for any.

    Raises
    ------
    InvalidParameterError
        If the filter cannot be read, or there is no such state.
    """
    view = ViewType.DELETED_ONLY if stage == "deleted" else ViewType.ACTIVE_ONLY
    text = as_filter(filter_string)
    if state:
        known = [RunStatus.to_string(number) for number in RunStatus.all_status()]
        if state not in known:
            raise InvalidParameterError(f"state is {state!r}; use one of {', '.join(known)}.")
        status = f"attributes.status = '{state}'"
        text = f"({text}) AND {status}" if text else status
    experiment_id = reader.experiment_id(experiment_id)
    matching = select_run_ids(reader, [experiment_id], text, view).run_ids
    if stage != "deleted":
        archived = {row[0] for row in reader.named("tree.archived", experiment_id=experiment_id)}
        wanted = stage == "archived"
        matching = [run_id for run_id in matching if (run_id in archived) == wanted]
    parents = dict(reader.named("tree.parents", experiment_id=experiment_id))
    shown = set(matching)
    nested: dict[str, list[str]] = {}
    top = []
    for run_id in matching:
        parent = parents.get(run_id)
        if parent in shown and not _is_circle(run_id, parents):
            nested.setdefault(str(parent), []).append(run_id)
        else:
            top.append(run_id)
    page: list[str] = []
    for run_id in top[max(start, 0) : max(stop, 0)]:
        page += _with_nested(run_id, nested)
    children = {run_id: len(nested[run_id]) for run_id in page if run_id in nested}
    return TreePage(len(top), page, children)


def as_filter(text: str) -> str:
    """Return a filter of the search grammar: plain words are looked for in names and notes.

    Raises
    ------
    InvalidParameterError
        If a word holds both kinds of quotation marks.
    """
    text = text.strip()
    if not text or is_filter_expression(text):
        return text
    return " AND ".join(
        f"(attributes.run_name ILIKE {word} OR tags.`{NOTE}` ILIKE {word})"
        for word in map(_pattern, text.split())
    )


def run_rows(reader: Reader, run_ids: Sequence[str]) -> list[RunRow]:
    """Return what a list shows of some runs, in their order; unknown ones are left out."""
    ids = list(run_ids)
    reader.refresh(runs=ids)
    marks: dict[str, dict[str, str]] = {}
    for run_id, key, value in reader.named("tree.marks", run_ids=ids):
        marks.setdefault(run_id, {})[key] = value
    found = {
        row[0]: RunRow(*(*row, marks.get(row[0], {})))
        for row in reader.named("tree.rows", run_ids=ids)
    }
    return [found[run_id] for run_id in ids if run_id in found]


def series_rows(reader: Reader, run_ids: Sequence[str]) -> list[SeriesRow]:
    """Return the metrics of some runs, by key; those without a point are left out."""
    reader.refresh(runs=run_ids)
    rows = reader.named("tree.series", run_ids=list(run_ids))
    return [SeriesRow(*row) for row in rows if row[3] > 0]


def sparks(reader: Reader, series: Sequence[SeriesRow]) -> dict[int, list[float | None]]:
    """Return small curves of some series: at most 20 values each; None where there is no number."""
    found: dict[int, list[float | None]] = {row.number: [] for row in series}
    if not found:
        return found
    reader.refresh(
        runs=list({row.run_id: None for row in series}),
        history=list({row.key: None for row in series}),
    )
    for series_number, _, value in reader.named(
        "tree.sparks", series=list(found), width=SPARK_POINTS
    ):
        found[series_number].append(None if value is None else float(f"{value:.6g}"))
    return found


def last_step(series: Sequence[SeriesRow]) -> int | None:
    """Return the greatest step of a run's metrics, apart from those of the machine."""
    steps = [row.last_step for row in series if not is_system_metric(row.key)]
    return max(steps, default=None)


def _with_nested(run_id: str, nested: dict[str, list[str]]) -> list[str]:
    found = [run_id]
    for child in nested.get(run_id, [])[:MAX_NESTED]:
        found += _with_nested(child, nested)
    return found


def _is_circle(run_id: str, parents: dict[str, str]) -> bool:
    """Return whether a run is nested in itself: a tag can say so, a tree cannot show it."""
    seen = {run_id}
    parent = parents.get(run_id)
    while parent is not None:
        if parent in seen:
            return True
        seen.add(parent)
        parent = parents.get(parent)
    return False


def _pattern(word: str) -> str:
    quote = '"' if "'" in word else "'"
    if quote in word:
        raise InvalidParameterError(f"{word} cannot be looked for: it has both ' and \" in it.")
    return f"{quote}%{word}%{quote}"
