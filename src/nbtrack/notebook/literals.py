"""Params from literals: what a cell assigns at its top level."""

from __future__ import annotations

import ast
import dataclasses
import enum
import math
import operator
import os
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from nbtrack.notebook.observed.kinds import MRO, class_items, module_of, name_of
from nbtrack.redaction.names import is_secret
from nbtrack.tracking.random_reach import attributes_of

MAX_TEXT = 250
MAX_ITEMS = 100
MAX_DEPTH = 4
_OPERATORS: dict[type[ast.operator], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}
_NOTHING = object()


def literal_params(source: str) -> dict[str, Any]:
    """Return the literals that Python source assigns at its top level.

    ``lr = 1e-3``, ``batch_size, epochs = 64, 5``, ``cfg = dict(lr=0.1)`` as ``cfg.lr``, and so are
    those of a class that has nothing else in it: ``class CFG: lr = 1e-3`` as ``CFG.lr``. A name
    that is bound anywhere else in the cell too (a counter, a loop variable, a best value so far)
    is no param, and neither is one that starts with ``_`` or whose value is a secret by its name.

    Parameters
    ----------
    source : str
        Python, without magics.

    Returns
    -------
    dict of str to number, str, bool or None
        Empty if the source is no Python.
    """
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return {}
    found: dict[str, Any] = {}
    elsewhere: set[str] = set()
    for statement in body:
        names = set(_bound(statement))
        literals = dict(_of_class(statement) or _assigned(statement))
        elsewhere |= names - literals.keys()
        found |= literals
    params: dict[str, Any] = {}
    for name, value in found.items():
        if name not in elsewhere and is_param_name(name):
            params.update(flat(name, value))
    return params


def _of_class(statement: ast.stmt) -> dict[str, Any]:
    """Return a class as a dict, if it is used as one: all that it has are values."""
    if not isinstance(statement, ast.ClassDef) or statement.bases or statement.decorator_list:
        return {}
    plain = (ast.Assign, ast.AnnAssign, ast.Expr, ast.Pass)
    if not all(isinstance(each, plain) for each in statement.body):
        return {}
    values = dict(pair for each in statement.body for pair in _assigned(each))
    return {statement.name: values} if values else {}


def assigned_names(source: str) -> list[str]:
    """Return the names that Python source assigns at its top level."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return []
    names: dict[str, None] = {}
    for statement in body:
        for target in _targets(statement):
            names.update(dict.fromkeys(n.id for n in ast.walk(target) if isinstance(n, ast.Name)))
    return [name for name in names if is_param_name(name)]


def object_params(names: list[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of data classes and namespaces among some variables, flattened."""
    params: dict[str, Any] = {}
    for name in names:
        value = values.get(name)
        if _fields(value) is not None:
            params.update(flat(name, value))
    return params


def is_param_name(name: str) -> bool:
    """Return whether a variable of this name may be a param."""
    return not name.startswith("_")


def flat(name: str, value: Any) -> dict[str, Any]:
    """Return a value as params: fields and items below it as ``name.field``."""
    return dict(list(_leaves(name, value, 0))[:MAX_ITEMS])


def leaf_params(name: str, value: Any) -> dict[str, Any]:
    """Return a value as a param: none if it is more than a number, a text or a short list."""
    leaf = _leaf(value)
    secret = leaf is not _NOTHING and any(is_secret(part, leaf) for part in name.split("."))
    return {} if leaf is _NOTHING or secret else {name: leaf}


