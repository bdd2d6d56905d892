"""Notebooks that others have written: which of their cells are tracked, and under which line."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

_CALLS = re.compile(
    r"^(partial_)?fit(_predict|_resample)?$|^score$|^backward$|^(cross_|learning_|validation_)"
    r"(val_score|val_predict|validate|curve)$|^evaluate|train(?!_test_split)|_(score|error|loss)$|"
    r"accuracy|minimize$"
)
_MAGIC = re.compile(r"^\s*[%!].*$|^.*\?\s*$", re.MULTILINE)
_COPIES = {"notebooks_v1", "docs", "video_notebooks"}  # of notebooks that stand elsewhere, too
_TIMED = re.compile(r"%%time\s*\n")


@dataclass(frozen=True)
class ForeignNotebook:
    """A notebook of somebody else.

    Attributes
    ----------
    path : str
        Within the folder with the repositories: the first part is the repository.
    cells : list of str
        Its code.
    tracked : list of int
        The places of the cells that are tracked, evenly among those that qualify.
    """

    path: str
    cells: list[str]
    tracked: list[int]

    @property
    def repository(self) -> str:
        """The first part of the path."""
        return Path(self.path).parts[0]

    @property
    def held_out(self) -> bool:
        """Whether nobody looks at it until the end: a third of all, by a digest of the path."""
        return int(sha256(self.path.encode()).hexdigest(), 16) % 3 == 0


def notebooks(folder: Path, words: Sequence[str] = (), most: int = 4) -> Iterator[ForeignNotebook]:
    """Yield the notebooks below a folder that train or evaluate something.

    Parameters
    ----------
    folder : Path
        Its folders are repositories.
    words : list of str
        If given, the path must have one of them.
    most : int
        How many cells are tracked of each, at most.
    """
    for file in sorted(folder.rglob("*.ipynb")):
        path = file.relative_to(folder).as_posix()
        if _COPIES & set(file.parts) or (words and not any(word in path for word in words)):
            continue
        cells = _code(file)
        places = [place for place, cell in enumerate(cells) if trains(cell)]
        if places:
            yield ForeignNotebook(path, cells, _evenly(places, most))


def trains(source: str) -> bool:
    """Return whether a cell trains or evaluates, by what it calls outside of functions."""
    nodes = list(_outside(_parsed(source)))
    names = [_called(node) for node in nodes if isinstance(node, ast.Call)]
    return any(_CALLS.search(name) for name in names)


def tracked(source: str) -> str:
    """Return a cell with the line that makes a run of it."""
    return f"%%track --auto --quiet\n{source}"


def names_of(source: str) -> list[str]:
    """Return the names that a cell gives a value, and those whose methods it calls."""
    nodes = list(_outside(_parsed(source)))
    bound = [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    called = [
        node.func.value.id
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
    ]
    return sorted(name for name in {*bound, *called} if not name.startswith("_"))


def _code(file: Path) -> list[str]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except ValueError:
        return []
    sheets = found.get("worksheets") or [found]
    cells = [cell for sheet in sheets for cell in sheet.get("cells", [])]
    code = [cell for cell in cells if cell.get("cell_type") == "code"]
    texts = ["".join(cell.get("source", cell.get("input", ""))) for cell in code]
    return [text for text in texts if text.strip()]


def _evenly(places: list[int], most: int) -> list[int]:
    if len(places) <= most:
        return places
    if most == 1:
        return places[-1:]
    return [places[round(each * (len(places) - 1) / (most - 1))] for each in range(most)]


def _parsed(source: str) -> ast.AST:
    source = _TIMED.sub("", source.lstrip(), count=1)
    if source.startswith("%%"):
        return ast.Module([], [])
    try:
        return ast.parse(_MAGIC.sub("", source))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _outside(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that are executed with the cell: those of functions and classes are not."""
    inner = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, inner):
            yield child
            yield from _outside(child)


def _called(node: ast.Call) -> str:
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))
