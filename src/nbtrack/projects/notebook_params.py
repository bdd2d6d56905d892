"""Params of a notebook: a cell behind the one tagged ``parameters``, or new values of literals.

The tags are those of papermill, so that its notebooks run here and ours run there.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from nbtrack.errors import ProjectError

DECLARED = "parameters"
INJECTED = "injected-parameters"
_MAGIC = re.compile(r"^\s*[%!?]")

Notebook = dict[str, Any]
Cell = dict[str, Any]


def typed(given: Mapping[str, Any], notebook: Notebook) -> dict[str, Any]:
    """Return values with the types that the notebook gives them; texts are read as literals.

    A text becomes what the literal in the notebook is: a number, a truth value, a list. Where the
    notebook has a text, or None, or nothing, ``0.1``, ``3``, ``true``, ``[1, 2]`` are values and
    the rest is text.

    Raises
    ------
    ProjectError
        If a text does not fit.
    """
    defaults = _literals(notebook)
    return {name: fitted(name, value, defaults.get(name, ...)) for name, value in given.items()}


def set_params(notebook: Notebook, values: Mapping[str, Any]) -> None:
    """Write values into a notebook, in place.

    Behind the cell tagged ``parameters`` a cell sets them. In a notebook without one, the literals
    that its cells assign to these names are replaced.

    Raises
    ------
    ProjectError
        If the notebook has no such name, so that the value would change nothing.
    """
    cells: list[Cell] = notebook["cells"]
    cells[:] = [cell for cell in cells if INJECTED not in _tags(cell)]
    if not values:
        return
    place = next((i for i, cell in enumerate(cells) if DECLARED in _tags(cell)), None)
    if place is None:
        for name, value in values.items():
            _replace(cells, name, value)
        return
    declared = assigned(_text(cells[place]))
    unknown = [name for name in values if name not in declared]
    if unknown:
        raise ProjectError(
            f"The notebook's cell tagged {DECLARED!r} has no {', '.join(map(repr, unknown))}; it "
            f"has {', '.join(declared) or 'nothing'}.",
            "INVALID_PARAMETER_VALUE",
        )
    lines = [f"{name} = {literal_of(name, value)}" for name, value in values.items()]
    source = "\n".join(["# Parameters", *lines])
    cells.insert(
        place + 1,
        {
            "cell_type": "code",
            "id": "nbtrack-parameters",
            "execution_count": None,
            "metadata": {"tags": [INJECTED]},
            "outputs": [],
            "source": source,
        },
    )


def literal_of(name: str, value: Any) -> str:
    """Return the literal of a value; the name is for the error."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    text = repr(value.item() if type(value).__module__ == "numpy" else value)
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise ProjectError(
            f"The param {name!r} is a {type(value).__name__}; a notebook takes numbers, texts, "
            "truth values, None, and lists, tuples and dicts of them.",
            "INVALID_PARAMETER_VALUE",
        ) from None
    return text


def fitted(name: str, value: Any, default: Any) -> Any:
    """Return a value with the type of the one in its place; ``...`` stands for none.

    Raises
    ------
    ProjectError
        If a text does not fit.
    """
    if not isinstance(value, str) or (isinstance(default, str) and default is not ...):
        return value
    found = _read(value)
    if default is ... or default is None:
        return found
    if isinstance(default, bool):
        fits = isinstance(found, bool)
    elif isinstance(default, float):
        fits = isinstance(found, int | float) and not isinstance(found, bool)
        found = float(found) if fits else found
    elif isinstance(default, int):
        fits = isinstance(found, int | float) and not isinstance(found, bool)
    else:
        fits = isinstance(found, type(default))
    if not fits:
        raise ProjectError(
            f"The param {name!r} is {value!r}; the notebook has {default!r} there, "
            f"so that it has to be of the type {type(default).__name__}.",
            "INVALID_PARAMETER_VALUE",
        )
    return found


def _read(text: str) -> Any:
    words = {"true": True, "false": False, "none": None, "null": None}
    if text.strip().lower() in words:
        return words[text.strip().lower()]
    for read in (ast.literal_eval, json.loads):
        try:
            return read(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    try:
        return float(text)  # nan, inf
    except ValueError:
        return text


def _literals(notebook: Notebook) -> dict[str, Any]:
    found: dict[str, Any] = {}
    tagged = [cell for cell in notebook["cells"] if DECLARED in _tags(cell)]
    for cell in tagged or notebook["cells"]:
        for name, node in assigned(_text(cell)).items():
            if is_literal(node):
                found.setdefault(name, ast.literal_eval(node))
    return found


def _replace(cells: list[Cell], name: str, value: Any) -> None:
    for cell in cells:
        text = _text(cell)
        node = assigned(text).get(name)
        if node is not None and is_literal(node):
            cell["source"] = with_literal(text, node, literal_of(name, value))
            return
    raise ProjectError(
        f"Nothing in the notebook sets {name!r} to a literal, so that -P {name}=... would change "
        f"nothing. Tag the cell with the params {DECLARED!r}, and give {name!r} a value there.",
        "INVALID_PARAMETER_VALUE",
    )


def with_literal(text: str, node: ast.expr, new: str) -> str:
    """Return a source with another text in the place of an expression."""
    lines = text.splitlines(keepends=True)
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    # columns of a syntax tree count bytes
    before = lines[first].encode()[: node.col_offset].decode()
    after = lines[last].encode()[node.end_col_offset :].decode()
    return "".join([*lines[:first], before, new, after, *lines[last + 1 :]])


def blank_magics(text: str) -> str:
    """Return a cell with its magics as comments, so that it is Python of the same lines."""
    lines = text.splitlines(keepends=True)
    return "".join("#" + line[1:] if _MAGIC.match(line) else line for line in lines)


def assigned(text: str) -> dict[str, ast.expr]:
    """Return what a cell assigns to single names at its top level; the first counts."""
    try:
        tree = ast.parse(blank_magics(text))
    except SyntaxError:
        return {}
    found: dict[str, ast.expr] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            _take(found, statement.targets[0], statement.value)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            _take(found, statement.target, statement.value)
    return found


def _take(found: dict[str, ast.expr], target: ast.expr, value: ast.expr) -> None:
    if isinstance(target, ast.Name):
        found.setdefault(target.id, value)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its in zip(target.elts, value.elts, strict=False):
            _take(found, one, its)


def is_literal(node: ast.expr) -> bool:
    """Return whether an expression is a literal."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _tags(cell: Cell) -> list[str]:
    return list(cell.get("metadata", {}).get("tags", []))


def _text(cell: Cell) -> str:
    if cell.get("cell_type") != "code":
        return ""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)
