"""What users, programs and shells rely on is written down; it changes on purpose only."""

from __future__ import annotations

import difflib

import pytest

from public_api import SNAPSHOT, Section, sections, show


@pytest.fixture(scope="module")
def found() -> list[Section]:
    return sections()


def written() -> dict[str, list[str]]:
    parts = [part.splitlines() for part in SNAPSHOT.read_text("utf-8").strip().split("\n\n")]
    return {lines[0].strip("[]"): lines[1:] for lines in parts}


def test_the_sections_are_those_that_are_written_down(found: list[Section]) -> None:
    assert [part.title for part in found] == list(written())


def test_nothing_public_has_changed(found: list[Section]) -> None:
    expected = written()
    there = [part for part in found if part.lacks is None]
    before = [Section(part.title, expected.get(part.title, [])) for part in there]
    changes = difflib.unified_diff(
        show(before).splitlines(), show(there).splitlines(), "written down", "is", lineterm="", n=0
    )
    text = "\n".join(changes)
    assert not text, f"if that is meant, run python tests/public_api.py:\n{text}"
