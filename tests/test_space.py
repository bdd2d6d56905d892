"""`nbtrack gc` and `nbtrack compact`: what they remove, and what stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import nbtrack
from nbtrack.cli.program import program


def call(*words: str) -> Result:
    return CliRunner().invoke(program, list(words))


def read(*words: str) -> Any:
    done = call(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def log_run(name: str) -> str:
    with nbtrack.start_run(run_name=name) as run:
        nbtrack.log_text(name * 1000, "note.txt")
    return run.info.run_id


@pytest.fixture
def deleted(workdir: Path) -> tuple[str, str, str]:
    """One run that is kept and two that are deleted, in an experiment that is kept."""
    nbtrack.set_experiment("digits")
    kept, first, second = (log_run(name) for name in ("kept", "first", "second"))
    nbtrack.delete_run(first)
    nbtrack.delete_run(second)
    return kept, first, second


def ids(view: int = 3) -> set[str]:
    found = nbtrack.search_runs(run_view_type=view, output_format="list")
    return {run.info.run_id for run in found}


def test_gc_removes_what_was_deleted_and_says_how_much(deleted: tuple[str, str, str]) -> None:
    kept, first, _ = deleted
    folder = Path(f"nbtrack.duckdb.d/artifacts/1/{first}")
    assert folder.is_dir()
    done = call("gc")
    assert (done.exit_code, ids()) == (0, {kept})
    assert "Gone for good: 2 runs, 0 models, 0 experiments." in done.stdout
    assert not folder.exists()
    assert nbtrack.artifacts.load_text(f"runs:/{kept}/note.txt").startswith("kept")


def test_gc_removes_only_what_was_chosen(deleted: tuple[str, str, str]) -> None:
    kept, first, second = deleted
    assert read("gc", "--run-ids", first)["runs"] == 1
    assert ids() == {kept, second}
    nbtrack.restore_run(second)
    assert nbtrack.artifacts.load_text(f"runs:/{second}/note.txt").startswith("second")


def test_a_dry_run_shows_what_would_go_and_removes_nothing(deleted: tuple[str, str, str]) -> None:
    kept, first, second = deleted
    nbtrack.delete_experiment("1")
    shown = call("gc", "--dry-run")
    assert first in shown.stdout
    assert "4 would go for good; nothing was removed." in shown.stdout
    found = read("gc", "--dry-run")
    assert set(found["run_ids"]) == {kept, first, second}
    assert found["experiment_ids"] == ["1"]
    assert ids() == {kept, first, second}


def test_an_experiment_goes_with_all_that_is_in_it(deleted: tuple[str, str, str]) -> None:
    nbtrack.set_experiment("other")
    other = log_run("other")
    nbtrack.delete_run(other)
    nbtrack.delete_experiment("1")
    report = read("gc", "--experiment-ids", "1")
    assert (report["runs"], report["experiments"]) == (3, 1)
    assert ids() == {other}
    assert [e.name for e in nbtrack.search_experiments(view_type=3)] == ["other", "Default"]


def test_what_is_not_deleted_is_refused(deleted: tuple[str, str, str]) -> None:
    kept, first, _ = deleted
    refused = call("gc", "--run-ids", f"{first},{kept}")
    assert (refused.exit_code, ids()) == (4, set(deleted))
    assert "delete it first" in refused.output
    assert call("gc", "--run-ids", "f" * 32).exit_code == 3
    assert call("gc", "--experiment-ids", "1").exit_code == 4


def test_gc_waits_as_long_as_it_is_told(deleted: tuple[str, str, str]) -> None:
    assert read("gc", "--older-than", "1d")["runs"] == 0
    assert call("gc", "--older-than", "soon").exit_code == 2
    assert ids() == set(deleted)


def test_deleted_models_go_and_registered_ones_stay(workdir: Path) -> None:
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LinearRegression

    fitted = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    loose = nbtrack.sklearn.log_model(fitted, name="loose")
    registered = nbtrack.sklearn.log_model(fitted, name="kept", registered_model_name="line")
    client = nbtrack.MlflowClient()
    for info in (loose, registered):
        client.delete_logged_model(info.model_id)
    report = read("gc", "--logged-model-ids", loose.model_id)
    assert report["models"] == 1
    assert nbtrack.sklearn.load_model("models:/line/1").predict([[2.0]])[0] == pytest.approx(2)
    assert read("gc")["models"] == 0


def test_compact_can_leave_what_was_deleted(deleted: tuple[str, str, str]) -> None:
    report = read("compact", "--keep-deleted")
    assert (report["runs"], ids()) == (0, set(deleted))
    assert read("compact")["runs"] == 2
    assert ids() == {deleted[0]}
