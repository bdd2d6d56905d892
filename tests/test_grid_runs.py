"""``nbtrack.grid`` in scripts, and grids in several processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import nbtrack
from kernels import kernel
from nbtrack.entities.run_data import RunData
from nbtrack.entities.runs import BEST_TAG, STOP_TAG
from nbtrack.errors import InvalidParameterError, NbtrackWarning, StoreLockedError
from nbtrack.store import Reader
from programs import needs, python_path

CHILDREN = "nbtrack.search_runs(output_format='list')"


def statuses() -> dict[str, str]:
    found = nbtrack.search_runs(output_format="list")
    return {run.info.run_name: run.info.status for run in found}


def test_a_loop_makes_a_run_of_each_iteration(workdir: Path) -> None:
    grid = nbtrack.grid(lr=[1e-3, 1e-2], seed=range(2), run_name="sweep")
    for params in grid:
        nbtrack.log_metric("loss", params["lr"] + params["seed"])
    names = [f"lr={lr} seed={seed}" for lr in (0.001, 0.01) for seed in (0, 1)]
    assert statuses() == dict.fromkeys(["sweep", *names], "FINISHED")
    assert nbtrack.active_run() is None
    assert grid.best is not None
    assert grid.best.data.params == {"lr": "0.001", "seed": "0"}
    assert sorted(grid.frame()["tags.mlflow.runName"]) == sorted(names)
    parents = grid.frame()["tags.mlflow.parentRunId"]
    assert set(parents) == {grid.parent.info.run_id}


def leave_by_break() -> None:
    for params in nbtrack.grid(n=[1, 2, 3], run_name="p"):
        if params["n"] == 2:
            break


def leave_by_return() -> int:
    for params in nbtrack.grid(n=[1, 2, 3], run_name="p"):
        if params["n"] == 2:
            return int(params["n"])
    return 0


def leave_by_error() -> None:
    try:
        for params in nbtrack.grid(n=[1, 2, 3], run_name="p"):
            if params["n"] == 2:
                raise ValueError
    except ValueError:
        pass


@pytest.mark.parametrize(
    ("leave", "status"),
    [(leave_by_break, "FINISHED"), (leave_by_return, "FINISHED"), (leave_by_error, "FAILED")],
)
def test_a_loop_that_is_left_ends_its_runs(
    workdir: Path, leave: Callable[[], object], status: str
) -> None:
    leave()
    assert statuses() == {"p": status, "n=1": "FINISHED", "n=2": status}
    assert nbtrack.active_run() is None


def test_a_function_is_called_with_each_and_may_fail(workdir: Path) -> None:
    def train(lr: float, seed: int) -> dict[str, object]:
        if seed == 1:
            raise ValueError(f"no {lr}")
        return {"loss": lr, "name": "x"}

    grid = nbtrack.grid(train, {"lr": [1, 2]}, seed="0..1", maximize="loss")
    assert grid.parent.info.status == "FINISHED"
    assert statuses()["lr=2 seed=1"] == "FAILED"
    assert grid.best is not None
    assert grid.best.data.metrics == {"loss": 2.0}
    with pytest.raises(ZeroDivisionError):
        nbtrack.grid(lambda n: 1 / n, n=[0], run_name="all")
    assert statuses()["all"] == "FAILED"


def test_what_has_finished_is_not_run_again(workdir: Path) -> None:
    for params in nbtrack.grid(n=[1, 2, 3], run_name="night"):
        if params["n"] == 2:
            parent = nbtrack.get_parent_run(nbtrack.active_run().info.run_id)  # type: ignore[union-attr]
            assert parent is not None
            nbtrack.Client().set_tag(parent.info.run_id, STOP_TAG, "yes")
    assert "n=3" not in statuses()
    assert [params["n"] for params in nbtrack.grid(n=[1, 2, 3], resume="night")] == [3]
    assert len(nbtrack.search_runs()) == 4
    with pytest.raises(InvalidParameterError, match="is no grid"):
        list(nbtrack.grid(n=[1], resume="n=1"))


def test_runs_that_end_while_the_store_cannot_be_read_count_later(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = []

    def data_of(reader: Reader, run_id: str) -> RunData:
        if locked:
            raise StoreLockedError("another process has it")
        return nbtrack.get_run(run_id).data

    monkeypatch.setattr("nbtrack.tracking.grid._data_of", data_of)
    grid = nbtrack.grid(n=[3, 1, 2, 4, 5], minimize="loss", run_name="p")
    for params in grid:
        nbtrack.log_metric("loss", params["n"])
        if params["n"] == 1:
            locked.append(True)
        if params["n"] == 4:
            nbtrack.Client().set_tag(grid.parent.info.run_id, STOP_TAG, "yes")
            locked.clear()
    assert "n=5" not in statuses()
    assert grid.best is not None
    assert grid.best.data.params == {"n": "1"}
    parent = nbtrack.get_run(grid.parent.info.run_id)
    assert parent.data.tags[BEST_TAG] == grid.best.info.run_id


def test_runs_that_nobody_could_read_are_said(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(reader: object, run_id: str) -> None:
        raise StoreLockedError("another process has it")

    def train(n: int) -> dict[str, int]:
        monkeypatch.setattr("nbtrack.tracking.grid._data_of", unreadable)
        return {"loss": n}

    with pytest.warns(NbtrackWarning, match="how 2 of its runs ended"):
        nbtrack.grid(train, n=[3, 1], minimize="loss", run_name="p")
    assert statuses() == dict.fromkeys(["p", "n=3", "n=1"], "FINISHED")


def test_mistakes_start_no_run(workdir: Path) -> None:
    for call, message in (
        (lambda: nbtrack.grid(), "varies something"),
        (lambda: nbtrack.grid(lr=3), "give a list of values"),
        (lambda: nbtrack.grid(lr=[1], jobs=2), "needs a function"),
        (lambda: nbtrack.grid(lr="log(1,2)"), "is a range"),
        (lambda: nbtrack.grid(lr=[1], minimize="a", maximize="b"), "one goal"),
        (lambda: nbtrack.grid(lr=[1], sampler="bayes"), "no sampler 'bayes'"),
    ):
        with pytest.raises(InvalidParameterError, match=message):
            call()
    assert len(nbtrack.search_runs()) == 0


MODULE = """
    import os, time
    import nbtrack

    def train(n):
        nbtrack.log_metric("loss", n)
        print("trains", n)
        if n == 2:
            os._exit(7)
        if n == 4:
            time.sleep(60)
        return {"score": n * 10}
