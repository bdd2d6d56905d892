"""Searching runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbtrack.entities import PagedList, Run, ViewType
from nbtrack.errors import InvalidParameterError
from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader
from nbtrack.store.run_entities import get_runs
from nbtrack.store.search.grammar import parse_filter
from nbtrack.store.search.paging import check_max_results, make_page_token, read_page_token, stages
from nbtrack.store.search.sql import FilterCompiler, parse_orders
from nbtrack.store.search.suggested_names import prefix_suggested
from nbtrack.store.search.vocabulary import RUNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TIES = ("t.start_time DESC", "t.run_id")
_NO_LIMIT = 2**62


@dataclass(frozen=True)
class Selection:
    """The ids of some runs that a search has found.

    Attributes
    ----------
    run_ids : list of str
        Those in the window that was asked for, in order.
    total : int
        How many there are without the window.
    """

    run_ids: list[str]
    total: int


def search_runs(
    reader: Reader,
    experiment_ids: Sequence[str | int] | None,
    filter_string: str | None = "",
    run_view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int = 1000,
    order_by: Sequence[str] | None = None,
    page_token: str | None = None,
) -> PagedList[Run]:
    """Return one page of the runs that fit a filter.

    Parameters
    ----------
    reader : Reader
    experiment_ids : list of str or None
        None for all experiments.
    filter_string : str
        See ``nbtrack.store.search.grammar``.
    run_view_type : int
        One of ``ViewType``.
    max_results : int
        1 to 50,000.
    order_by : list of str, optional
        Such as ``["metrics.acc DESC"]``: numbers first, then NaN, then the runs
        that lack the key; the newest first where all else is equal.
    page_token : str, optional
        The ``token`` of the page before.

    Raises
    ------
    InvalidParameterError
        If one of these cannot be used.
    """
    check_max_results(max_results)
    start = read_page_token(page_token)
    found = select_run_ids(
        reader,
        experiment_ids,
        filter_string,
        run_view_type,
        order_by,
        start=start,
        stop=start + max_results,
    )
    return PagedList(get_runs(reader, found.run_ids), _next_token(found, start))


def _next_token(found: Selection, start: int) -> str | None:
    end = start + len(found.run_ids)
    return make_page_token(end) if found.run_ids and end < found.total else None


def select_run_ids(
    reader: Reader,
    experiment_ids: Sequence[str | int] | None,
    filter_string: str | None = "",
    run_view_type: int = ViewType.ACTIVE_ONLY,
    order_by: Sequence[str] | None = None,
    *,
    start: int = 0,
    stop: int | None = None,
) -> Selection:
    """Return the ids of the runs at ``start`` to ``stop`` of a search, and how many there are.

    The other parameters are those of ``search_runs``.
    """
    query = _Query(reader, experiment_ids, filter_string, run_view_type, order_by)
    reader.refresh(runs_of=query.experiment_ids)
    limit = _NO_LIMIT if stop is None else max(stop - start, 0)
    rows = reader.rows(
        query.text(SQL["search.id_columns"]), **query.values, limit=limit, offset=start
    )
    if rows:
        return Selection([row[0] for row in rows], rows[0][1])
    return Selection([], reader.rows(query.count, **query.count_values)[0][0])


def select_columns(
    reader: Reader,
    experiment_ids: Sequence[str | int] | None,
    filter_string: str | None,
    run_view_type: int,
    order_by: Sequence[str] | None,
    *,
    start: int,
    limit: int,
) -> dict[str, NDArray[Any]]:
    """Return the columns of the table ``runs`` that a data frame of runs begins with."""
    query = _Query(reader, experiment_ids, filter_string, run_view_type, order_by)
    reader.refresh(runs_of=query.experiment_ids)
    text = query.text(SQL["search.run_columns"])
    return reader.columns(text, **query.values, limit=limit, offset=start)


class _Query:
    """A search as SQL, and the values it is bound to."""

    def __init__(
        self,
        reader: Reader,
        experiment_ids: Sequence[str | int] | None,
        filter_string: str | None,
        run_view_type: int,
        order_by: Sequence[str] | None,
    ) -> None:
        with prefix_suggested(reader):
            tree = parse_filter(filter_string, RUNS)
            orders = parse_orders(order_by, RUNS)
        compiler = FilterCompiler(str(reader.folder))
        conditions = [compiler.in_stages(stages(run_view_type))]
        self.experiment_ids = _ids(experiment_ids)
        if self.experiment_ids is not None:
            conditions.append(compiler.in_experiments(self.experiment_ids))
        self._condition = " AND ".join((*conditions, compiler.condition(tree)))
        self.count_values = dict(compiler.values)
        self._order = ", ".join((*compiler.order(orders), *_TIES))
        self._joins = " ".join(compiler.joins)
        self.values = compiler.values

    def text(self, columns: str) -> str:
        return SQL["search.runs"].format(
            columns=columns, joins=self._joins, condition=self._condition, order=self._order
        )

    @property
    def count(self) -> str:
        return SQL["search.count_runs"].format(condition=self._condition)


def _ids(experiment_ids: Sequence[str | int] | None) -> list[str] | None:
    if isinstance(experiment_ids, str):
        raise InvalidParameterError(
            f"experiment_ids is a list, not one text: write experiment_ids=[{experiment_ids!r}]."
        )
    return None if experiment_ids is None else [str(each) for each in experiment_ids]
