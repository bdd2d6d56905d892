"""Which tables and points a user's own SQL reads, as DuckDB says; where it cannot say, all."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

_SHADOW = "metrics"
_DISABLED_OPTIMIZERS = "statistics_propagation,empty_result_pullup,expression_rewriter"
_LITERAL = r"'(?:[^']|'')*'"
_EQUAL = re.compile(rf"\(?(\w+) ?= ?({_LITERAL})\)?")
_IN = re.compile(rf"\((\w+) IN \(({_LITERAL}(?:, {_LITERAL})*)\)\)")
_CAST = re.compile(rf"CAST\(({_LITERAL}) AS VARCHAR\)")


@dataclass(frozen=True)
class PointFilter:
    """Which points a query can see: of these runs and of these keys; None for all."""

    run_ids: list[str] | None = None
    keys: list[str] | None = None


def tables_of(connection: duckdb.DuckDBPyConnection, sql: str) -> set[str] | None:
    """Return the tables that a query looks at, its views and macros unfolded; None if unknown."""
    try:
        names = {name.lower() for name in connection.get_table_names(sql)}
        statements = connection.extract_statements(sql)
    except duckdb.Error:  # PIVOT, several statements, what does not bind
        return None
    if not names and [each.type for each in statements] != [duckdb.StatementType.SELECT]:
        return None  # EXPORT DATABASE names none
    return names


def point_filter_of(connection: duckdb.DuckDBPyConnection, sql: str) -> PointFilter:
    """Return of which runs and keys a query can see points.

    For a moment ``metrics`` is a table: the filters that DuckDB then pushes into its scans are
    implied by the query, so no other row can change the response.
    """
    try:
        if [each.type for each in connection.extract_statements(sql)] != [
            duckdb.StatementType.SELECT
        ]:
            return PointFilter()
        with _shadow(connection):
            rows = connection.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()
        nodes = list(_nodes(json.loads(rows[0][1])))
    except (duckdb.Error, ValueError, IndexError):
        return PointFilter()
    scans = []
    for node in nodes:
        info = node.get("extra_info") or {}
        # DuckDB 1.4 names tables without database and schema; a namesake too many does no harm
        table = str(info.get("Table", "")).split(".")[-1] if isinstance(info, dict) else ""
        if node.get("name", "").strip() == "EMPTY_RESULT" or table == "points":
            return PointFilter()
        if table == _SHADOW:
            scans.append(_filters(info.get("Filters")))
    return PointFilter(_union(scans, "run_id"), _union(scans, "key"))


@contextlib.contextmanager
def _shadow(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let a temporary table hide the view, and no optimizer see that it is empty."""
    before = connection.execute("SELECT current_setting('disabled_optimizers')").fetchall()[0][0]
    connection.execute(f"CREATE TEMP TABLE {_SHADOW} AS FROM store.{_SHADOW} LIMIT 0")
    try:
        connection.execute("SET disabled_optimizers = ?", [_DISABLED_OPTIMIZERS])
        yield
    finally:
        connection.execute(f"DROP TABLE temp.{_SHADOW}")
        connection.execute("SET disabled_optimizers = ?", [before or ""])


def _nodes(plan: Any) -> Iterator[dict[str, Any]]:
    for node in plan if isinstance(plan, list) else [plan]:
        yield node
        yield from _nodes(node.get("children") or [])


def _filters(given: Any) -> dict[str, list[str]]:
    """Return the values that columns are held to by the filters of a scan."""
    found: dict[str, list[str]] = {}
    for text in [given] if isinstance(given, str) else given or []:
        plain = _CAST.sub(r"\1", str(text))
        match = _EQUAL.fullmatch(plain) or _IN.fullmatch(plain)
        if match is not None:
            values = re.findall(_LITERAL, match.group(2))
            found[match.group(1)] = [value[1:-1].replace("''", "'") for value in values]
    return found


def _union(scans: list[dict[str, list[str]]], column: str) -> list[str] | None:
    """Return the values that a column has in any scan; None where one of them is not held."""
    if not scans or not all(column in scan for scan in scans):
        return None
    return sorted({value for scan in scans for value in scan[column]})
