"""Runs are run again from their record: real kernels make them, and run them again."""

from __future__ import annotations

import hashlib
import importlib
import json
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbtrack
from kernels import kernel
from nbtrack.cli.program import program
from nbtrack.entities.runs import RERUN_OF
from nbtrack.errors import InvalidParameterError, InvalidStateError, ProjectError
from nbtrack.projects.environments import Environment
from nbtrack.reruns import reproduction
from nbtrack.reruns.environment import check_version
from nbtrack.reruns.parts import check_parts
from nbtrack.reruns.plan import make_plan
from nbtrack.reruns.planned_cells import (
    PlannedCell,
    cells_with,
    check_secrets,
    without_installs,
    words_of,
)
from nbtrack.store import open_store
from nbtrack.tracking import context
from nbtrack.views.code import source_of_run
from programs import command_line, python_path

CELLS = [
    "import random, csv\nrandom.seed(7)\nfactor = 3",
    "rows = [float(row['x']) for row in csv.DictReader(open('data.csv'))]",
    "shift = 1000",
    """\
%%track first -e reruns -p note=kept
lr = 0.1
for step in range(5):
    nbtrack.log_metric("loss", sum(rows) * lr * factor / (step + 1) + random.random(), step=step)
nbtrack.log_text("Seen at 2026-05-03 14:02:11.", "notes.txt")
open("written.txt", "w").write("by the cell")
nbtrack.log_metric("epoch_time", time.time())""",
    """\
with nbtrack.start_run(run_name="outer"):
    with nbtrack.start_run(run_name="inner", nested=True):
        nbtrack.log_metric("m", lr * factor)
    with nbtrack.start_run(run_name="inner", nested=True):
        nbtrack.log_metric("m", lr * factor * 2)""",
    """\
%%track sweep --grid lr=0.1,0.5 -p note='a b' --auto --quiet
lr = 0.1
nbtrack.log_metric('twice', lr * 2)""",
    "%%track chance\nimport os\nnbtrack.log_metric('draw', int.from_bytes(os.urandom(4), 'big'))",
    """\
%%track parts
begun = 1
nbtrack.log_metric("m", begun, step=0)
open("kept", "w").write("4")""",
    """\
%%track cached
trains = not os.path.exists("cache/model")
if trains:
    os.mkdir("cache")
    open("cache/model", "w").write("1")
nbtrack.log_metric("trained", trains)""",
]
LATER = [
    "begun = int(open('kept').read())",
    "%%track --resume parts\nnbtrack.log_metric('m', begun, step=1)",
    "nbtrack.start_run(run_id=nbtrack.last_active_run().info.run_id)",
    "nbtrack.log_metric('m', begun + 1, step=2)\nnbtrack.end_run()",
]


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose notebook was executed."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "data.csv").write_text("x\n1\n2\n3\n", "utf-8")
    for cells in (CELLS, LATER):
        with kernel(folder) as running:
            for cell in cells:
                assert running.run(cell).error is None
    (folder / "written.txt").unlink()
    (folder / "kept").unlink()
    return folder


