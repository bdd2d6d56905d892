"""Runs of projects are run again: their entry point and params, with the files as they were."""

from __future__ import annotations

import contextlib
import json
import re
import sysconfig
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import nbtrack
from nbtrack import reruns
from nbtrack.entities import Run
from nbtrack.entities.runs import RERUN_OF
from nbtrack.errors import InvalidStateError
from nbtrack.projects.environments import uv_program
from nbtrack.projects.launch import run as run_project
from nbtrack.reruns.folder_copy import capsule_folder
from nbtrack.reruns.project_files import Fetched, ProjectAgain
from nbtrack.rpc import respond
from nbtrack.store import open_store
from nbtrack.store.artifacts import ArtifactFolder
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
    assert made.data.params["data"] == f"{record['ran_in']}/data.csv"  # compared as the folder's
    nbtrack.delete_run(made.info.run_id)


def test_a_capsule_of_a_project_is_run_elsewhere(project: Run, folder: Path, workdir: Path) -> None:
    made = nbtrack.capsule(project.info.run_id, "project.zip")
    assert (made.code, made.left_out) == ("work/MLproject", [])
    with zipfile.ZipFile("project.zip") as archive:
        assert archive.read("work/lib.py") == b"factor = 3"  # as it was, not as it was committed
        crate = json.loads(archive.read("ro-crate-metadata.json"))["@graph"]
        assert "run . -P lr=0.5 --env-manager local" in archive.read("README.md").decode()
    (action,) = [each for each in crate if each["@type"] == "CreateAction"]
    assert action["instrument"] == {"@id": "work/MLproject"}
    assert {"@id": "work/data.csv"} in action["object"]
    gone = folder.rename(folder.with_name("gone"))
    try:
        opened = nbtrack.open_capsule("project.zip", "elsewhere", rerun=True)
    finally:
        gone.rename(folder)
    assert opened.verdict is not None
    assert (opened.verdict.result, opened.missing) == ("exact", []), opened.verdict.text


def test_a_project_of_a_repository_is_in_the_capsule_of_a_run_in_it(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", python_path())
    top = workdir / "repository"
    place = top / "below"
    place.mkdir(parents=True)
    (place / "MLproject").write_text(MLPROJECT, "utf-8")
    (place / "train.py").write_text(TRAIN, "utf-8")
    (place / "lib.py").write_text("factor = len(open('blob.bin', 'rb').read())", "utf-8")
    (place / "data.csv").write_text("1 2 3", "utf-8")
    (place / "blob.bin").write_bytes(bytes(9))  # no source, which the run keeps
    git(top, "init", "-q")
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "first")
    done = run_project(f"{top}#below", version="HEAD", parameters={"lr": 0.5})
    (inner,) = nbtrack.search_runs(
        filter_string="attributes.run_name = 'inner'", output_format="list"
    )
    made = nbtrack.capsule(inner.info.run_id, "inner.zip")
    assert (made.code, made.data[:1]) == ("work/MLproject", ["blob.bin"])
    assert made.left_out == [f"Of {top}#below only that folder is in it, not what is around it."]
    top.rename(workdir / "gone")
    opened = nbtrack.open_capsule("inner.zip", "elsewhere")
    assert capsule_folder(opened.store, done.run_id) == workdir / "elsewhere" / "work"
    verdict = reruns.rerun(open_store(opened.store), opened.run_id)
    assert (verdict.result, verdict.run_name) == ("exact", "inner"), verdict.text


def test_an_archive_is_put_around_the_folder_of_its_project(workdir: Path) -> None:
    with zipfile.ZipFile("project.zip", "w") as archive:
        for name in ("lib.py", "below/train.py"):
            archive.writestr(name, name)
    folder = workdir / "copy" / "below"
    folder.mkdir(parents=True)
    arguments = ({}, "", ArtifactFolder(str(workdir / "artifacts")), [], None, {})
    project = ProjectAgain(*arguments, Fetched("project.zip#below", None, "below"))
    assert project.put_files(folder) == []
    assert [Path("copy", name).read_text() for name in ("lib.py", "below/train.py")] == [
        "lib.py",
        "below/train.py",
    ]
    Path("project.zip").unlink()
    with pytest.raises(InvalidStateError, match=r"project.zip#below, which cannot be had"):
        project.put_files(folder)


@pytest.fixture
def recorded_environment(project: Run, workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of packages that are in a folder here: one is new, the others are those of this."""
    if uv_program() is None:
        pytest.skip("uv is not installed")
    names = [re.split(r"[^\w-]", need)[0] for need in metadata.requires("nbtrack") or []]
    wheels = workdir / "wheels"
    wheels.mkdir()
    for name in {*names, "ipykernel"}:
        with contextlib.suppress(metadata.PackageNotFoundError):
            write_wheel(wheels, name, metadata.version(name))
    write_wheel(wheels, "recorded", "2.0", {"recorded.pth": sysconfig.get_paths()["purelib"]})
    record = Path(project.info.artifact_uri, ".nbtrack", "requirements.txt")
    record.unlink()  # its content may be shared with other runs
    record.write_text("recorded==2.0\n", "utf-8")
    cache = workdir / "cache"  # what other tests have looked up in an index is not there
    for name, value in (("FIND_LINKS", wheels), ("OFFLINE", 1), ("CACHE_DIR", cache)):
        monkeypatch.setenv(f"UV_{name}", str(value))
    monkeypatch.setenv("NBTRACK_ENV_ROOT", str(workdir / "envs"))


def write_wheel(folder: Path, name: str, version: str, files: dict[str, str] | None = None) -> None:
    name = name.replace("-", "_")
    info = f"{name}-{version}.dist-info"
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    found = {**(files or {}), f"{info}/METADATA": about, f"{info}/WHEEL": wheel}
    found[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*found, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in found.items():
            archive.writestr(path, text)


@pytest.mark.usefixtures("recorded_environment")
def test_a_project_is_varied_in_the_recorded_environment(project: Run) -> None:
    made = nbtrack.rerun(project.info.run_id, as_new=True, params={"lr": 0.25}, env=True)
    installed = Path(made.info.artifact_uri, ".nbtrack", "requirements.txt").read_text("utf-8")
    assert "recorded==2.0" in installed.splitlines()
    assert made.data.metrics["loss"] == project.data.metrics["loss"] / 2
    # it is a run of the environment that the project describes, as the first was
    assert made.data.tags["mlflow.project.env"] == "local"
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
