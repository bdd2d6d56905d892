from __future__ import annotations

import duckdb
import pytest

import nbtrack
from nbtrack.errors import NotFoundError
from nbtrack.store import compact, open_store, sync


def log_run(name: str, n: int = 200, text: str = "shared") -> str:
    with nbtrack.start_run(run_name=name) as run:
        nbtrack.log_param("lr", name)
        for step in reversed(range(n)):
            nbtrack.log_metrics({"a": step, "b": -step}, step=step)
        nbtrack.log_text(text * 1000, "note.txt")
    return run.info.run_id


def test_compact_removes_deleted_runs_and_gives_their_space_back(workdir):
    kept = log_run("kept", 20)
    gone = log_run("gone", 200_000, text="mine alone")
    nbtrack.delete_run(gone)
    size = (workdir / "nbtrack.duckdb").stat().st_size
    report = compact()
    assert (report.runs, report.experiments) == (1, 0)
    assert report.database_bytes == size - (workdir / "nbtrack.duckdb").stat().st_size > 0
    assert report.artifact_bytes > 0
    assert not (workdir / "nbtrack.duckdb.d" / "artifacts" / "0" / gone).exists()
    with pytest.raises(NotFoundError):
        nbtrack.get_run(gone)
    assert nbtrack.get_run(kept).data.metrics == {"a": 19.0, "b": -19.0}
    assert nbtrack.artifacts.load_text(f"runs:/{kept}/note.txt") == "shared" * 1000


def test_compact_sorts_points_and_keeps_every_row(workdir):
    log_run("one")
    before = nbtrack.sql("SELECT * FROM metrics ORDER BY ALL")
    compact()
    open_store(None).close()
    assert nbtrack.sql("SELECT * FROM metrics ORDER BY ALL").equals(before)
    with duckdb.connect(str(workdir / "nbtrack.duckdb")) as connection:
        rows = connection.execute("SELECT series, step FROM points").fetchall()
    assert rows == sorted(rows)


def test_compact_keeps_runs_deleted_lately_when_asked(workdir):
    gone = log_run("gone", 5)
    nbtrack.delete_run(gone)
    assert compact(older_than_s=3600).runs == 0
    nbtrack.restore_run(gone)
    assert nbtrack.get_run(gone).info.lifecycle_stage == "active"


def test_compact_removes_deleted_experiments_with_their_runs(workdir):
    experiment = nbtrack.set_experiment("old")
    log_run("gone", 5)
    nbtrack.delete_experiment(experiment.experiment_id)
    assert compact().experiments == 1
    assert [e.name for e in nbtrack.search_experiments(view_type=3)] == ["Default"]


def test_compact_removes_folders_that_belong_to_no_run(workdir):
    log_run("kept", 5)
    orphan = workdir / "nbtrack.duckdb.d" / "artifacts" / "0" / ("f" * 32)
    orphan.mkdir()
    (orphan / "left.bin").write_bytes(bytes(5000))
    assert compact().artifact_bytes == 5000
    assert not orphan.exists()


def test_compact_works_while_a_run_is_being_logged(workdir):
    with nbtrack.start_run() as run:
        nbtrack.log_metric("x", 1.0, step=1)
        nbtrack.log_text("hello", "note.txt")
        compact()
        nbtrack.log_metric("x", 2.0, step=2)
    assert [m.value for m in nbtrack.MlflowClient().get_metric_history(run.info.run_id, "x")] == [
        1,
        2,
    ]
    assert nbtrack.artifacts.load_text(f"runs:/{run.info.run_id}/note.txt") == "hello"


def test_sync_folds_what_is_in_the_journals(workdir):
    with nbtrack.start_run():
        nbtrack.log_metric("x", 1.0)
        sync()
        open_store(None).rest()  # or its thread might have the file attached just now
        with duckdb.connect(str(workdir / "nbtrack.duckdb"), read_only=True) as connection:
            assert connection.execute("SELECT value FROM metrics").fetchall() == [(1.0,)]
