"""What parts of a syntax tree say: which names they hold, and whether they are magics."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

MAX_TEXT = 2000
_LOUD = (
    *(ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.Starred, ast.Attribute, ast.Subscript),
    *(ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp),
)

# what functions are called that set up a library, as a word of snake_case or camelCase
_SETS_UP = re.compile(
    r"(set|use|enable|disable|register|init|initialize|download|extension|pandas|prefer|require"
    r"|allow|configure|config|reset|seterr|install|patch|activate)(?![a-z])|initjs|monkey_?patch"
)
_SETTINGS = re.compile(r"(config|options|settings|defaults|rc_?params|flags)$", re.I)
_FILLS = frozenset({"append", "insert", "extend", "update", "add", "clear", "remove", "setdefault"})


def holds(node: ast.AST) -> set[str]:
    """Return the names whose objects the value of an expression may share, or may be.

    A function that is called by its name is none of them: what it makes is not it.
    """
    match node:
        case ast.Call(func=ast.Name()):
            return {n for part in [*node.args, *node.keywords] for n in holds(part)}
        case ast.Name():
            return {node.id}
        case ast.Constant() | ast.Compare() | ast.JoinedStr():
            return set()
        case ast.Attribute() | ast.Subscript() | ast.Starred() | ast.Await():
            return holds(node.value)
        case ast.BinOp() | ast.UnaryOp():
            return set()  # a new object
        case ast.Lambda():
            own = {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
            return {n.id for n in ast.walk(node.body) if isinstance(n, ast.Name)} - own
        case _:
            return {name for child in ast.iter_child_nodes(node) for name in holds(child)}


def is_inert(tree: ast.Module) -> bool:
    """Return whether statements bind names only, whatever the objects are that they name.

    To look up an attribute or an item may run code, to set one changes an object that others may
    share, and what is shown is the last result from then on.
    """
    for statement in tree.body:
        parts: list[ast.AST] = [statement]
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if statement.decorator_list:
                    return False
                parts = [*values_of(statement.args)]
            case ast.Assign() | ast.AnnAssign() | ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case _:
                return False
        if any(isinstance(each, _LOUD) for part in parts for each in ast.walk(part)):
            return False
    return True


def stored_parts(target: ast.expr) -> Iterator[ast.expr]:
    """Yield the parts of an assignment's target that change an object."""
    for part in ast.walk(target):
        if isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load):
            yield part


def texts_in(node: ast.Call) -> Iterator[str]:
    """Yield the string literals of a call, each up to its first 2,000 characters."""
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value[:MAX_TEXT]


def values_of(arguments: ast.arguments) -> list[ast.expr]:
    """Return the expressions in the header of a function: defaults and annotations."""
    annotated = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [
        *arguments.defaults,
        *(default for default in arguments.kw_defaults if default is not None),
        *(argument.annotation for argument in annotated if argument.annotation is not None),
    ]


def names_in(target: ast.expr) -> Iterator[str]:
    """Yield the names that an assignment binds."""
    for part in ast.walk(target):
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            yield part.id


def base_name(node: ast.expr) -> str | None:
    """Return the name that ``a.b[0].c`` begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def is_magic(node: ast.Call) -> bool:
    """Return whether a call is what IPython makes of a magic or of a line of the shell."""
    function = node.func
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Call)
        and getattr(function.value.func, "id", "") == "get_ipython"
    )


def magics_in(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the magics that code runs, as ``("line", "time")``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_magic(node) and node.args:
            kind = getattr(node.func, "attr", "").removeprefix("run_").removesuffix("_magic")
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield kind, first.value


def is_run_magic(node: ast.Call) -> bool:
    """Return whether a magic may bind anything."""
    first = node.args[0] if node.args else None
    return (
        isinstance(node.func, ast.Attribute)
        and node.func.attr == "run_line_magic"
        and isinstance(first, ast.Constant)
        and first.value in ("run", "load", "pylab", "store")
    )


def set_up_in(node: ast.AST, *, functions: bool = False) -> Iterator[str]:
    """Yield the names by which a library may be set up, as in ``jax.config.update(...)``.

    That is what is called for its effect, by its name, and attributes deep inside of it that are
    assigned to.

    Parameters
    ----------
    node : ast.AST
    functions : bool, optional
        Whether to look into the functions that it defines.
    """
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if not functions:
                continue
            case ast.Expr(value=ast.Call(func=ast.Name("setattr" | "delattr"), args=[of, *_])):
                yield from _dotted(of)[:1]
            case ast.Expr(value=ast.Call(func=called)) if _sets_up(path := _dotted(called)):
                yield path[0]
            case ast.Assign() | ast.AugAssign():
                targets = child.targets if isinstance(child, ast.Assign) else [child.target]
                yield from (path[0] for path in map(_deep_target, targets) if path)
        yield from set_up_in(child, functions=functions)


def _sets_up(path: tuple[str, ...]) -> bool:
    return bool(path) and bool(
        _SETS_UP.match(path[-1])
        or (len(path) > 2 and path[-1] in _FILLS)
        or any(map(_SETTINGS.match, path[1:-1]))
    )


def _deep_target(target: ast.expr) -> tuple[str, ...]:
    """Return the names of what is assigned to, unless it is a variable or a module's attribute."""
    is_item = isinstance(target, ast.Subscript)
    path = _dotted(target.value if isinstance(target, ast.Subscript) else target)
    return path if len(path) > (1 if is_item else 2) else ()


def _dotted(node: ast.AST) -> tuple[str, ...]:
    """Return the names of ``a.b.c``; none where it is something else."""
    names: tuple[str, ...] = ()
    while isinstance(node, ast.Attribute):
        names, node = (node.attr, *names), node.value
    return (node.id, *names) if isinstance(node, ast.Name) else ()
