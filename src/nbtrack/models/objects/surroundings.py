"""What a nested definition took from the function around it at the moment it was made.

A function keeps the variables around it that it uses when it is called. Bases, decorators and
defaults are used once, so nothing keeps those: they are found again in the bases of the class
and in the imports of the function around it.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator
from typing import Any

from nbtrack.errors import InvalidParameterError
from nbtrack.models.objects import statements


def values_around(value: Any, kept: dict[str, Any]) -> dict[str, Any]:
    """Return the local names that a nested function or class needs to be made, with their values.

    Parameters
    ----------
    value : type or function
        Made inside of a function.
    kept : dict
        The variables that it keeps itself.

    Raises
    ------
    InvalidParameterError
        If one of them cannot be found again.
    """
    found = statements.statement_of(value)
    if found is None:
        return {}
    statement, namespace = found
    future = "from __future__ import annotations\n" if statement.postponed else ""
    at_once, _ = statements.names_in(future + statement.text)
    known = {*namespace, *kept, *dir(builtins), statement.binds}
    lost = sorted(at_once - known)
    if not lost:
        return {}
    available = {**_imported(value, namespace), **_bases(value, statement.text)}
    gone = [name for name in lost if name not in available]
    if gone:
        inside = value.__qualname__.partition(".<locals>")[0]
        names = ", ".join(map(repr, gone))
        raise InvalidParameterError(
            f"{value.__name__!r} was made inside of {inside!r} from its variable {names}, which is "
            f"gone since {inside!r} has returned, so it cannot be saved. Define {value.__name__!r} "
            f"outside of a function, or define {names} there."
        )
    return {name: available[name] for name in lost}


def _bases(value: Any, text: str) -> dict[str, Any]:
    """Return the bases of a class that are written as plain names."""
    node = ast.parse(text).body[0]
    if not isinstance(node, ast.ClassDef):
        return {}
    bases = vars(value).get("__orig_bases__", value.__bases__)
    if len(bases) != len(node.bases):
        return {}
    pairs = zip(node.bases, bases, strict=True)
    return {written.id: base for written, base in pairs if isinstance(written, ast.Name)}


def _imported(value: Any, namespace: dict[str, Any]) -> dict[str, Any]:
    """Return what the functions around a definition import, the innermost last."""
    found: dict[str, Any] = {}
    for function in statements.functions_around(value):
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.name if alias.asname else alias.name.partition(".")[0]
                    if name in sys.modules:
                        found[alias.asname or name] = sys.modules[name]
            elif isinstance(node, ast.ImportFrom):
                found.update(_imported_from(node, namespace))
    return found


def _imported_from(node: ast.ImportFrom, namespace: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    parts = str(namespace.get("__package__") or "").split(".")
    above = parts[: len(parts) - node.level + 1] if node.level else []
    place = ".".join([*above, *([node.module] if node.module else [])])
    for alias in node.names:
        module = sys.modules.get(place)
        found = getattr(module, alias.name, sys.modules.get(f"{place}.{alias.name}"))
        if found is not None:
            yield alias.asname or alias.name, found
