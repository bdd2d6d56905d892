"""One store into another and back: all of it, and again only what is new."""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import nbtrack
import programs
from nbtrack.interop import export_to, import_from
from nbtrack.interop.report import Report
from nbtrack.store import open_store
from nbtrack.store.bulk import ExperimentRow, match_experiments, new_ids
from nbtrack.tracking import context
from store_rows import content
from team_services import Catalog

Folders = pytest.TempPathFactory


def came(report: Report) -> dict[str, int]:
    return {row.what: row.came for row in report.rows if row.came}


def rows(uri: str, sql: str) -> list[tuple[object, ...]]:
    with open_store(uri).read() as reader:
        return reader.rows(sql)


def change(uri: str, sql: str) -> None:
    with open_store(uri).write() as reader:
        reader.rows(sql)


def fill() -> str:
    """Put something into every table of the store here, and return the id of a run."""
    client = nbtrack.Client()
    nbtrack.set_experiment("digits")
    nbtrack.set_experiment_tag("team", "vision")
    data = nbtrack.data.from_numpy(np.ones(3), name="train")
    with nbtrack.start_run(run_name="quick") as run:
        nbtrack.log_params({"lr": 0.5, "net": "ümlaut"})
        nbtrack.log_metrics({"loss": 0.25, "acc": math.nan}, step=3)
        nbtrack.log_metric("loss", math.inf, step=4)
        nbtrack.log_input(data, context="training")
        nbtrack.log_text("a note", "notes/first.txt")
        model = nbtrack.initialize_logged_model("net", params={"depth": "2"}, tags={"a": "b"})
        nbtrack.log_metric("acc", 0.5, step=5, model_id=model.model_id)
        nbtrack.log_outputs(models=[nbtrack.entities.LoggedModelOutput(model.model_id, 5)])
        Path("net").mkdir()
        Path("net/MLmodel").write_text("flavors: {}\n")
        client.log_model_artifacts(model.model_id, "net")
        client.finalize_logged_model(model.model_id, "READY")
    with nbtrack.start_run(run_name="second"):
        nbtrack.log_input(model=nbtrack.entities.LoggedModelInput(model.model_id))
    deleted = client.create_experiment("old")
    old = client.create_run(deleted).info.run_id
    client.set_terminated(old)
    client.delete_run(old)
    client.delete_experiment(deleted)
    client.create_registered_model("Net", tags={"owner": "ann"}, description="the net")
    for _ in range(3):
        client.create_model_version("Net", f"models:/{model.model_id}", run.info.run_id)
    client.delete_model_version("Net", "3")
    client.set_model_version_tag("Net", "2", "checked", "yes")
    client.transition_model_version_stage("Net", "1", "Production")
    client.set_registered_model_alias("Net", "best", "2")
    return run.info.run_id


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("filled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context, "_process", context._Process())
        patch.chdir(folder)
        nbtrack.set_tracking_uri("nbtrack.duckdb")
        run_id = fill()
        open_store("nbtrack.duckdb").close()
        shutil.rmtree("net")
    return folder, run_id


@pytest.fixture
def run_id(filled: tuple[Path, str], workdir: Path) -> str:
    """A run of the store here, in which every table has rows."""
    shutil.copytree(filled[0], workdir, dirs_exist_ok=True)
    return filled[1]


def test_a_copy_and_the_copy_of_it_hold_what_the_store_holds(run_id: str) -> None:
    there = export_to("team.duckdb", progress=False)
    back = import_from("team.duckdb", "back.duckdb", progress=False)
    assert (there.problems, back.problems) == ([], [])
    wanted = content("nbtrack.duckdb")
    assert [table for table, found in wanted.items() if not found] == []  # a new one goes along
    assert content("team.duckdb") == wanted
    assert content("back.duckdb") == wanted
    for again in (export_to("team.duckdb", progress=False),
                  import_from("back.duckdb", progress=False)):  # fmt: skip
        assert (came(again), again.problems) == ({}, [])
    assert content("nbtrack.duckdb") == wanted


def test_a_store_that_has_the_same_names_keeps_its_ids_and_numbers(run_id: str) -> None:
    other = nbtrack.Client("team.duckdb")
    other.create_experiment("theirs")
    other.create_experiment("digits", tags={"team": "audio"})
    other.create_registered_model("Net", description="another")
    Path("theirs").mkdir()
    Path("theirs/MLmodel").touch()
    other.create_model_version("Net", "theirs")
    report = export_to("team.duckdb", progress=False)
    assert any("'team'" in note for note in report.notes)  # a tag that differs stays
    assert other.get_experiment("2").tags["team"] == "audio"
    assert rows("team.duckdb", "SELECT experiment_id, name FROM experiments ORDER BY ALL") == [
        ("0", "Default"), ("1", "theirs"), ("2", "digits"), ("3", "old"),
    ]  # fmt: skip
    for uri in (other.get_run(run_id).info.artifact_uri,
                other.get_model_version_download_uri("Net", "2")):  # fmt: skip
        assert "/team.duckdb.d/artifacts/2/" in uri
    assert {problem.name for problem in report.problems} == {"Net 1"}
    assert other.get_model_version("Net", "1").source.endswith("theirs")
    assert other.get_model_version_by_alias("Net", "best").version == 2
    assert other.get_registered_model("Net").description == "another"
    assert other.create_model_version("Net", "theirs").version == 4


def test_experiments_are_matched_by_name_or_by_the_moment_they_were_made() -> None:
    def row(number: str, name: str, created: int, stage: str = "active") -> ExperimentRow:
        return ExperimentRow(number, name, stage, None, created, created)

    there = [
        row("1", "same", 10), row("2", "renamed", 20), row("3", "gone", 30),
        row("4", "old", 40, "deleted"), row("5", "twin", 50), row("6", "twin 2", 50),
    ]  # fmt: skip
    here = [
        row("7", "same", 11), row("8", "other", 20), row("9", "gone", 30, "deleted"),
        row("1", "old", 41), row("2", "old", 40, "deleted"), row("3", "third", 50),
    ]  # fmt: skip
    found = match_experiments(there, here)
    assert {each: found[each].id for each in found} == {"1": "7", "2": "8", "3": "9", "4": "2"}
    assert new_ids(["5", "2", "x", "6"], ["2", "9"]) == {"5": "5", "2": "10", "x": "11", "6": "6"}


def test_what_went_on_here_comes_with_the_next_copy(workdir: Path) -> None:
    run = nbtrack.start_run(run_name="long")
    nbtrack.log_metric("loss", 3.0, step=1)
    nbtrack.set_tag("phase", "warm-up")
    export_to("team.duckdb", progress=False)
    client = nbtrack.Client("team.duckdb")
    assert client.get_run(run.info.run_id).info.status == "INTERRUPTED"
    client.set_tag(run.info.run_id, "note", "theirs")
    nbtrack.log_metric("loss", 2.0, step=2)
    nbtrack.set_tag("phase", "done")
    nbtrack.log_text("x", "x.txt")
    nbtrack.end_run()
    report = export_to("team.duckdb", progress=False)
    assert came(report)["points"] == 1
    found = client.get_run(run.info.run_id)
    assert (found.info.status, found.data.tags["phase"]) == ("FINISHED", "done")
    assert found.info.end_time == nbtrack.get_run(run.info.run_id).info.end_time
    assert found.data.tags["note"] == "theirs"
    assert [m.value for m in client.get_metric_history(run.info.run_id, "loss")] == [3.0, 2.0]


def test_what_was_changed_there_stays_and_is_named(run_id: str) -> None:
    export_to("team.duckdb", progress=False)
    client = nbtrack.Client("team.duckdb")
    client.set_tag(run_id, "mlflow.runName", "renamed")
    client.rename_experiment("1", "numbers")
    client.delete_registered_model_alias("Net", "best")
    client.set_registered_model_alias("Net", "best", "1")
    client.delete_run(run_id)
    report = export_to("team.duckdb", progress=False)
    assert [problem.name for problem in report.problems] == ["Net@best"]
    text = str(report)
    assert "'mlflow.runName'" in text
    assert "is called 'numbers' in" in text
    assert "1 runs, such as" in text  # which is deleted there
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    assert [e.name for e in client.search_experiments()] == ["Default", "numbers"]


def test_files_are_checked_and_what_is_missing_is_named(run_id: str) -> None:
    place = Path(nbtrack.get_run(run_id).info.artifact_uri, "notes")
    nbtrack.Client().log_text(run_id, "lost", "notes/lost.txt")
    (place / "lost.txt").unlink()
    (place / "first.txt").unlink()
    (place / "first.txt").write_text("changed")
    report = export_to("team.duckdb", progress=False)
    reasons = {problem.name.rpartition("/")[2]: problem.reason for problem in report.problems}
    assert "SHA-256" in reasons.pop("first.txt")
    assert "not there" in reasons.pop("lost.txt")
    assert reasons == {}
    assert nbtrack.Client("team.duckdb").list_artifacts(run_id, "notes") == []


def test_a_file_that_was_logged_again_replaces_its_copy(run_id: str) -> None:
    place = Path(nbtrack.get_run(run_id).info.artifact_uri)
    (place / "mine.txt").write_text("still written")
    export_to("team.duckdb", progress=False)
    copy = Path(nbtrack.Client("team.duckdb").get_run(run_id).info.artifact_uri)
    if os.name == "posix":  # the disk is shared where nobody writes to a file
        assert (copy / "notes/first.txt").samefile(place / "notes/first.txt")
    assert not (copy / "mine.txt").samefile(place / "mine.txt")
    assert (copy / "mine.txt").read_text() == "still written"
    nbtrack.Client().log_text(run_id, "better", "notes/first.txt")
    assert came(export_to("team.duckdb", progress=False)) == {"artifacts": 1}
    assert (copy / "notes/first.txt").read_text() == "better"
    (place / "mine.txt").write_text("and goes on")
    back = import_from("team.duckdb", progress=False)
    assert [problem.name.partition("/")[2] for problem in back.problems] == ["mine.txt"]
    assert (place / "mine.txt").read_text() == "and goes on"


@pytest.mark.team
def test_a_file_goes_to_a_team_and_comes_back(
    run_id: str, catalog: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Folders
) -> None:
    monkeypatch.setenv("NBTRACK_DATA_PATH", str(tmp_path_factory.mktemp("shared")))
    there = export_to(catalog.uri, progress=False)
    back = import_from(catalog.uri, "back.duckdb", progress=False)
    assert (there.problems, back.problems) == ([], [])
    assert "made-up" not in f"{there}{back}"  # the password
    wanted = content("nbtrack.duckdb")
    assert content("back.duckdb") == wanted
    assert content(catalog.uri) == wanted
    assert came(export_to(catalog.uri, progress=False)) == {}


@pytest.mark.team
def test_files_that_a_team_keeps_in_object_storage_come_along(
    workdir: Path, catalog: Catalog, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_text("a note", "notes/first.txt")
    monkeypatch.setenv("NBTRACK_DATA_PATH", bucket)
    export_to(catalog.uri, progress=False)
    uri = nbtrack.Client(catalog.uri).get_run(run.info.run_id).info.artifact_uri
    assert uri.startswith(f"{bucket}/")
    report = import_from(catalog.uri, "back.duckdb", experiments=["Default"], progress=False)
    assert report.ok, str(report)
    assert content("back.duckdb") == content("nbtrack.duckdb")


KILLED = """
import os, sys
from nbtrack.interop import export_to
from nbtrack.store.store import Store

write, left = Store.write, int(sys.argv[1])
def cut_off(self):
    global left
    if self.path.name == "team.duckdb":
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
    return write(self)
Store.write = cut_off
export_to("team.duckdb", progress=False)
print("done")
"""


def test_a_copy_that_was_killed_is_completed(run_id: str, workdir: Path) -> None:
    for writes in (1, 4):
        process = programs.start(KILLED, writes, cwd=workdir)
        process.communicate(timeout=60)
        assert process.returncode == -9
    assert export_to("team.duckdb", progress=False).ok
    assert content("team.duckdb") == content("nbtrack.duckdb")


def test_some_experiments_can_be_chosen(run_id: str) -> None:
    with nbtrack.start_run(experiment_id="0"):
        pass
    report = import_from("nbtrack.duckdb", "part.duckdb", experiments=["digits"], progress=False)
    assert came(report)["runs"] == 2
    assert "Registered models belong to no experiment" in str(report)
    with pytest.raises(nbtrack.errors.NotFoundError, match="'none'"):
        import_from("nbtrack.duckdb", "part.duckdb", experiments=["none"], progress=False)


def test_a_strangers_store_names_no_place_outside(run_id: str, workdir: Path) -> None:
    change("nbtrack.duckdb", "INSERT INTO runs SELECT * REPLACE ('../../x' AS run_id) FROM runs")
    change("nbtrack.duckdb", "INSERT INTO artifacts SELECT run_id, '../../y', 1, NULL, now()"
           "::TIMESTAMP FROM runs LIMIT 1")  # fmt: skip
    before = set(workdir.parent.rglob("*"))
    report = import_from("nbtrack.duckdb", "ours.duckdb", progress=False)
    assert "../../x" in {problem.name for problem in report.problems}
    new = set(workdir.parent.rglob("*")) - before
    assert {path.relative_to(workdir).parts[0] for path in new} == {"ours.duckdb", "ours.duckdb.d"}
