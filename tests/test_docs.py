"""What README and docs/ tell readers to type runs, in order, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from programs import STRICT, python_path

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *(
        page
        for page in sorted((ROOT / "docs").rglob("*.md"))
        if not any(part.startswith("_") for part in page.relative_to(ROOT).parts)
    ),
]
OPTIONAL = ("matplotlib", "torch")
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CELL_END = re.compile(r"(?<!\\)\|")
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#]+)")


def examples(page: Path) -> list[str]:
    """One script for each process: a comment in the page says where another one begins."""
    parts = page.read_text("utf-8").split("<!-- another process -->")
    scripts = ["\n".join(EXAMPLE.findall(part)) for part in parts]
    return [script for script in scripts if script]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


WITH_POSTGRES = ROOT / "docs" / "team.md"  # test_team_docs.py runs it


@pytest.mark.parametrize(
    "page", [page for page in PAGES if examples(page) and page != WITH_POSTGRES], ids=name
)
def test_examples_run_in_an_empty_folder(page: Path, tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("NBTRACK_", "MLFLOW_"))}
    missing = {package for package in OPTIONAL if f"import {package}" in page.read_text("utf-8")}
    for package in sorted(missing):
        pytest.importorskip(package)
    for number, script in enumerate(examples(page)):
        file = tmp_path / f"example_{number}.py"  # a class is saved with its source: it needs one
        file.write_text(script, "utf-8")
        done = subprocess.run(
            [sys.executable, *STRICT, str(file)],
            cwd=tmp_path,
            env={**env, "PYTHONPATH": python_path()},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    links = LINK.findall(page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_rows_of_tables_have_a_heading_and_its_columns(page: Path) -> None:
    lines = CODE.sub("", page.read_text("utf-8")).splitlines()
    wrong, columns = [], 0
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        cells = len(CELL_END.findall(line)) if line.startswith("|") else 0
        columns = cells if after.startswith("|---") or not cells else columns
        if cells != columns:
            wrong.append(line)
    assert wrong == []
