from __future__ import annotations

import asyncio
import importlib.util
import multiprocessing
import threading
import time
from pathlib import Path

import duckdb
import pytest

import nbtrack
import programs
from nbtrack.store import open_store


def points_in_file(workdir: Path) -> int:
    try:
        with duckdb.connect(str(workdir / "nbtrack.duckdb"), read_only=True) as connection:
            return connection.execute("SELECT count(*) FROM points").fetchone()[0]
    except duckdb.Error:  # not there yet, or being folded into right now
        return 0


def counts() -> dict[str, int]:
    with open_store(None).read() as reader:
        return dict(reader.rows("SELECT key, count(*) FROM metrics GROUP BY key"))


def test_threads_log_to_the_run_that_is_open(workdir):
    def work(name: str) -> None:
        for step in range(500):
            nbtrack.log_metric(name, step, step=step)

    with nbtrack.start_run() as run:
        threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counts() == {f"t{i}": 500 for i in range(4)}
    assert nbtrack.search_runs().run_id.tolist() == [run.info.run_id]


def test_threads_with_runs_of_their_own_do_not_mix(workdir):
    def work(name: str) -> None:
        with nbtrack.start_run(run_name=name):
            for step in range(100):
                nbtrack.log_metric(name, step, step=step)

    threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for run in nbtrack.search_runs(output_format="list"):
        assert run.data.metrics == {run.info.run_name: 99.0}


def test_many_short_runs_in_a_row_are_all_complete(workdir):
    for i in range(120):
        with nbtrack.start_run(run_name=f"r{i}"):
            for step in range(20):
                nbtrack.log_metrics({"a": step, "b": -step}, step=step)
    with open_store(None).read() as reader:
        assert reader.rows("SELECT status, count(*) FROM runs GROUP BY ALL") == [("FINISHED", 120)]
        assert reader.rows("SELECT DISTINCT count FROM latest") == [(20,)]
        assert reader.rows("SELECT count(*) FROM metrics") == [(120 * 2 * 20,)]


def test_asyncio_tasks_have_runs_of_their_own(workdir):
    async def work(name: str) -> None:
        with nbtrack.start_run(run_name=name, nested=True):
            for step in range(20):
                nbtrack.log_metric(name, step, step=step)
                await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(work(f"t{i}") for i in range(4)))

    with nbtrack.start_run(run_name="parent") as parent:
        asyncio.run(main())
    for run in nbtrack.search_runs(
        filter_string="tags.mlflow.parentRunId != ''", output_format="list"
    ):
        assert run.data.metrics == {run.info.run_name: 19.0}
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_forked_children_log_to_the_same_run(workdir):
    program = """
        import os, nbtrack
        with nbtrack.start_run():
            nbtrack.log_metric("parent", 0)
            children = []
            for i in range(3):
                pid = os.fork()
                if pid == 0:
                    for step in range(200):
                        nbtrack.log_metric(f"child{i}", step, step=step)
                    os._exit(0)
                children.append(pid)
            for pid in children:
                assert os.waitpid(pid, 0)[1] == 0
            nbtrack.log_metric("parent", 1, step=1)
    """
    programs.run(program, cwd=workdir)
    assert counts() == {"parent": 2, "child0": 200, "child1": 200, "child2": 200}
    assert nbtrack.search_runs().status.tolist() == ["FINISHED"]


def test_processes_join_a_run_and_its_owner_ends_it(workdir):
    program = """
        import sys, nbtrack
        with nbtrack.start_run(run_id=sys.argv[1]) as run:
            assert run.joined
            for step in range(300):
                nbtrack.log_metric(f"rank{sys.argv[2]}", step, step=step)
    """
    with nbtrack.start_run() as run:
        ranks = [programs.start(program, run.info.run_id, i, cwd=workdir) for i in range(3)]
        for rank in ranks:
            programs.finish(rank)
        assert nbtrack.get_run(run.info.run_id).info.status == "RUNNING"
    assert counts() == {f"rank{i}": 300 for i in range(3)}
    assert nbtrack.get_run(run.info.run_id).info.status == "FINISHED"


@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="POSIX")
def test_workers_of_a_fork_server_follow_what_was_chosen_after_its_start(workdir):
    """It is the default since Python 3.14, and has the environment of its first worker."""
    (workdir / "work.py").write_text(
        "import os, nbtrack\n"
        "def log(folder):\n"
        "    os.chdir(folder)\n"
        "    with nbtrack.start_run():\n"
        "        nbtrack.log_metric('worker', 1)\n"
    )
    program = """
        import multiprocessing, os, sys, nbtrack
        from work import log
        context = multiprocessing.get_context("forkserver")
        def run(target, *args):
            process = context.Process(target=target, args=args)
            process.start()
            process.join()
        run(os.getpid)
        nbtrack.set_experiment("first")
        run(log, sys.argv[1])
        nbtrack.set_tracking_uri("other.duckdb")
        nbtrack.set_experiment("second")
        run(log, sys.argv[1])
    """
    elsewhere = workdir / "elsewhere"
    elsewhere.mkdir()
    programs.run(program, elsewhere, cwd=workdir)
    assert [*elsewhere.iterdir()] == []
    assert len(nbtrack.search_runs(experiment_names=["first"])) == 1
    nbtrack.set_tracking_uri("other.duckdb")
    assert len(nbtrack.search_runs(experiment_names=["second"])) == 1


