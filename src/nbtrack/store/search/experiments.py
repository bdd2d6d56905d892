"""Searching experiments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from nbtrack.entities import Experiment, PagedList, ViewType
from nbtrack.store.artifacts.paths import resolve_location
from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader
from nbtrack.store.search.grammar import parse_filter
from nbtrack.store.search.paging import check_max_results, make_page_token, read_page_token, stages
from nbtrack.store.search.sql import FilterCompiler, parse_orders
from nbtrack.store.search.tables import EXPERIMENT_TABLES
from nbtrack.store.search.tree import Identifier
from nbtrack.store.search.vocabulary import EXPERIMENTS

# ids are whole numbers as text: 10 comes after 9
_BY_ID = ("TRY_CAST(t.experiment_id AS BIGINT) {} NULLS LAST", "t.experiment_id {}")


def search_experiments(
    reader: Reader,
    view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int = 1000,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
    page_token: str | None = None,
) -> PagedList[Experiment]:
    """Return one page of the experiments that fit a filter.

    Parameters
    ----------
    reader : Reader
    view_type : int
        One of ``ViewType``.
    max_results : int
        1 to 50,000.
    filter_string : str, optional
        Over ``name``, ``experiment_id``, ``creation_time``, ``last_update_time`` and
        ``tags.<key>``; see ``nbtrack.store.search.grammar``.
    order_by : list of str, optional
        By default the newest first.
    page_token : str, optional
        The ``token`` of the page before.

    Raises
    ------
    InvalidParameterError
        If one of these cannot be used.
    """
    check_max_results(max_results)
    start = read_page_token(page_token)
    orders = parse_orders(order_by, EXPERIMENTS)
    tree = parse_filter(filter_string, EXPERIMENTS)
    compiler = FilterCompiler(str(reader.folder), EXPERIMENT_TABLES)
    conditions = (compiler.in_stages(stages(view_type)), compiler.condition(tree))
    terms: list[str] = []
    for entry in orders:
        if entry.identifier == Identifier("attribute", "experiment_id"):
            terms += [term.format("ASC" if entry.ascending else "DESC") for term in _BY_ID]
        else:
            terms += compiler.order([entry])
    terms += ["t.creation_time DESC", *(term.format("ASC") for term in _BY_ID)]
    sql = SQL["search.experiments"].format(
        joins=" ".join(compiler.joins), condition=" AND ".join(conditions), order=", ".join(terms)
    )
    reader.refresh()
    rows = reader.rows(
        sql,
        **compiler.values,
        limit=max_results + 1,
        offset=start,
    )
    token = make_page_token(start + max_results) if len(rows) > max_results else None
    return PagedList(_experiments(reader, rows[:max_results]), token)


def _experiments(reader: Reader, rows: list[tuple[Any, ...]]) -> list[Experiment]:
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    ids = [row[0] for row in rows]
    for experiment_id, key, value in reader.named("search.experiment_tags", experiment_ids=ids):
        tags[experiment_id][key] = value
    return [
        Experiment(
            experiment_id,
            name,
            resolve_location(reader.folder, stored or f"artifacts/{experiment_id}"),
            stage,
            tags[experiment_id],
            created,
            updated,
        )
        for experiment_id, name, stage, stored, created, updated in rows
    ]
