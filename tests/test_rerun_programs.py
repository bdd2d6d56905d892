"""Runs of scripts are run again: their command, with the files of their commit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nbtrack
from nbtrack.cli.program import program
from nbtrack.errors import InvalidParameterError, InvalidStateError
from nbtrack.reruns.program_variation import words_with
from programs import command_line, python_path

SCRIPT = """
import sys, nbtrack
from lib import factor
for name in ("one", "two"):
    with nbtrack.start_run(run_name=name):
        nbtrack.log_param("lr", sys.argv[2])
        for step in range(3):
            rows = sum(map(float, open("data.csv").read().split()))
            nbtrack.log_metric("loss", rows * factor / (step + 1) + len(name), step=step)
"""


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    done = subprocess.run(
        ["git", *who, "-C", str(folder), *words], check=True, capture_output=True, text=True
    )
    return done.stdout


def execute(folder: Path, *words: str) -> None:
    uri = str(folder.parents[1] / "a.duckdb")
    subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": python_path(), "NBTRACK_URI": uri},
        check=True,
    )
    nbtrack.set_tracking_uri(uri)


@pytest.fixture
def project(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in a repository whose data git does not know."""
    folder = workdir / "repository" / "code"
    folder.mkdir(parents=True)
    (folder / "train.py").write_text(SCRIPT, "utf-8")
    (folder / "lib.py").write_text("factor = 3", "utf-8")
    (folder / "data.csv").write_text("1 2 3", "utf-8")
    (folder / ".gitignore").write_text("data.csv\n__pycache__\n", "utf-8")
    git(folder.parent, "init", "-q")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "-q", "-m", "first")
    monkeypatch.setenv("PYTHONPATH", python_path())
    return folder


def test_a_script_is_had_again_from_its_commit(project: Path) -> None:
    execute(project, "train.py", "--lr", "0.1")
    (project / "lib.py").write_text("factor = 4", "utf-8")  # after the run
    verdict = nbtrack.rerun("two")
    assert (verdict.result, verdict.differs) == ("exact", [])
    assert {item.key for item in verdict.items} >= {"lr", "loss"}
    assert nbtrack.get_run(verdict.run_id).data.tags["nbtrack.reproduced"] == "yes"
    assert git(project, "worktree", "list").count("\n") == 1
    assert git(project, "status", "--porcelain") == " M code/lib.py\n"
    assert len(nbtrack.search_runs()) == 2


def test_changes_that_were_not_committed_are_said(project: Path) -> None:
    (project / "lib.py").write_text("factor = 5", "utf-8")
    text = SCRIPT.replace("len(name)", "7")  # the script itself is kept with the run
    (project / "train.py").write_text(text, "utf-8")
    execute(project, "train.py", "--lr", "0.1")
    verdict = nbtrack.rerun("one")
    assert (verdict.result, verdict.differs) == ("different", ["loss"])
    assert "other files were: code/lib.py" in verdict.text


