"""The modules of nbtrack and what each of them imports, in Python and in TypeScript."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
JS = ROOT / "js"
IMPORTED = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"\n]+)['"]""")


@dataclass(frozen=True)
class Import:
    importer: str
    target: str
    line: int
    lazy: bool
    typing_only: bool

    def __str__(self) -> str:
        return f"{self.importer} (line {self.line}) imports {self.target}"


def module_name(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    return {module_name(path): path for path in sorted(SRC.rglob("*.py"))}


def layer(module: str) -> str:
    """Return the folder of a module; widgets answer requests, so they lie above those."""
    parts = module.split(".")
    if parts[1:3] == ["views", "widgets"]:
        return "views.widgets"
    return parts[1] if len(parts) > 1 else parts[0]


def targets(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert node.level == 0, "imports are absolute"
    base = node.module or ""
    full = [f"{base}.{alias.name}" for alias in node.names]
    return sorted({name if name in modules() else base for name in full})


def is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports_below(
    node: ast.AST, importer: str, lazy: bool = False, typing_only: bool = False
) -> list[Import]:
    found: list[Import] = []
    for child in ast.iter_child_nodes(node):
        inside = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(child, ast.Import | ast.ImportFrom):
            found += [
                Import(importer, target, child.lineno, lazy, typing_only)
                for target in targets(child)
            ]
        elif isinstance(child, ast.If) and is_type_checking(child.test):
            guarded = ast.Module(child.body, [])
            found += imports_below(guarded, importer, lazy, typing_only=True)
            found += imports_below(ast.Module(child.orelse, []), importer, lazy, typing_only)
        else:
            found += imports_below(child, importer, inside, typing_only)
    return found


@cache
def imports() -> tuple[Import, ...]:
    found: list[Import] = []
    for name, path in modules().items():
        found += imports_below(ast.parse(path.read_text("utf-8")), name)
        stub = path.with_suffix(".pyi")  # what it names is imported when it is asked for
        if stub.exists():
            found += imports_below(ast.parse(stub.read_text("utf-8")), name, lazy=True)
    return tuple(found)


@cache
def scripts() -> tuple[Path, ...]:
    """Return the TypeScript sources."""
    return tuple(sorted(JS.glob("*/src/**/*.ts")))


def imported_scripts(script: Path) -> set[Path]:
    """Return which of our scripts a script imports, whether for types or at run time."""
    found = set()
    for name in IMPORTED.findall(script.read_text("utf-8")):
        if name.startswith("@nbtrack/"):
            package, _, path = name.removeprefix("@nbtrack/").partition("/")
            target = JS / package / "src" / (path or "index")
        else:
            target = script.parent / name
        for candidate in (target.with_name(f"{target.name}.ts"), target / "index.ts"):
            if name.startswith((".", "@nbtrack/")) and candidate.is_file():
                found.add(candidate.resolve())
    return found


def circles(graph: Mapping[str, Iterable[str]]) -> set[frozenset[str]]:
    """Return the sets of nodes in which each leads to every other."""
    below = {node: reachable(graph, node) for node in graph}
    found = (frozenset(each for each in below[node] if node in below[each]) for node in graph)
    return {circle for circle in found if circle}


def reachable(graph: Mapping[str, Iterable[str]], start: str) -> set[str]:
    """Return the nodes to which edges lead from this one; itself only in a circle."""
    found: set[str] = set()
    rest = [start]
    while rest:
        fresh = set(graph[rest.pop()]) - found
        found |= fresh
        rest += fresh
    return found
