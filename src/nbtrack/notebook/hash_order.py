"""Whether code depends on the order of a set: that of strings differs from process to process."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from itertools import pairwise

_MAKE = frozenset({"set", "frozenset"})
_COMBINE = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
_FREE = frozenset({"sorted", "len", "min", "max", "any", "all", "set", "frozenset", "isinstance"})
_TAKE = frozenset({
    "list", "tuple", "enumerate", "iter", "next", "zip", "map", "filter", "dict", "deque", "join",
    "fromkeys", "array", "Series", "DataFrame", "OrderedDict",
})  # fmt: skip


def takes_set_order(sources: Iterable[str]) -> bool:
    """Return whether cells take the items of a set in its order.

    Parameters
    ----------
    sources : iterable of str
        Python, in the order in which it ran.
    """
    reader = _Reader()
    for source in sources:
        try:
            reader.visit(ast.parse(source))
        except (SyntaxError, ValueError, RecursionError):
            continue
    return reader.found


class _Reader(ast.NodeVisitor):
    """Goes through code; remembers which names are sets."""

    def __init__(self) -> None:
        self.found = False
        self._sets: set[str] = set()
        self._sorted_next: set[ast.expr] = set()

    def generic_visit(self, node: ast.AST) -> None:
        """Visit what is inside; ``names = list(set(words))`` may be sorted in the next line."""
        body = getattr(node, "body", None)
        for one, other in pairwise(body if isinstance(body, list) else []):
            if isinstance(one, ast.Assign) and _sorts(other, one.targets):
                self._sorted_next.add(one.value)
        super().generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        names = {each.id for each in node.targets if isinstance(each, ast.Name)}
        self._sets = self._sets | names if self._is_set(node.value) else self._sets - names

    def visit_For(self, node: ast.For) -> None:
        self._take(node.iter)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self._take(node.iter)
        self.generic_visit(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        """Do nothing: a set that is made of a set has no order either."""

    def visit_Call(self, node: ast.Call) -> None:
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in _FREE:
            for part in [*map(_in_any_order, node.args), *node.keywords]:
                self.visit(part.elt if isinstance(part, ast.GeneratorExp | ast.ListComp) else part)
            return
        if node in self._sorted_next:
            self.visit(_in_any_order(node))
            return
        for argument in node.args if name in _TAKE else ():
            self._take(argument)
        if name == "pop" and not node.args and isinstance(node.func, ast.Attribute):
            self._take(node.func.value)
        self.generic_visit(node)

    def _take(self, node: ast.expr) -> None:
        self.found |= self._is_set(node)

    def _is_set(self, node: ast.expr) -> bool:
        match node:
            case ast.Name():
                return node.id in self._sets
            case ast.Set():
                return any(isinstance(getattr(each, "value", ""), str) for each in node.elts)
            case ast.SetComp():
                return True
            case ast.Call(func=ast.Name(id=name), args=[first, *_]):
                numbers = isinstance(first, ast.Call) and getattr(first.func, "id", "") == "range"
                return name in _MAKE and not numbers
            case ast.Call(func=ast.Name(id=name)):
                return name in _MAKE
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                return name in _COMBINE and self._is_set(value)
            case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
                return self._is_set(node.left) or self._is_set(node.right)
            case _:
                return False


def _in_any_order(node: ast.expr) -> ast.expr:
    """Return what ``list(...)`` is made of: it is to have an order of its own."""
    while isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("list", "tuple"):
        if len(node.args) != 1:
            break
        node = node.args[0]
    return node


def _sorts(node: ast.stmt, targets: list[ast.expr]) -> bool:
    """Return whether a statement is ``names.sort()``, of the only one of some targets."""
    match node, targets:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name(name), "sort"))), [ast.Name(target)]:
            return name == target
    return False
