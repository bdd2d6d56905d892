from __future__ import annotations

import random
import signal
import time

import pytest

import nbtrack
import programs
from nbtrack.store import open_store

WRITER = """
    import os, sys
    import nbtrack
    acks = os.open("acks", os.O_CREAT | os.O_WRONLY)
    run = nbtrack.start_run(run_name="victim")
    print(run.info.run_id, flush=True)
    step = 0
    while True:
        nbtrack.log_metrics({"a": step, "b": -step}, step=step)
        step += 1
        os.pwrite(acks, step.to_bytes(8, "little"), 0)
"""
FOLDER = """
    from nbtrack.store import open_store
    store = open_store(None)
    print("ready", flush=True)
    while True:
        store.fold()
"""


def steps_of(run_id: str) -> list[int]:
    with open_store(None).read() as reader:
        rows = reader.rows(
            "SELECT step, count(*) FROM metrics WHERE run_id = $run_id GROUP BY step ORDER BY step",
            run_id=run_id,
        )
    assert all(count == 2 for _, count in rows), "a call of two metrics came in half or twice"
    return [step for step, _ in rows]


@pytest.mark.parametrize("seed", range(6))
def test_kill_9_loses_no_call_that_returned_and_doubles_none(workdir, seed):
    process = programs.start(WRITER, cwd=workdir)
    run_id = process.stdout.readline().strip()
    time.sleep(random.Random(seed).uniform(0.05, 2.5))
    process.kill()
    process.communicate()
    acked = int.from_bytes((workdir / "acks").read_bytes(), "little")
    steps = steps_of(run_id)
    assert steps == list(range(len(steps)))
    assert len(steps) in (acked, acked + 1)
    assert nbtrack.get_run(run_id).info.status == "INTERRUPTED"
    assert list((workdir / "nbtrack.duckdb.d" / "journal").iterdir()) == []


def test_killing_those_who_fold_loses_and_doubles_nothing(workdir):
    chance = random.Random(7)
    writer = programs.start(WRITER, cwd=workdir)
    run_id = writer.stdout.readline().strip()
    for _ in range(8):
        folder = programs.start(FOLDER, cwd=workdir)
        assert folder.stdout.readline().strip() == "ready"
        time.sleep(chance.uniform(0.0, 0.25))
        folder.kill()
        folder.communicate()
    writer.kill()
    writer.communicate()
    acked = int.from_bytes((workdir / "acks").read_bytes(), "little")
    steps = steps_of(run_id)
    assert steps == list(range(len(steps)))
    assert len(steps) in (acked, acked + 1)


def test_a_killed_run_keeps_the_params_that_it_would_have_logged_at_its_end(workdir):
    program = """
        import os, nbtrack
        run = nbtrack.start_run()
        run.writer.suggest_params({"lr": 0.1, "epochs": 5})
        nbtrack.log_param("epochs", 7)
        run.store.fold()
        os.kill(os.getpid(), 9)
    """
    programs.start(program, cwd=workdir).communicate(timeout=60)
    run = nbtrack.search_runs(output_format="list")[0]
    assert run.info.status == "INTERRUPTED"
    assert run.data.params == {"lr": "0.1", "epochs": "7"}


def test_a_run_that_was_interrupted_goes_on_where_it_stopped(workdir):
    process = programs.start(WRITER, cwd=workdir)
    run_id = process.stdout.readline().strip()
    time.sleep(0.3)
    process.kill()
    process.communicate()
    before = len(steps_of(run_id))
    assert nbtrack.search_runs(filter_string="status = 'INTERRUPTED'").run_id.tolist() == [run_id]
    with nbtrack.start_run(run_id=run_id):
        assert nbtrack.get_run(run_id).info.status == "RUNNING"
        nbtrack.log_metrics({"a": 0.0, "b": 0.0}, step=before)
    assert len(steps_of(run_id)) == before + 1
    assert nbtrack.get_run(run_id).info.status == "FINISHED"


def test_ctrl_c_in_a_script_is_killed_and_an_exception_failed(workdir):
    interrupted = programs.start(
        """
        import time, nbtrack
        nbtrack.start_run(run_name="interrupted")
        nbtrack.log_metric("a", 1)
        print("ready", flush=True)
        time.sleep(30)
        """,
        cwd=workdir,
    )
    interrupted.stdout.readline()
    interrupted.send_signal(signal.SIGINT)
    interrupted.communicate(timeout=30)
    failed = programs.start(
        """
        import nbtrack
        nbtrack.start_run(run_name="failed")
        raise ValueError("no such luck")
        """,
        cwd=workdir,
    )
    failed.communicate(timeout=30)
    programs.run("import nbtrack; nbtrack.start_run(run_name='fine')", cwd=workdir)
    runs = nbtrack.search_runs().set_index("tags.mlflow.runName")
    assert runs.status.to_dict() == {
        "interrupted": "KILLED",
        "failed": "FAILED",
        "fine": "FINISHED",
    }
    assert runs.loc["failed", "tags.nbtrack.error"] == "ValueError: no such luck"
    text = nbtrack.artifacts.load_text(f"runs:/{runs.loc['failed', 'run_id']}/traceback.txt")
    assert text.startswith("Traceback")


def test_sigterm_leaves_a_run_interrupted(workdir):
    process = programs.start(WRITER, cwd=workdir)
    run_id = process.stdout.readline().strip()
    process.terminate()
    process.communicate(timeout=30)
    assert nbtrack.get_run(run_id).info.status == "INTERRUPTED"
