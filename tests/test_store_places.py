"""Where a store lies: one real place however it is reached, and names of every kind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError
from nbtrack.store import compact, open_store

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names and links")

NAMES = [
    "a*b", "a[1]", "{x}", "it's", 'a"b;c', "a%20b#c&d", "a\nb", "ünï日本😀", " a ", "x" * 200,
    "a:b", "~", "$HOME", "s3:", "-dash", "\x01",
]  # fmt: skip
REFUSED = ["a?b", "?", "a?x=1&y", "a\\b", "\udcff"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def log_and_look(path: Path) -> None:
    nbtrack.set_tracking_uri(path)
    with nbtrack.start_run():
        nbtrack.log_metric("x", 1)
    assert nbtrack.sql("SELECT value FROM metrics").value.tolist() == [1.0]
    store = open_store(path)
    store.close()
    assert path.is_file()
    assert list(store.journals.iterdir()) == []


@posix
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_folder_and_a_file_may_have_odd_names(workdir, name):
    (workdir / name).mkdir()
    log_and_look(workdir / name / f"{name[:100]}.duckdb")
    assert len(list((workdir / name).iterdir())) == 2


@posix
def test_a_file_may_have_a_question_mark_in_its_name(workdir):
    log_and_look(workdir / "what?.duckdb")


@posix
@pytest.mark.parametrize("name", REFUSED, ids=ascii)
def test_a_place_that_duckdb_cannot_open_is_refused_before_anything_is_logged(workdir, name):
    (workdir / name).mkdir()
    with pytest.raises(InvalidParameterError, match="A database cannot lie at"):
        nbtrack.set_tracking_uri(workdir / name / "nbtrack.duckdb")
    assert list((workdir / name).iterdir()) == []


@posix
def test_the_default_store_of_such_a_folder_is_refused_too(workdir, monkeypatch):
    (workdir / "a?b").mkdir()
    monkeypatch.chdir(workdir / "a?b")
    with pytest.raises(InvalidParameterError, match="a \\? in its name"):
        nbtrack.start_run()
    assert list((workdir / "a?b").iterdir()) == []


@posix
@pytest.mark.parametrize("linked", ["file", "folder", "both"])
def test_a_store_reached_through_a_link_is_the_same_one(workdir, linked):
    real = workdir / "real" / "nbtrack.duckdb"
    log_and_look(real)
    if linked == "file":
        (workdir / "link.duckdb").symlink_to(real)
        link = workdir / "link.duckdb"
    else:
        (workdir / "way").symlink_to(workdir / "real")
        link = workdir / "way" / "nbtrack.duckdb"
    if linked == "both":
        (workdir / "again.duckdb").symlink_to(link)
        link = workdir / "again.duckdb"
    assert open_store(link) is open_store(real)
    nbtrack.set_tracking_uri(link)
    assert nbtrack.get_tracking_uri() in (str(link), str(real))
    with nbtrack.start_run() as run:
        nbtrack.log_text("hello", "a.txt")
    compact(link)
    nbtrack.set_tracking_uri(real)
    assert len(nbtrack.search_runs()) == 2
    assert (real.parent / f"nbtrack.duckdb.d/artifacts/0/{run.info.run_id}/a.txt").is_file()
    assert not Path(f"{link}.d").exists() or linked == "folder"
    assert link.is_symlink() or linked == "folder"


@posix
def test_a_link_to_nothing_is_where_the_database_is_made(workdir):
    (workdir / "disk").mkdir()
    (workdir / "nbtrack.duckdb").symlink_to(workdir / "disk" / "runs.duckdb")
    with nbtrack.start_run():
        nbtrack.log_metric("x", 1)
    open_store(None).close()
    assert names(workdir) == ["disk", "nbtrack.duckdb"]
    assert names(workdir / "disk") == ["runs.duckdb", "runs.duckdb.d"]
    assert len(nbtrack.search_runs()) == 1


@posix
def test_links_in_a_circle_are_an_error(workdir):
    (workdir / "a.duckdb").symlink_to(workdir / "b.duckdb")
    (workdir / "b.duckdb").symlink_to(workdir / "a.duckdb")
    with pytest.raises(InvalidParameterError, match="leads in a circle"):
        nbtrack.set_tracking_uri("a.duckdb")


@posix
def test_the_folder_beside_the_file_may_be_a_link(workdir):
    (workdir / "big").mkdir()
    (workdir / "nbtrack.duckdb.d").symlink_to(workdir / "big")
    log_and_look(workdir / "nbtrack.duckdb")
    assert (workdir / "big" / "lock").is_file()