@pytest.fixture
def store(notebook: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(notebook)
    monkeypatch.setenv("PYTHONPATH", python_path())
    context.set_uri(str(notebook / "nbtrack.duckdb"))
    yield notebook
    context.store().close()


def record_of(run_id: str) -> Path:
    return Path(nbtrack.get_run(run_id).info.artifact_uri, ".nbtrack", "cells.json")


def run_named(name: str, place: int = 0) -> nbtrack.entities.Run:
    found = nbtrack.search_runs(
        search_all_experiments=True,
        filter_string=f"attributes.run_name = '{name}'",
        order_by=["attributes.start_time ASC"],
        output_format="list",
    )
    return found[place]


def id_of(name: str) -> str:
    return str(run_named(name).info.run_id)


def test_a_run_is_the_same_and_keeps_its_verdict(
    store: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(workdir))
    runs = len(nbtrack.search_runs(search_all_experiments=True))
    verdict = nbtrack.rerun("first")
    tags = nbtrack.get_run(verdict.run_id).data.tags
    assert (verdict.result, tags["nbtrack.reproduced"]) == ("exact", "yes")
    assert {item.key for item in verdict.items} >= {"lr", "note", "loss", "notes.txt"}
    assert json.loads(tags["nbtrack.reproduced.verdict"])["text"].startswith("verified on 20")
    report = json.loads(
        nbtrack.artifacts.load_text(f"runs:/{verdict.run_id}/.nbtrack/reproduced.json")
    )
    assert report["curves"]["loss"]["steps"] == [0, 1, 2, 3, 4]
    assert "nbtrack.rerun" not in tags
    assert "same numbers" in repr(verdict)
    assert "loss" in verdict._repr_html_()
    # nothing is written into the notebook's folder or store, and nothing is left behind
    assert not (store / "written.txt").exists()
    assert len(nbtrack.search_runs(search_all_experiments=True)) == runs
    assert not list(workdir.glob("nbtrack-rerun*"))


def test_a_run_inside_another_is_found_at_its_place(store: Path) -> None:
    verdict = nbtrack.rerun(run_named("inner", 1).info.run_id)
    assert verdict.result == "exact"
    assert [(item.key, item.now) for item in verdict.items] == [("m", pytest.approx(0.6))]


def test_a_capsule_of_a_run_inside_another_has_its_cells(store: Path, workdir: Path) -> None:
    made = nbtrack.capsule(id_of("inner"), workdir / "inner.zip")
    opened = nbtrack.open_capsule(made.path, workdir / "elsewhere")
    plan = make_plan(open_store(opened.store), id_of("inner"))
    assert (plan.run.info.run_name, plan.made_by.info.run_name) == ("inner", "outer")
    assert 'with nbtrack.start_run(run_name="outer")' in plan.needed[-1].source


def test_a_run_of_a_grid_has_its_values(store: Path) -> None:
    own = next(cell for cell in make_plan(context.store(), id_of("lr=0.5")).needed if cell.own)
    line, first, *_ = own.source.splitlines()
    assert first == "lr = 0.5"
    assert line.split(" ", 1)[0] == "%%track"
    assert words_of(line)[1:] == ["lr=0.5", "--param=note=a b", "--auto", "--quiet"]


def test_a_grid_is_run_again_run_by_run(store: Path) -> None:
    verdict = nbtrack.rerun("sweep")
    assert verdict.result == "exact"
    assert verdict.text.endswith("same numbers in all 2 runs")
    tags = [run_named(name).data.tags for name in ("sweep", "lr=0.1", "lr=0.5")]
    assert [each["nbtrack.reproduced"] for each in tags] == ["yes"] * 3


def test_the_parts_of_a_resumed_run_are_run_again_in_their_order(store: Path) -> None:
    run = run_named("parts")
    plan = make_plan(context.store(), run.info.run_id)
    assert [cell.session for cell in plan.needed if cell.own] == [0, 1, 1]
    verdict = nbtrack.rerun("parts")
    assert (verdict.result, verdict.differs) == ("exact", [])
    assert verdict.curves["m"].values == [1.0, 4.0, 5.0]
    run.data.tags["nbtrack.resumed"] = "2"  # as a script that has gone on with it
    source = source_of_run(run, context.store().access.folder(run.info.artifact_uri))
    with pytest.raises(InvalidStateError, match=r"3 processes .* only 1 of them kept"):
        check_parts(run, [source])


def test_a_run_goes_the_way_it_went_where_its_results_are_there_already(store: Path) -> None:
    assert (store / "cache/model").read_text() == "1"
    verdict = nbtrack.rerun("cached")
    assert verdict.result == "exact"
    assert verdict.text.endswith(": same numbers (without the files that its cells write)")


def test_a_rerun_that_takes_too_long_is_tried_once(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[object] = []
    executed = reproduction.executed

    def counted(*given: Any, **more: Any) -> Any:
        attempts.append(given[4])
        return executed(*given, **more)

    monkeypatch.setattr(reproduction, "executed", counted)
    verdict = nbtrack.rerun("cached", timeout=0.01)
    assert (verdict.result, attempts) == ("failed", ["first"]), verdict.text


def test_changed_data_is_named(store: Path) -> None:
    run = run_named("first")
    (store / "data.csv").write_text("x\n1\n2\n4\n", "utf-8")
    try:
        done = command_line(program, "rerun", "first", "--json")
    finally:
        (store / "data.csv").write_text("x\n1\n2\n3\n", "utf-8")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["result"], found["cause"]) == (1, "different", "data changed")
    assert found["text"] == "differs in loss: data.csv changed since"
    assert nbtrack.get_run(run.info.run_id).data.tags["nbtrack.reproduced"] == "no"


def test_chance_is_told_from_loss(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduction, "CHEAP_S", 0.0)
    verdict = nbtrack.rerun("chance")
    assert (verdict.result, verdict.cause) == ("different", "not deterministic")
    assert verdict.differs == ["draw"]


def test_a_lost_cell_is_found_by_running_all(store: Path) -> None:
    place = record_of(run_named("first").info.run_id)
    kept = place.read_text("utf-8")
    record = json.loads(kept)
    lost = [cell for cell in record["needed"] if "factor" in cell["source"]]
    record["needed"] = [cell for cell in record["needed"] if cell not in lost]
    record["others"] = sorted([*record["others"], *lost], key=lambda cell: cell["number"])
    place.write_text(json.dumps(record), "utf-8")
    try:
        verdict = nbtrack.rerun("first")
    finally:
        place.write_text(kept, "utf-8")
    assert (verdict.result, verdict.cause, verdict.cells) == ("exact", "lost", "all")
    assert "one that the run needed had been left out" in verdict.text


def test_a_cell_that_fails_is_named_with_its_line(store: Path) -> None:
    place = record_of(run_named("first").info.run_id).with_name("cell.py")
    kept = place.read_text("utf-8")
    place.write_text("lr = 0.1\nopen('absent.csv')", "utf-8")
    try:
        verdict = nbtrack.rerun("first", cells="all")
    finally:
        place.write_text(kept, "utf-8")
    assert (verdict.result, verdict.cause) == ("failed", "error")
    assert verdict.text.startswith("cell 5 fails in line 3: FileNotFoundError: ")


def test_a_variation_is_a_run_of_its_own(store: Path) -> None:
    run = run_named("first")
    made = nbtrack.rerun("first", as_new=True, params={"lr": "0.5", "factor": 4, "note": "varied"})
    assert made.data.params == {"lr": "0.5", "factor": "4", "note": "varied"}
    assert made.data.tags[RERUN_OF] == run.info.run_id
    assert "nbtrack.reproduced" not in made.data.tags
    assert not (store / "written.txt").exists()
    nbtrack.delete_run(made.info.run_id)


def test_what_no_cell_sets_cannot_be_varied(store: Path) -> None:
    with pytest.raises(InvalidParameterError, match=r"'lrr'.*the literal that a cell"):
        nbtrack.rerun("first", as_new=True, params={"lrr": 1})
    with pytest.raises(InvalidParameterError, match="as_new=True"):
        nbtrack.rerun("first", params={"lr": 1})  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("source", "varied"),
    [
        ("cfg = dict(lr=0.1, n=2)", "cfg = dict(lr=0.5, n=2)"),
        ("%matplotlib inline\ncfg = {'lr': 0.1}", "%matplotlib inline\ncfg = {'lr': 0.5}"),
        (
            "class cfg:\n    n = 2\n    lr: float = 0.1",
            "class cfg:\n    n = 2\n    lr: float = 0.5",
        ),
    ],
)
def test_literals_inside_of_others_are_varied(source: str, varied: str) -> None:
    cells = [PlannedCell(source, 1), PlannedCell("%%track x -e y\nfit(cfg)", 2, own=True)]
    made = cells_with(cells, {"cfg.lr": "0.5"})
    assert [cell.source for cell in made] == [varied, "%%track x -e y\nfit(cfg)"]
    with pytest.raises(InvalidParameterError, match=r"literal for cfg\.wd"):
        cells_with(cells, {"cfg.wd": "1"})


