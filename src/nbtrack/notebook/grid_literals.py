"""Where a cell gives the values that a grid varies, and the cell with others in their place."""

from __future__ import annotations

import ast
import copy
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from IPython.core.error import UsageError

from nbtrack.suggestions import did_you_mean

_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)
MARK = "_nbtrack_grid"
"""The attribute of a syntax node whose value is replaced: the name it stands for."""


@dataclasses.dataclass
class GridCell:
    """A cell with places for the values of a grid.

    Attributes
    ----------
    body : list of ast.stmt
        Its statements; the values that are replaced are marked.
    outside : list of str
        Names that the cell does not assign: they are set before it runs.
    """

    body: list[ast.stmt]
    outside: list[str]

    def with_values(self, values: Mapping[str, Any]) -> ast.Module:
        """Return the cell with values in their places; its lines are those of the cell."""
        tree = ast.Module(copy.deepcopy(self.body), type_ignores=[])
        module: ast.Module = _Replacing(values).visit(tree)
        return module


def grid_cell(
    body: Sequence[ast.stmt],
    names: Sequence[str],
    used: frozenset[str],
    namespace: Mapping[str, Any],
) -> GridCell:
    """Find where a cell gives the values of some names.

    Parameters
    ----------
    body : list of ast.stmt
    names : list of str
        Such as ``lr``, and ``cfg.lr`` for an item or a field of ``cfg``.
    used : frozenset of str
        What the cell uses of earlier cells.
    namespace : mapping
        The variables of the notebook.

    Raises
    ------
    UsageError
        If a name is nowhere, or its value is computed.
    """
    statements = list(body)
    outside = []
    for name in names:
        root, *path = name.split(".")
        bindings = list(_bindings(statements, root))
        if bindings:
            node = _value_of(bindings, root, name)
            _mark(_inner(node, path, name, namespace), name)
        elif root not in namespace:
            raise UsageError(_nowhere(name, statements, used, namespace))
        elif root not in used:
            raise UsageError(
                f"--grid {name}: the cell does not use {root}, so all of its runs would be equal."
            )
        else:
            _check_inside(namespace[root], path, name)
            outside.append(name)
    return GridCell(statements, outside)


def set_outside(namespace: dict[str, Any], name: str, value: Any) -> None:
    """Set a name of the notebook; of ``cfg.lr``, in a copy of ``cfg``."""
    root, *path = name.split(".")
    namespace[root] = _changed(namespace.get(root), path, value)


@dataclasses.dataclass
class _Binding:
    """A place where the cell gives a name a value; ``value`` is what can be replaced there."""

    line: int
    how: str
    value: ast.expr | None


def _bindings(body: Sequence[ast.stmt], root: str) -> Iterator[_Binding]:
    for statement in body:
        yield from _bindings_of(statement, root)


def _bindings_of(statement: ast.stmt, root: str) -> Iterator[_Binding]:
    line = statement.lineno
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _targets(target, statement.value, root)
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        yield from _targets(statement.target, statement.value, root)
    elif isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        if statement.name == root:
            yield _Binding(line, "defined", _as_value(statement))
    elif isinstance(statement, ast.AugAssign):
        if isinstance(statement.target, ast.Name) and statement.target.id == root:
            yield _Binding(line, "changed", None)
    elif isinstance(statement, ast.AnnAssign):
        return  # without a value it binds nothing
    else:
        how = "set in a block" if isinstance(statement, _BLOCKS) else "bound"
        found = [n for n in _names_bound(statement) if n[0] == root]
        if found:
            changed = all(kind == "changed" for _, kind, _ in found)
            yield _Binding(found[0][2], "changed" if changed else how, None)


def _targets(target: ast.expr, value: ast.expr, root: str) -> Iterator[_Binding]:
    if isinstance(target, ast.Name):
        if target.id == root:
            yield _Binding(target.lineno, "assigned", value)
    elif isinstance(target, ast.Tuple | ast.List):
        pairs = (
            list(zip(target.elts, value.elts, strict=True))
            if isinstance(value, ast.Tuple | ast.List)
            and len(value.elts) == len(target.elts)
            and not any(isinstance(e, ast.Starred) for e in (*target.elts, *value.elts))
            else []
        )
        if pairs:
            for part, item in pairs:
                yield from _targets(part, item, root)
        elif any(isinstance(n, ast.Name) and n.id == root for n in ast.walk(target)):
            yield _Binding(target.lineno, "unpacked", None)


