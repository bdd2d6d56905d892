"""Finding the statement that has made a function or a class, in cells and in files."""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import symtable
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from nbtrack.errors import InvalidParameterError

_FUTURE_ANNOTATIONS = 0x1000000  # CO_FUTURE_ANNOTATIONS


@dataclass(frozen=True)
class Statement:
    """The text of one statement, and the global names it uses.

    Attributes
    ----------
    text : str
    binds : str
        The name it gives a value.
    at_once : frozenset of str
        Names that are needed when it is executed: bases, decorators, defaults, the body of a class.
    later : frozenset of str
        Names that its functions need when they are called.
    postponed : bool
        Whether annotations are not evaluated (``from __future__ import annotations``).
    """

    text: str
    binds: str
    at_once: frozenset[str]
    later: frozenset[str]
    postponed: bool = False


def statement_of(value: Any) -> tuple[Statement, dict[str, Any]] | None:
    """Return the statement that has made a function or class, and the globals it was made in.

    None where its source is not known.
    """
    found = _located(value)
    if found is None:
        return None
    text, node, namespace, postponed = found
    return _statement(text, node, postponed), namespace


def free_values(value: Any) -> dict[str, Any]:
    """Return the variables of enclosing functions that a function or the methods of a class use.

    A variable without a value yet is left out, and so is the class that ``super`` needs.
    """
    found: dict[str, Any] = {}
    for function in _functions_in(value):
        names = function.__code__.co_freevars
        for name, cell in zip(names, function.__closure__ or (), strict=True):
            if name != "__class__":
                try:
                    found.setdefault(name, cell.cell_contents)
                except ValueError:
                    continue
    return found


def functions_around(value: Any) -> list[ast.AST]:
    """Return the functions, as source has them, inside of which a definition stands."""
    found = _located(value)
    tree = None if found is None else _tree(found[0])
    if found is None or tree is None:
        return []
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    around = [other for other in ast.walk(tree) if isinstance(other, kinds)]
    node = found[1]
    return [other for other in around if node is not other and node in ast.walk(other)]


def is_nested(value: Any) -> bool:
    """Return whether a function or class was made inside of a function, or is a lambda."""
    return "<" in getattr(value, "__qualname__", "")


def is_definition(value: Any) -> bool:
    """Return whether a value is a function or class that source text defines."""
    if isinstance(value, type | FunctionType):
        return True
    return hasattr(value, "__wrapped__") and isinstance(getattr(value, "__name__", None), str)


def written_bases(value: Any, written: ast.AST) -> dict[str, Any]:
    """Return the bases of a class that are written as plain names in its statement."""
    if not isinstance(written, ast.ClassDef):
        return {}
    bases = vars(value).get("__orig_bases__", value.__bases__)
    if len(bases) != len(written.bases):
        return {}
    pairs = zip(written.bases, bases, strict=True)
    return {node.id: base for node, base in pairs if isinstance(node, ast.Name)}


def unwrapped_source(value: Any) -> FunctionType | None:
    """Return a function as the decorator has made it that it was given to after its definition.

    Where the decorator stands above the definition, the source of that makes it anew; there, and
    for any other function, the answer is None.
    """
    if not isinstance(value, FunctionType) or not hasattr(value, "__wrapped__"):
        return None
    found = _located(value)
    if found is None or getattr(found[1], "decorator_list", None):
        return None
    code = value.__code__
    if "<" not in code.co_qualname or not _lines(code.co_filename):
        return None
    bare = FunctionType(
        code, value.__globals__, code.co_name, value.__defaults__, value.__closure__
    )
    bare.__kwdefaults__, bare.__qualname__ = value.__kwdefaults__, code.co_qualname
    bare.__module__ = str(value.__globals__.get("__name__"))
    return bare


def namespace_of(value: Any) -> dict[str, Any]:
    """Return the globals that a function or class was made in."""
    found = _located(value)
    return vars(sys.modules.get(value.__module__, builtins)) if found is None else found[2]


