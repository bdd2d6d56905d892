"""``start_run`` in a cell below ``%%track``: it joins the run of the cell."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from typing import Any

import pytest

from kernels import Kernel, kernel
from nbtrack.notebook.several_runs import _count
from nbtrack.reruns.plan import make_plan
from nbtrack.store import get_run, open_store
from nbtrack.views.code import track_line

TRAIN = """\
def train(lr, **options):
    with mlflow.start_run(run_name=f"lr {lr}", **options):
        mlflow.log_metric("a", lr)
"""


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("joining"), NBTRACK_DISPLAY="static") as running:
        running.run("import json\nimport nbtrack as mlflow")
        running.run(TRAIN)
        yield running


def made(cell: Kernel, code: str) -> list[list[Any]]:
    """Run a cell; return (name, status, parent, experiment, metric) of its runs, in order."""
    cell.run("known = set(mlflow.search_runs(search_all_experiments=True).run_id)")
    cell.run(code)
    out = cell.run(
        "found = mlflow.search_runs(search_all_experiments=True, output_format='list')[::-1]\n"
        "names = {run.info.run_id: run.info.run_name for run in found}\n"
        "print(json.dumps([[run.info.run_name, run.info.status,"
        " names.get(run.data.tags.get('mlflow.parentRunId')),"
        " mlflow.get_experiment(run.info.experiment_id).name, run.data.metrics.get('a')]"
        " for run in found if run.info.run_id not in known]))"
    )
    runs: list[list[Any]] = json.loads(out.text)
    return runs


def test_a_call_joins_the_run_of_the_cell(cell: Kernel) -> None:
    code = (
        "%%track -t team=mine\nmlflow.set_experiment('digits')\nlr = 0.5\n"
        "with mlflow.start_run(run_name='base', tags={'team': 'yours', 'kind': 'first'}) as run:\n"
        "    mlflow.log_metric('a', 1.0)\n"
        "joined = mlflow.active_run() is run"
    )
    assert made(cell, code) == [["base", "FINISHED", None, "digits", 1.0]]
    assert cell.value("joined") is True
    found = "mlflow.last_active_run()"
    assert cell.value(f"{found}.data.params") == {"lr": "0.5"}
    assert cell.value(f"{found}.data.tags['team']") == "mine"
    assert cell.value(f"{found}.data.tags['kind']") == "first"
    assert made(cell, code)[0][:2] == ["base", "FINISHED"]  # again, as people do
    cell.run("mlflow.set_experiment(experiment_id='0')")


def test_the_card_says_it_once_and_has_the_new_name(cell: Kernel) -> None:
    card = cell.run("%%track\nwith mlflow.start_run(run_name='shown'): pass").cards[-1]
    assert card["head"]["name"] == card["runs"][0]["name"] == "shown"
    notes = [item for item in card["since"] if item["label"] == "start_run()"]
    assert [note["text"] for note in notes] == ["in the cell joined this run"]


def test_what_the_line_gives_is_not_changed(cell: Kernel) -> None:
    code = "%%track named -e other\nmlflow.end_run()\nmlflow.start_run(run_name='x')"
    assert made(cell, code) == [["named", "FINISHED", None, "other", None]]


@pytest.mark.parametrize(
    "code",
    [
        "for lr in (1, 2):\n    with mlflow.start_run(run_name=f'lr {lr}'): pass",
        "[train(lr) for lr in (1, 2)]",
        "def sweep():\n    for lr in (1, 2):\n        train(lr)\nsweep()",
        "mlflow.start_run(run_name='lr 1')\nmlflow.end_run()\nmlflow.start_run(run_name='lr 2')",
    ],
)
def test_several_calls_are_runs_inside(cell: Kernel, code: str) -> None:
    outer, *inner = made(cell, f"%%track outer\n{code}")
    assert outer[:3] == ["outer", "FINISHED", None]
    assert [run[:3] for run in inner] == [
        ["lr 1", "FINISHED", "outer"],
        ["lr 2", "FINISHED", "outer"],
    ]


def test_what_was_not_foreseen_is_beside(cell: Kernel) -> None:
    runs = made(cell, "%%track\ntrain(1)\ntrain(2)")
    assert [run[:3] for run in runs] == [["lr 1", "FINISHED", None], ["lr 2", "FINISHED", None]]
    assert [run[4] for run in runs] == [1.0, 2.0]


def test_nested_calls_are_inside_what_has_joined(cell: Kernel) -> None:
    loop = "    for i in (1, 2):\n        train(i, nested=True)"
    code = f"%%track\nwith mlflow.start_run(run_name='p'):\n{loop}"
    assert [run[::2] for run in made(cell, code)] == [
        ["p", None, None],
        ["lr 1", "p", 1.0],
        ["lr 2", "p", 2.0],
    ]


def test_a_call_that_goes_on_with_another_run_does(cell: Kernel) -> None:
    cell.run("with mlflow.start_run(run_name='old') as old: pass")
    runs = made(
        cell,
        "%%track new\nwith mlflow.start_run(old.info.run_id):\n    mlflow.log_metric('a', 7)",
    )
    assert [run[:2] for run in runs] == [["new", "FINISHED"]]
    assert cell.value("mlflow.get_run(old.info.run_id).data.metrics") == {"a": 7.0}


def test_another_store_has_a_run_of_its_own(cell: Kernel) -> None:
    cell.run("%%track here\nmlflow.set_tracking_uri('far.duckdb')\ntrain(3)")
    assert cell.value("list(mlflow.search_runs()['metrics.a'])") == [3.0]
    cell.run("mlflow.set_tracking_uri('nbtrack.duckdb')")
    assert (
        cell.value("mlflow.search_runs(filter_string='run_name = \"here\"').status[0]")
        == "FINISHED"
    )


def test_how_the_block_ends_is_how_the_run_ends(cell: Kernel) -> None:
    block = "    with mlflow.start_run(run_name='x'):\n        1 / 0"
    caught = f"%%track\ntry:\n{block}\nexcept ZeroDivisionError: pass"
    assert made(cell, caught)[0][:2] == ["x", "FAILED"]
    assert "ZeroDivisionError" in cell.value("mlflow.last_active_run().data.tags['nbtrack.error']")
    assert made(cell, "%%track\nwith mlflow.start_run(run_name='x'): 1 / 0")[0][1] == "FAILED"
    ended = "%%track\nmlflow.start_run(run_name='x')\nmlflow.end_run('KILLED')"
    assert made(cell, ended)[0][:2] == ["x", "KILLED"]
    assert (
        made(cell, "%%track\nwith mlflow.start_run() as run:\n    mlflow.end_run()")[0][1]
        == "FINISHED"
    )
    assert cell.value("mlflow.active_run()") is None


def test_a_second_call_inside_the_block_is_refused(cell: Kernel) -> None:
    cell.run("def again():\n    with mlflow.start_run(): pass")
    out = cell.run("%%track\nwith mlflow.start_run():\n    again()")
    assert out.error is not None
    assert "already active" in out.error[1]


def test_a_grid_keeps_its_names(cell: Kernel) -> None:
    block = "with mlflow.start_run(run_name='x'):\n    mlflow.log_metric('a', lr)"
    code = f"%%track g --grid lr=1,2\nlr = 0\n{block}"
    assert [run[::2] for run in made(cell, code)] == [
        ["g", None, None],
        ["lr=1", "g", 1.0],
        ["lr=2", "g", 2.0],
    ]


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("start_run()", 1),
        ("with m.start_run() as a:\n    with m.start_run(nested=True): pass", 1),
        ("if x:\n    m.start_run(run_id=x)\nelse:\n    m.start_run()", 1),
        ("try:\n    m.start_run()\nexcept E:\n    m.start_run()", 1),
        ("def f():\n    m.start_run()\nf()", 0),
        ("while x:\n    m.start_run()", 2),
        ("m.start_run()\nm.start_run()", 2),
    ],
)
def test_calls_are_counted_as_they_are_executed(code: str, count: int) -> None:
    assert _count(ast.parse(code).body) == count


def test_joined_runs_and_those_beside_can_be_had_again(cell: Kernel) -> None:
    cell.run("%%track\ntrain(1)\ntrain(2)")
    store = open_store(str(cell.value("mlflow.get_tracking_uri()")))
    for index, run_id in enumerate(reversed(cell.value("list(mlflow.search_runs().run_id[:2])"))):
        plan = make_plan(store, run_id)
        assert plan.needed[-1].source == "%%track --quiet\ntrain(1)\ntrain(2)"
        assert any(TRAIN.strip() in each.source for each in plan.needed)
        assert [(step.names, step.index) for step in plan.place.steps] == [
            (("lr 1", "lr 2"), index)
        ]


def test_a_run_of_a_cell_without_track_is_inserted_with_it(cell: Kernel) -> None:
    code = "with mlflow.start_run(run_name='plain'):\n    mlflow.log_metric('a', 5)"
    assert made(cell, code) == [["plain", "FINISHED", None, "Default", 5.0]]
    store = open_store(str(cell.value("mlflow.get_tracking_uri()")))
    run_id = cell.value("mlflow.search_runs().run_id[0]")  # while it is read here the kernel waits
    with store.read() as reader:
        line = track_line(get_run(reader, run_id), "Default")
    assert made(cell, f"{line}\n{code}") == [["plain", "FINISHED", None, "Default", 5.0]]
