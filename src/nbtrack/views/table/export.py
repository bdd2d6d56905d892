"""What leaves a table: its finished output, and text for other programs (CSV, Markdown, LaTeX)."""

from __future__ import annotations

import csv
import html
import io
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nbtrack.entities.shown import plain_line
from nbtrack.errors import InvalidParameterError
from nbtrack.views.display import MAX_BYTES, VIEW_MIME, Bundle, plain_json
from nbtrack.views.formats import format_duration, format_number, shareable_column
from nbtrack.views.table.page import NUMERIC, Cells, Column, TablePage, TableView, with_numbers

EXTENSIONS = {"csv": ".csv", "markdown": ".md", "latex": ".tex"}
MAX_ROWS = 50  # of a finished output

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "∞": r"$\infty$",
}
_MARKDOWN = {"\\": "\\\\", "|": "\\|", "*": "\\*", "_": "\\_", "`": "\\`", "<": "&lt;", "[": "\\["}


def export_page(page: TablePage, columns: Sequence[Column], kind: str) -> str:
    """Return rows as text.

    Parameters
    ----------
    page : TablePage
        All rows that are wanted; its best values are in bold where the format has bold.
    columns : sequence of Column
        Those that are shown, in their order.
    kind : {"csv", "markdown", "latex"}

    Raises
    ------
    InvalidParameterError
        If there is no such format.
    """
    if kind == "csv":
        return csv_text(page, columns)
    if kind == "markdown":
        return markdown_text(page, columns)
    if kind == "latex":
        return latex_text(page, columns)
    raise InvalidParameterError(f"format is {kind!r}; use one of {', '.join(EXTENSIONS)}.")


def csv_text(page: TablePage, columns: Sequence[Column]) -> str:
    """Return rows as CSV with whole numbers and times; groups have a column for their spread."""
    shown = _Shown(page, columns)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    head: list[str] = []
    for column in shown.columns:
        head.append(column.name)
        if column.name in page.spreads:
            head.append(f"{column.name}.sd")
    if page.groups is not None:
        head.insert(1, "runs")
    writer.writerow(head)
    for row in range(shown.rows):
        cells: list[str] = []
        for column in shown.columns:
            cells.append(_raw(shown.value(column, row), column))
            if column.name in page.spreads:
                cells.append(_raw(page.spreads[column.name][row], column))
        if page.groups is not None:
            group = page.groups[row]
            cells.insert(1, str(group.runs if group else 1))
        writer.writerow(cells)
    return out.getvalue()


def markdown_text(page: TablePage, columns: Sequence[Column]) -> str:
    """Return rows as a Markdown table, the best values in bold."""
    shown = _Shown(page, columns)
    rows = [[_escaped(name, _MARKDOWN) for name in shown.headings]]
    rows.append(["---:" if column.kind in NUMERIC else ":---" for column in shown.columns])
    for row in range(shown.rows):
        cells = []
        for column in shown.columns:
            text = _escaped(shown.text(column, row), _MARKDOWN)
            cells.append(f"**{text}**" if text and shown.is_best(column, row) else text)
        rows.append(cells)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def latex_text(page: TablePage, columns: Sequence[Column]) -> str:
    """Return rows as a LaTeX ``tabular`` with the rules of booktabs, the best values in bold."""
    shown = _Shown(page, columns)
    places = "".join("r" if column.kind in NUMERIC else "l" for column in shown.columns)
    lines = [
        "% needs \\usepackage{booktabs}",
        f"\\begin{{tabular}}{{{places}}}",
        "\\toprule",
        " & ".join(_escaped(name, _LATEX) for name in shown.headings) + r" \\",
        "\\midrule",
    ]
    for row in range(shown.rows):
        cells = []
        for column in shown.columns:
            text = _escaped(shown.text(column, row), _LATEX)
            cells.append(f"\\textbf{{{text}}}" if text and shown.is_best(column, row) else text)
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


class _Shown:
    """The cells of a page as they are read."""

    def __init__(self, page: TablePage, columns: Sequence[Column]) -> None:
        self.columns = [column for column in columns if column.name in page.columns]
        self.rows = len(page.run_ids)
        self._page = page
        self._cells = with_numbers(page, {column.name: column.kind for column in columns})

    @property
    def headings(self) -> list[str]:
        """Names without their family, where that leaves them different."""
        short = [column.name.partition(".")[2] or column.name for column in self.columns]
        return [
            name if short.count(name) == 1 else column.name
            for name, column in zip(short, self.columns, strict=True)
        ]

    def value(self, column: Column, row: int) -> Any:
        """Return a cell; a group's name is its label."""
        groups = self._page.groups
        group = groups[row] if groups is not None else None
        if group is not None and column.name == "run_name":
            return group.label
        return self._cells[column.name][row]

    def text(self, column: Column, row: int) -> str:
        """Return a cell as people read it."""
        value = self.value(column, row)
        if value is None:
            return ""
        if isinstance(value, str):
            return " ".join(value.split())
        if column.kind == "time":
            return _time(value)[:16].replace("T", " ")
        if column.kind == "duration":
            return format_duration(value)
        spread = self._page.spreads.get(column.name, [None] * self.rows)[row]
        if spread is not None:
            return format_spread(float(value), spread)
        return format_number(float(value))

    def is_best(self, column: Column, row: int) -> bool:
        """Return whether a cell is the best of its column."""
        best = (self._page.best or {}).get(column.name)
        value = self.value(column, row)
        return best is not None and not isinstance(value, str) and value == best