def text_of(module: Any) -> str:
    """Return the source of a module that is a file.

    Raises
    ------
    InvalidParameterError
        If the file is gone.
    """
    text = "".join(_lines(str(module.__file__)))
    if not text and not Path(str(module.__file__)).exists():
        raise InvalidParameterError(
            f"The module {module.__name__} cannot be saved with the model: its file "
            f"{Path(str(module.__file__)).name} is gone. Put it back, or import it from elsewhere."
        )
    return text


def names_in(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the global names that source uses at once, and those that its functions use later."""
    table = symtable.symtable(text, "source", "exec")
    at_once: set[str] = set()
    later: set[str] = set()
    for symbol in table.get_symbols():
        if symbol.is_referenced():
            at_once.add(symbol.get_name())
    for child in table.get_children():
        _add_globals(child, at_once, later, inside=False)
    return frozenset(at_once), frozenset(later - at_once)


def _add_globals(
    table: symtable.SymbolTable, at_once: set[str], later: set[str], *, inside: bool
) -> None:
    # a comprehension is a function to the compiler, but it runs where it stands
    runs = table.get_name() in ("listcomp", "setcomp", "dictcomp", "genexpr")
    inside = inside or (table.get_type() == "function" and not runs)
    for symbol in table.get_symbols():
        if symbol.is_global() and symbol.is_referenced():
            (later if inside else at_once).add(symbol.get_name())
    for child in table.get_children():
        _add_globals(child, at_once, later, inside=inside)


def _located(value: Any) -> tuple[str, ast.AST, dict[str, Any], bool] | None:
    """Return the source, the node in it, the globals, and whether annotations are postponed."""
    code, namespace = _code_of(value)
    if code is not None:
        node = _node_at(code, value)
        if node is not None:
            postponed = bool(code.co_flags & _FUTURE_ANNOTATIONS)
            return "".join(_lines(code.co_filename)), node, namespace, postponed
    name = getattr(value, "__name__", "")
    module = sys.modules.get(getattr(value, "__module__", "") or "")
    if module is None or not name.isidentifier():
        return None
    best: tuple[int, str, ast.AST] | None = None
    for text in _texts_of(module):
        found = _inside(text, value.__qualname__) if is_nested(value) else _binding(text, name)
        if found is not None:
            distance = _distance(found, value)
            if best is None or distance < best[0]:
                best = distance, text, found
            if not distance:
                break
    if best is None:
        return None
    return best[1], best[2], vars(module), "from __future__ import annotations" in best[1]


def _distance(node: ast.AST, value: Any) -> int:
    """Return how much a class differs from a statement by its names and those of its bases."""
    if not isinstance(node, ast.ClassDef) or not isinstance(value, type):
        return 100 if isinstance(value, type) else 0
    bound = {name for each in node.body for name in _names_bound(each)}
    has = {name for name in vars(value) if not name.startswith("__") or name in bound}
    written = [getattr(base, "attr", getattr(base, "id", None)) for base in node.bases]
    bases = [base.__name__ for base in value.__bases__ if base is not object]
    return len(bound ^ has) + (10 if written != bases else 0)


def _names_bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield from (node.target.id,) if isinstance(node.target, ast.Name) else ()


def _inside(text: str, qualname: str) -> ast.AST | None:
    """Return the last class that stands inside of functions where its name says so."""
    places: list[ast.AST] = [tree] if (tree := _tree(text)) is not None else []
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    for name in qualname.replace(".<locals>", "").split("."):
        inner = [node for place in places for node in ast.walk(place) if node is not place]
        places = [node for node in inner if isinstance(node, kinds) and node.name == name]
    return places[-1] if places else None


def _statement(text: str, node: ast.AST, postponed: bool) -> Statement:
    piece = _piece(text, node)
    at_once, later = names_in(piece)
    binds = getattr(node, "name", "")
    return Statement(piece, binds, at_once, later, postponed)


def _piece(text: str, node: ast.AST) -> str:
    """Return the text of a node, its decorators included, without the indentation around it."""
    if isinstance(node, ast.Lambda):
        return f"({ast.get_source_segment(text, node)})"
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])  # type: ignore[attr-defined]
    lines = text.splitlines(keepends=True)[first - 1 : node.end_lineno]  # type: ignore[attr-defined]
    piece = textwrap.dedent("".join(lines))
    try:
        same = ast.dump(ast.parse(piece)) == ast.dump(ast.Module([node], []))  # type: ignore[list-item]
    except SyntaxError:
        same = False
    return piece.rstrip() + "\n" if same else ast.unparse(node) + "\n"


def _code_of(value: Any) -> tuple[CodeType | None, dict[str, Any]]:
    for function in _functions_in(value):
        return function.__code__, function.__globals__
    return None, {}


def _functions_in(value: Any) -> Iterator[FunctionType]:
    """Yield a function itself, or the functions that stand in the body of a class."""
    if not isinstance(value, type):
        plain = inspect.unwrap(value) if callable(value) else value
        if isinstance(plain, FunctionType):
            yield plain
        return
    for attribute in vars(value).values():
        parts = [attribute, *(getattr(attribute, n, None) for n in ("__func__", "fget", "func"))]
        for part in parts:
            plain = inspect.unwrap(part) if isinstance(part, FunctionType) else part
            if (
                isinstance(plain, FunctionType)
                and plain.__qualname__.startswith(value.__qualname__ + ".")
                and _lines(plain.__code__.co_filename)
            ):
                yield plain


def _node_at(code: CodeType, value: Any) -> ast.AST | None:
    tree = _tree("".join(_lines(code.co_filename)))
    if tree is None:
        return None
    line = code.co_firstlineno
    if isinstance(value, type):
        return _class_around(tree, value.__name__, line)
    if code.co_name == "<lambda>":
        return _lambda_at(tree, code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first <= line <= node.lineno:
                return node
    return None


def _class_around(tree: ast.Module, name: str, line: int) -> ast.ClassDef | None:
    found = None
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            inside = node.lineno <= line <= (node.end_lineno or node.lineno)
            found = node if inside else found  # the innermost comes last
    return found


def _lambda_at(tree: ast.Module, code: CodeType) -> ast.Lambda | None:
    line = code.co_firstlineno
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Lambda) and n.lineno == line]
    if len(found) > 1:
        spots = [p for p in code.co_positions() if p[0] is not None and p[2] is not None]
        inside = [
            node
            for node in found
            if all(
                (node.body.lineno, node.body.col_offset) <= (p[0], p[2])
                and (p[1], p[3]) <= (node.body.end_lineno, node.body.end_col_offset)
                for p in spots
                if (p[2], p[3]) != (0, 0)
            )
        ]
        found = inside or found
    return found[-1] if found else None


def _binding(text: str, name: str) -> ast.stmt | None:
    """Return the last statement of a module's own level that gives a name its value."""
    tree = _tree(text)
    found = None
    for node in tree.body if tree is not None else []:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            targets = {node.name}
        elif isinstance(node, ast.Assign):
            targets = {t.id for t in node.targets if isinstance(t, ast.Name)}
        else:
            continue
        if name in targets:
            found = node
    return found


def _texts_of(module: Any) -> Iterator[str]:
    """Yield the sources of a module: the cells of a notebook, the last first, or its file."""
    file = getattr(module, "__file__", None)
    if module.__name__ == "__main__":
        for filename in reversed(list(linecache.cache)):
            if "ipykernel_" in filename or filename.startswith("<ipython-input"):
                yield "".join(_lines(filename))
    if isinstance(file, str):
        yield "".join(_lines(file))


def _lines(filename: str) -> list[str]:
    return linecache.getlines(filename)


@lru_cache(maxsize=64)
def _tree(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
