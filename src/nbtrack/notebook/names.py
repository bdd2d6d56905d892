"""Which names a cell needs, binds and changes: by its syntax, without running it."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from nbtrack.notebook.syntax import (
    MAX_TEXT,
    base_name,
    holds,
    is_inert,
    is_magic,
    is_run_magic,
    magics_in,
    names_in,
    set_up_in,
    stored_parts,
    texts_in,
    values_of,
)

_ALWAYS = frozenset(dir(builtins)) | {"get_ipython", "display", "In", "Out", "exit", "quit"}
# magics that only watch the cell below them
_WATCHING = re.compile(r"\s*%%(track|timeit|time|capture|prun)(?=\s|$)([^\n]*)\n?")
_IN_TEXT = re.compile(r"@([A-Za-z_]\w*)")
_OPTIONS = re.compile(r"^(\s*--?\w[\w-]*(=\S+|\s+\d+)?)+")
_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_OUTPUT = re.compile(r"(?:^|\s)([A-Za-z_]\w*)\s*$")


@dataclass(frozen=True)
class Names:
    """What the syntax of a cell says about names.

    Attributes
    ----------
    reads : frozenset of str
        What it needs from earlier cells to run.
    guesses : frozenset of str
        Those of ``reads`` that stand in texts only, which may say something else.
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
    builtins : frozenset of str
        Names of Python's own that it needs; an earlier cell may have bound them anew.
    touched : frozenset of str
        What it hands to calls, as object or as argument, and the functions themselves: any call may
        change them, and so may a loop that takes items from an iterator.
    links : tuple of (str, frozenset of str)
        Names that share objects with others from then on: what a name was made from, by assignment,
        in a container or by a call.
    magics : frozenset of (str, str)
        The magics that it runs: ``("line", "time")``.
    sets_up : frozenset of str
        Names by which it sets up what may be a library: ``jax.config.update(...)``.
    inside_sets_up : dict of str to frozenset of str
        The same for each function and class of the cell.
    inside : dict of str to frozenset of str
        For each function and class of the cell, what its code needs once it is called.
    opaque : bool
        Whether it may bind anything: ``from x import *``, ``%run``, ``exec``.
    inert : bool
        Whether its syntax tells all that it does: it binds names and calls nothing.
    """

    reads: frozenset[str] = frozenset()
    guesses: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    binds: frozenset[str] = frozenset()
    always: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    builtins: frozenset[str] = frozenset()
    touched: frozenset[str] = frozenset()
    links: tuple[tuple[str, frozenset[str]], ...] = ()
    magics: frozenset[tuple[str, str]] = frozenset()
    sets_up: frozenset[str] = frozenset()
    inside_sets_up: dict[str, frozenset[str]] = field(default_factory=dict)
    inside: dict[str, frozenset[str]] = field(default_factory=dict)
    opaque: bool = False
    inert: bool = False


def names_of(source: str) -> Names:
    """Return the names of Python source; those of what is no Python are empty."""
    try:
        tree = ast.parse(source)
        table = symtable.symtable(source, "cell", "exec")
    except (SyntaxError, ValueError):
        return Names(inert=True)  # it cannot run
    except RecursionError:
        return Names()
    reader = _Reader()
    try:
        always = reader.body(tree.body, frozenset())
    except RecursionError:
        return Names()
    return Names(
        reads=frozenset(reader.reads | reader.guesses) - _ALWAYS,
        guesses=frozenset(reader.guesses - reader.reads) - _ALWAYS,
        binds=frozenset(reader.binds),
        always=always,
        used=frozenset(reader.used),
        imports=frozenset(reader.imports),
        changes=frozenset(reader.changes) - _ALWAYS,
        builtins=frozenset(reader.reads) & _ALWAYS,
        touched=frozenset(reader.touched) - _ALWAYS,
        links=tuple(reader.links),
        magics=frozenset(magics_in(tree)),
        sets_up=frozenset(set_up_in(tree)) - _ALWAYS,
        inside_sets_up={
            node.name: frozenset(set_up_in(node, functions=True)) - _ALWAYS
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        },
        inside={
            child.get_name(): frozenset(_globals(child)) - _ALWAYS
            for child in table.get_children()
            if child.get_name() in reader.binds
        },
        opaque=reader.opaque,
        inert=not reader.opaque and not reader.changes and is_inert(tree),
    )


def inner_cell(source: str) -> str:
    """Return the cell without the lines of magics that only watch what is below them.

    What stands on the line of ``%%timeit`` is its set-up, and no part of the cell.
    """
    while match := _WATCHING.match(source):
        source = source[match.end() :]
    return source


def without_track(source: str) -> str:
    """Return the cell without its lines of ``%%track``: other magics are part of what it does."""
    kept = ""
    while match := _WATCHING.match(source):
        kept += "" if match[1] == "track" else match[0]
        source = source[match.end() :]
    return kept + source


def line_of_track(source: str) -> str | None:
    """Return the line of ``%%track`` of a cell, None where it has none."""
    while match := _WATCHING.match(source):
        if match[1] == "track":
            return match[0].strip()
        source = source[match.end() :]
    return None


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
        self.guesses: set[str] = set()
        self.binds: set[str] = set()
        self.used: set[str] = set()
        self.imports: set[str] = set()
        self.changes: set[str] = set()
        self.touched: set[str] = set()
        self.links: list[tuple[str, frozenset[str]]] = []
        self.opaque = False

    def body(self, statements: Iterable[ast.stmt], bound: frozenset[str]) -> frozenset[str]:
        """Read statements; return what is bound after them."""
        for statement in statements:
            bound = self.statement(statement, bound)
        return bound

    def statement(self, node: ast.stmt, bound: frozenset[str]) -> frozenset[str]:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.read([*node.decorator_list, *values_of(node.args)], bound)
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
                self.touched |= holds(node.iter)
                self.link(node.target, node.iter)
                bound = self.target(node.target, bound)
                return self.body([*node.body, *node.orelse], bound)
            case ast.While():
                self.read([node.test], bound)
                return self.body([*node.body, *node.orelse], bound | self.walrus(node.test))
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self.read([item.context_expr], bound)
                    self.touched |= holds(item.context_expr)
                    if item.optional_vars is not None:
                        self.link(item.optional_vars, item.context_expr)
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
                    if isinstance(target, ast.Tuple | ast.List):
                        self.touched |= holds(node.value)  # it may be an iterator
                    self.link(target, node.value)
                    bound = self.target(target, bound)
                return bound | self.walrus(node.value)
            case ast.AugAssign():
                self.read([node.value, node.target], bound, loads=True)
                self.change(node.target)
                self.link(node.target, node.value)
                return self.target(node.target, bound)
            case ast.AnnAssign():
                self.read([node.value] if node.value else [], bound)
                if node.value is None:
                    return bound
                self.link(node.target, node.value)
                return self.target(node.target, bound)
            case ast.Expr():
                self.read([node.value], bound)
                return bound | self.walrus(node.value)
            case ast.Delete():
                for each in node.targets:
                    self.read([each], bound)
                    if not isinstance(each, ast.Name):
                        self.target(each, bound)
                return bound
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
            self.read(values_of(node.args), bound)
            self._read(node.body, bound | names, loads)
            return
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            for generator in node.generators:
                self._read(generator.iter, bound, loads)
                bound = bound | set(names_in(generator.target))
                self.read(generator.ifs, bound)
            parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            self.read(parts, bound)
            return
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = set(_IN_TEXT.findall(node.value[:MAX_TEXT]))  # df.query("age > @limit")
            self.used |= named
            self.guesses |= named - bound
        if isinstance(node, ast.Call):
            self.call(node, bound)
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
        return self.bind(set(names_in(node)), bound)

    def bind(self, names: set[str], bound: frozenset[str]) -> frozenset[str]:
        self.binds |= names
        return bound | names

    def walrus(self, node: ast.AST) -> frozenset[str]:
        names = {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}
        self.binds |= names
        return frozenset(names)

    def change(self, node: ast.expr) -> None:
        name = base_name(node)
        if name is not None:
            self.changes.add(name)

    def link(self, target: ast.expr, value: ast.expr) -> None:
        """Note that what is assigned to shares objects with what its value was made from."""
        pairs = [(target, value)]
        if (
            isinstance(target, ast.Tuple | ast.List)
            and isinstance(value, ast.Tuple | ast.List)
            and len(target.elts) == len(value.elts)
            and not any(isinstance(each, ast.Starred) for each in [*target.elts, *value.elts])
        ):
            pairs = list(zip(target.elts, value.elts, strict=True))
        for one, other in pairs:
            names = {*names_in(one), *filter(None, map(base_name, stored_parts(one)))}
            held = frozenset(holds(other) - _ALWAYS)
            self.links += [(name, held - {name}) for name in sorted(names) if held - {name}]

    def call(self, node: ast.Call, bound: frozenset[str]) -> None:
        """Note what a call may change: its object, its arguments, what the function uses."""
        self.touched |= holds(node)
        if isinstance(node.func, ast.Attribute) and (base := base_name(node.func)) is not None:
            # list.append(x), model.fit(X, y): the object may keep what it is given
            held = frozenset(holds(node) - _ALWAYS - {base})
            if held and base not in self.imports:
                self.links.append((base, held))
        if isinstance(node.func, ast.Name):
            self.touched.add(node.func.id)
            self.opaque |= node.func.id in ("exec", "execfile")
        elif is_magic(node):
            self.opaque |= is_run_magic(node)
            for text in texts_in(node):  # %time model.fit(X), !cat {path}
                named = set(_WORD.findall(_OPTIONS.sub("", text)))
                self.used |= named
                self.touched |= named
                self.guesses |= named - bound
