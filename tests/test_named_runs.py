"""Runs that are named by their name, where several have it."""

from __future__ import annotations

from pathlib import Path

import pytest

import nbtrack
from nbtrack import cli, reruns
from nbtrack.entities.runs import RERUN_OF


@pytest.fixture
def ids(workdir: Path) -> list[str]:
    """Two runs of one name, and a variation of the older one, which is the newest of all."""
    made = []
    for tags in ({}, {}, {RERUN_OF: "x"}):
        with nbtrack.start_run(run_name="baseline", tags=tags) as run:
            made.append(run.info.run_id)
    return made


def test_a_name_is_rather_that_of_a_run_than_of_its_variations(
    ids: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(reruns, "rerun", lambda store, run_id, **_: asked.append(run_id))
    nbtrack.rerun("baseline")
    nbtrack.rerun(ids[2][:10])
    assert asked == [ids[1], ids[2]]
    said = capsys.readouterr().err
    newest = f"this is the newest that is no variation, {ids[1][:8]}, which began on "
    assert said.startswith(f"nbtrack: 3 runs are called 'baseline'; {newest}")
    assert said.count("\n") == 1  # an id is clear
    for run_id in ids[:2]:
        nbtrack.delete_run(run_id)
    nbtrack.rerun("baseline")
    assert asked[2] == ids[2]
    assert capsys.readouterr().err == ""


def test_a_capsule_is_of_the_run_that_a_name_means(
    ids: list[str], workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["capsule", "baseline", "baseline.zip"])
    assert ids[1][:8] in capsys.readouterr().err
    opened = nbtrack.open_capsule("baseline.zip", "opened")
    assert opened.run_id == ids[1]
