"""Searching the model registry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbtrack.entities import ModelVersion, PagedList, RegisteredModel
from nbtrack.errors import InvalidParameterError
from nbtrack.store import registry
from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader
from nbtrack.store.search.grammar import parse_filter
from nbtrack.store.search.paging import check_max_results, make_page_token, read_page_token
from nbtrack.store.search.sql import FilterCompiler, parse_orders
from nbtrack.store.search.tables import MODEL_VERSION_TABLES, REGISTERED_MODEL_TABLES, Tables
from nbtrack.store.search.vocabulary import MODEL_VERSIONS, REGISTERED_MODELS, Vocabulary

MAX_REGISTERED_MODELS = 1000
MAX_MODEL_VERSIONS = 200_000


def search_registered_models(
    reader: Reader,
    filter_string: str | None = None,
    max_results: int = 100,
    order_by: Sequence[str] | None = None,
    page_token: str | None = None,
) -> PagedList[RegisteredModel]:
    """Return one page of the registered models that fit a filter, by default by name.

    Parameters
    ----------
    reader : Reader
    filter_string : str, optional
        Over ``name`` and ``tags.<key>``; see ``nbtrack.store.search.grammar``.
    max_results : int
        1 to 1,000.
    order_by : list of str, optional
        By ``name``, ``timestamp``, ``creation_timestamp``, ``last_updated_timestamp``.
    page_token : str, optional
        The ``token`` of the page before.

    Raises
    ------
    InvalidParameterError
        If one of these cannot be used.
    """
    check_max_results(max_results, MAX_REGISTERED_MODELS)
    start = read_page_token(page_token)
    rows = _rows(
        reader,
        "search.registered_models",
        (REGISTERED_MODEL_TABLES, REGISTERED_MODELS),
        filter_string,
        (order_by or (), ("name",)),
        (start, max_results),
    )
    found = registry.get_registered_models(reader, [name for name, *_ in rows[:max_results]])
    return PagedList(
        found, make_page_token(start + max_results) if len(rows) > max_results else None
    )


def search_model_versions(
    reader: Reader,
    filter_string: str | None = None,
    max_results: int = 10_000,
    order_by: Sequence[str] | None = None,
    page_token: str | None = None,
) -> PagedList[ModelVersion]:
    """Return one page of the model versions that fit a filter, by default the newest first.

    Parameters
    ----------
    reader : Reader
    filter_string : str, optional
        Over ``name``, ``run_id``, ``source_path``, ``version_number``, ``stage``, ``model_id`` and
        ``tags.<key>``; see ``nbtrack.store.search.grammar``.
    max_results : int
        1 to 200,000.
    order_by : list of str, optional
        By ``name``, ``version_number``, ``creation_timestamp``, ``last_updated_timestamp``.
    page_token : str, optional
        The ``token`` of the page before.

    Raises
    ------
    InvalidParameterError
        If one of these cannot be used.
    """
    check_max_results(max_results, MAX_MODEL_VERSIONS)
    start = read_page_token(page_token)
    chosen = order_by or ("last_updated_timestamp DESC",)
    rows = _rows(
        reader,
        "search.model_versions",
        (MODEL_VERSION_TABLES, MODEL_VERSIONS),
        filter_string,
        (chosen, ("name ASC", "version_number DESC")),
        (start, max_results),
    )
    found = registry.get_model_versions(reader, rows[:max_results])
    return PagedList(
        found, make_page_token(start + max_results) if len(rows) > max_results else None
    )


def _rows(
    reader: Reader,
    query: str,
    searched: tuple[Tables, Vocabulary],
    filter_string: str | None,
    order_by: tuple[Sequence[str], Sequence[str]],
    window: tuple[int, int],
) -> list[tuple[Any, ...]]:
    """Return the keys that a search finds in a window, and one more."""
    tables, vocabulary = searched
    compiler = FilterCompiler(str(reader.folder), tables)
    condition = compiler.condition(parse_filter(filter_string, vocabulary))
    chosen = parse_orders(order_by[0], vocabulary)
    if any(entry.identifier.entity != "attribute" for entry in chosen):
        raise InvalidParameterError(
            f"Invalid order_by entity in {list(order_by[0])}: the registry is ordered by "
            f"attributes only, which are {sorted(set(vocabulary.attributes.values()))}."
        )
    named = {entry.identifier for entry in chosen}
    ties = [e for e in parse_orders(order_by[1], vocabulary) if e.identifier not in named]
    terms = compiler.order([*chosen, *ties])
    sql = SQL[query].format(condition=condition, order=", ".join(terms))
    start, size = window
    reader.refresh(registry=True)
    return reader.rows(sql, **compiler.values, limit=size + 1, offset=start)
