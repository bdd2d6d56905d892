from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
import warnings
from pathlib import Path

import duckdb
import pytest

import nbtrack
import programs
from nbtrack.errors import (
    DiskFullError,
    NbtrackError,
    StoreCorruptError,
    StoreLockedError,
    StoreReadOnlyError,
)
from nbtrack.store import lock, open_store, schema

HOLDER = """
    import sys, duckdb
    connection = duckdb.connect("nbtrack.duckdb", read_only=sys.argv[1] == "ro")
    print(connection.execute("SELECT count(*) FROM metrics").fetchone()[0], flush=True)
    sys.stdin.readline()
"""

WRITER = """
    import sys
    from nbtrack.store import open_store
    store = open_store(None)
    with store.locked_for_writing():
        print("locked", flush=True)
        sys.stdin.readline()
        store.experiments.create("made")
        print("made", flush=True)
"""


def points_in_file(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("SELECT count(*) FROM metrics").fetchone()[0]


def log_some(name: str, n: int = 10) -> str:
    with nbtrack.start_run(run_name=name) as run:
        nbtrack.log_param("lr", 0.1)
        for step in range(n):
            nbtrack.log_metric("loss", 1 / (step + 1), step=step)
    return run.info.run_id


def mounted(folder: Path, *options: str) -> bool:
    """Mount a small file system of its own at a folder; False where that is not allowed."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)]
    return (
        shutil.which("mount") is not None and subprocess.run(command, check=False).returncode == 0
    )


def fill(path: Path) -> None:
    """Write a file that leaves no space on its disk."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    assert shutil.disk_usage(path.parent).free == 0


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    if not mounted(folder, "-o", "size=8m"):
        pytest.skip("mounting a small file system needs root")
    yield folder
    store = open_store(folder / "nbtrack.duckdb")
    store.close()
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("mode", ["rw", "ro"])
def test_a_file_that_someone_holds_open_stops_nothing(workdir, mode):
    log_some("before")
    open_store(None).fold()
    holder = programs.start(HOLDER, mode, cwd=workdir)
    assert holder.stdout.readline().strip() == "10"
    run_id = log_some("meanwhile")
    runs = nbtrack.search_runs()
    assert runs["tags.mlflow.runName"].tolist() == ["meanwhile", "before"]
    assert len(nbtrack.MlflowClient().get_metric_history(run_id, "loss")) == 10
    with pytest.raises(StoreLockedError, match=f"held open by process {holder.pid}"):
        nbtrack.create_experiment("cannot wait")
    holder.communicate("\n", timeout=30)
    open_store(None).close()  # folds, and then nothing in this process has the file attached
    assert points_in_file(workdir / "nbtrack.duckdb") == 20


def test_a_reader_without_the_lock_keeps_no_writer_out(workdir, monkeypatch):
    log_some("before")
    open_store(None).close()
    writer = programs.start(WRITER, cwd=workdir)
    assert writer.stdout.readline() == "locked\n"
    said = []

    def check(*given, **named):  # as long as a large file is copied
        if named.get("database") == "held":
            writer.stdin.write("\n")
            writer.stdin.flush()
            said.append(writer.stdout.readline())
        return checked(*given, **named)

    checked, hold = schema.check, lock.hold_lock
    monkeypatch.setattr(schema, "check", check)
    monkeypatch.setattr(lock, "hold_lock", lambda folder, _: hold(folder, 0.05))
    assert nbtrack.search_runs()["tags.mlflow.runName"].tolist() == ["before"]
    assert said == ["made\n"]
    writer.communicate(timeout=60)


def test_a_connection_of_the_same_process_is_named(workdir):
    log_some("before")
    open_store(None).close()
    with (
        duckdb.connect(str(workdir / "nbtrack.duckdb")),
        pytest.raises(StoreLockedError, match="DuckDB connection of this Python process"),
    ):
        nbtrack.create_experiment("cannot wait")
    nbtrack.create_experiment("now it can")


def test_a_file_that_is_no_database_is_left_alone(workdir):
    (workdir / "nbtrack.duckdb").write_bytes(b"my precious data" * 1000)
    with pytest.raises(StoreCorruptError, match="damaged or is no DuckDB file"):
        nbtrack.start_run()
    assert (workdir / "nbtrack.duckdb").read_bytes() == b"my precious data" * 1000


def test_a_database_of_someone_else_is_left_alone(workdir):
    with duckdb.connect(str(workdir / "nbtrack.duckdb")) as connection:
        connection.execute("CREATE TABLE sales (amount INTEGER)")
    with pytest.raises(StoreCorruptError, match=r"none of nbtrack \(it has sales\)"):
        nbtrack.start_run()


@pytest.mark.older_duckdb
def test_a_truncated_database_keeps_what_is_in_the_journals(workdir):
    nbtrack.log_metric("x", 1)
    run_id = nbtrack.active_run().info.run_id
    open_store(None).fold()
    nbtrack.log_metric("x", 2, step=1)
    os.truncate(workdir / "nbtrack.duckdb", 13000)
    with pytest.raises(StoreCorruptError, match="move it away"):
        nbtrack.get_run(run_id)
    (workdir / "nbtrack.duckdb").rename(workdir / "damaged.duckdb")
    assert nbtrack.get_run(run_id).data.metrics == {"x": 2.0}
    assert [m.value for m in nbtrack.MlflowClient().get_metric_history(run_id, "x")] == [1.0, 2.0]


def test_a_newer_schema_says_that_nbtrack_must_be_upgraded(workdir):
    log_some("before")
    open_store(None).close()
    with duckdb.connect(str(workdir / "nbtrack.duckdb")) as connection:
        connection.execute("INSERT INTO migrations VALUES (99, 'future', now()::TIMESTAMP)")
    with pytest.raises(NbtrackError, match="newer nbtrack"):
        nbtrack.search_runs()


def test_a_folder_that_cannot_be_written_says_so_and_can_be_read(workdir):
    folder = workdir / "shared"
    if not mounted(folder):
        pytest.skip("mounting a file system needs root")
    try:
        code = """
            import nbtrack
            with nbtrack.start_run(run_name="before"):
                nbtrack.log_metric("x", 1)
        """
        programs.run(code, cwd=folder)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        nbtrack.set_tracking_uri(folder)
        assert nbtrack.search_runs()["metrics.x"].tolist() == [1.0]
        with pytest.raises(StoreReadOnlyError, match=r"set_tracking_uri"):
            nbtrack.start_run()
        with pytest.raises(StoreReadOnlyError, match=r"set_tracking_uri"):
            nbtrack.create_experiment("new")
    finally:
        nbtrack.set_tracking_uri(None)
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.filterwarnings("ignore::nbtrack.errors.NbtrackWarning")
def test_a_full_disk_loses_nothing(small_disk, monkeypatch):
    monkeypatch.chdir(small_disk)
    nbtrack.set_tracking_uri(small_disk)
    run = nbtrack.start_run()
    nbtrack.log_metric("x", 0.0, step=0)
    ballast = small_disk / "ballast"
    fill(ballast)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(1, 5000):
            nbtrack.log_metrics({"x": step, "y": -step}, step=step)
    assert any("kept in memory" in str(w.message) for w in caught)
    with pytest.raises(DiskFullError, match="end the run again"):
        nbtrack.end_run()
    ballast.unlink()
    nbtrack.end_run()
    history = nbtrack.MlflowClient().get_metric_history(run.info.run_id, "x")
    assert sorted(m.step for m in history) == list(range(5000))
    assert nbtrack.get_run(run.info.run_id).info.status == "FINISHED"
    nbtrack.set_tracking_uri(None)


def test_a_disk_that_is_full_when_the_database_is_made_leaves_no_half_of_one(workdir, small_disk):
    nbtrack.set_tracking_uri(small_disk)
    with nbtrack.start_run() as run:
        nbtrack.log_metric("x", 1)
        fill(small_disk / "filling")
        nbtrack.log_metric("x", 2, step=1)
        assert nbtrack.get_run(run.info.run_id).data.metrics["x"] in (1.0, 2.0)
        with pytest.raises(DiskFullError):
            open_store(None).fold()
        assert not (small_disk / "nbtrack.duckdb").exists()
        (small_disk / "filling").unlink()
    open_store(None).close()
    assert nbtrack.search_runs()["metrics.x"].tolist() == [2.0]
    assert sorted(p.name for p in small_disk.iterdir()) == ["nbtrack.duckdb", "nbtrack.duckdb.d"]


def test_what_was_stored_can_be_read_while_the_disk_is_full(workdir, small_disk):
    nbtrack.set_tracking_uri(small_disk)
    run_id = log_some("before")
    open_store(None).close()
    fill(small_disk / "filling")
    assert nbtrack.get_run(run_id).data.metrics["loss"] == pytest.approx(0.1)
    assert nbtrack.sql("SELECT count(*) AS n FROM metrics").n[0] == 10
    (small_disk / "filling").unlink()


@pytest.mark.parametrize("left", ["empty", "half made", "killed while it was made"])
def test_a_file_that_was_not_made_whole_is_no_store_yet(workdir, left):
    with nbtrack.start_run():
        nbtrack.log_metric("x", 1)
        if left == "empty":
            (workdir / "nbtrack.duckdb").write_bytes(b"")
        elif left == "half made":
            (workdir / "nbtrack.duckdb.new").write_bytes(bytes(5000))
            (workdir / "nbtrack.duckdb.new.wal").write_bytes(bytes(50))
        else:
            with duckdb.connect(str(workdir / "nbtrack.duckdb.new")) as connection:
                connection.execute("CREATE TABLE runs (run_id VARCHAR)")
    open_store(None).close()
    assert nbtrack.search_runs()["metrics.x"].tolist() == [1.0]
    assert sorted(p.name for p in workdir.iterdir()) == ["nbtrack.duckdb", "nbtrack.duckdb.d"]


def test_a_clock_that_jumps_back_loses_nothing(workdir, monkeypatch):
    with nbtrack.start_run() as run:
        nbtrack.log_metric("x", 1.0, step=0)
        nbtrack.set_tag("state", "early")
        past = time.time_ns() - 3600 * 10**9
        monkeypatch.setattr(time, "time_ns", lambda: past)
        nbtrack.log_metric("x", 2.0, step=1)
        nbtrack.set_tag("state", "late")
    found = nbtrack.get_run(run.info.run_id)
    assert found.data.metrics == {"x": 2.0}
    assert found.data.tags["state"] == "late"
    assert found.info.status == "FINISHED"
    assert found.info.end_time >= found.info.start_time


def test_looking_at_an_empty_folder_leaves_no_traces(workdir):
    assert nbtrack.search_runs().empty
    assert nbtrack.get_experiment_by_name("mnist") is None
    assert list(workdir.iterdir()) == []


def test_a_store_that_was_moved_still_works(workdir):
    run_id = log_some("moved")
    nbtrack.MlflowClient().log_text(run_id, "hello", "greeting.txt")
    open_store(None).close()
    (workdir / "elsewhere").mkdir()
    for name in ("nbtrack.duckdb", "nbtrack.duckdb.d"):
        (workdir / name).rename(workdir / "elsewhere" / name)
    nbtrack.set_tracking_uri(workdir / "elsewhere")
    assert nbtrack.get_run(run_id).data.params == {"lr": "0.1"}
    assert nbtrack.artifacts.load_text(f"runs:/{run_id}/greeting.txt") == "hello"


@pytest.mark.older_duckdb
def test_points_logged_twice_count_once(workdir):
    client = nbtrack.MlflowClient()
    run_id = client.create_run("0").info.run_id
    for _ in range(3):
        client.log_metric(run_id, "x", 1.0, timestamp=5, step=1)
        client.log_metric(run_id, "x", float("nan"), timestamp=5, step=1)
        open_store(None).fold()
    assert len(client.get_metric_history(run_id, "x")) == 2
    with open_store(None).read() as reader:
        assert reader.rows("SELECT count, nan_count FROM latest") == [(2, 1)]


@pytest.mark.older_duckdb
def test_logging_without_steps_keeps_every_point_over_many_folds(workdir):
    client = nbtrack.MlflowClient()
    run_id = client.create_run("0").info.run_id
    for i in range(30):
        client.log_metric(run_id, "x", float(i), timestamp=i // 3)
        if i % 4 == 0:
            open_store(None).fold()
    assert sorted(m.value for m in client.get_metric_history(run_id, "x")) == list(range(30))
    assert client.get_run(run_id).data.metrics == {"x": 29.0}


@pytest.mark.older_duckdb
def test_many_series_are_looked_up_one_by_one_whatever_lies_between_them(workdir):
    log_some("a")
    with open_store(None).read() as reader:
        (threshold,) = reader.rows("SELECT current_setting('dynamic_or_filter_threshold')")[0]
    assert int(threshold) >= 1000  # DuckDB 1 has 50, and read 10 times as much for 51 metrics


@pytest.mark.older_duckdb
def test_sql_reads_the_store_and_the_data_frames_of_the_caller(workdir):
    import pandas as pd

    log_some("a")
    weights = pd.DataFrame({"key": ["loss"], "weight": [2.0]})
    frame = nbtrack.sql("SELECT value * weight AS v FROM latest JOIN weights USING (key)")
    assert frame.v.tolist() == [pytest.approx(0.2)]
    assert weights.shape == (1, 2)
    with pytest.raises(NbtrackError, match="nonsense"):
        nbtrack.sql("SELECT nonsense FROM runs")
    with pytest.raises(NbtrackError, match="no_such_table"):
        nbtrack.sql("SELECT * FROM no_such_table")


def test_deleting_the_store_under_a_run_is_said(workdir, capfd):
    run = nbtrack.start_run()
    nbtrack.log_metric("x", 1)
    shutil.rmtree(workdir / "nbtrack.duckdb.d")
    deadline = time.monotonic() + 20
    while "was deleted" not in (said := capfd.readouterr().err) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert f"The journal of run {run.info.run_id}" in said
    run.end()
    with nbtrack.start_run(run_name="fresh"):
        nbtrack.log_metric("x", 2)
    assert nbtrack.search_runs()["metrics.x"].tolist() == [2.0, 1.0]


def test_inside_the_use_of_one_store_another_can_be_used(workdir):
    nbtrack.Client("one.duckdb").create_experiment("here")
    nbtrack.Client("two.duckdb").create_experiment("there")
    one, two = open_store("one.duckdb"), open_store("two.duckdb")
    with one.read() as first, two.read() as second:
        names = [{row[1] for row in r.named("bulk.experiments")} for r in (first, second)]
    assert [names[0] - names[1], names[1] - names[0]] == [{"here"}, {"there"}]
