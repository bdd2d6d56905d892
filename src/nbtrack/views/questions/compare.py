"""Questions of comparisons: values of many runs, param importance, two runs in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbtrack.errors import InvalidParameterError
from nbtrack.store.store import Store
from nbtrack.views.comparison.data import Scope, compare_runs
from nbtrack.views.comparison.importance import find_importance
from nbtrack.views.comparison.run_facts import run_facts
from nbtrack.views.questions.question import Answer, Question

if TYPE_CHECKING:
    from nbtrack.views.questions import Answerer


def data(store: Store, question: Question) -> Answer:
    """Answer with the values of columns, one float64 buffer each.

    Takes ``experiment_ids`` (null for all) and ``filter``, or ``run_ids``; and ``columns``, by
    default the params that differ and the primary metrics.
    """
    columns = None if question.optional("columns") is None else question.texts("columns")
    with store.read() as reader:
        return Answer(*compare_runs(reader, scope_of(question), columns).as_answer())


def importance(store: Store, question: Question) -> Answer:
    """Answer which params a ``metric`` depends on."""
    metric = None if question.optional("metric") is None else question.text("metric")
    return Answer(find_importance(store, scope_of(question), metric or None).as_json())


def diff(store: Store, question: Question) -> Answer:
    """Answer with what is known of the runs ``a`` and ``b``; the browser lays it side by side."""
    with store.read() as reader:
        first, second = (run_facts(reader, question.text(name)) for name in ("a", "b"))
    return Answer({"a": first, "b": second})


def scope_of(question: Question) -> Scope:
    """Return which runs a question is about.

    Raises
    ------
    InvalidParameterError
        If it does not say.
    """
    if question.optional("run_ids") is not None:
        return Scope(None, "", question.texts("run_ids"))
    if "experiment_ids" not in question.fields:
        raise InvalidParameterError("The question names no runs: it has no experiment_ids.")
    ids = question.optional("experiment_ids")
    chosen = None if ids is None else question.texts("experiment_ids")
    return Scope(chosen, question.text("filter", ""))


QUESTIONS: Mapping[str, Answerer] = {"data": data, "importance": importance, "diff": diff}
