"""Every table and view of the store, with its columns and their types, stands in docs/store.md."""

from __future__ import annotations

import re
from pathlib import Path

import nbtrack
from nbtrack.store import open_store

PAGE = Path(__file__).parents[1] / "docs" / "store.md"
INTERNAL = {"journals", "journal_series", "migrations", "points", "series"}
WORDS = re.compile(r"[a-z_0-9]+")


def described() -> dict[str, str]:
    """Return the sections of the page by the tables that their headings name."""
    parts = re.split(r"^## (.+)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    found: dict[str, str] = {}
    for title, text in zip(parts[1::2], parts[2::2], strict=True):
        found |= dict.fromkeys((name.strip() for name in title.split(",")), text)
    return found


def types_in(section: str) -> dict[str, str]:
    """Return the types of the columns that a table of the page has."""
    found: dict[str, str] = {}
    for names, types in re.findall(r"^\| ([a-z_0-9, ]+) \| ([A-Z, ]+) \|", section, re.MULTILINE):
        columns, kinds = WORDS.findall(names), [kind.strip() for kind in types.split(",")]
        found |= dict(zip(columns, kinds if len(kinds) > 1 else kinds * len(columns), strict=True))
    return found


def test_tables_views_and_columns_are_described_with_their_types(workdir: Path) -> None:
    with nbtrack.start_run():
        nbtrack.log_metric("loss", 0.4)
    with open_store(None).read() as reader:
        columns = reader.rows(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE database_name = 'store' AND NOT internal"
        )
    sections = described()
    tables = {table for table, _, _ in columns} - INTERNAL
    assert tables <= set(sections), "describe them in docs/store.md"
    for table, column, kind in columns:
        if table not in INTERNAL:
            told = types_in(sections[table])
            assert told.get(column, kind) == kind, (table, column)
            assert column in told or f"`{column}`" in sections[table], (table, column)


def test_no_column_is_described_that_is_not_there(workdir: Path) -> None:
    with nbtrack.start_run():
        nbtrack.log_metric("loss", 0.4)
    for table, section in described().items():
        if told := types_in(section):
            there = set(nbtrack.sql(f"SELECT * FROM {table} LIMIT 0").columns)
            assert set(told) == there, table
