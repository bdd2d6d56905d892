"""``nbtrack sql``: a question to the store."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any

import click

from nbtrack.cli import options
from nbtrack.cli.command import Command
from nbtrack.cli.output import is_terminal, note, print_json, print_table
from nbtrack.cli.selection import store

MOST_ON_SCREEN = 200


@click.command(cls=Command)
@click.argument("query")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="How the rows are printed.",
)
@options.as_json()
def sql(query: str, form: str, as_json: bool) -> None:
    """Ask the store in SQL.

    Tables: experiments, runs, params, metrics, latest, tags, artifacts, ...; the documentation of
    the store has them with their columns. QUERY may be - to read it from standard input.
    """
    text = sys.stdin.read() if query == "-" else query
    with store().read(files=True) as reader:
        columns, rows = reader.table(text)
    if as_json or form == "json":
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif form == "csv":
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([columns, *rows])
    else:
        _print(columns, rows)


def _print(columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    shown = rows[:MOST_ON_SCREEN] if is_terminal() else rows
    numbers = [
        name
        for place, name in enumerate(columns)
        if all(row[place] is None or isinstance(row[place], int | float | Decimal) for row in rows)
    ]
    print_table(columns, shown, right=numbers)
    if len(shown) < len(rows):
        note(f"{len(rows) - len(shown)} more rows; --format csv prints all.")
