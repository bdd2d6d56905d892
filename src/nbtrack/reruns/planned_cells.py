"""The cells that a rerun executes, and what is changed in them before."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from nbtrack.errors import InvalidParameterError, InvalidStateError, ProjectError
from nbtrack.projects.notebook_params import set_params, typed
from nbtrack.reruns.inner_literals import set_inner

_INSTALLS = re.compile(
    r"^([ \t]*)[%!]{1,2}[ \t]*(?:(?:\S*python[\d.]*|py)[ \t]+-m[ \t]+|sudo[ \t]+|uv[ \t]+)?"
    r"(?:pip[\d.]*|conda|mamba|apt(?:-get)?)[ \t][^\n]*$",
    re.MULTILINE,
)
_ASKED = re.compile(r"environ\.get\('(\w+)'\) or __import__\('getpass'\)")
_ASKED_ONLY = re.compile(r"(?<! or )__import__\('getpass'\)\.getpass\(")


@dataclass(frozen=True)
class PlannedCell:
    """A cell to be executed.

    Attributes
    ----------
    source : str
        As the kernel gets it: with its line of ``%%track``, without lines that install packages.
    number : int or None
        The execution count that it had.
    may_fail : bool
        Whether an error had ended it.
    random_state : str or None
        The digest of the state of the generators to be restored before it.
    own : bool
        Whether it is the cell that made the run, or one that has gone on with it.
    session : int
        Which of several kernels executes it, one after the other.
    """

    source: str
    number: int | None = None
    may_fail: bool = False
    random_state: str | None = None
    own: bool = False
    session: int = 0

    @property
    def title(self) -> str:
        """How people call it."""
        return f"cell {self.number or '?'}"


def check_secrets(cells: list[PlannedCell]) -> None:
    """Refuse cells with a secret that was not kept and that the environment does not have.

    Raises
    ------
    InvalidStateError
    """
    for cell in cells:
        missing = [name for name in _ASKED.findall(cell.source) if not os.environ.get(name)]
        if missing:
            names = ", ".join(dict.fromkeys(missing))
            raise InvalidStateError(
                f"{cell.title.capitalize()} needs {names}, which is a secret and was not kept. Set "
                f"the environment variable {missing[0]} and run it again."
            )
        if _ASKED_ONLY.search(cell.source):
            raise InvalidStateError(
                f"{cell.title.capitalize()} has a secret that was not kept and has no name, so it "
                "cannot be given. Read it from an environment variable in the notebook."
            )


def words_of(line: str) -> list[str]:
    """Return the words of a line of ``%%track``, as the magic reads them."""
    lexer = shlex.shlex(line.strip().rstrip(";"), posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.escape = lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        return line.split()


def without_installs(source: str) -> str:
    """Return a cell that leaves the packages of this environment as they are."""
    return _INSTALLS.sub(r"\1pass  # packages are not installed again", source)


def cells_with(cells: list[PlannedCell], params: Mapping[str, Any]) -> list[PlannedCell]:
    """Return cells in which literals have other values: those of the run's own cell come first."""
    if not params:
        return cells
    own = next(place for place, cell in enumerate(cells) if cell.own)
    order = [own, *reversed(range(own))]
    line, body = _split(cells[own].source)
    words, left = _line_with(line, params)
    texts = [body, *(cells[place].source for place in order[1:])]
    for name in [name for name in left if "." in name]:
        set_inner(texts, name, left.pop(name))
    notebook: dict[str, Any] = {
        "cells": [{"cell_type": "code", "metadata": {}, "source": text} for text in texts]
    }
    try:
        set_params(notebook, typed(left, notebook))
    except ProjectError as error:
        names = ", ".join(map(repr, left))
        raise InvalidParameterError(
            f"{names}: {str(error).split('. Tag the cell', maxsplit=1)[0]}. A variation replaces "
            "the literal that a cell of the run assigns."
        ) from None
    sources = [cell.source for cell in cells]
    for place, found in zip(order, notebook["cells"], strict=True):
        sources[place] = found["source"]
    if line:
        sources[own] = f"{words}\n{sources[own]}"
    return with_sources(cells, sources)


def _split(source: str) -> tuple[str, str]:
    first, _, rest = source.partition("\n")
    return (first, rest) if first.startswith("%%track") else ("", source)


def _line_with(line: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the line with the params that it gives itself, and those that are left."""
    left = dict(params)
    if not line:
        return line, left
    words = words_of(line)
    for place, word in enumerate(words):
        written = word
        prefix = ""
        if word.startswith("--param="):
            prefix, written = "--param=", word[8:]
        elif place == 0 or words[place - 1] not in ("-p", "--param"):
            continue
        name = written.partition("=")[0]
        if name in left:
            words[place] = f"{prefix}{name}={left.pop(name)}"
    return " ".join([words[0], *map(shlex.quote, words[1:])]), left


def with_sources(cells: list[PlannedCell], sources: list[str]) -> list[PlannedCell]:
    """Return cells with other sources."""
    return [replace(cell, source=text) for cell, text in zip(cells, sources, strict=True)]
