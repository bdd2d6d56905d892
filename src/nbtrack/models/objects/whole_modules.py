"""Modules of the user's own that are saved as files: where memory and file differ.

Nothing of a file is run to find out: its compiled functions are compared with those in memory,
and its literals with the values. What is computed when a module is imported is taken as it is.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from nbtrack.errors import InvalidParameterError
from nbtrack.models.objects import statements
from nbtrack.models.objects.arrays import equal_arrays
from nbtrack.models.objects.code_objects import all_codes, globals_used, same_code
from nbtrack.models.objects.references import is_own

_Body = list[ast.stmt]


def functions_of(value: Any) -> Iterator[FunctionType]:
    """Yield a function itself, or the functions of a class."""
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, type):
        for attribute in vars(value).values():
            yield from _plain(attribute)


def changes(value: Any) -> Iterator[tuple[str, str]]:
    """Yield what a class or function of a module has that the module's file does not.

    Yields
    ------
    path, reason : str
    """
    module = sys.modules[value.__module__]
    try:
        text = statements.text_of(module)
        codes = _codes(text)
    except (InvalidParameterError, SyntaxError, ValueError):
        return
    file = f"{module.__name__.replace('.', '/')}.py"
    reason = (
        f"is not what {file} defines: one of the two was changed after the import. Import it anew "
        "(importlib.reload, or restart) and make the model again, or undo the change"
    )
    if isinstance(value, type):
        yield from _of_class(value, text, codes, reason)
    elif isinstance(value, FunctionType) and not _has(value, codes, value.__qualname__):
        yield f"{value.__module__}.{value.__qualname__}", reason
    for function in functions_of(value):
        yield from _constants(function, text, reason)


def _of_class(
    value: type, text: str, codes: dict[str, list[CodeType]], reason: str
) -> Iterator[tuple[str, str]]:
    where = f"{value.__module__}.{value.__qualname__}"
    node = _class_node(text, value.__qualname__)
    if node is None:
        yield where, reason
        return
    literals = _literals(node.body)
    here = vars(value)
    decorated = bool(node.decorator_list)
    computed = _computed(node)
    for name, attribute in here.items():
        free = decorated or name in computed
        for function in _functions(attribute):
            if _is_changed(function, value.__qualname__, codes, free):
                yield f"{where}.{name}", reason
    for name, expected in literals.items():
        known = not isinstance(expected, _Unknown)
        if (name not in here and not decorated) or (
            known and name in here and _differs(here[name], expected)
        ):
            yield f"{where}.{name}", reason
    for name in _methods(node) - set(here):
        yield f"{where}.{name}", reason


def _is_changed(
    function: FunctionType, owner: str, codes: dict[str, list[CodeType]], free: bool
) -> bool:
    """Return whether a class has a function that its statement does not give it.

    ``free`` says that a decorator or an expression has made it, which may make anything.
    """
    plain: Any = inspect.unwrap(function)
    if "__main__" in (function.__globals__.get("__name__"), plain.__globals__.get("__name__")):
        return True
    if plain.__code__.co_filename.startswith("<"):
        return False  # of a dataclass
    qualname = plain.__code__.co_qualname
    inside = qualname.startswith(f"{owner}.")
    same = any(same_code(plain.__code__, code) for code in codes.get(qualname, ()))
    if inside and not same:
        return True
    return not free and (plain is not function or not inside)


def _computed(node: ast.ClassDef) -> set[str]:
    """Return the names in the body of a class that decorators or expressions give a value."""
    found = {
        target.id
        for each in node.body
        for target in ast.walk(each)
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and isinstance(target, ast.Name)
    }
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return found | {
        each.name for each in node.body if isinstance(each, kinds) and each.decorator_list
    }


def _constants(function: FunctionType, text: str, reason: str) -> Iterator[tuple[str, str]]:
    """Yield the constants of a module that a function uses and that have other values now."""
    if function.__globals__ is not vars(sys.modules.get(function.__module__, ast)):
        return
    known = _literals(_parsed(text).body)
    defined = _defined(text)
    for name in globals_used(function.__code__):
        value = function.__globals__.get(name)
        expected = known.get(name)
        path = f"{function.__module__}.{name}"
        if isinstance(expected, _Unknown):
            changed = not expected.is_value(value, function.__globals__)
        elif name in known:
            changed = _differs(value, expected)
        elif defined.get(name, True) or isinstance(value, type):
            continue  # made elsewhere, or by a decorator
        else:
            known_codes = _codes(text).get(name, [])
            changed = not isinstance(value, FunctionType) or not any(
                same_code(value.__code__, code) for code in known_codes
            )
        if changed:
            yield path, reason


class _Unknown:
    """An expression of a module's level that is no literal."""

    def __init__(self, node: ast.expr) -> None:
        self._node = node

    def is_value(self, value: Any, namespace: dict[str, Any]) -> bool:
        """Return whether a value can be what the expression makes, as far as that is known."""
        called = _called(self._node)
        if any(name.startswith(_RANDOM) for name in called):
            return False  # another import makes other numbers
        if not called <= _MAKERS:
            return True
        try:
            made = eval(compile(ast.Expression(self._node), "<module>", "eval"), namespace)  # noqa: S307  makes plain arrays and numbers only
        except Exception:  # noqa: BLE001  it may need what the module has changed since
            return True
        equal = equal_arrays(value, made)
        if equal is not None:
            return equal
        if type(made) in _PLAIN:
            return not _differs(value, made)
        return bool(called) or value is made  # another name, such as nn = torch.nn


