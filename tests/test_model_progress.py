"""What takes longer than a second shows a bar, and nothing else does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nbtrack.models import progress
from nbtrack.models.logging import save
from nbtrack.models.manifest import sha256
from nbtrack.models.model import Model

pytest.importorskip("tqdm")
pytestmark = pytest.mark.usefixtures("workdir")


def write_slowly(folder: Path, model: Model) -> None:
    (folder / "weights.bin").write_bytes(b"x" * 5_000_000)
    time.sleep(0.3)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.02)
    monkeypatch.setattr(progress, "_LOOK_EVERY", 0.02)
    monkeypatch.setattr(progress, "has_display", lambda: True)


def test_a_save_of_a_framework_shows_the_bytes_that_are_written(
    impatient: None, capfd: pytest.CaptureFixture[str]
) -> None:
    save(write_slowly, "m")
    assert "save model: 5.00MB" in capfd.readouterr().err


def test_a_flavor_with_a_bar_of_its_own_gets_no_other(
    impatient: None, capfd: pytest.CaptureFixture[str]
) -> None:
    save(write_slowly, "m", progress=False)
    assert capfd.readouterr().err == ""


def test_what_is_fast_shows_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 60)
    save(write_slowly, "m")
    assert capfd.readouterr().err == ""


def test_a_load_of_a_framework_shows_that_it_works(
    impatient: None, capfd: pytest.CaptureFixture[str]
) -> None:
    with progress.working("load model"):
        time.sleep(0.2)
    assert "load model" in capfd.readouterr().err


def test_bytes_are_counted_while_a_file_is_read() -> None:
    Path("file").write_bytes(b"x" * 2_500_000)
    seen: list[int] = []
    sha256(Path("file"), seen.append)
    assert sum(seen) == 2_500_000
    assert len(seen) == 3


def test_an_output_that_goes_to_a_file_gets_no_bar(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.02)
    save(write_slowly, "m")
    assert capfd.readouterr().err == ""
