"""The page about the architecture names what is there."""

from __future__ import annotations

import re

from source_tree import ROOT, modules

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
NAMES = re.findall(r"`(nbtrack\.[a-z_.]+)`", PAGE)
FILES = re.findall(r"`((?:js|tests)/[\w/.]+\.\w+)`", PAGE)


def test_modules_of_the_page_are_there() -> None:
    assert len(NAMES) > 20
    assert [name for name in NAMES if name not in modules()] == []


def test_files_of_the_page_are_there() -> None:
    assert len(FILES) > 3
    assert [name for name in FILES if not (ROOT / name).is_file()] == []


def test_layers_of_the_page_are_those_of_the_package() -> None:
    drawn = set(re.findall(r"\w+", PAGE.split("```")[1]))
    folders = {path.parent.name for path in modules().values() if path.name == "__init__.py"}
    for layer in ("api", "client", "cli", "notebook", "projects", "interop", "server", "rpc"):
        assert layer in drawn & folders
    for layer in ("tracking", "models", "views", "store", "protocol", "entities", "redaction"):
        assert layer in drawn & folders