_PLAIN = (int, float, complex, str, bool, list, tuple, dict)
_RANDOM = ("rand", "normal", "uniform", "choice", "permutation", "shuffle")
_MAKERS = frozenset({
    "tensor", "ones", "zeros", "full", "arange", "linspace", "eye", "array", "asarray", "float",
    "int", "sqrt", "log", "exp", "tuple", "list", "dict", "sum", "len", "range", "reshape", "view",
    "astype", "float32", "float64", "to", "double", "half",
})  # fmt: skip


def _called(node: ast.expr) -> set[str]:
    """Return the last names of what an expression calls."""
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            function = each.func
            name = getattr(function, "attr", getattr(function, "id", "<expression>"))
            found.add(str(name))
        elif isinstance(each, ast.Lambda | ast.Await | ast.Yield | ast.NamedExpr):
            found.add("<expression>")
    return found


@lru_cache(maxsize=64)
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


@lru_cache(maxsize=64)
def _codes(text: str) -> dict[str, list[CodeType]]:
    """Return the functions that a text defines, by their qualified names."""
    found: dict[str, list[CodeType]] = {}
    for code in all_codes(compile(text, "<module>", "exec", dont_inherit=True)):
        found.setdefault(code.co_qualname, []).append(code)
    return found


def _has(value: FunctionType, codes: dict[str, list[CodeType]], qualname: str) -> bool:
    """Return whether a function is one that the text defines under this name."""
    plain = inspect.unwrap(value)
    if not isinstance(plain, FunctionType):
        return True
    names = {qualname, plain.__code__.co_qualname}
    if plain is not value or "<" in plain.__code__.co_qualname:
        return True  # what a decorator has made of it
    return any(same_code(plain.__code__, code) for name in names for code in codes.get(name, ()))


def _functions(attribute: Any) -> Iterator[FunctionType]:
    """Yield the functions of an attribute as they are, those inside of descriptors too."""
    names = ("__func__", "fget", "fset", "func")
    for part in (attribute, *(getattr(attribute, name, None) for name in names)):
        if isinstance(part, FunctionType) and is_own(inspect.unwrap(part).__module__):
            yield part


def _plain(attribute: Any) -> Iterator[FunctionType]:
    parts = (
        attribute,
        *(getattr(attribute, n, None) for n in ("__func__", "fget", "fset", "func")),
    )
    for part in parts:
        found = inspect.unwrap(part) if callable(part) else part
        if isinstance(found, FunctionType) and is_own(found.__module__):
            yield found


def _class_node(text: str, qualname: str) -> ast.ClassDef | None:
    body: _Body = _parsed(text).body
    found: ast.ClassDef | None = None
    for name in qualname.split("."):
        found = None
        for node in body:
            for each in ast.walk(node):
                if isinstance(each, ast.ClassDef) and each.name == name:
                    found = each
        if found is None:
            return None
        body = found.body
    return found


def _methods(node: ast.ClassDef) -> set[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {each.name for each in node.body if isinstance(each, kinds)}


def _defined(text: str) -> dict[str, bool]:
    """Return the functions and classes of a module's level, and whether they are decorated."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    body = _parsed(text).body
    return {node.name: bool(node.decorator_list) for node in body if isinstance(node, kinds)}


def _literals(body: _Body) -> dict[str, Any]:
    """Return the values that names are given in a body once, and nowhere else in it."""
    found: dict[str, Any] = {}
    given: dict[str, int] = {}
    for node in body:
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                given[each.id] = given.get(each.id, 0) + 1
        target: ast.expr | None = None
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            target = node.target
        if isinstance(target, ast.Name):
            try:
                found[target.id] = ast.literal_eval(node.value)  # type: ignore[attr-defined]
            except (ValueError, TypeError, SyntaxError):
                found[target.id] = _Unknown(node.value)  # type: ignore[attr-defined]
    return {name: value for name, value in found.items() if given[name] == 1}


def _differs(value: Any, expected: Any) -> bool:
    if type(value) is not type(expected):
        return True
    if isinstance(expected, dict | list) and not expected:
        return False  # a cache or a registry, which is filled while the module is used
    try:
        return bool(value != expected)
    except (ValueError, TypeError, RuntimeError):
        return False