def test_a_script_without_git_and_its_capsule(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", python_path())
    folder = workdir / "plain" / "code"
    folder.mkdir(parents=True)
    text = (
        "import nbtrack\nwith nbtrack.start_run(run_name='alone'):\n    nbtrack.log_metric('m', 2)"
    )
    (folder / "train.py").write_text(text, "utf-8")
    execute(folder, "train.py")
    (folder / "train.py").write_text("raise SystemExit(1)", "utf-8")
    verdict = nbtrack.rerun("alone")
    assert verdict.result == "exact"
    assert "of the script as it was" in verdict.text
    run = nbtrack.get_run(verdict.run_id)
    nbtrack.capsule(verdict.run_id, "alone.zip")
    record = Path(run.info.artifact_uri, ".nbtrack", "environment.json")
    command = json.dumps({"command": ["train.py", "--password", "•••"]})
    record.unlink()
    record.write_text(command, "utf-8")
    with pytest.raises(InvalidStateError, match="secret among its arguments"):
        nbtrack.rerun(verdict.run_id)
    for file in folder.iterdir():  # elsewhere there is nothing but the capsule
        file.unlink()
    done = command_line(program, "open", "alone.zip", "elsewhere", "--rerun", "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    found = json.loads(done.stdout)
    assert (found["verdict"]["result"], found["run_id"]) == ("exact", verdict.run_id)


def test_a_run_whose_parent_is_gone_or_goes_in_a_circle_is_refused_by_name(workdir: Path) -> None:
    client = nbtrack.Client()
    first, second = (client.create_run("0", run_name=name) for name in ("first", "second"))
    ids = [run.info.run_id for run in (first, second)]
    for run_id, parent in zip(ids, (ids[1], "f" * 32), strict=True):
        client.set_tag(run_id, "mlflow.parentRunId", parent)
        client.set_terminated(run_id)
    with pytest.raises(InvalidStateError, match=r"first .* has no cells to execute"):
        nbtrack.rerun(ids[0])
    client.set_tag(ids[1], "mlflow.parentRunId", ids[0])
    with pytest.raises(InvalidStateError, match=r"first .* has no cells to execute"):
        nbtrack.rerun(ids[0])


RESUMING = """
import json, os, sys, nbtrack
begin, loss = json.load(open("state.json")) if os.path.exists("state.json") else (0, 1.0)
with nbtrack.start_run(*sys.argv[3:], run_name=None if sys.argv[3:] else "resumed"):
    for step in range(begin, begin + 3):
        loss *= FACTOR * float(sys.argv[2])
        nbtrack.log_metric("loss", loss, step=step)
    json.dump([step + 1, loss], open("state.json", "w"))
"""


def test_the_parts_of_a_resumed_script_are_run_again_in_their_order(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    text = RESUMING.replace("FACTOR", "factor").replace(
        "import json", "from lib import factor\nimport json"
    )
    (project / "train.py").write_text(text, "utf-8")
    execute(project, "train.py", "--lr", "0.5")
    (run,) = nbtrack.search_runs(output_format="list")
    (project / "lib.py").write_text("factor = 7", "utf-8")
    git(project, "commit", "-q", "-a", "-m", "second")
    execute(project, "train.py", "--lr", "0.9", run.info.run_id)
    (project / "train.py").write_text("raise SystemExit(1)", "utf-8")
    verdict = nbtrack.rerun("resumed")
    assert (verdict.result, len(verdict.curves["loss"].steps)) == ("exact", 6), verdict.text
    assert git(project, "worktree", "list").count("\n") == 1
    nbtrack.capsule(run.info.run_id, "resumed.zip")
    gone = project.parent.rename(project.parent.with_name("gone"))
    opened = nbtrack.open_capsule("resumed.zip", "elsewhere")
    for path in Path(opened.folder).rglob("*.py"):  # lib.py of both parts, as large as the other
        os.utime(path, (1e9, 1e9))
    here = nbtrack.get_tracking_uri()
    nbtrack.set_tracking_uri(opened.store)
    verdict = nbtrack.rerun("resumed")
    assert verdict.result == "exact", verdict.text
    nbtrack.set_tracking_uri(here)
    gone.rename(project.parent)
    record = Path(run.info.artifact_uri, ".nbtrack", "parts", "1", "environment.json")
    record.unlink()
    with pytest.raises(InvalidStateError, match="2 processes have logged to it, and 1 of them"):
        nbtrack.rerun("resumed")


def test_a_variation_replaces_the_values_of_options() -> None:
    words = ["train.py", "--lr", "0.1", "--batch-size=8", "model.width=3", "-n", "5"]
    params = {"lr": 0.2, "batch_size": 16, "model.width": 4, "n": 6}
    assert words_with(words, params) == [
        *("train.py", "--lr", "0.2", "--batch-size=16", "model.width=4", "-n", "6")
    ]
    with pytest.raises(InvalidParameterError, match=r"no option 'lrr': it is python train\.py"):
        words_with(words, {"lrr": 1})