def _leaves(name: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    fields = dict(dict.items(value)) if issubclass(type(value), dict) else _fields(value)
    if fields is not None:
        if depth < MAX_DEPTH:
            for key, item in fields.items():
                if isinstance(key, str | int) and is_param_name(str(key)):
                    yield from _leaves(f"{name}.{key}", item, depth + 1)
        return
    yield from leaf_params(name, value).items()


def _leaf(value: Any) -> Any:
    try:
        return _plain_leaf(value)
    except Exception:  # noqa: BLE001  objects may be broken; others are params all the same
        return _NOTHING


def _plain_leaf(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.name
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT and "\n" not in value else _NOTHING
    if isinstance(value, list | tuple) and value:
        plain = all(item is None or isinstance(item, bool | int | float | str) for item in value)
        text = repr(value) if plain and len(value) <= MAX_ITEMS else ""
        return text if 0 < len(text) <= MAX_TEXT else _NOTHING
    return _NOTHING


def _fields(value: Any) -> dict[str, Any] | None:
    try:
        return _plain_fields(value)
    except Exception:  # noqa: BLE001  as above
        return None


def _plain_fields(value: Any) -> dict[str, Any] | None:
    if issubclass(type(value), type):
        return None
    if module_of(type(value)).partition(".")[0] == "nbtrack":  # a model or run that was looked up
        return None
    if any("__dataclass_fields__" in class_items(base) for base in MRO.__get__(type(value))):
        return {f.name: getattr(value, f.name, None) for f in dataclasses.fields(value) if f.repr}
    is_parsed = (module_of(type(value)), name_of(type(value))) == ("argparse", "Namespace")
    if issubclass(type(value), SimpleNamespace) or is_parsed:
        return attributes_of(value).copy()
    return None


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return list(statement.targets)
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        return [statement.target]
    return []


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, Any]]:
    if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
        for target in _targets(statement):
            yield from _matched(target, statement.value)


def _matched(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, Any]]:
    if isinstance(target, ast.Name):
        literal = _value(value)
        if literal is not _NOTHING:
            yield target.id, literal
    elif (
        isinstance(target, ast.Tuple | ast.List)
        and isinstance(value, ast.Tuple | ast.List)
        and len(target.elts) == len(value.elts)
    ):
        for part, item in zip(target.elts, value.elts, strict=True):
            yield from _matched(part, item)


def _value(node: ast.expr) -> Any:
    """Return what a literal stands for, or ``_NOTHING``."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, bool | int | float | str | None) else _NOTHING
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        number = _value(node.operand)
        if not _is_number(number):
            return _NOTHING
        return -number if isinstance(node.op, ast.USub) else number
    if isinstance(node, ast.BinOp):
        return _calculated(_value(node.left), node.op, _value(node.right))
    if isinstance(node, ast.List | ast.Tuple):
        items = [_value(item) for item in node.elts]
        if _NOTHING in items:
            return _NOTHING
        return items if isinstance(node, ast.List) else tuple(items)
    return _dictionary(node)


def _calculated(left: Any, how: ast.operator, right: Any) -> Any:
    work = _OPERATORS.get(type(how))
    if work is None or not (_is_number(left) and _is_number(right)):
        return _NOTHING
    if isinstance(how, ast.Pow) and (abs(right) > 64 or abs(left) > 1e6):
        return _NOTHING
    try:
        number = work(left, right)
    except ArithmeticError:
        return _NOTHING
    return number if _is_number(number) and not math.isnan(number) else _NOTHING


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _dictionary(node: ast.expr) -> Any:
    if isinstance(node, ast.Dict):
        pairs = [(_value(k) if k is not None else _NOTHING, v) for k, v in zip(
            node.keys, node.values, strict=True
        )]  # fmt: skip
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "dict"
        and not node.args
    ):
        pairs = [(word.arg or _NOTHING, word.value) for word in node.keywords]
    else:
        return _NOTHING
    # an item that is no literal (a tensor, a call) does not hide those beside it
    items = ((key, _value(item)) for key, item in pairs)
    found = {k: v for k, v in items if isinstance(k, str | int) and v is not _NOTHING}
    return found or _NOTHING


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds in the scope it stands in."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        if not isinstance(node, ast.Lambda):
            yield node.name
            for inner in ast.walk(node):
                if isinstance(inner, ast.Global):
                    yield from inner.names
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
        yield node.id
    for child in ast.iter_child_nodes(node):
        yield from _bound(child)
