"""Whether a cell that calls ``start_run`` will start more than one run, as far as its code says."""

from __future__ import annotations

import ast
import linecache
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

_LOOPS = (
    ast.For, ast.AsyncFor, ast.While,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip
_LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
_MANY = 2


def makes_several(shell: Any) -> bool:
    """Return whether the call of ``start_run`` that is going on is one of several of its cell.

    It is where the cell has several such calls one after the other, or where it, or a function
    that it calls, is in a loop there. Loops of libraries are not looked at: one that calls back
    may do so once.

    Parameters
    ----------
    shell : InteractiveShell
    """
    for frame in _frames_of_user():
        tree = _tree_of(frame.f_code.co_filename)
        if tree is None:
            continue
        if frame.f_globals is shell.user_global_ns and frame.f_code.co_name == "<module>":
            return _is_in_loop(tree, frame) or _count(tree.body) >= _MANY
        if _is_in_loop(tree, frame):
            return True
    return False


def _frames_of_user() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        file = frame.f_code.co_filename
        if name.partition(".")[0] != "nbtrack" and not file.startswith(_LIBRARIES):
            yield frame
        frame = frame.f_back


def _tree_of(file: str) -> ast.Module | None:
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return None


def _is_in_loop(tree: ast.AST, frame: FrameType) -> bool:
    """Return whether a line that runs is in a loop of its own function."""
    line, first = frame.f_lineno, frame.f_code.co_firstlineno
    for node in ast.walk(tree):
        if isinstance(node, _LOOPS) and node.lineno <= line <= (node.end_lineno or 0):
            begin = node.body[0].lineno if isinstance(node, ast.stmt) else node.lineno
            if begin <= line and (frame.f_code.co_name == "<module>" or node.lineno >= first):
                return True
    return False


def _count(nodes: Iterable[ast.AST]) -> int:
    """Return how many runs some statements start one after the other; 2 stands for more."""
    return min(sum(map(_count_in, nodes)), _MANY)


def _count_in(node: ast.AST) -> int:
    if isinstance(node, _LATER):
        return 0  # where it is called is seen when it is
    if isinstance(node, ast.If):
        return _count([node.test]) + max(_count(node.body), _count(node.orelse))
    if isinstance(node, ast.IfExp):
        return _count([node.test]) + max(_count([node.body]), _count([node.orelse]))
    if isinstance(node, ast.Try):
        handlers = [_count(handler.body) for handler in node.handlers]
        return max([_count([*node.body, *node.orelse]), *handlers]) + _count(node.finalbody)
    inner = _count(ast.iter_child_nodes(node))
    if isinstance(node, _LOOPS):
        return _MANY * inner
    return inner + _starts_run(node)


def _starts_run(node: ast.AST) -> bool:
    """Return whether a node is a call of ``start_run`` that asks for no place inside another."""
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
    inside = any(each.arg in ("nested", "parent_run_id") for each in node.keywords)
    return name == "start_run" and not inside
