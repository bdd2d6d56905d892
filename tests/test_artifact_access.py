"""nbtrack.artifacts: getting back what a run has stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import nbtrack as api
from nbtrack import artifacts
from nbtrack.entities import FileInfo
from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError


@pytest.fixture
def run_id(tmp_path: Path) -> Iterator[str]:
    before = api.get_tracking_uri() if api.is_tracking_uri_set() else None
    api.set_tracking_uri(tmp_path / "nbtrack.duckdb")
    with api.start_run() as run:
        api.log_text("hello", "d/a.txt")
        api.log_dict({"lr": 0.1}, "d/c.json")
        api.log_dict({"lr": 0.1}, "d/c.yaml")
        api.log_image(np.zeros((2, 3)), "p.png")
        yield run.info.run_id
    api.set_tracking_uri(before)


def test_content_comes_back_by_run_uri(run_id: str) -> None:
    assert artifacts.load_text(f"runs:/{run_id}/d/a.txt") == "hello"
    assert artifacts.load_dict(f"runs:/{run_id}/d/c.json") == {"lr": 0.1}
    assert artifacts.load_dict(f"runs:/{run_id}/d/c.yaml") == {"lr": 0.1}
    assert artifacts.load_image(f"runs:/{run_id}/p.png").size == (3, 2)


def test_artifacts_are_listed_by_run_or_uri(run_id: str) -> None:
    expected = ["d/a.txt", "d/c.json", "d/c.yaml"]
    assert [f.path for f in artifacts.list_artifacts(f"runs:/{run_id}/d")] == expected
    assert [f.path for f in artifacts.list_artifacts(run_id=run_id, artifact_path="d")] == expected
    assert FileInfo("d", True) in artifacts.list_artifacts(f"runs:/{run_id}")
    assert artifacts.list_artifacts(f"runs:/{run_id}/p.png") == []


def test_artifacts_are_downloaded_whole_or_in_part(run_id: str, tmp_path: Path) -> None:
    copy = artifacts.download_artifacts(f"runs:/{run_id}/d", dst_path=str(tmp_path / "copy"))
    assert sorted(p.name for p in Path(copy).iterdir()) == ["a.txt", "c.json", "c.yaml"]
    whole = artifacts.download_artifacts(run_id=run_id)
    assert Path(whole, "d", "a.txt").read_text() == "hello"
    other = artifacts.download_artifacts(
        run_id=run_id, artifact_path="p.png", tracking_uri=api.get_tracking_uri()
    )
    assert Path(other).is_file()


def test_plain_paths_and_uris_are_artifacts_too(tmp_path: Path) -> None:
    (tmp_path / "a b.txt").write_text("x")
    (tmp_path / "link.txt").symlink_to(tmp_path / "a b.txt")
    assert artifacts.load_text(str(tmp_path / "link.txt")) == "x"
    assert artifacts.load_text((tmp_path / "a b.txt").as_uri()) == "x"
    assert [f.path for f in artifacts.list_artifacts(f"{tmp_path}/")] == ["a b.txt", "link.txt"]
    with pytest.raises(NotFoundError, match="missing"):
        artifacts.download_artifacts(str(tmp_path / "missing"))


def test_content_of_another_kind_is_said(run_id: str, tmp_path: Path) -> None:
    for load in (artifacts.load_text, artifacts.load_dict):
        with pytest.raises(NbtrackError, match=r"Unable to form .*p\.png") as caught:
            load(f"runs:/{run_id}/p.png")
        assert caught.value.error_code == "BAD_REQUEST"
    with pytest.raises(NbtrackError, match="Unable to form a picture"):
        artifacts.load_image(f"runs:/{run_id}/d/a.txt")
    with pytest.raises(NbtrackError, match="Unable to form a dictionary"):
        artifacts.load_dict(f"runs:/{run_id}/d/a.txt")
    with pytest.raises(NotFoundError, match="No such artifact"):
        artifacts.load_text(f"runs:/{run_id}/none.txt")


def test_unclear_requests_are_refused() -> None:
    with pytest.raises(InvalidParameterError, match="Exactly one of"):
        artifacts.download_artifacts()
    with pytest.raises(InvalidParameterError, match="Exactly one of"):
        artifacts.list_artifacts("x", run_id="1")
    with pytest.raises(InvalidParameterError, match="cannot be specified"):
        artifacts.list_artifacts("x", artifact_path="y")
    with pytest.raises(InvalidParameterError, match="proper runs"):
        artifacts.load_text("runs://a/b")
    with pytest.raises(InvalidParameterError, match="not available"):
        artifacts.load_text("mlflow-artifacts:/m/1")
