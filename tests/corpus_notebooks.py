"""The notebooks of the corpus: written as people write them, and executed as people do.

A notebook is a file ``tests/corpus/NAME.py`` in percent format, its code and nothing else: magics
stand in it as they are typed. What comes before the first cell is its title, with up to two lines
of settings::

    # Digits with a small network
    # order: 1 2 4 3 2
    # cannot repeat: the vocabulary comes from a set of words
    # warns: background work

    # %%
    x = 1

``order`` has the code cells by place, from 1, as they are executed; without it each of them runs
once, from top to bottom. ``cannot repeat`` says why no record could bring the same numbers back:
such a notebook must have a badge. ``warns`` names the other warnings that its runs are right to
have, although they come back: what they say is true all the same. A cell may be marked:
``# %% [edit of 2]`` is what the second cell is replaced with in the session, ``# %% [deleted]`` was
thrown away at the end of it, and ``# %% [fails]`` ends with an error. Cells marked ``[markdown]``
are text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "corpus"
_CELL = re.compile(r"^# %%(?:[ \t]+\[([^\]\n]*)\])?[ \t]*$", re.MULTILINE)
_SETTING = re.compile(r"^# (order|cannot repeat|warns): *(.+)$", re.MULTILINE)
_EDIT = re.compile(r"edit of (\d+)$")
_MARKS = ("", "markdown", "deleted", "fails")


@dataclass(frozen=True)
class CorpusCell:
    """A cell of a notebook.

    Attributes
    ----------
    cell_id : str
        Edited cells keep that of the cell they replace.
    source : str
    text : bool
        Whether it is Markdown.
    deleted : bool
        Whether it is no longer there at the end of the session.
    fails : bool
        Whether an error ends it.
    """

    cell_id: str
    source: str
    text: bool = False
    deleted: bool = False
    fails: bool = False


@dataclass(frozen=True)
class CorpusNotebook:
    """A notebook, and how it was executed.

    Attributes
    ----------
    name : str
    title : str
    cells : list of CorpusCell
        In the order in which they stand in the file.
    order : list of int
        The places of code cells among the code cells, from 1, in the order of execution.
    cannot_repeat : str or None
        Why nothing can give its numbers again.
    warns : frozenset of str
        The badges that its runs may have although they come back.
    """

    name: str
    title: str
    cells: list[CorpusCell]
    order: list[int]
    cannot_repeat: str | None = None
    warns: frozenset[str] = frozenset()

    @cached_property
    def executed(self) -> list[CorpusCell]:
        """The cells as they were executed: the first has the execution count 1."""
        code = [cell for cell in self.cells if not cell.text]
        return [code[place - 1] for place in self.order]

    @cached_property
    def saved(self) -> list[CorpusCell]:
        """The cells of the notebook at the end of the session."""
        latest: dict[str, CorpusCell] = {}
        for cell in self.cells:
            latest[cell.cell_id] = cell  # an edit takes the place of what it replaces
        return [cell for cell in latest.values() if not cell.deleted]

    def as_ipynb(self) -> dict[str, Any]:
        """Return the notebook as Jupyter saves it, without outputs."""
        code = {"outputs": [], "execution_count": None}
        cells = [
            {
                "cell_type": "markdown" if cell.text else "code",
                "id": cell.cell_id,
                "metadata": {},
                "source": cell.source,
                **({} if cell.text else code),
            }
            for cell in self.saved
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
        return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}

    def save(self, path: Path) -> None:
        """Write the notebook as Jupyter does."""
        path.write_text(json.dumps(self.as_ipynb(), indent=1), "utf-8")


def parse(name: str, text: str) -> CorpusNotebook:
    """Return the notebook that a text in percent format is.

    Raises
    ------
    ValueError
        If a mark or the order of execution makes no sense.
    """
    marks = list(_CELL.finditer(text))
    head = text[: marks[0].start()] if marks else text
    settings = dict(_SETTING.findall(head))
    cells: list[CorpusCell] = []
    code: list[CorpusCell] = []
    for place, mark in enumerate(marks):
        end = marks[place + 1].start() if place + 1 < len(marks) else len(text)
        cell = _cell(name, place, mark[1] or "", text[mark.end() : end].strip("\n"), code)
        cells.append(cell)
        code += [] if cell.text else [cell]
    order = [int(each) for each in settings.get("order", "").split()]
    if wrong := [place for place in order if not 1 <= place <= len(code)]:
        raise ValueError(f"{name} has {len(code)} code cells; its order names {wrong}.")
    title = head.partition("\n")[0].lstrip("# ").strip()
    order = order or list(range(1, len(code) + 1))
    warns = frozenset(each.strip() for each in settings.get("warns", "").split(",")) - {""}
    return CorpusNotebook(name, title, cells, order, settings.get("cannot repeat"), warns)


def notebook(name: str) -> CorpusNotebook:
    """Return a notebook of the corpus."""
    return parse(name, (FOLDER / f"{name}.py").read_text("utf-8"))


def names() -> list[str]:
    """Return the names of all notebooks of the corpus."""
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def _cell(name: str, place: int, mark: str, source: str, code: list[CorpusCell]) -> CorpusCell:
    if edit := _EDIT.match(mark):
        before = int(edit[1])
        if not 1 <= before <= len(code):
            raise ValueError(f"{name} edits cell {before}, which does not come before the edit.")
        return CorpusCell(code[before - 1].cell_id, source)
    if mark not in _MARKS:
        raise ValueError(f"{name} marks a cell as {mark!r}; known are {', '.join(_MARKS[1:])}.")
    if mark == "markdown":
        source = "\n".join(line.removeprefix("#").removeprefix(" ") for line in source.split("\n"))
    return CorpusCell(
        f"{place + 1:08x}",
        source,
        text=mark == "markdown",
        deleted=mark == "deleted",
        fails=mark == "fails",
    )