def _names_bound(node: ast.AST) -> Iterator[tuple[str, str, int]]:
    """Yield the names that a statement binds in the scope of the cell, how, and in which line."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name, "bound", node.lineno
        return
    if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id, "changed", node.lineno
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield (alias.asname or alias.name).split(".")[0], "bound", node.lineno
    if isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name, "bound", node.lineno
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
        yield node.id, "bound", node.lineno
    for child in ast.iter_child_nodes(node):
        yield from _names_bound(child)


def _as_value(statement: ast.stmt) -> ast.expr | None:
    """Return a class that has only values as a call: ``CFG(lr=0.1)``."""
    if not isinstance(statement, ast.ClassDef) or statement.bases or statement.decorator_list:
        return None
    words = []
    for each in statement.body:
        if isinstance(each, ast.Assign | ast.AnnAssign) and each.value is not None:
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            words += [
                ast.keyword(target.id, each.value)
                for target in targets
                if isinstance(target, ast.Name)
            ]
    return ast.Call(ast.Name("dict", ast.Load()), [], words)


def _value_of(bindings: list[_Binding], root: str, name: str) -> ast.expr:
    first, *others = bindings
    again = [other for other in others if other.how != "changed"]
    if first.value is None:
        what = {
            "unpacked": f"{root} comes out of something that is unpacked",
            "changed": f"{root} is only changed",
            "set in a block": f"{root} is set inside a block (a loop, if, with)",
            "defined": f"{root} is a function or class",
        }.get(first.how, f"{root} is bound")
        raise UsageError(
            f"--grid {name}: {what} in line {first.line} of the cell. A grid replaces the "
            f"literal of an assignment at the top level, such as {root} = 1."
        )
    if again:
        lines = ", ".join(str(each.line) for each in (first, *again))
        raise UsageError(
            f"--grid {name}: {root} gets a value in lines {lines} of the cell; which one is meant? "
            "A grid replaces the literal of one assignment."
        )
    return first.value


def _inner(
    node: ast.expr, path: Sequence[str], name: str, namespace: Mapping[str, Any]
) -> ast.expr:
    """Return the literal that a path leads to inside a dict or a call with keywords."""
    for place, key in enumerate(path):
        items = _items(node)
        if items is None:
            inside = ".".join(name.split(".")[: place + 1])
            raise UsageError(
                f"--grid {name}: {inside} is {ast.unparse(node)[:60]!r}, in which there is no "
                f"{key} to be replaced; it takes a dict or a call with keywords."
            )
        if key not in items and _has_field(node, key, namespace):
            assert isinstance(node, ast.Call)  # noqa: S101  for the type checker
            added = ast.copy_location(ast.Constant(None), node)
            node.keywords.append(ast.copy_location(ast.keyword(key, added), node))
            return added
        if key not in items:
            hint = did_you_mean(key, items, f"It has {', '.join(items) or 'none'}.", str)
            raise UsageError(f"--grid {name}: there is no {key}. {hint}")
        node = items[key]
    if not _is_literal(node):
        raise UsageError(
            f"--grid {name}: the cell computes {name} in line {node.lineno} "
            f"({ast.unparse(node)[:60]}). A grid replaces literals: write one there, or vary what "
            "it is computed from."
        )
    return node


def _items(node: ast.expr) -> dict[str, ast.expr] | None:
    if isinstance(node, ast.Dict):
        return {
            str(key.value): value
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
        }
    if isinstance(node, ast.Call):
        return {word.arg: word.value for word in node.keywords if word.arg is not None}
    return None


def _has_field(node: ast.expr, key: str, namespace: Mapping[str, Any]) -> bool:
    """Return whether a call makes a data class that has this field, with its default."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    kind = namespace.get(node.func.id)
    fields = (
        dataclasses.fields(kind)
        if isinstance(kind, type) and dataclasses.is_dataclass(kind)
        else ()
    )
    return not node.args and any(each.name == key and each.init for each in fields)


def _is_literal(node: ast.expr) -> bool:
    """Return whether an expression has a value that no name and no call has a part in."""
    known = (ast.Constant, ast.UnaryOp, ast.BinOp, ast.Tuple, ast.List, ast.Set, ast.Dict,
             ast.operator, ast.unaryop, ast.expr_context)  # fmt: skip
    return all(isinstance(part, known) for part in ast.walk(node))


def _mark(node: ast.expr, name: str) -> None:
    setattr(node, MARK, name)


class _Replacing(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def visit(self, node: ast.AST) -> Any:
        name = getattr(node, MARK, None)
        if name is None:
            return self.generic_visit(node)
        made = _expression(self._values[name])
        for part in ast.walk(made):
            ast.copy_location(part, node)
        return made


def _expression(value: Any) -> ast.expr:
    if value is None or isinstance(value, bool | int | float | str | bytes | complex):
        return ast.Constant(value)
    return ast.parse(repr(value), mode="eval").body


def _nowhere(
    name: str, body: Sequence[ast.stmt], used: frozenset[str], namespace: Mapping[str, Any]
) -> str:
    assigned = [n for statement in body for n, _, _ in _names_bound(statement)]
    known = dict.fromkeys([*assigned, *(n for n in used if n in namespace)])
    root = name.partition(".")[0]
    hint = did_you_mean(name, known, f"Assign it in the cell: {root} = 1.", str)
    return f"--grid {name}: there is no {root}, in the cell or before it. {hint}"


def _check_inside(value: Any, path: Sequence[str], name: str) -> None:
    for place, key in enumerate(path):
        names = list(map(str, value)) if isinstance(value, dict) else _attributes(value)
        if key not in names:
            hint = did_you_mean(key, names, f"It has {', '.join(names[:20]) or 'none'}.", str)
            inside = ".".join(name.split(".")[: place + 1])
            raise UsageError(f"--grid {name}: {inside} has no {key}. {hint}")
        value = value[key] if isinstance(value, dict) else getattr(value, key)


def _attributes(value: Any) -> list[str]:
    if dataclasses.is_dataclass(value):
        return [field.name for field in dataclasses.fields(value)]
    return [key for key in getattr(value, "__dict__", {}) if not key.startswith("_")]


def _changed(value: Any, path: Sequence[str], new: Any) -> Any:
    """Return a copy of an object with another value at the end of a path."""
    if not path:
        return new
    key, *rest = path
    if isinstance(value, dict):
        return {**value, key: _changed(value[key], rest, new)}
    inner = _changed(getattr(value, key), rest, new)
    if isinstance(value, type):
        return type(value.__name__, (value,), {key: inner, "__qualname__": value.__qualname__})
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **{key: inner})
    copied = copy.copy(value)
    setattr(copied, key, inner)
    return copied
