"""Each sign that a run can have is explained in docs/rerun.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from nbtrack.notebook.random_watch import UNSEEDED

PACKAGE = Path(__file__).parents[1] / "src" / "nbtrack"
PAGE = Path(__file__).parents[1] / "docs" / "rerun.md"
LEVELS = ("warning", "info")


def signs() -> set[str]:
    """Return the names of the signs that the code gives to runs."""
    found = {UNSEEDED}
    for folder in ("notebook", "views/details"):
        for path in (PACKAGE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(
                        func=ast.Name("Finding" | "Badge"),
                        args=[ast.Constant(str(kind)), ast.Constant(level), *_],
                    ) if level in LEVELS:
                        found.add(kind)
    return found


def test_each_sign_of_a_run_is_explained() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("### What the signs mean")[2]
    rows = [line for line in table.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    explained = {name for row in rows for name in re.findall(r"`([a-z ]+)`", row.split("|")[1])}
    assert len(signs()) > 15
    assert explained == signs()