"""


@pytest.fixture
def module(workdir: Path) -> Path:
    (workdir / "training.py").write_text(textwrap.dedent(MODULE), "utf-8")
    return workdir


def script(folder: Path, code: str) -> subprocess.Popen[str]:
    path = folder / "script.py"
    text = "import nbtrack, training\nif __name__ == '__main__':\n" + textwrap.indent(code, "    ")
    path.write_text(text, "utf-8")
    env = {**os.environ, "PYTHONPATH": f"{python_path()}{os.pathsep}{folder}"}
    return subprocess.Popen(
        [sys.executable, str(path)], cwd=folder, env=env, stderr=subprocess.PIPE, text=True
    )


def test_processes_run_a_grid_and_one_that_dies_is_replaced(module: Path) -> None:
    done = script(module, "nbtrack.grid(training.train, n=[1, 2, 3], jobs=2, run_name='p')\n")
    _, said = done.communicate(timeout=60)
    assert done.returncode == 0, said
    assert statuses() == {"p": "FINISHED", "n=1": "FINISHED", "n=2": "FAILED", "n=3": "FINISHED"}
    runs = {run.info.run_name: run.data for run in nbtrack.search_runs(output_format="list")}
    assert runs["n=3"].metrics == {"loss": 3.0, "score": 30.0}
    assert "exit status 7" in runs["n=2"].tags["nbtrack.error"]


def test_processes_end_with_a_parent_that_is_killed(module: Path) -> None:
    going = script(module, "nbtrack.grid(training.train, n=[4], jobs=2)\n")
    until = time.monotonic() + 60
    while sum("n=4" in name for name in statuses()) < 1:
        assert time.monotonic() < until
        time.sleep(0.2)
    going.send_signal(signal.SIGKILL)
    going.communicate(timeout=30)
    while "RUNNING" in statuses().values():
        assert time.monotonic() < until
        time.sleep(0.2)
    assert set(statuses().values()) == {"INTERRUPTED"}


@needs("xgboost")
def test_what_is_trained_in_a_grid_is_logged_with_auto(tmp_path: Path) -> None:
    train = (
        "data = xgboost.DMatrix([[0.0], [1.0]] * 9, label=[0, 1] * 9)\n"
        "_ = xgboost.train({}, data, rounds, evals=[(data, 'train')], verbose_eval=False)"
    )
    with kernel(tmp_path) as cell:
        cell.run("import xgboost\nfrom asyncio import sleep")
        for jobs, waits in (("", "await sleep(0)"), ("--jobs 2", "")):
            line = f"%%track trees --auto --grid rounds=2,3 {jobs}"
            out = cell.run(f"{line}\nrounds = 1\n{waits}\n{train}")
            assert out.status == "ok", out
        found = cell.value(f"['train-rmse' in r.data.metrics for r in {CHILDREN}]")
        assert sorted(found) == [False] * 2 + [True] * 4
        assert cell.value("'autologging' in xgboost.train.__code__.co_filename") is False


def test_a_cell_runs_in_processes_after_the_cells_that_it_needs(tmp_path: Path) -> None:
    with kernel(tmp_path, NBTRACK_DISPLAY="static") as cell:
        cell.run("def twice(x):\n    return scale * x\nunused = print('never again')")
        cell.run("scale = 2")
        out = cell.run(
            "%%track jobs --grid n=1..3 --jobs 2 -p note=x\nn = 7\nprint('n is', n)\n"
            "nbtrack.log_metric('val_loss', twice(n))\nif n == 2: raise ValueError('no')"
        )
        assert out.status == "ok", out
        head = out.cards[0]["head"]
        assert head["progress"] == "2 of 3 finished, 1 failed, best n=1: val_loss 2"
        assert head["error"] == "n=2: ValueError: no"
        assert {curve["key"] for curve in out.cards[0]["curves"]["series"]} == {"val_loss"}
        found = cell.value(f"sorted((r.info.run_name, r.data.params) for r in {CHILDREN})")
        assert found[3] == ("n=3", {"n": "3", "note": "x", "scale": "2"})
        source = cell.value("nbtrack.source('n=3')")
        assert "scale = 2" in source
        assert "\nn = 3\n" in source
        cell.client.execute("ghost = 1", store_history=False)
        said = cell.run("%%track --grid n=1,2 --jobs 2\nn = 1\nghost + n").errors
        assert "the cell needs ghost, and no cell of this kernel defines it" in said
        function = "def train(n): pass\nnbtrack.grid(train, n=[1, 2], jobs=2)"
        assert "defined in the notebook" in str(cell.run(function).error)