def test_what_has_no_cells_says_why(workdir: Path) -> None:
    run = nbtrack.start_run(run_name="script")
    with pytest.raises(InvalidStateError, match="still runs"):
        nbtrack.rerun("script")
    nbtrack.end_run()
    with pytest.raises(InvalidStateError, match="made by a script"):
        nbtrack.rerun("script")
    nbtrack.delete_run(run.info.run_id)
    with pytest.raises(InvalidStateError, match="is deleted"):
        nbtrack.rerun(run.info.run_id)


def test_a_cell_without_its_secret_says_what_to_set() -> None:
    asked = "key = (__import__('os').environ.get('API_KEY') or __import__('getpass').getpass('x'))"
    with pytest.raises(InvalidStateError, match="Cell 3 needs API_KEY"):
        check_secrets([PlannedCell(asked, 3)])


def test_the_names_of_the_package_are_no_modules() -> None:
    importlib.import_module("nbtrack.reruns.background")
    from nbtrack import reruns

    assert [name for name in dir(reruns) if isinstance(getattr(reruns, name), ModuleType)] == []


def test_packages_are_not_installed_again(workdir: Path) -> None:
    lines = "if True:\n    !pip install torch\n%pip install -q numpy\n!python -m pip install x\n!ls"
    assert without_installs(lines).count("pass  #") == 3
    assert without_installs(lines).endswith("!ls")


