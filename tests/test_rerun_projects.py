"""Runs of projects are run again: their entry point and params, with the files as they were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbtrack
from nbtrack.entities import Run
from nbtrack.entities.runs import RERUN_OF
from nbtrack.errors import InvalidStateError
from nbtrack.projects.launch import run as run_project
from nbtrack.rpc import respond
from nbtrack.tracking import context
from programs import python_path
from test_rerun_programs import git

MLPROJECT = """
entry_points:
  main:
    parameters:
      lr: {type: float, default: 0.1}
      data: {type: path, default: data.csv}
    command: "python train.py --lr {lr} --data {data}"
"""
TRAIN = """
import sys, nbtrack
from lib import factor
with nbtrack.start_run() as run:
    rows = sum(map(float, open(sys.argv[4]).read().split()))
    for step in range(3):
        nbtrack.log_metric("loss", rows * float(sys.argv[2]) * factor / (step + 1), step=step)
    open("last.csv", "w").write(run.info.run_id)
with nbtrack.start_run(run_name="inner"):
    nbtrack.log_metric("m", 2)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in a repository, one file of which was changed, with data that git has not."""
    top = tmp_path_factory.mktemp("project")
    found = top / "below"
    found.mkdir()
    (found / "MLproject").write_text(MLPROJECT, "utf-8")
    (found / "train.py").write_text(TRAIN, "utf-8")
    (found / "lib.py").write_text("factor = 2", "utf-8")
    (top / ".gitignore").write_text("*.csv\n__pycache__\n*.duckdb*\n", "utf-8")
    git(top, "init", "-q")
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "first")
    (found / "lib.py").write_text("factor = 3", "utf-8")
    (found / "data.csv").write_text("1 2 3", "utf-8")
    (found / "last.csv").write_text("", "utf-8")
    return found


@pytest.fixture
def project(folder: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Its run, made once."""
    monkeypatch.setenv("PYTHONPATH", python_path())
    uri = folder.parent / "a.duckdb"
    is_made = uri.exists()
    context.set_uri(str(uri))
    if not is_made:
        run_project(str(folder), parameters={"lr": 0.5}, run_name="first")
    (found,) = nbtrack.search_runs(
        filter_string="attributes.run_name = 'first'", output_format="list"
    )
    yield found
    context.store().close()


def badges(run_id: str) -> dict[str, str]:
    body = respond(context.store(), {"type": "run.details", "run_id": run_id}).body
    return {badge["text"]: badge["detail"] for badge in body["badges"]}


def test_a_project_is_had_again_with_the_source_that_it_had(project: Run, folder: Path) -> None:
    assert not [text for text in badges(project.info.run_id) if "changed" in text.split()]
    # neither that of the run nor that of the commit
    (folder / "lib.py").write_text("factor = 5", "utf-8")
    verdict = nbtrack.rerun(project.info.run_id)
    assert (verdict.result, verdict.text[-12:]) == ("exact", "same numbers")
    assert {item.key for item in verdict.items} >= {"lr", "data", "loss"}
    assert "lib.py: other source now" in badges(project.info.run_id)["project changed"]
    assert git(folder, "worktree", "list").count("\n") == 1
    assert (folder / "lib.py").read_text("utf-8") == "factor = 5"


def test_changed_data_of_a_project_is_named(project: Run, folder: Path) -> None:
    (folder / "data.csv").write_text("1 2 4", "utf-8")
    try:
        verdict = nbtrack.rerun(project.info.run_id)
        assert "data.csv is not as" in badges(project.info.run_id)["project changed"]
    finally:
        (folder / "data.csv").write_text("1 2 3", "utf-8")
    assert (verdict.result, verdict.cause) == ("different", "data changed")
    assert verdict.text == "differs in loss: data.csv changed since"


def test_a_variation_of_a_project_is_a_run_of_its_own(project: Run, folder: Path) -> None:
    made = nbtrack.rerun(project.info.run_id, as_new=True, params={"lr": 0.25})
    assert made.data.params["lr"] == "0.25"
    assert made.data.metrics["loss"] == project.data.metrics["loss"] / 2
    assert made.data.tags[RERUN_OF] == project.info.run_id
    record = nbtrack.artifacts.load_dict(f"{made.info.artifact_uri}/.nbtrack/project.json")
    assert (made.data.tags["mlflow.source.name"], record["folder"]) == (str(folder), str(folder))
    nbtrack.delete_run(made.info.run_id)


def test_a_param_that_is_a_secret_is_asked_for(project: Run) -> None:
    place = Path(project.info.artifact_uri, ".nbtrack", "project.json")
    kept = place.read_text("utf-8")
    record = json.loads(kept) | {"parameters": {"api_key": "•••"}}
    place.write_text(json.dumps(record), "utf-8")
    try:
        with pytest.raises(InvalidStateError, match="Set the environment variable API_KEY"):
            nbtrack.rerun(project.info.run_id)
    finally:
        place.write_text(kept, "utf-8")
