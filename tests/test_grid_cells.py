"""``%%track --grid`` in a real kernel: a parent, and a run for each combination."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kernels import Kernel, kernel

TABLE = "application/vnd.nbtrack.view.v1+json"
RUNS = "nbtrack.search_runs(output_format='list', order_by=['attributes.start_time ASC'])"


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("grid"), NBTRACK_DISPLAY="static") as running:
        running.run("import math\nwarm = 3\nseen = []")
        yield running


def runs_of(cell: Kernel, name: str) -> list[tuple[Any, ...]]:
    """Return the runs inside the parent of a name: name, status, params, metrics."""
    found: list[tuple[Any, ...]] = cell.value(
        "[(r.info.run_name, r.info.status, r.data.params, {k: v for k, v in r.data.metrics.items()"
        f" if '/' not in k}}) for r in {RUNS} if (p := r.data.tags.get('mlflow.parentRunId')) "
        f"and nbtrack.get_run(p).info.run_name == {name!r}]"
    )
    return found


@pytest.fixture(scope="module")
def sweep(cell: Kernel) -> Any:
    return cell.run(
        "%%track sweep --grid lr=0.1,0.01 --grid seed=0..1 -p note=x\n"
        "lr, seed = 1e-2, 7\n"
        "print('trains with', lr)\n"
        "for i in range(4):\n"
        "    nbtrack.log_metric('val_loss', lr * i + seed / 10, step=i)\n"
        "done = True"
    )


def test_each_combination_is_a_run_with_its_params_and_metrics(cell: Kernel, sweep: Any) -> None:
    assert sweep.status == "ok", sweep
    runs = runs_of(cell, "sweep")
    assert [name for name, *_ in runs] == [
        f"lr={lr} seed={s}" for lr in (0.1, 0.01) for s in (0, 1)
    ]
    assert {status for _, status, *_ in runs} == {"FINISHED"}
    assert runs[1][2] == {"lr": "0.1", "seed": "1", "done": "True", "note": "x"}
    assert runs[1][3]["val_loss"] == pytest.approx(0.4)


def test_the_source_and_the_output_of_each_are_its_own(cell: Kernel, sweep: Any) -> None:
    assert "lr, seed = 0.01, 1\n" in cell.value("nbtrack.source('lr=0.01 seed=1')")
    client, run = "nbtrack.Client()", f"[r for r in {RUNS} if r.info.run_name == 'lr=0.01 seed=0']"
    path = cell.value(f"{client}.download_artifacts({run}[0].info.run_id, '.nbtrack/output.txt')")
    assert cell.value(f"open({path!r}).read()") == "trains with 0.01\n"
    assert sweep.text == ""


def test_the_card_says_how_it_went_and_the_table_folds_the_seeds(sweep: Any) -> None:
    card, table = (data[TABLE] for data in sweep.displays)
    assert card["head"]["progress"] == "4 of 4 finished, best lr=0.01: val_loss 0.08 ± 0.071"
    assert len(card["runs"]) == 5
    assert table["kind"] == "table"
    assert table["total"] == 2
    assert table["values"]["metrics.val_loss ±"] == [pytest.approx(0.0707, abs=1e-4)] * 2
    assert table["best"]["metrics.val_loss"] == pytest.approx(0.08)
    assert "image/png" in sweep.displays[0]
    assert "<b" in sweep.displays[1]["text/html"]


def test_no_name_of_a_run_is_left_for_the_next_and_the_last_stays(cell: Kernel, sweep: Any) -> None:
    cell.run("%%track again --grid a=1,2\na = 0\nwas = 'other' in globals()\nother = a\nwas")
    assert [metrics for *_, metrics in runs_of(cell, "again")] == [{}, {}]  # False is no number
    assert cell.value("(was, other, lr, seed)") == (False, 2, 0.01, 1)


def test_names_of_earlier_cells_are_set_and_come_back(cell: Kernel) -> None:
    out = cell.run("%%track outer --grid warm=1,2\nseen.append(warm)\nwarm * 10")
    assert [list(metrics.values()) for *_, metrics in runs_of(cell, "outer")] == [[10.0], [20.0]]
    assert cell.value("(warm, seen)") == (3, [1, 2])
    assert "seen comes from an earlier cell" in out.cards[0]["head"]["standing"]


def test_a_failed_run_does_not_stop_the_rest(cell: Kernel) -> None:
    out = cell.run("%%track bad --grid lr=2,0,1\nx = 1\nlr = 5\ny = x / lr\ny")
    assert out.status == "ok"
    assert [status for _, status, *_ in runs_of(cell, "bad")] == ["FINISHED", "FAILED", "FINISHED"]
    head = out.cards[0]["head"]
    assert head["progress"].startswith("2 of 3 finished, 1 failed")
    assert head["error"] == "lr=0: ZeroDivisionError: division by zero"
    assert head["state"] == "FINISHED"
    trace = "nbtrack.Client().download_artifacts([r for r in {} if r.info.run_name == 'lr=0'][0]"
    path = cell.value(trace.format(RUNS) + ".info.run_id, 'traceback.txt')")
    text = cell.value(f"open({path!r}).read()")
    assert "line 4, in <module>\n    y = x / lr" in text
    assert "grid_cells" not in text
    assert cell.value("__import__('sys').last_value.args") == ("division by zero",)


def test_the_cell_fails_when_all_runs_do(cell: Kernel) -> None:
    out = cell.run("%%track worse --grid lr=1,2\nlr = 0\nundefined")
    assert out.error == ("NameError", "name 'undefined' is not defined")
    assert "----> 3" in __import__("re").sub(r"\x1b\[[0-9;]*m", "", out.traceback)
    assert cell.value("nbtrack.last_active_run().info.status") == "FAILED"


def test_an_interrupt_ends_the_run_and_the_rest(cell: Kernel) -> None:
    stop = "    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(60)"
    out = cell.run(
        f"%%track stopped --grid n=1..50\nimport os, signal, time\nn = 0\nif n == 3:\n{stop}"
    )
    assert out.error is not None
    assert out.error[0] == "KeyboardInterrupt"
    statuses = [status for _, status, *_ in runs_of(cell, "stopped")]
    assert statuses == ["FINISHED", "FINISHED", "KILLED"]
    assert cell.value("(nbtrack.active_run(), nbtrack.last_active_run().info.status)") == (
        None,
        "KILLED",
    )


def test_a_tag_lets_it_stop_after_a_run_and_resume_goes_on(cell: Kernel) -> None:
    body = (
        "n = 0\nparent = nbtrack.get_parent_run(nbtrack.active_run().info.run_id).info.run_id\n"
        "if n == 2: nbtrack.Client().set_tag(parent, 'nbtrack.grid.stop', 'yes')\nn"
    )
    out = cell.run(f"%%track part --grid n=1..4\n{body}")
    assert out.cards[0]["head"]["progress"] == "2 of 4 finished, stopped"
    assert out.cards[0]["head"]["state"] == "FINISHED"
    out = cell.run("%%track --resume part --grid n=1..4\nn = 0\nn")
    assert out.cards[0]["head"]["progress"] == "4 of 4 finished"
    assert [name for name, *_ in runs_of(cell, "part")] == ["n=1", "n=2", "n=3", "n=4"]


def test_await_and_samplers(cell: Kernel) -> None:
    cell.run(
        "%%track drawn --grid lr=uniform(1,2) --sampler random --trials 3 --maximize score\n"
        "import asyncio\nlr = 0\nawait asyncio.sleep(0)\nscore = lr\nscore"
    )
    runs = runs_of(cell, "drawn")
    assert all(1 <= metrics["score"] <= 2 for *_, metrics in runs)
    best = max(runs, key=lambda run: run[3]["score"])[0]
    parent = f"[r for r in {RUNS} if r.info.run_name == 'drawn'][0]"
    kept = f"nbtrack.get_run({parent}.data.tags['nbtrack.grid.best'])"
    assert cell.value(f"{kept}.info.run_name") == best


def test_mistakes_run_nothing(cell: Kernel) -> None:
    before = cell.value(f"len({RUNS})")
    assert "Did you mean warm?" in cell.run("%%track --grid warn=1,2\nx = warm").errors
    assert "below another magic" in cell.run("%%track --grid x=1,2\n%%time\nx = 1").errors
    assert "needs to know how many" in cell.run("%%track --grid x=1 --sampler random\nx = 1").errors
    assert cell.value(f"len({RUNS})") == before
    out = cell.run("%%track --grid x=1..9 --minimize los\nx = 1\nloss = x\nloss")
    assert "no metric 'los'. Did you mean 'loss'?" in out.errors
    assert cell.value(f"len({RUNS})") == before + 2


def test_names_of_the_cell_are_completed(cell: Kernel) -> None:
    code = "%%track --grid l"
    cell.client.complete(f"{code}\nlr = 1", len(code))
    assert cell.client.get_shell_msg(timeout=10)["content"]["matches"] == ["lr="]


def test_each_run_keeps_the_state_of_the_generators_before_it(cell: Kernel) -> None:
    code = "import random\n%load_ext nbtrack"
    cell.run(code)
    out = cell.run("%%track drawn --grid k=1..3 -q\nk = 1\nx = random.random()\nx")
    assert out.error is None, out.traceback
    cell.run("import random, nbtrack\nmade = [r for r in " + RUNS + " if r.data.tags.get("
             "'mlflow.runName', '').startswith('k=')]")  # fmt: skip
    cell.run("again = []\nfor run in made:\n"
             "    nbtrack.restore_random_state(run.info.run_id)\n"
             "    again.append(random.random())")  # fmt: skip
    found = cell.value("[r.data.metrics.get('x') for r in made]")
    assert len(set(found)) == 3
    assert cell.value("again") == found
