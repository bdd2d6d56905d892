"""Searching logged models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbtrack.entities import LoggedModel, PagedList
from nbtrack.errors import InvalidParameterError
from nbtrack.store.logged_models import get_logged_models
from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader
from nbtrack.store.search.grammar import parse_filter
from nbtrack.store.search.paging import check_max_results, make_page_token, read_page_token
from nbtrack.store.search.sql import FilterCompiler
from nbtrack.store.search.tables import LOGGED_MODEL_TABLES
from nbtrack.store.search.vocabulary import LOGGED_MODELS

MAX_RESULTS = 100
_ORDER_KEYS = {"field_name", "ascending", "dataset_name", "dataset_digest"}


def search_logged_models(
    reader: Reader,
    experiment_ids: Sequence[str | int] | None,
    filter_string: str | None = None,
    datasets: Sequence[Mapping[str, Any]] | None = None,
    max_results: int | None = None,
    order_by: Sequence[Mapping[str, Any]] | None = None,
    page_token: str | None = None,
) -> PagedList[LoggedModel]:
    """Return one page of the logged models that fit a filter.

    Parameters
    ----------
    reader : Reader
    experiment_ids : list of str or None
        None for all experiments.
    filter_string : str, optional
        Over ``name``, ``status``, ``model_type``, ..., ``metrics.<key>``, ``params.<key>`` and
        ``tags.<key>``; a metric fits where any of its points does. See
        ``nbtrack.store.search.grammar``.
    datasets : list of dict, optional
        ``dataset_name`` and, if need be, ``dataset_digest``: only metrics of these count.
    max_results : int, optional
        At least 1; by default 100.
    order_by : list of dict, optional
        ``field_name``, ``ascending`` (by default True), and for a metric ``dataset_name`` and
        ``dataset_digest``; the newest first where all else is equal.
    page_token : str, optional
        The ``token`` of the page before, of the same search.

    Raises
    ------
    InvalidParameterError
        If one of these cannot be used.
    """
    limit = check_max_results(MAX_RESULTS if max_results is None else max_results, 2**31)
    ids = None if experiment_ids is None else [str(each) for each in experiment_ids]
    query = {
        "experiment_ids": ids,
        "filter_string": filter_string or "",
        "order_by": [dict(entry) for entry in order_by or ()],
    }
    start = read_page_token(page_token, query)
    tree = parse_filter(filter_string, LOGGED_MODELS)
    compiler = FilterCompiler(str(reader.folder), LOGGED_MODEL_TABLES)
    conditions = [compiler.in_stages(["active"])]
    if ids is not None:
        conditions.append(compiler.in_experiments(ids))
    if datasets:
        conditions.append(compiler.only_metrics_of([_dataset(entry) for entry in datasets]))
    conditions.append(compiler.condition(tree))
    terms = [term for entry in order_by or () for term in _order(compiler, entry)]
    sql = SQL["search.logged_models"].format(
        joins=" ".join(compiler.joins),
        condition=" AND ".join(conditions),
        order=", ".join((*terms, "t.creation_time DESC", "t.model_id")),
    )
    reader.refresh(models_of=ids)
    rows = reader.rows(sql, **compiler.values, limit=limit + 1, offset=start)
    token = make_page_token(start + limit, query) if len(rows) > limit else None
    return PagedList(get_logged_models(reader, [row[0] for row in rows[:limit]]), token)


def _dataset(entry: Mapping[str, Any]) -> tuple[str, str | None]:
    name = entry.get("dataset_name")
    if not name:
        raise InvalidParameterError(
            "`dataset_name` in the `datasets` clause must be specified, as in "
            "datasets=[{'dataset_name': 'test'}]."
        )
    digest = entry.get("dataset_digest")
    return str(name), None if digest is None else str(digest)


def _order(compiler: FilterCompiler, entry: Mapping[str, Any]) -> list[str]:
    if not isinstance(entry, Mapping) or not entry.get("field_name"):
        raise InvalidParameterError(
            f"Invalid order_by entry {entry!r}: it needs a field_name, as in "
            "{'field_name': 'metrics.acc', 'ascending': False}."
        )
    unknown = sorted(set(entry) - _ORDER_KEYS)
    if unknown:
        raise InvalidParameterError(
            f"Invalid order_by entry {dict(entry)!r}: it has {unknown}. Valid keys are "
            f"{sorted(_ORDER_KEYS)}."
        )
    field = str(entry["field_name"])
    ascending = bool(entry.get("ascending", True))
    entity, dot, key = field.partition(".")
    if dot and entity == "metrics":
        names = (entry.get("dataset_name"), entry.get("dataset_digest"))
        return compiler.order_by_metric(key.strip("`"), names, ascending=ascending)
    if dot and entity not in ("attributes", "attribute"):
        raise InvalidParameterError(
            f"Invalid order by field name: {field}. Only metrics are supported."
        )
    identifier = LOGGED_MODELS.identifier("attribute", key if dot else field)
    return compiler.order_by_attribute(identifier.key, ascending=ascending)
