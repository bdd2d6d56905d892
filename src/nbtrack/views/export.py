"""Tables as text for other programs: CSV, Markdown, LaTeX."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nbtrack.errors import InvalidParameterError
from nbtrack.views.formats import format_duration, format_number
from nbtrack.views.table import NUMERIC, Column, TablePage, with_numbers

EXTENSIONS = {"csv": ".csv", "markdown": ".md", "latex": ".tex"}

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