def test_a_process_with_one_store_writes_no_other(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBTRACK_ONLY_URI", str(workdir / "only.duckdb"))
    nbtrack.set_tracking_uri(str(workdir / "other.duckdb"))
    assert Path(nbtrack.get_tracking_uri()).name == "only.duckdb"
    assert nbtrack.Client(str(workdir / "third.duckdb")).tracking_uri.endswith("only.duckdb")


def test_a_run_keeps_the_data_that_its_cells_have_read(notebook: Path, store: Path) -> None:
    found = nbtrack.artifacts.download_artifacts(
        run_id=run_named("first").info.run_id, artifact_path=".nbtrack/files.json"
    )
    files = {each["path"]: each for each in json.loads(Path(found).read_text("utf-8"))["files"]}
    digest = hashlib.sha256((notebook / "data.csv").read_bytes()).hexdigest()
    assert (files["data.csv"]["mode"], files["data.csv"]["sha256"]) == ("read", digest)
    assert files["written.txt"]["mode"] == "written"


def test_an_environment_that_cannot_be_made_is_said(
    store: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("UV_OFFLINE", "UV_NO_CACHE", "PIP_NO_INDEX"):  # as without a network
        monkeypatch.setenv(name, "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("NBTRACK_ENV_ROOT", str(workdir / "envs"))
    before = run_named("first").data.tags.get("nbtrack.reproduced.verdict")
    with pytest.raises(ProjectError, match="Without env=True"):
        nbtrack.rerun("first", env=True)
    assert run_named("first").data.tags.get("nbtrack.reproduced.verdict") == before


def test_another_python_than_the_recorded_one_is_never_taken_silently() -> None:
    this = Environment("uv", sys.executable, {})
    said: list[str] = []
    major, minor, _ = platform.python_version_tuple()
    check_version(this, platform.python_version(), said.append)
    check_version(this, f"{major}.{minor}.999", said.append)
    text = f"stands for {major}.{minor}.999, which the run had."
    assert said == [f"Python {platform.python_version()} {text}"]
    with pytest.raises(ProjectError, match=r"has Python .*, and the run had 3\.1\.2"):
        check_version(this, "3.1.2", said.append)
