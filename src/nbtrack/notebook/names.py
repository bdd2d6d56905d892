"""Which names a cell needs, binds and changes: by its syntax, without running it."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_ALWAYS = frozenset(dir(builtins)) | {"get_ipython", "display", "In", "Out", "exit", "quit"}
_LOOKS = frozenset({
    "print", "display", "len", "type", "repr", "help", "isinstance", "id", "dir", "vars", "str",
    "head", "tail", "describe", "info", "plot", "show", "summary", "hist", "sample", "shape",
    "log_metric", "log_metrics", "log_param", "log_params", "set_tag", "set_tags", "log_figure",
    "log_image", "log_table", "log_dict", "log_text", "log_input", "log_inputs", "savefig",
})  # fmt: skip
# magics that only watch the cell below them
_WATCHING = re.compile(r"\s*%%(track|timeit|time|capture|prun)(?=\s|$)([^\n]*)\n?")
_OUTPUT = re.compile(r"(?:^|\s)([A-Za-z_]\w*)\s*$")


@dataclass(frozen=True)
class Names:
    """What the syntax of a cell says about names.

    Attributes
    ----------
    reads : frozenset of str
        What it needs from earlier cells to run.
    used : frozenset of str
        All names that it uses outside of its functions, its own ones too.
    binds : frozenset of str
        What it may give a value.
    always : frozenset of str
        Those that have a new value whichever way the cell takes.
    imports : frozenset of str
        Those of its names that are modules, or come from one.
    changes : frozenset of str
        What it changes in place: ``model.weight = ...``, ``total += 1``.
    given : frozenset of str
        What it hands to a function that stands alone: ``train(model)`` may change it.
    methods : dict of str to frozenset of str
        The methods it calls for their effect: ``items.append(1)``.
    inside : dict of str to frozenset of str
        For each function and class of the cell, what its code needs once it is called.
    opaque : bool
        Whether it may bind anything: ``from x import *``, ``%run``, ``exec``.
    """

    reads: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    binds: frozenset[str] = frozenset()
    always: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    methods: dict[str, frozenset[str]] = field(default_factory=dict)
    inside: dict[str, frozenset[str]] = field(default_factory=dict)
    opaque: bool = False


def names_of(source: str) -> Names:
    """Return the names of Python source; those of what is no Python are empty."""
    try:
        tree = ast.parse(source)
        table = symtable.symtable(source, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError):
        return Names()
    reader = _Reader()
    try:
        always = reader.body(tree.body, frozenset())
    except RecursionError:
        return Names()
    return Names(
        reads=frozenset(reader.reads) - _ALWAYS,
        binds=frozenset(reader.binds),
        always=always,
        used=frozenset(reader.used),
        imports=frozenset(reader.imports),
        changes=frozenset(reader.changes) - _ALWAYS,
        given=frozenset(reader.given) - _ALWAYS,
        methods={name: frozenset(called) for name, called in reader.methods.items()},
        inside={
            child.get_name(): frozenset(_globals(child)) - _ALWAYS
            for child in table.get_children()
            if child.get_name() in reader.binds
        },
        opaque=reader.opaque,
    )


def inner_cell(source: str) -> str:
    """Return the cell without the lines of magics that only watch what is below them.

    What stands on the line of ``%%timeit`` is its set-up, and no part of the cell.
    """
    while match := _WATCHING.match(source):
        source = source[match.end() :]
    return source


def captured_name(source: str) -> str | None:
    """Return the variable that gets what a cell prints, of ``%%capture NAME``."""
    while match := _WATCHING.match(source):
        if match[1] == "capture":
            found = _OUTPUT.search(match[2])
            return found[1] if found else None
        source = source[match.end() :]
    return None


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_global() and symbol.is_referenced():
            yield symbol.get_name()
    for child in table.get_children():
        yield from _globals(child)


class _Reader:
    """Goes through statements in their order, with the names that are bound so far."""

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.binds: set[str] = set()
        self.used: set[str] = set()
        self.imports: set[str] = set()
        self.changes: set[str] = set()
        self.given: set[str] = set()
        self.methods: dict[str, set[str]] = {}
        self.opaque = False

    def body(self, statements: Iterable[ast.stmt], bound: frozenset[str]) -> frozenset[str]:
        """Read statements; return what is bound after them."""
        for statement in statements:
            bound = self.statement(statement, bound)
        return bound

    def statement(self, node: ast.stmt, bound: frozenset[str]) -> frozenset[str]:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.read([*node.decorator_list, *_values(node.args)], bound)
                return self.bind({node.name}, bound)
            case ast.ClassDef():
                self.read([*node.decorator_list, *node.bases, *node.keywords], bound)
                inner = _Reader()
                inner.body(node.body, frozenset())
                self.reads |= inner.reads - bound
                self.used |= inner.used
                return self.bind({node.name}, bound)
            case ast.Import() | ast.ImportFrom():
                self.opaque |= any(alias.name == "*" for alias in node.names)
                names = {(a.asname or a.name).partition(".")[0] for a in node.names}
                self.imports |= names
                return self.bind(names - {"*"}, bound)
            case ast.If():
                self.read([node.test], bound)
                bound = bound | self.walrus(node.test)
                return self.body(node.body, bound) & self.body(node.orelse, bound)
            case ast.Match():
                self.read([node.subject], bound)
                for case in node.cases:
                    names = {
                        n for p in ast.walk(case.pattern) for n in (getattr(p, "name", None),) if n
                    }
                    self.binds |= names
                    self.read([case.guard] if case.guard else [], bound | names)
                    self.body(case.body, bound | names)
                return bound
            case ast.For() | ast.AsyncFor():
                self.read([node.iter], bound)
                bound = self.target(node.target, bound)
                return self.body([*node.body, *node.orelse], bound)
            case ast.While():
                self.read([node.test], bound)
                return self.body([*node.body, *node.orelse], bound | self.walrus(node.test))
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self.read([item.context_expr], bound)
                    if item.optional_vars is not None:
                        bound = self.target(item.optional_vars, bound)
                return self.body(node.body, bound)
            case ast.Try() | ast.TryStar():
                after = self.body([*node.body, *node.orelse], bound)
                for handler in node.handlers:
                    self.read([handler.type] if handler.type else [], bound)
                    self.body(handler.body, bound | ({handler.name} if handler.name else set()))
                return self.body(node.finalbody, after)
            case ast.Assign():
                self.read([node.value], bound)
                for target in node.targets:
                    bound = self.target(target, bound)
                return bound | self.walrus(node.value)
            case ast.AugAssign():
                self.read([node.value, node.target], bound, loads=True)
                self.change(node.target)
                return self.target(node.target, bound)
            case ast.AnnAssign():
                self.read([node.value] if node.value else [], bound)
                return bound if node.value is None else self.target(node.target, bound)
            case ast.Expr():
                self.read([node.value], bound)
                self.call(node.value)
                return bound | self.walrus(node.value)
            case _:
                self.read([node], bound)
                return bound

    def read(self, nodes: Iterable[ast.AST], bound: frozenset[str], *, loads: bool = False) -> None:
        """Note the names that expressions need."""
        for node in nodes:
            self._read(node, bound, loads)

    def _read(self, node: ast.AST, bound: frozenset[str], loads: bool) -> None:
        if isinstance(node, ast.Name):
            if loads or isinstance(node.ctx, ast.Load):
                self.used.add(node.id)
                if node.id not in bound:
                    self.reads.add(node.id)
            return
        if isinstance(node, ast.Lambda):
            names = {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
            self.read(_values(node.args), bound)
            self._read(node.body, bound | names, loads)
            return
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            for generator in node.generators:
                self._read(generator.iter, bound, loads)
                bound = bound | set(_names_in(generator.target))
                self.read(generator.ifs, bound)
            parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            self.read(parts, bound)
            return
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            self.opaque |= node.func.id in ("exec", "execfile")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            self.opaque |= _is_run_magic(node)
        for child in ast.iter_child_nodes(node):
            self._read(child, bound, loads)

    def target(self, node: ast.expr, bound: frozenset[str]) -> frozenset[str]:
        """Note what an assignment binds, or changes in place."""
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(
                part.ctx, ast.Load
            ):
                self.read([part.value], bound)
                if isinstance(part, ast.Subscript):
                    self.read([part.slice], bound)
                self.change(part)
        return self.bind(set(_names_in(node)), bound)

    def bind(self, names: set[str], bound: frozenset[str]) -> frozenset[str]:
        self.binds |= names
        return bound | names

    def walrus(self, node: ast.AST) -> frozenset[str]:
        names = {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}
        self.binds |= names
        return frozenset(names)

    def change(self, node: ast.expr) -> None:
        name = _base(node)
        if name is not None:
            self.changes.add(name)

    def call(self, node: ast.expr) -> None:
        """Note what a call that stands alone may change: its object, and what it is given."""
        if isinstance(node, ast.Await):
            node = node.value
        if not isinstance(node, ast.Call):
            return
        function = node.func
        name = getattr(function, "attr", getattr(function, "id", ""))
        if name in _LOOKS or name.startswith(("plot", "show", "print", "log_")):
            return
        if isinstance(function, ast.Attribute):
            base = _base(function)
            if base is not None:
                self.methods.setdefault(base, set()).add(name)
            return
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            if isinstance(argument, ast.Starred):
                argument = argument.value
            base = _base(argument)
            if base is not None:
                self.given.add(base)


def _values(arguments: ast.arguments) -> list[ast.expr]:
    annotated = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [
        *arguments.defaults,
        *(default for default in arguments.kw_defaults if default is not None),
        *(argument.annotation for argument in annotated if argument.annotation is not None),
    ]


def _names_in(target: ast.expr) -> Iterator[str]:
    for part in ast.walk(target):
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            yield part.id


def _base(node: ast.expr) -> str | None:
    """Return the name that ``a.b[0].c`` begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _is_run_magic(node: ast.Call) -> bool:
    first = node.args[0] if node.args else None
    return (
        isinstance(node.func, ast.Attribute)
        and node.func.attr == "run_line_magic"
        and isinstance(first, ast.Constant)
        and first.value in ("run", "load", "pylab", "store")
    )
