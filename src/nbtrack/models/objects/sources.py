"""Source files made of what cells and modules define, so that it can be made again."""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any, ForwardRef, get_args

from nbtrack.callables import annotations_of
from nbtrack.errors import InvalidParameterError
from nbtrack.models.objects import statements
from nbtrack.models.objects.references import is_whole
from nbtrack.models.objects.selection import DELETED, Changes, Selection
from nbtrack.models.objects.source_files import Serialize, SourceFile, SourceFiles


class Sources:
    """Collects the source of functions and classes that no installed package has.

    Parameters
    ----------
    serialize : callable
        ``serialize(value, where)`` returns the serialized form of a value that is no literal.
    note : callable
        Told what had to be left out.
    changes : dict, optional
        What classes and functions have that their source does not give them, by their ids.
    """

    def __init__(
        self, serialize: Serialize, note: Callable[[str], None], changes: Changes | None = None
    ) -> None:
        self._files = SourceFiles(serialize, note)
        self._changes = {} if changes is None else changes
        self._selections: list[Selection] = []

    def add(self, value: Any) -> tuple[str, str]:
        """Keep the source of a function or a class; return its file and its name there.

        Raises
        ------
        InvalidParameterError
            If its source is not known.
        """
        module = str(getattr(value, "__module__", "__main__"))
        if not statements.is_nested(value) and is_whole(value):
            return self._files.add_module(sys.modules[module]), value.__qualname__
        return self._selection_for(value).add(value)

    def add_factory(self, value: Any) -> tuple[str, str, dict[str, Any]]:
        """Keep a lambda, or what was defined inside of a function.

        Returns
        -------
        file, name : str
            A function there makes it anew from the variables around it.
        variables : dict
            Their values now.
        """
        free = statements.free_values(value)
        free |= closure_values(value, free)
        given: dict[str, Any] = {}
        for number, (target, new) in enumerate(self._changes.get(id(value), {}).items(), 1):
            given[target] = DELETED if new is DELETED else f"changed_{number}"
            if new is not DELETED:
                free[f"changed_{number}"] = new
        file, name = self._selection_for(value, nested=True).add_factory(value, free, given)
        return file, name, free

    def add_module(self, module: ModuleType) -> str:
        """Keep a module of the user's own as it is, with those that it imports; return its file."""
        return self._files.add_module(module)

    def finish(self) -> dict[str, SourceFile]:
        """Return the files, complete."""
        for piece in self._selections:
            self._files.set_text(piece.file, piece.text())
        return self._files.by_name

    def _selection_for(self, value: Any, *, nested: bool = False) -> Selection:
        name = "" if nested else value.__qualname__.partition(".")[0]
        namespace = statements.namespace_of(value)
        outer = value if "." not in value.__qualname__ else namespace.get(name, value)
        for piece in self._selections:
            # names of one file stand for what they do in one module
            if piece.namespace is namespace and (
                nested or any(piece.owner_of(name) is known for known in (None, outer))
            ):
                return piece
        taken = len(self._selections)
        file = SourceFile(f"notebook_{taken + 1}" if taken else "notebook", "__main__")
        self._files.by_name[file.name] = file
        self._selections.append(Selection(self._files, file, namespace, self._changes))
        return self._selections[-1]


def closure_values(value: Any, kept: dict[str, Any]) -> dict[str, Any]:
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
    written = ast.parse(statement.text).body[0]
    available = {
        **_imported(value, namespace),
        **_annotated(value, written),
        **statements.written_bases(value, written),
    }
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


def _annotated(value: Any, written: ast.AST) -> dict[str, Any]:
    """Return the names in annotations: those of a function, of a class and of its methods."""
    if isinstance(written, ast.FunctionDef | ast.AsyncFunctionDef):
        pairs = [(a.arg, a.annotation) for a in ast.walk(written.args) if isinstance(a, ast.arg)]
        pairs.append(("return", written.returns))
    elif isinstance(written, ast.ClassDef):
        lines = [node for node in written.body if isinstance(node, ast.AnnAssign)]
        pairs = [(n.target.id, n.annotation) for n in lines if isinstance(n.target, ast.Name)]
    else:
        return {}
    found: dict[str, Any] = {}
    known = annotations_of(value)
    for name, node in pairs:
        if node is not None and name in known:
            found.update(_bound_names(node, known[name]))
    for method in getattr(written, "body", []) if isinstance(value, type) else []:
        plain = inspect.unwrap(vars(value).get(getattr(method, "name", ""), None))
        if isinstance(plain, FunctionType):
            found.update(_annotated(plain, method))
    return found


def _bound_names(node: ast.AST, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names of an annotation with what they stand for: ``list[Message]``."""
    if isinstance(node, ast.Name) and not isinstance(value, ForwardRef):
        yield node.id, value
    elif isinstance(node, ast.Subscript):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        parts = get_args(value)
        if len(parts) == len(inner):
            for one, part in zip(inner, parts, strict=True):
                yield from _bound_names(one, part)


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