def test_many_processes_start_runs_at_once_in_a_store_that_is_not_there_yet(workdir):
    program = """
        import sys, nbtrack
        nbtrack.set_experiment("shared")
        for i in range(3):
            with nbtrack.start_run(run_name=f"{sys.argv[1]}-{i}"):
                nbtrack.log_params({"worker": sys.argv[1]})
                for step in range(50):
                    nbtrack.log_metric("x", step, step=step)
    """
    workers = [programs.start(program, i, cwd=workdir) for i in range(4)]
    for worker in workers:
        programs.finish(worker)
    runs = nbtrack.search_runs(experiment_names=["shared"])
    assert sorted(runs["tags.mlflow.runName"]) == sorted(
        f"{i}-{j}" for i in range(4) for j in range(3)
    )
    assert runs["metrics.x"].tolist() == [49.0] * 12
    assert [e.name for e in nbtrack.search_experiments()] == ["shared", "Default"]


def test_another_process_sees_a_point_within_two_seconds(workdir):
    program = """
        import sys, time, nbtrack
        run = nbtrack.start_run()
        print(run.info.run_id, flush=True)
        sys.stdin.readline()
        nbtrack.log_metric("x", 7)
        print("logged", flush=True)
        sys.stdin.readline()
    """
    process = programs.start(program, cwd=workdir)
    run_id = process.stdout.readline().strip()
    process.stdin.write("\n")
    process.stdin.flush()
    process.stdout.readline()
    deadline = time.monotonic() + 20  # two seconds on a machine that has nothing else to do
    while points_in_file(workdir) == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert nbtrack.get_run(run_id).data.metrics == {"x": 7.0}
    process.communicate("\n", timeout=30)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_dataloader_workers_log_to_the_run(workdir):
    program = """
        import nbtrack, torch
        class Data(torch.utils.data.Dataset):
            def __len__(self):
                return 40
            def __getitem__(self, i):
                nbtrack.log_metric("read", i, step=i)
                return torch.tensor(float(i))
        with nbtrack.start_run():
            for batch in torch.utils.data.DataLoader(
                Data(), batch_size=4, num_workers=2, multiprocessing_context="fork"
            ):
                nbtrack.log_metric("mean", batch.mean(), step=int(batch[0]))
    """
    programs.run(program, cwd=workdir)
    assert counts() == {"read": 40, "mean": 10}


ENDS = {
    "with": "with nbtrack.start_run(): nbtrack.log_metric('x', 1)",
    "duckdb first": "import duckdb; nbtrack.log_metric('x', 1); nbtrack.end_run()",
    "never ended": "nbtrack.start_run(); nbtrack.log_metric('x', 1)",
    "exit": "nbtrack.start_run(); nbtrack.log_metric('x', 1); sys.exit(0)",
    "read": "nbtrack.log_metric('x', 1); nbtrack.search_runs(); nbtrack.log_metric('x', 1)",
    "thread": (
        "t = threading.Thread(target=lambda: [nbtrack.log_metric('x', i) or time.sleep(0.002) "
        "for i in range(100)]); nbtrack.start_run(); t.start()"
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_script_ends_without_a_word_and_leaves_no_journal(workdir, end):
    code = f"import nbtrack, sys, threading, time\n{ENDS[end]}\n"
    process = programs.start(code, cwd=workdir)
    _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (0, "")
    assert list((workdir / "nbtrack.duckdb.d" / "journal").iterdir()) == []
    assert nbtrack.search_runs().status.tolist() == ["FINISHED"]


NOTEBOOK = """
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
InteractiveShell.instance(config=Config({"IPKernelApp": {"parent_handle": 0}}))
import duckdb
from nbtrack.store.duckdb_instances import new_instance
shown = "SELECT current_setting('enable_progress_bar')"
print(*(c.execute(shown).fetchone()[0] for c in (duckdb.connect(), new_instance(None))))
"""


def test_a_slow_query_puts_no_progress_bar_into_a_notebook(workdir: Path) -> None:
    """DuckDB shows a widget after two seconds, which would be saved with the notebook."""
    process = programs.start(NOTEBOOK, cwd=workdir)
    assert process.communicate(timeout=120)[0].split() == ["True", "False"]
