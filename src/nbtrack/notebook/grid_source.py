"""The statements of a cell with ``--grid`` on their way to the magic, and its text for each run."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from IPython.core.error import UsageError

from nbtrack.notebook.grid_literals import MARK, GridCell
from nbtrack.notebook.options import grid_is_asked

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_WAITS = (ast.Await, ast.AsyncFor, ast.AsyncWith)


class GridStatements(ast.NodeTransformer):
    """Takes the statements below ``%%track --grid`` out of the cell: the magic runs them.

    The cell stays one piece of code until it is parsed, so its lines and file name are those that
    a traceback shows.

    Parameters
    ----------
    capturing : callable
        Whether tracking is on: otherwise the cell is run as it is.

    Attributes
    ----------
    body : list of ast.stmt or None
        Those of the cell that was parsed last, if it has ``--grid``.
    waits : bool
        Whether they have an ``await`` at the top level.
    """

    def __init__(self, capturing: Any) -> None:
        self._capturing = capturing
        self.body: list[ast.stmt] | None = None
        self.waits = False

    def visit(self, node: ast.AST) -> Any:
        """Look at a cell."""
        if not isinstance(node, ast.Module):
            return node
        place = next((i for i, each in enumerate(node.body[:20]) if _has_grid(each)), None)
        if place is None or not self._capturing():
            return node
        call = node.body[place]
        before = node.body[:place]
        self.body = [*before, *node.body[place + 1 :]]
        self.waits = waits_for(self.body)
        if self.waits and isinstance(call, ast.Expr):
            call.value = ast.copy_location(ast.Await(call.value), call.value)
        return ast.Module([*before, call], node.type_ignores)

    def take(self) -> tuple[list[ast.stmt], bool]:
        """Return the statements of the cell that runs, and whether they wait.

        Raises
        ------
        UsageError
            If another magic has the cell.
        """
        body, self.body = self.body, None
        if not body or any(map(_is_cell_magic, body)):
            raise UsageError(
                "--grid replaces literals of the cell, and cannot see them below another magic: "
                "leave that one out."
            )
        return body, self.waits


def source_with(
    shell: Any, source: str, cell: GridCell, tree: ast.Module, values: Mapping[str, Any]
) -> str:
    """Return the text of a cell with values in the places of its literals.

    Where that would be other code than what ran, as with a field that the text does not have, the
    text stays as it is: the params say what the values were.
    """
    lines = [line.encode() for line in source.split("\n")]
    marked = [n for each in cell.body for n in ast.walk(each) if hasattr(n, MARK)]
    for node in sorted(marked, key=lambda n: (n.lineno, n.col_offset), reverse=True):  # type: ignore[attr-defined]
        first, last = node.lineno - 2, node.end_lineno - 2  # type: ignore[attr-defined]
        if not 0 <= first <= last < len(lines):
            return source
        begin, end = lines[first][: node.col_offset], lines[last][node.end_col_offset :]  # type: ignore[attr-defined]
        text = repr(values[getattr(node, MARK)])
        lines[first : last + 1] = [begin + text.encode() + end]
    made = b"\n".join(lines).decode("utf-8", "replace")
    try:
        same = ast.dump(ast.parse(shell.transform_cell(made))) == ast.dump(
            ast.parse(ast.unparse(tree))
        )
    except (SyntaxError, ValueError):
        return source
    return made if same else source


def waits_for(body: Sequence[ast.stmt]) -> bool:
    """Return whether statements have an ``await`` at their top level."""
    return any(map(_has_await, body))


def _has_grid(statement: ast.stmt) -> bool:
    """Return whether a statement is the line of ``%%track``, with a grid."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    words = [a.value for a in call.args if isinstance(a, ast.Constant)]
    return (
        call.func.attr == "run_line_magic"
        and len(words) == 2
        and words[0] == "track_cell"
        and grid_is_asked(str(words[1]))
    )


def _is_cell_magic(statement: ast.stmt) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    return call.func.attr == "run_cell_magic"


def _has_await(node: ast.AST) -> bool:
    if isinstance(node, _SCOPES):
        return False
    if isinstance(node, _WAITS) or (isinstance(node, ast.comprehension) and node.is_async):
        return True
    return any(map(_has_await, ast.iter_child_nodes(node)))
