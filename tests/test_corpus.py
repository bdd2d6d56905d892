"""The corpus of notebooks is well formed; what it proves is shown by rerun_corpus.py."""

from __future__ import annotations

import pytest

import corpus_notebooks
from corpus_notebooks import parse
from rerun_corpus import judge

# some that need little time; ``python tests/rerun_corpus.py`` has all of them again
SAMPLE = [
    "closures_and_methods",
    "shell_lines",
]

TEXT = """\
# Some title
# order: 1 2 3 4 2

# %%
a = 1

# %% [fails]
b = a / 0

# %% [markdown]
# # A heading
# and *text*

# %% [edit of 1]
a = 2

# %% [deleted]
!echo {a}
"""


def test_a_notebook_is_executed_in_its_order() -> None:
    found = parse("some", TEXT)
    assert found.title == "Some title"
    assert [cell.source for cell in found.executed] == [
        "a = 1",
        "b = a / 0",
        "a = 2",
        "!echo {a}",
        "b = a / 0",
    ]
    assert [cell.fails for cell in found.executed] == [False, True, False, False, True]


def test_a_saved_notebook_has_the_edits_and_not_what_was_deleted() -> None:
    found = parse("some", TEXT)
    cells = found.as_ipynb()["cells"]
    assert [cell["source"] for cell in cells] == ["a = 2", "b = a / 0", "# A heading\nand *text*"]
    assert [cell["cell_type"] for cell in cells] == ["code", "code", "markdown"]
    assert found.executed[0].cell_id == found.executed[2].cell_id == cells[0]["id"]


def test_a_saved_notebook_is_one_for_jupyter() -> None:
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(parse("some", TEXT).as_ipynb())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# T\n# order: 1 3\n# %%\na = 1\n", r"has 1 code cells; its order names \[3\]"),
        ("# T\n# %% [edit of 2]\na = 1\n", "edits cell 2, which does not come before"),
        ("# T\n# %% [hidden]\na = 1\n", "marks a cell as 'hidden'; known are markdown"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse("some", text)


@pytest.mark.parametrize("name", corpus_notebooks.names())
def test_each_notebook_loads_nbtrack_and_makes_runs(name: str) -> None:
    found = corpus_notebooks.notebook(name)
    code = [cell.source for cell in found.executed]
    loads = next(place for place, source in enumerate(code) if "%load_ext nbtrack" in source)
    makes = [
        place
        for place, source in enumerate(code)
        if source.startswith("%%track") or "nbtrack.start_run(" in source
    ]
    assert found.title
    assert makes
    assert loads < makes[0]
    assert 5 <= len(found.saved) <= 17


@pytest.mark.parametrize("name", SAMPLE)
def test_runs_of_the_sample_come_back_from_their_record(name: str) -> None:
    found = judge(name)
    assert found
    assert [(each.verdict, each.detail) for each in found] == [("same", "")] * len(found)
    assert [each.needless_warnings for each in found] == [[]] * len(found)
