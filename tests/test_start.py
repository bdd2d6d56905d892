from __future__ import annotations

import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import nbtrack
import programs
from nbtrack.entities.runs import PARENT
from nbtrack.errors import InvalidParameterError, NbtrackError, NbtrackWarning, NotFoundError


def status(run) -> str:
    return nbtrack.get_run(run.info.run_id).info.status


def in_thread(work):
    """Return what a function answers in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


# -- starting ------------------------------------------------------------------------------


def test_a_script_that_starts_a_second_run_is_told_what_to_do(workdir):
    run = nbtrack.start_run()
    with pytest.raises(NbtrackError) as caught:
        nbtrack.start_run()
    assert caught.value.message == (
        f"Run with UUID {run.info.run_id} is already active. To start a new run, first end the "
        "current run with nbtrack.end_run(). To start a nested run, call start_run with nested=True"
    )


def test_logging_starts_a_run_and_leaves_it_open(workdir):
    nbtrack.log_metric("loss", 1)
    run = nbtrack.active_run()
    nbtrack.set_tag("a", 1)
    assert nbtrack.active_run() is run
    nbtrack.end_run()
    assert nbtrack.active_run() is None
    assert nbtrack.last_active_run().info.run_id == run.info.run_id
    assert status(run) == "FINISHED"


def test_nested_runs_know_their_parents(workdir):
    with nbtrack.start_run() as outer, nbtrack.start_run(nested=True) as inner:
        assert nbtrack.active_run() is inner
    with nbtrack.start_run(parent_run_id=outer.info.run_id) as late:
        pass
    for run in (inner, late):
        assert nbtrack.get_run(run.info.run_id).data.tags[PARENT] == outer.info.run_id
        assert nbtrack.get_parent_run(run.info.run_id).info.run_id == outer.info.run_id
    assert nbtrack.get_parent_run(outer.info.run_id) is None
    with nbtrack.start_run(nested=True) as alone:
        assert PARENT not in alone.data.tags


def test_a_parent_must_be_there_and_be_the_active_run(workdir):
    with pytest.raises(NotFoundError, match="parent run"):
        nbtrack.start_run(parent_run_id="0" * 32)
    with nbtrack.start_run() as first:
        pass
    nbtrack.start_run()
    with pytest.raises(InvalidParameterError, match="does not match the specified parent_run_id"):
        nbtrack.start_run(parent_run_id=first.info.run_id, nested=True)
    nbtrack.end_run()
    nbtrack.delete_run(first.info.run_id)
    with pytest.raises(InvalidParameterError, match="deleted state"):
        nbtrack.start_run(parent_run_id=first.info.run_id)


def test_name_tags_and_description(workdir):
    with nbtrack.start_run(
        run_name="wins", tags={"mlflow.runName": "loses", "a": 1, "gone": None}, description="why"
    ) as run:
        pass
    found = nbtrack.get_run(run.info.run_id)
    assert (run.info.run_name, found.info.run_name) == ("wins", "wins")
    tags = found.data.tags
    assert (tags["a"], tags["mlflow.note.content"]) == ("1", "why")
    assert "gone" not in tags
    with pytest.raises(InvalidParameterError, match=r"already set via the tag mlflow\.note"):
        nbtrack.start_run(tags={"mlflow.note.content": "a"}, description="b")


def test_a_start_that_is_refused_leaves_nothing_behind(workdir):
    with nbtrack.start_run() as run:
        pass
    with pytest.raises(InvalidParameterError, match="bad"):
        nbtrack.start_run(tags={"bad\n": 1})
    with pytest.raises(InvalidParameterError, match="bad"):
        nbtrack.start_run(run.info.run_id, tags={"bad\n": 1})
    assert nbtrack.active_run() is None
    assert nbtrack.search_runs()["status"].tolist() == ["FINISHED"]


def test_names_of_any_kind_are_stored(workdir):
    for name in (5, "half \ud800 character", "ü" * 300, "line\nbreak"):
        with nbtrack.start_run(run_name=name) as run:
            pass
        assert nbtrack.get_run(run.info.run_id).info.run_name == run.info.run_name


# -- going on with a run -------------------------------------------------------------------


def test_a_run_goes_on_by_its_id(workdir):
    with nbtrack.start_run(run_name="first") as run:
        nbtrack.log_param("lr", 1)
    with nbtrack.start_run(run.info.run_id, run_name="second", tags={"n": 1}) as again:
        now = nbtrack.get_run(run.info.run_id)
        assert (now.info.status, now.info.end_time) == ("RUNNING", None)
        with pytest.raises(InvalidParameterError, match="Changing param values"):
            nbtrack.log_param("lr", 2)
    assert again.info.run_name == nbtrack.get_run(run.info.run_id).info.run_name == "second"
    with pytest.raises(NotFoundError, match="not found"):
        nbtrack.start_run("0" * 32)
    nbtrack.delete_run(run.info.run_id)
    with pytest.raises(InvalidParameterError, match="it is in the deleted state"):
        nbtrack.start_run(run.info.run_id)


def test_a_run_of_another_experiment_does_not_go_on(workdir):
    with nbtrack.start_run() as run:
        pass
    nbtrack.set_experiment("other")
    with pytest.raises(InvalidParameterError, match="active experiment ID does not match"):
        nbtrack.start_run(run.info.run_id)
    assert status(run) == "FINISHED"


def test_the_active_run_is_not_started_twice(workdir):
    with (
        nbtrack.start_run() as run,
        pytest.raises(NbtrackError, match="is already active"),
    ):
        nbtrack.start_run(run.info.run_id, nested=True)


# -- threads and tasks ---------------------------------------------------------------------


def test_a_thread_logs_to_the_open_run_but_does_not_end_it(workdir):
    def work():
        nbtrack.log_metric("from thread", 1)
        while nbtrack.active_run():
            nbtrack.end_run()
        nbtrack.end_run()

    run = nbtrack.start_run()
    in_thread(work)
    assert run.data.metrics == {"from thread": 1.0}
    assert status(run) == "RUNNING"


def test_threads_that_start_runs_do_not_get_in_each_others_way(workdir):
    together = threading.Barrier(6)

    def train(number):
        with nbtrack.start_run(run_name=f"r{number}") as run:
            together.wait(timeout=30)
            nbtrack.log_metric("number", number)
            together.wait(timeout=30)
            return run.info.run_id

    with ThreadPoolExecutor(6) as pool:
        ids = list(pool.map(train, range(6)))
    for number, run_id in enumerate(ids):
        run = nbtrack.get_run(run_id)
        assert (run.data.metrics, run.info.status) == ({"number": number}, "FINISHED")
        assert PARENT not in run.data.tags


def test_nested_runs_in_threads_belong_under_the_run_of_the_main_thread(workdir):
    together = threading.Barrier(4)

    def train(_):
        with nbtrack.start_run(nested=True) as run:
            together.wait(timeout=30)
            return run.info.run_id

    with nbtrack.start_run() as outer, ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(train, range(4)))
        assert nbtrack.active_run() is outer
    assert {nbtrack.get_run(i).data.tags[PARENT] for i in ids} == {outer.info.run_id}


def test_a_run_that_is_open_in_another_thread_is_joined(workdir):
    def join():
        with nbtrack.start_run(run.info.run_id) as same:
            nbtrack.log_metric("m", 1)
        return same.joined

    run = nbtrack.start_run()
    assert in_thread(join)
    assert status(run) == "RUNNING"
    nbtrack.log_metric("m", 2, step=1)
    nbtrack.end_run()
    assert (status(run), run.data.metrics) == ("FINISHED", {"m": 2.0})


def test_tasks_have_runs_of_their_own(workdir):
    async def train(number, together):
        with nbtrack.start_run() as run:
            await together.wait()
            nbtrack.log_metric("number", number)
            return run.info.run_id

    async def main():
        together = asyncio.Barrier(3)
        return await asyncio.gather(*(train(number, together) for number in range(3)))

    ids = asyncio.run(main())
    assert [nbtrack.get_run(i).data.metrics for i in ids] == [{"number": n} for n in range(3)]


def test_runs_that_end_out_of_order(workdir):
    outer = nbtrack.start_run()
    inner = nbtrack.start_run(nested=True)
    outer.end()
    assert nbtrack.active_run() is inner
    nbtrack.log_metric("m", 1)
    nbtrack.end_run()
    assert inner.data.metrics == {"m": 1.0}
    assert nbtrack.active_run() is None
    assert (status(outer), status(inner)) == ("FINISHED", "FINISHED")


def test_two_threads_that_end_a_run_end_it_once(workdir):
    run = nbtrack.start_run()
    ended = []
    run.on_end.append(ended.append)
    threads = [threading.Thread(target=run.end, args=(how,)) for how in ("KILLED", "FAILED")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == [run]
    assert status(run) == run.info.status


# -- ending --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("x"), "FAILED"),
        (KeyboardInterrupt(), "KILLED"),
        (asyncio.CancelledError(), "KILLED"),
        (SystemExit(), "FINISHED"),
        (SystemExit(0), "FINISHED"),
        (SystemExit(1), "FAILED"),
        (SystemExit("no"), "FAILED"),
    ],
)
def test_a_run_ends_as_its_block_did(workdir, error, expected):
    with pytest.raises(type(error)), nbtrack.start_run() as run:
        raise error
    assert status(run) == expected


def test_an_exception_is_kept(workdir):
    with pytest.raises(ValueError, match="too bad"), nbtrack.start_run() as run:
        raise ValueError("too bad")
    found = nbtrack.get_run(run.info.run_id)
    assert found.data.tags["nbtrack.error"] == "ValueError: too bad"
    text = nbtrack.artifacts.load_text(f"runs:/{run.info.run_id}/traceback.txt")
    assert text.endswith("ValueError: too bad\n")


def test_an_exception_that_cannot_be_printed_still_ends_the_run(workdir):
    class MuteError(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    with (
        pytest.warns(NbtrackWarning, match="traceback"),
        pytest.raises(MuteError),
        nbtrack.start_run() as run,
    ):
        raise MuteError
    assert status(run) == "FAILED"


def test_a_generator_that_is_closed_kills_its_run(workdir):
    def steps():
        with nbtrack.start_run() as run:
            yield run
            yield run

    running = steps()
    run = next(running)
    running.close()
    assert status(run) == "KILLED"


def test_a_run_that_was_ended_in_its_block_stays_as_it_is(workdir):
    with nbtrack.start_run() as run:
        nbtrack.end_run("KILLED")
    assert status(run) == "KILLED"


def test_listeners_that_fail_do_not_stop_the_end(workdir):
    told = []

    def fail(run):
        raise RuntimeError("listener")

    run = nbtrack.start_run()
    run.on_end += [fail, told.append]
    with pytest.warns(NbtrackWarning, match="listener"):
        nbtrack.end_run()
    assert (told, status(run), nbtrack.active_run()) == ([run], "FINISHED", None)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("nbtrack.start_run()", "FINISHED"),
        ("nbtrack.start_run(); raise ValueError", "FAILED"),
        ("nbtrack.start_run(); raise KeyboardInterrupt", "KILLED"),
        ("nbtrack.start_run()\nwith nbtrack.start_run(nested=True): sys.exit(1)", "FAILED"),
        ("nbtrack.start_run(); os.kill(os.getpid(), 15)", "INTERRUPTED"),
        ("nbtrack.start_run(); os._exit(0)", "INTERRUPTED"),
    ],
)
def test_what_a_script_leaves_open_ends_as_the_script_did(workdir, code, expected):
    process = programs.start(f"import os, sys, nbtrack\n{code}", cwd=workdir)
    process.communicate(timeout=60)
    assert nbtrack.search_runs()["status"].iloc[0] == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_logs_but_does_not_end_the_run_of_its_parent(workdir):
    client = nbtrack.MlflowClient()
    with nbtrack.start_run() as run:
        nbtrack.log_param("p", 1)
        child = os.fork()
        if child == 0:
            try:
                nbtrack.log_metric("from child", 1)
                client.log_metric(run.info.run_id, "by client", 2)
                nbtrack.end_run("FAILED")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert status(run) == "RUNNING"
        assert run.data.metrics == {"from child": 1.0, "by client": 2.0}
    assert status(run) == "FINISHED"


# -- clients, stores, and runs that are open -----------------------------------------------


def test_a_client_logs_to_the_active_run_and_ends_it(workdir):
    client = nbtrack.MlflowClient()
    run = nbtrack.start_run()
    client.log_metric(run.info.run_id, "m", 1)
    client.log_param(run.info.run_id, "p", 1)
    with pytest.raises(InvalidParameterError, match="Changing param values"):
        nbtrack.log_param("p", 2)
    client.set_terminated(run.info.run_id, "FAILED")
    assert nbtrack.active_run() is None
    client.log_metric(run.info.run_id, "after", 1)
    found = client.get_run(run.info.run_id)
    assert (found.info.status, set(found.data.metrics)) == ("FAILED", {"m", "after"})


def test_an_open_run_stays_in_its_store_when_another_is_chosen(workdir):
    run = nbtrack.start_run()
    nbtrack.set_tracking_uri("other.duckdb")
    nbtrack.log_metric("m", 1)
    nbtrack.end_run()
    assert run.data.metrics == {"m": 1.0}
    assert len(nbtrack.search_runs()) == 0
    nbtrack.set_tracking_uri("nbtrack.duckdb")
    assert nbtrack.search_runs()["run_id"].tolist() == [run.info.run_id]


def test_a_client_that_writes_many_runs_from_many_threads_loses_nothing(workdir):
    client = nbtrack.MlflowClient()
    ids = [client.create_run("0").info.run_id for _ in range(12)]
    nbtrack.store.open_store().writers.max_loose = 4  # journals that stay open between calls

    def log(worker):
        for round_ in range(3):
            for run_id in ids:
                client.log_metric(run_id, f"m{worker}", round_, step=round_)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(log, range(4)))
    for run in client.search_runs(["0"]):
        assert run.data.metrics == {f"m{worker}": 2.0 for worker in range(4)}


def test_params_are_written_once_by_all_threads_together(workdir):
    client = nbtrack.MlflowClient()
    run_id = client.create_run("0").info.run_id
    nbtrack.store.open_store().writers.forget(run_id)
    together = threading.Barrier(8)

    def log(value):
        together.wait(timeout=30)
        try:
            client.log_param(run_id, "p", value)
        except InvalidParameterError:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(log, range(8))) == 1


# -- the environment -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["MLFLOW_RUN_ID", "NBTRACK_RUN_ID"])
def test_a_run_id_of_the_environment_is_used_once(workdir, monkeypatch, name):
    with nbtrack.start_run() as run:
        pass
    monkeypatch.setenv(name, run.info.run_id)
    with nbtrack.start_run() as first:
        assert first.info.run_id == run.info.run_id
    with nbtrack.start_run() as second:
        assert second.info.run_id != run.info.run_id


def test_the_environment_names_store_and_experiment(workdir):
    code = "import nbtrack\nwith nbtrack.start_run() as run: print(run.info.experiment_id)"
    first = nbtrack.create_experiment("first")
    second = nbtrack.create_experiment("second")
    both = {"MLFLOW_EXPERIMENT_ID": first, "NBTRACK_EXPERIMENT_NAME": "second"}
    assert programs.run(code, cwd=workdir, MLFLOW_EXPERIMENT_NAME="first").strip() == first
    assert programs.run(code, cwd=workdir, MLFLOW_EXPERIMENT_ID=first).strip() == first
    assert programs.run(code, cwd=workdir, **both).strip() == second
    assert programs.run(code, cwd=workdir, MLFLOW_EXPERIMENT_NAME="new").strip() == "3"
    programs.run(code, cwd=workdir, MLFLOW_TRACKING_URI="elsewhere.duckdb")
    assert (workdir / "elsewhere.duckdb").exists()
    assert len(nbtrack.search_runs(search_all_experiments=True)) == 4


def test_processes_follow_the_store_and_the_experiment_that_were_set(workdir):
    nbtrack.set_tracking_uri("mine.duckdb")
    experiment = nbtrack.set_experiment("digits")
    code = "import nbtrack\nwith nbtrack.start_run() as run: print(run.info.experiment_id)"
    assert programs.run(code, cwd=workdir).strip() == experiment.experiment_id
    assert len(nbtrack.search_runs()) == 1
    nbtrack.set_tracking_uri("other.duckdb")
    with nbtrack.start_run() as run:
        assert nbtrack.get_experiment(run.info.experiment_id).name == "digits"


def test_tags_come_from_the_environment_too(workdir, monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", '{"team": "a", "mlflow.source.name": "job"}')
    with nbtrack.start_run(tags={"mlflow.source.type": "JOB"}) as run:
        pass
    tags = nbtrack.get_run(run.info.run_id).data.tags
    assert (tags["team"], tags["mlflow.source.name"]) == ("a", "job")
    assert tags["mlflow.source.type"] == "JOB"
    assert "mlflow.user" in tags


def test_what_belongs_to_other_versions_is_refused_by_name():
    with pytest.raises(AttributeError, match=r"start_span is not available.*traces"):
        nbtrack.start_span("a")
    with pytest.raises(AttributeError, match=r"search_traces is not available"):
        nbtrack.MlflowClient().search_traces()
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        _ = nbtrack.no_such_name
    assert not hasattr(sys.modules["nbtrack"], "h2o")