def format_spread(mean: float, spread: float) -> str:
    """Return a mean and its deviation, both to the digits that the deviation allows."""
    if not (math.isfinite(mean) and math.isfinite(spread)) or spread == 0:
        return f"{format_number(mean)} ± {format_number(spread)}"
    digits = 1 - math.floor(math.log10(abs(spread)))
    if not 0 <= digits <= 6:
        return f"{format_number(mean, 3)} ± {format_number(spread, 2)}"
    return f"{mean:.{digits}f} ± {spread:.{digits}f}".replace("-", "−", 1 if mean < 0 else 0)


def _raw(value: Any, column: Column) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if column.kind == "time":
        return _time(value) + "Z"
    return repr(float(value)) if not float(value).is_integer() else str(int(value))


def _time(milliseconds: float) -> str:
    return str(np.datetime64(int(milliseconds), "ms").astype("datetime64[s]"))


def _escaped(text: str, special: dict[str, str]) -> str:
    return "".join(special.get(character, character) for character in text)


def table_bundle(
    page: TablePage,
    *,
    all_columns: Sequence[Column],
    columns: Sequence[str],
    filter: str = "",
    sort: Sequence[tuple[str, bool]] = (),
    best: dict[str, float] | None = None,
) -> Bundle:
    """Return the finished output of a table: static HTML, text, and the data; at most 50 rows."""
    kinds = {column.name: column for column in all_columns}
    shown = [name for name in columns if name in kinds and name in page.columns]
    best = best or {}
    rows = min(len(page.run_ids), MAX_ROWS)
    while True:
        values = {name: shareable_column(name, _values(page.columns[name], rows)) for name in shown}
        view: TableView = {
            "kind": "table",
            "version": 1,
            "all_columns": [kinds[name].as_json() for name in shown],
            "columns": shown,
            "sort": [list(key) for key in sort],
            "filter": filter,
            "total": page.total,
            "best": best,
            "run_ids": page.run_ids[:rows],
            "values": values,
        }
        texts = {
            name: [_cell(value, kinds[name]) for value in column] for name, column in values.items()
        }
        bundle = {
            "text/plain": _table_text(texts, rows, page.total),
            "text/html": _table_html(texts, values, best, rows, page.total),
            VIEW_MIME: plain_json(view),
        }
        if rows <= 1 or len(json.dumps(bundle)) <= MAX_BYTES:
            return bundle, {}
        rows = max(1, rows * 3 // 4)


def _values(column: Cells, rows: int) -> list[Any]:
    values = column.tolist() if isinstance(column, np.ndarray) else list(column)
    return values[:rows]


def _cell(value: Any, column: Column) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value) and column.kind == "time"):
        return ""
    if isinstance(value, str):
        return _cut(plain_line(value) if column.name == "note" else value, 80)
    if column.kind == "duration":
        return format_duration(value)
    if column.kind == "time":
        moment = np.datetime64(int(value), "ms").astype("datetime64[s]")
        return str(moment).replace("T", " ") + " UTC"
    return format_number(float(value))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _table_text(texts: dict[str, list[str]], rows: int, total: int) -> str:
    widths = {name: min(24, max(map(len, [name, *column]))) for name, column in texts.items()}
    lines = ["  ".join(name[:width].ljust(width) for name, width in widths.items()).rstrip()]
    lines += [
        "  ".join(texts[name][i][:width].ljust(width) for name, width in widths.items()).rstrip()
        for i in range(min(rows, 20))
    ]
    lines.append(f"({total} {'run' if total == 1 else 'runs'})")
    return "\n".join(lines)


def _table_html(
    texts: dict[str, list[str]],
    values: dict[str, list[Any]],
    best: dict[str, float],
    rows: int,
    total: int,
) -> str:
    head = "".join(f"<th>{html.escape(_cut(name.split('.', 1)[-1], 40))}</th>" for name in texts)
    body = []
    for i in range(rows):
        cells = []
        for name, column in texts.items():
            text = html.escape(column[i])
            value = values[name][i]
            is_best = name in best and not isinstance(value, str) and value == best[name]
            cells.append(f"<td><b>{text}</b></td>" if is_best else f"<td>{text}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    runs = f"{total:,} {'run' if total == 1 else 'runs'}"
    note = runs if rows >= total else f"{runs}, the first {rows} shown"
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        f"<p><small>{note}</small></p>"
    )
