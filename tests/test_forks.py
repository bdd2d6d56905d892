"""What a forked child does under an active run: as in MLflow, and logging goes to the run."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor

import pytest

import nbtrack
import programs
from nbtrack.store import open_store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
fork = multiprocessing.get_context("fork") if hasattr(os, "fork") else None


def _log(parent: str) -> None:
    nbtrack.log_metric("child", 1)


def _start(parent: str) -> None:
    with nbtrack.start_run(run_name="own") as run:
        nbtrack.log_metric("own", 1)
        assert nbtrack.active_run() is run
    nbtrack.log_metric("after", 1)


def _nest(parent: str) -> None:
    with nbtrack.start_run(run_name="nested", nested=True) as run:
        nbtrack.log_metric("own", 1)
    assert run.data.tags["mlflow.parentRunId"] == parent


def _resume(parent: str) -> None:
    with nbtrack.start_run(run_id=parent) as run:
        nbtrack.log_metric("child", 1)
        assert run.joined
        with pytest.raises(nbtrack.errors.NbtrackError, match="already active"):
            nbtrack.start_run()


def _end(parent: str) -> None:
    nbtrack.end_run("FAILED")


def _leave_open(parent: str) -> None:
    nbtrack.start_run(run_name="left")
    nbtrack.log_metric("own", 1)


def _leave_failing(parent: str) -> None:
    nbtrack.start_run(run_name="failing")
    raise ZeroDivisionError


USES = {
    _log: ({"child"}, {}),
    _start: ({"after"}, {"own": "FINISHED"}),
    _nest: (set(), {"nested": "FINISHED"}),
    _resume: ({"child"}, {}),
    _end: (set(), {}),
    _leave_open: (set(), {"left": "FINISHED"}),
    _leave_failing: (set(), {"failing": "FAILED"}),
}


def _work(use, parent: str) -> None:
    assert nbtrack.active_run() is None
    use(parent)


@pytest.mark.parametrize("use", USES)
def test_a_forked_child_has_no_active_run_and_leaves_its_parents(workdir, use):
    metrics, others = USES[use]
    with nbtrack.start_run() as run:
        child = fork.Process(target=_work, args=(use, run.info.run_id))
        child.start()
        child.join(60)
        assert child.exitcode == (1 if use is _leave_failing else 0)
        assert nbtrack.active_run() is run
        assert (run.fetch().info.status, set(run.data.metrics)) == ("RUNNING", metrics)
    found = nbtrack.search_runs(output_format="list")
    assert {r.info.run_name: r.info.status for r in found} == {
        run.info.run_name: "FINISHED", **others
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["Pool", "ProcessPoolExecutor"])
def test_pools_of_forked_workers_start_runs(workdir, kind):
    with nbtrack.start_run() as run:
        if kind == "Pool":
            with fork.Pool(2) as pool:
                pool.map(_start, [run.info.run_id] * 3)
        else:
            with ProcessPoolExecutor(2, mp_context=fork) as executor:
                list(executor.map(_start, [run.info.run_id] * 3))
    status = nbtrack.search_runs(filter_string="attributes.run_name = 'own'")["status"]
    assert status.tolist() == ["FINISHED"] * 3
    assert run.data.metrics == {"after": 1.0}


def test_exit_functions_of_a_child_end_only_its_own_run(workdir):
    code = """
        import os, sys, nbtrack
        with nbtrack.start_run(run_name="parent") as run:
            if os.fork() == 0:
                nbtrack.start_run(run_name="child")
                sys.exit(0)
            os.wait()
            print(run.fetch().info.status)
    """
    assert programs.run(code, cwd=workdir).strip() == "RUNNING"
    assert set(nbtrack.search_runs()["status"]) == {"FINISHED"}
    assert len(nbtrack.search_runs()) == 2


def test_a_fork_waits_until_the_database_is_at_rest(workdir):
    with nbtrack.start_run() as run:
        nbtrack.log_metric("m", 1)
        entered, leave = threading.Event(), threading.Event()

        def look():
            with open_store().read():
                entered.set()
                leave.wait(0.5)

        thread = threading.Thread(target=look)
        thread.start()
        entered.wait(30)
        child = fork.Process(target=_start, args=(run.info.run_id,))
        child.start()
        child.join(60)
        leave.set()
        thread.join(30)
        assert child.exitcode == 0
