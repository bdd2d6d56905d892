"""Every public function shows how it is called, and what it shows is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from docstring_examples import ELSEWHERE, failures_of, modules_with_examples


@pytest.mark.parametrize("module", sorted({*modules_with_examples()} - {*ELSEWHERE}))
def test_examples_do_what_they_show(module: str, workdir: Path) -> None:
    assert not (told := failures_of(module)), told


def test_examples_of_large_libraries_are_executed_where_these_are_imported() -> None:
    for module, file in ELSEWHERE.items():
        assert f'failures_of("{module}")' in Path(__file__).with_name(file).read_text("utf-8")
