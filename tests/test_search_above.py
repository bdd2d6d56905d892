"""Up to where the default store is looked for, and what is said of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import nbtrack
import programs
from nbtrack import config
from nbtrack.config import find_default, resolve


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder))
    return folder


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nbtrack.duckdb").touch()
    return folder / "nbtrack.duckdb"


def below(folder: Path) -> Path:
    place = folder / "a" / "b"
    place.mkdir(parents=True, exist_ok=True)
    return place


@pytest.mark.parametrize("where", ["home/project", "home", "data/project"])
def test_a_store_above_is_found(tmp_path, where):
    path = made(tmp_path / where)
    assert find_default(below(path.parent)) == path
    assert find_default(path.parent) == path


@pytest.mark.parametrize("git", ["folder", "file"])
def test_the_search_ends_at_the_root_of_a_repository(home, git):
    made(home)
    repository = home / "repository"
    place = below(repository)
    if git == "folder":
        (repository / ".git").mkdir()
    else:
        (repository / ".git").write_text("gitdir: elsewhere")
    assert find_default(place) == place / "nbtrack.duckdb"
    assert find_default(repository) == repository / "nbtrack.duckdb"
    assert find_default(place) == place / "nbtrack.duckdb"
    at_root = made(repository)
    assert find_default(place) == at_root


@pytest.mark.parametrize("links", [False, True])
def test_the_search_ends_at_home(tmp_path, home, monkeypatch, links):
    made(tmp_path)
    if links:
        (tmp_path / "link").symlink_to(home, target_is_directory=True)
        monkeypatch.setenv("HOME", str(tmp_path / "link"))
    place = below(home)
    assert find_default(place) == place / "nbtrack.duckdb"
    assert find_default(home) == home / "nbtrack.duckdb"


def test_the_search_ends_at_the_root_of_a_file_system(tmp_path, monkeypatch):
    made(tmp_path)
    disk = tmp_path / "disk"
    monkeypatch.setattr(os.path, "ismount", lambda place: Path(place) in (disk, Path("/")))
    place = below(disk)
    assert find_default(place) == place / "nbtrack.duckdb"
    at_root = made(disk)
    assert find_default(place) == at_root


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners cannot be told here")
@pytest.mark.parametrize(
    "foreign", ["project", "project/nbtrack.duckdb", "project/nbtrack.duckdb.d"]
)
def test_a_store_above_of_another_user_is_none(tmp_path, monkeypatch, foreign):
    path = made(tmp_path / "project")
    Path(f"{path}.d").mkdir()
    if os.getuid() == 0:
        os.chown(tmp_path / foreign, 12345, -1)
    else:
        owner_of = config._owner_of
        monkeypatch.setattr(
            config, "_owner_of", lambda p: 12345 if p == tmp_path / foreign else owner_of(p)
        )
    place = below(path.parent)
    assert find_default(place) == place / "nbtrack.duckdb"
    monkeypatch.chdir(place)
    assert "belongs to another user" in str(resolve(None).notice)
    assert find_default(path.parent) == path  # who works in the folder has chosen it


def test_where_owners_cannot_be_told_the_root_of_a_drive_is_none(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "getuid")
    assert all(folder != folder.parent for folder in config._above(tmp_path))
    path = made(tmp_path / "project")
    assert find_default(below(path.parent)) == path


def test_it_is_said_once_where_the_runs_go(workdir, monkeypatch):
    with nbtrack.start_run():
        pass
    code = "import nbtrack\nfor i in range(2):\n with nbtrack.start_run(): pass"
    process = programs.start(code, cwd=below(workdir))
    _, err = process.communicate(timeout=60)
    assert err.count(f"Runs go to {workdir / 'nbtrack.duckdb'}") == 1
    assert len(nbtrack.search_runs()) == 3
    monkeypatch.chdir(below(workdir))
    assert resolve(None).path == workdir / "nbtrack.duckdb"
