"""The files that a run has read, and its environment: kept, and compared with now."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from pathlib import Path

import pytest

import nbtrack
import programs
from nbtrack import file_digests
from nbtrack.file_digests import TimeBudget, file_digest
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.tracking import context
from nbtrack.tracking.files_read import FILES_FILE, MANY, FilesRecord, record_of_files, uses_of
from nbtrack.views.data_state import data_files
from nbtrack.views.details.details import details
from nbtrack.views.environment_difference import environment_difference


@pytest.fixture
def run(workdir: Path) -> nbtrack.ActiveRun:
    Path("data").mkdir()
    for name in ("a.csv", "b.csv", "made.csv"):
        Path("data", name).write_text(name)
    with nbtrack.start_run() as started:
        first = (1, {"data/a.csv"}, {"data/made.csv"})
        FilesRecord(started).keep([first, (2, {"data/b.csv", "data/made.csv", "gone.csv"}, ())])
    return started


def folder_of(run: nbtrack.ActiveRun) -> ArtifactFolder:
    return context.store().access.folder(run.info.artifact_uri)


def states(run: nbtrack.ActiveRun) -> dict[str, str]:
    return {each.path: each.state for each in data_files(folder_of(run))}


def badges(run: nbtrack.ActiveRun) -> dict[str, str]:
    found = details(context.store(), run.info.run_id)["badges"]
    return {each["text"]: each["detail"] for each in found}


def test_files_are_kept_with_digest_and_cells_and_intermediate_ones_are_no_input(run):
    kept = json.loads(folder_of(run).read_bytes(FILES_FILE))
    files = {each["path"]: each for each in kept["files"]}
    assert files["data/a.csv"]["sha256"] == hashlib.sha256(b"a.csv").hexdigest()
    assert (files["data/a.csv"]["mode"], files["data/a.csv"]["cells"]) == ("read", [1])
    assert (files["data/made.csv"]["mode"], files["data/made.csv"]["cells"]) == ("written", [1, 2])
    assert set(files) == {"data/a.csv", "data/b.csv", "data/made.csv"}


def test_data_is_the_same_until_its_content_changes(run):
    assert set(states(run).values()) == {"same"}
    os.utime("data/a.csv", (1, 1))
    assert states(run)["data/a.csv"] == "same"
    Path("data/a.csv").write_text("A.csv")
    Path("data/b.csv").unlink()
    assert states(run) | {"data/made.csv": ""} == {
        "data/a.csv": "changed",
        "data/b.csv": "missing",
        "data/made.csv": "",
    }
    assert "data/a.csv, data/b.csv (missing)" in badges(run)["data changed"]


def test_the_lineage_of_a_run_has_its_files_and_what_they_are_now(run):
    Path("data/b.csv").unlink()
    line = nbtrack.lineage(run)
    assert "data/a.csv, 5 bytes, sha256 " in str(line)
    assert "missing" in str(line)
    assert {each.path: each.state for each in line.files}["data/b.csv"] == "missing"


def test_what_the_run_has_written_may_change(run):
    Path("data/made.csv").write_text("other")
    assert states(run)["data/made.csv"] == "changed"
    assert "data changed" not in badges(run)


def test_a_file_without_digest_that_was_written_since_may_have_changed(run, monkeypatch):
    monkeypatch.setattr(file_digests, "_known", {})
    monkeypatch.setattr(file_digests, "_CHUNK", 2)
    assert file_digest(Path("data/a.csv"), TimeBudget(-1)) is None
    os.utime("data/a.csv", (1, 1))
    monkeypatch.setattr("nbtrack.views.data_state.SECONDS", -1)
    assert states(run)["data/a.csv"] == "may have changed"
    assert "data/a.csv" in badges(run)["data may have changed"]


def test_a_folder_of_many_files_is_one_entry(run):
    images = Path("images")
    images.mkdir()
    for number in range(MANY + 1):
        (images / f"{number}.png").write_bytes(bytes(number % 7))
    read = {f"images/{number}.png" for number in range(MANY + 1)}
    record = record_of_files(Path.cwd(), uses_of([(4, read, ())]))
    assert (record["files"], record["folders"][0]["count"]) == ([], MANY + 1)
    folder = folder_of(run)
    context.store().writer(run.info.run_id).artifacts.put_bytes(
        FILES_FILE, json.dumps(record).encode()
    )
    assert states(run) == {"images/": "same"}
    (images / "1.png").write_bytes(b"1")
    assert states(run) == {"images/": "may have changed"}
    (images / "0.png").unlink()
    assert [each.state for each in data_files(folder)] == ["changed"]


def test_a_file_that_was_read_and_then_replaced_has_no_digest(workdir):
    Path("x.csv").write_text("now")
    record = record_of_files(Path.cwd(), uses_of([(1, {"x.csv"}, ()), (2, (), {"x.csv"})]))
    assert (record["files"][0]["mode"], record["files"][0]["sha256"]) == ("read", None)


def test_a_folder_of_another_machine_counts_where_a_file_of_the_run_is_in_it(run):
    nbtrack.Client().set_tag(run.info.run_id, "nbtrack.host", "another")
    Path("data/a.csv").write_text("other")
    assert "data/a.csv" in badges(run)["data changed"]
    for name in ("b.csv", "made.csv"):
        Path("data", name).unlink()
    assert not [text for text in badges(run) if "data" in text]
    assert {each.state for each in nbtrack.lineage(run).files} == {"not here"}


def test_files_above_the_folder_are_looked_at_within_the_project(workdir, monkeypatch):
    for name in ("repo/.git/x", "repo/data/x.csv", "repo/a/b/own.csv", "x.csv"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("1")
    monkeypatch.chdir("repo/a/b")
    above = {"../../data/x.csv", "../../../x.csv", "own.csv"}
    with nbtrack.start_run() as run:
        FilesRecord(run).keep([(1, above, ())])
    assert states(run) == {"../../data/x.csv": "same", "own.csv": "same"}
    Path("../../data/x.csv").write_text("2")
    assert "../../data/x.csv" in badges(run)["data changed"]


def test_a_record_of_somebody_else_leads_nowhere_else(run):
    paths = ("../../../../../etc/passwd", "/etc/passwd", "data/../../../../a", "../data/../../x")
    escaping = [{"path": path, "size": 0, "mode": "read"} for path in paths]
    record = json.dumps({"version": 1, "folder": str(Path.cwd()), "files": escaping})
    context.store().writer(run.info.run_id).artifacts.put_bytes(FILES_FILE, record.encode())
    assert states(run) == {}


def test_the_environment_is_compared_by_what_the_run_had_imported():
    then = {
        "python": {"version": "3.1.0", "implementation": platform.python_implementation()},
        "packages": {"duckdb": "0.0.1", "no-such-package": "1.0"},
        "gpus": [{"name": "GPU A"}],
        "driver": "1.0",
    }
    found = environment_difference(then, {})
    assert [(each.kind, each.name, each.then) for each in found.changes] == [
        ("python", "Python", "3.1.0"),
        ("GPU", "GPU", "GPU A"),
        ("driver", "GPU driver", "1.0"),
        ("package", "duckdb", "0.0.1"),
        ("package", "no-such-package", "1.0"),
    ]
    assert "no-such-package: 1.0, now none" in str(found)


def test_the_environment_of_a_run_made_just_now_is_the_same(run):
    found = nbtrack.environment_difference(run.info.run_id)
    assert found.known
    assert not found
    assert "environment differs" not in badges(run)


SCRIPT = """
import os, sys
from pathlib import Path
import nbtrack, settings
nbtrack.record_files()
import layers
Path("config.json").read_text()
Path("prepared.csv").write_text("1")
with nbtrack.start_run(run_name="first"):
    Path("prepared.csv").read_text()
    Path("first.bin").write_bytes(b"1")
with nbtrack.start_run(run_name="second"):
    Path("rows.csv").read_text()
    Path("checkpoint.bin").write_bytes(b"2")
    Path("checkpoint.bin").read_bytes()
    os.chdir("elsewhere")
nbtrack.record_files(False)
with nbtrack.start_run(run_name="third"):
    Path("rows.csv").exists()
"""


def test_a_script_that_asks_for_it_keeps_its_files(workdir: Path) -> None:
    Path("elsewhere").mkdir()
    for name in ("settings.py", "layers.py", "config.json", "rows.csv"):
        Path(name).write_text("")
    programs.run(SCRIPT, cwd=workdir)
    found = {}
    for each in nbtrack.search_runs(output_format="list"):
        known = nbtrack.lineage(each).files
        found[each.info.run_name] = {(file.path, file.mode) for file in known}
        assert all(file.sha256 and file.state == "same" and not file.cells for file in known)
    shared = {(name, "read") for name in ("layers.py", "config.json", "prepared.csv")}
    assert found == {
        "first": {*shared, ("first.bin", "written")},
        "second": {*shared, ("rows.csv", "read"), ("checkpoint.bin", "written")},
        "third": set(),
    }
