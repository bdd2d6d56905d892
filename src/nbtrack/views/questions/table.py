"""Questions of tables of runs: columns, rows, and what is changed in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.errors import InvalidParameterError
from nbtrack.store.column_sets import remember_set, remembered_sets
from nbtrack.store.store import Store
from nbtrack.views.metric_names import compared_metrics
from nbtrack.views.questions.question import Answer, Question
from nbtrack.views.table.export import EXTENSIONS, export_page
from nbtrack.views.table.page import Column, TableSource, encode_page
from nbtrack.views.table.query import small_curves
from nbtrack.views.table.run_query import STAGES, Scope, Stage, TableQuery
from nbtrack.views.table.source import StoreTable

if TYPE_CHECKING:
    from nbtrack.views.questions import Answerer

MAX_COLUMNS = 12
MAX_STOP = 1000
MAX_CURVES = 2000
MAX_EXPORT = 100_000
_FIRST = ("run_name", "status", "experiment")  # the last where there are several
_LAST = ("duration", "start_time")


def query_of(question: Question) -> TableQuery:
    """Return a question for rows as a query.

    Raises
    ------
    InvalidParameterError
        If a part of it is something else than it has to be.
    """
    start = max(0, question.integer("start", 0))
    stage = question.text("stage", "active")
    if stage not in STAGES:
        raise InvalidParameterError(f"stage is {stage!r}; use one of {', '.join(STAGES)}.")
    directions = question.optional("directions") or {}
    if not isinstance(directions, Mapping):
        raise InvalidParameterError(f"directions is {directions!r}; an object is needed.")
    return TableQuery(
        columns=question.texts("columns", []),
        filter=question.text("filter", ""),
        sort=sort_keys(question.items("sort", [])),
        group=question.texts("group", []),
        expanded=question.texts("expanded", []),
        stage=stage,
        directions=dict(directions),
        start=start,
        stop=min(question.integer("stop", start + 100), start + MAX_STOP),
    )


def sort_keys(items: Sequence[Any]) -> list[tuple[str, bool]]:
    """Return the keys of an order, each a column and whether it rises."""
    keys = []
    for item in items:
        if not isinstance(item, (list, tuple)) or len(item) != 2 or not isinstance(item[0], str):
            raise InvalidParameterError(f"sort has {item!r} in it; [column, ascending] is needed.")
        keys.append((item[0], bool(item[1])))
    return keys


def answer_rows(source: TableSource, question: Question) -> Answer:
    """Return some rows, with their numbers as buffers."""
    query = query_of(question)
    message, buffers = encode_page(source.page(query), query.start)
    return Answer(message, buffers)


def answer_ids(source: TableSource, question: Question) -> Answer:
    """Return the ids of all runs that match, or of those of some groups."""
    groups = question.texts("groups", []) or None
    return Answer({"run_ids": source.ids(query_of(question), groups)})


def answer_export(source: TableSource, question: Question) -> Answer:
    """Return the table as text: all rows that match, with the columns that are shown."""
    asked = query_of(question)
    query = TableQuery(
        columns=[name for name in asked.columns if not name.startswith("curves.")],
        filter=asked.filter,
        sort=asked.sort,
        group=asked.group,
        stage=asked.stage,
        directions=asked.directions,
        stop=MAX_EXPORT,
    )
    kind = question.text("format")
    page = source.page(query)
    kinds = {column.name: column for column in source.columns()}
    shown = [kinds.get(name, Column(name, "text")) for name in query.columns]
    text = export_page(page, shown, kind)
    return Answer({"text": text, "filename": f"runs{EXTENSIONS[kind]}", "rows": len(page.run_ids)})


ABOUT_ROWS: dict[str, Callable[[TableSource, Question], Answer]] = {
    "rows": answer_rows,
    "ids": answer_ids,
    "export": answer_export,
}
"""Questions that need the rows only, wherever they come from."""


def columns_answer(columns: Sequence[Column], sets: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the columns of a table as the browser knows them."""
    return {
        "columns": [column.as_json() for column in columns],
        "defaults": default_columns(columns),
        "sets": sets,
    }


def default_columns(columns: Sequence[Column]) -> list[str]:
    """Return what is shown where nobody has chosen: state, metrics, params that differ, times.

    The metrics that tell how good a run is come first; a notebook is narrow.
    """
    names = [column.name for column in columns]
    params = [c.name for c in columns if c.name.startswith("params.") and c.differs]
    keys = dict.fromkeys(
        (name.removeprefix("metrics.") for name in names if name.startswith("metrics.")), 0.0
    )
    metrics = [f"metrics.{key}" for key in compared_metrics(keys, keys)]
    first = [name for name in _FIRST if name in names]
    room = MAX_COLUMNS - len(first) - len(_LAST)
    half = max(room // 2, room - len(params))
    middle = [*metrics[:half], *params][:room]
    extra = [name for name in names if name.startswith("sql.")]
    return [name for name in (*first, *extra, *middle, *_LAST) if name in names]


def _scope(question: Question) -> Scope:
    ids = question.optional("experiment_ids")
    run_ids = question.optional("run_ids")
    return Scope(
        None if ids is None else question.texts("experiment_ids"),
        None if run_ids is None else question.texts("run_ids"),
    )


def _columns(store: Store, question: Question) -> Answer:
    scope = _scope(question)
    stage: Stage = query_of(question).stage
    with store.read() as reader:
        found = StoreTable(store, scope=scope).columns(stage)
        sets = remembered_sets(reader, scope.experiment_ids)
    return Answer(columns_answer(found, sets))


def _curves(store: Store, question: Question) -> Answer:
    run_ids = question.texts("run_ids")[:MAX_CURVES]
    keys = question.texts("keys")[:50]
    points = max(2, min(100, question.integer("points", 24)))
    with store.read() as reader:
        curves = small_curves(reader, run_ids, keys, points)
    body = {"run_ids": run_ids, "keys": keys, "points": points}
    return Answer(body, [curves.astype("<f8").tobytes()])


def _edit(store: Store, question: Question) -> Answer:
    value = store.runs.edit(
        question.text("run_id"), question.text("column"), question.text("value")
    )
    return Answer({"value": value})


def _act(store: Store, question: Question) -> Answer:
    done = store.runs.act(question.text("action"), question.texts("run_ids"))
    return Answer({"run_ids": done})


def _remember(store: Store, question: Question) -> Answer:
    ids = question.optional("experiment_ids")
    name = question.optional("name")
    chosen = question.optional("set")
    if not isinstance(name, (str, type(None))) or not isinstance(chosen, (dict, type(None))):
        raise InvalidParameterError("A column set has a name, and is an object.")
    scope = None if ids is None else question.texts("experiment_ids")
    return Answer({"sets": remember_set(store, scope, name, chosen)})


def _of_store(answer: Callable[[TableSource, Question], Answer]) -> Answerer:
    return lambda store, question: answer(StoreTable(store, scope=_scope(question)), question)


QUESTIONS: Mapping[str, Answerer] = {
    "columns": _columns,
    "curves": _curves,
    "edit": _edit,
    "act": _act,
    "remember": _remember,
    **{verb: _of_store(answer) for verb, answer in ABOUT_ROWS.items()},
}
