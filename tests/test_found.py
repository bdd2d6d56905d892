"""What ``%%track`` records of cells whose code logs nothing, and where it says it is from."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import nbtrack
from kernels import Kernel, kernel
from nbtrack.entities.found import FOUND_TAG, Found, found_of, found_tag
from nbtrack.errors import NotFoundError
from nbtrack.notebook.printed import MAX_HEARD, PrintedTail
from nbtrack.notebook.printed_numbers import printed_numbers
from nbtrack.tracking import context
from real_cells import CELLS, RealCell


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("found"), NBTRACK_DISPLAY="off") as running:
        yield running


def recorded(cell: Kernel) -> tuple[dict[str, str], dict[str, int], dict[str, str]]:
    """Return the params of the last run, the points of its metrics, and what came from where."""
    run = "nbtrack.last_active_run().data"
    params = cell.value(f"{run}.params")
    keys = [key for key in cell.value(f"list({run}.metrics)") if not key.startswith("system/")]
    counts = cell.value(
        "{key: len(nbtrack.Client().get_metric_history(nbtrack.last_active_run().info.run_id, key))"
        f" for key in {keys!r}}}"
    )
    tag = json.loads(cell.value(f"{run}.tags.get('nbtrack.found', '[]')"))
    return params, counts, {key: each["from"] for each in tag for key in each["keys"]}


@pytest.mark.parametrize("real", CELLS, ids=lambda real: real.name)
def test_of_a_cell_as_people_write_it(cell: Kernel, real: RealCell) -> None:
    for module in real.needs:
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    cell.run("%reset -f\nimport nbtrack, time")
    for each in real.before:
        assert cell.run(each).error is None
    plain = cell.run(f"%%track\n{real.cell}")
    assert plain.error is None, plain.traceback
    assert "was not kept" not in plain.errors, plain.errors
    params, counts, sources = recorded(cell)
    shown: Any = (params, counts, sources)
    assert counts == real.metrics, shown
    assert real.params.items() <= params.items(), shown
    if real.only:
        assert params == real.params, shown
    assert real.sources.items() <= sources.items(), shown
    logged = {"width", "mine"}
    assert sources.keys() | logged >= params.keys() | counts.keys(), shown


def test_addresses_in_earlier_cells_are_no_params(cell: Kernel) -> None:
    cell.run("MIRROR, width = 'https://example.org/data.gz', 8")
    cell.run("%%track\ndepth = 2\nprint(MIRROR, width)")
    assert recorded(cell)[0] == {"depth": "2", "width": "8"}


def test_names_and_patterns_are_left_out(cell: Kernel) -> None:
    cell.run("lr, width = 0.1, 8")
    cell.run(
        "%%track -x lr -x 'val_*'\ndepth = 2\nprint(f'epoch 1 loss: {lr * width} val_loss: 3.5')"
    )
    assert recorded(cell)[:2] == ({"depth": "2", "width": "8"}, {"loss": 1})
    cell.run("%%track -x depth,loss\nprint('loss: 3')\ndepth = 2")
    assert recorded(cell) == ({}, {}, {})


def test_a_run_inside_says_what_it_wants_to_itself(cell: Kernel) -> None:
    cell.run(
        "%%track\nlosses = []\nfor lr in (0.1, 0.2):\n    with nbtrack.start_run(nested=True):\n"
        "        nbtrack.log_metric('loss', lr)\n    losses.append(lr)\n    print(f'loss: {lr}')"
    )
    outer = "nbtrack.search_runs(order_by=['start_time DESC'], output_format='list')[2].data"
    assert [k for k in cell.value(f"list({outer}.metrics)") if not k.startswith("system/")] == []


def test_secrets_are_not_found(cell: Kernel) -> None:
    cell.run("api_key = 'abcdefgh12345678'\nconfig = {'hf_token': 'xyz', 'depth': 3}\nk = api_key")
    out = cell.run(
        "%%track\nuse = (api_key, config)\n"
        "print('epoch 1 api_key: 12345678 loss: 0.5')\nprint('epoch 2 token: 12 loss: 0.4')"
    )
    assert out.error is None
    params, counts, _ = recorded(cell)
    assert params == {"config.depth": "3"}
    assert counts == {"loss": 2}


def test_objects_of_the_user_are_not_asked(cell: Kernel) -> None:
    cell.run(
        "class Trap(list):\n"
        "    def __getattr__(self, name): raise RuntimeError(name)\n"
        "    def __len__(self): raise RuntimeError('len')\n"
        "    def __iter__(self): raise RuntimeError('iter')\n"
        "class Estimator:\n"
        "    asked = 0\n"
        "    def get_params(self): Estimator.asked += 1\n"
        "    @property\n"
        "    def history(self): Estimator.asked += 1\n"
        "    @property\n"
        "    def param_groups(self): Estimator.asked += 1\n"
        "class Number(float):\n"
        "    def __float__(self): raise RuntimeError('float')\n"
        "losses, model = Trap(), Estimator()\nodd_losses = []"
    )
    out = cell.run("%%track\nlosses.append(1.5); odd_losses.extend([Number(1), 2.5]); model\nx = 1")
    assert out.error is None
    assert "was not kept" not in out.errors
    assert recorded(cell)[:2] == ({"x": "1"}, {})
    assert cell.value("Estimator.asked") == 0


def test_a_failed_cell_keeps_the_curve_so_far(cell: Kernel) -> None:
    cell.run("%%track\nfor i in range(5):\n    print(f'epoch {i} loss: {1 / (3 - i):.2f}')")
    assert recorded(cell)[1] == {"loss": 3}
    assert cell.value("nbtrack.last_active_run().info.status") == "FAILED"


def test_a_list_that_grows_again_gives_its_new_part(cell: Kernel) -> None:
    cell.run("losses = []")
    for _ in range(2):
        cell.run("%%track\nfor i in range(4): losses.append(i + 0.5)")
        assert recorded(cell)[1] == {"loss": 4}


def test_much_output_is_looked_through_quickly() -> None:
    line = "Epoch 3/10 - loss: 0.3141 - acc: 0.91234 - val_loss: 0.5\n"
    begin = time.process_time()
    assert len(printed_numbers(line * (MAX_HEARD // len(line)))["loss"].values) > 10_000
    assert time.process_time() - begin < 3  # a tenth of it where nothing else runs


def test_hearing_much_output_costs_little() -> None:
    tail = PrintedTail()
    begin = time.process_time()
    for i in range(300_000):
        tail._add(f"\rstep {i} loss: 0.5" if i % 100 else f"epoch {i}\n")
    assert time.process_time() - begin < 3
    assert "epoch 299900" in tail.heard()
    assert len(tail.heard()) <= MAX_HEARD


def found_run(key: str = "loss") -> str:
    """Log a run with a param and a metric as if they were found."""
    with nbtrack.start_run() as run:
        nbtrack.log_params({"lr": 0.1, "depth": 3, "mine": 1})
        for step in range(3):
            nbtrack.log_metrics({key: step, "acc": step}, step=step)
        found = [Found("param", "lr", "cell 3"), Found("param", "depth", "cell 3")]
        nbtrack.set_tag(FOUND_TAG, found_tag([*found, Found("metric", key, "printed")]))
    return run.info.run_id


def test_what_was_found_can_be_removed_from_a_run(workdir: Path) -> None:
    run_id, other = found_run(), found_run()
    runs = context.store().runs
    assert [each.key for each in runs.leave_out(run_id, "param", "lr")] == ["depth", "loss"]
    assert [each.key for each in runs.leave_out(run_id, "metric", "loss")] == ["depth"]
    run = nbtrack.get_run(run_id)
    assert run.data.params == {"depth": "3", "mine": "1"}
    assert run.data.metrics == {"acc": 2.0}
    assert nbtrack.Client().get_metric_history(run_id, "loss") == []
    assert found_of(run.data.tags) == [Found("param", "depth", "cell 3")]
    assert len(nbtrack.Client().get_metric_history(other, "loss")) == 3
    with nbtrack.start_run(run_id=run_id):  # and what is logged now is new
        nbtrack.log_param("lr", 0.2)
        nbtrack.log_metric("loss", 7, step=1)
    again = nbtrack.get_run(run_id)
    assert (again.data.params["lr"], again.data.metrics["loss"]) == ("0.2", 7.0)
    runs.leave_out(run_id, "param", "depth")
    assert FOUND_TAG not in nbtrack.get_run(run_id).data.tags


def test_what_was_logged_stays(workdir: Path) -> None:
    run_id = found_run()
    for kind, key in (("param", "mine"), ("metric", "acc"), ("metric", "lr"), ("param", "no")):
        with pytest.raises(NotFoundError, match="was not found by %%track"):
            context.store().runs.leave_out(run_id, kind, key)
    assert nbtrack.get_run(run_id).data.params.keys() == {"lr", "depth", "mine"}


def test_a_tag_that_somebody_changed_says_nothing() -> None:
    for text in (
        "",
        "no json",
        "3",
        "[1, null]",
        '[{"kind": "x", "keys": ["a"]}]',
        '[{"keys": 3}]',
    ):
        assert found_of({FOUND_TAG: text}) == []


def test_the_finished_card_says_where_it_is_from(tmp_path: Path) -> None:
    with kernel(tmp_path, NBTRACK_DISPLAY="static") as cell:
        cell.run("lr = 0.5")
        out = cell.run("%%track\nwidth = 3\nfor i in range(3): print(f'epoch {i} loss: {lr * i}')")
    (card,) = out.cards
    assert card["found"] == [
        {"kind": "param", "key": "width", "source": "this cell", "value": "3"},
        {"kind": "param", "key": "lr", "source": "cell 2", "value": "0.5"},
        {"kind": "metric", "key": "loss", "source": "printed"},
    ]
    text = next(data["text/plain"] for data in out.displays if "text/plain" in data)
    assert "Found: lr (cell 2); loss (printed)" in text
    assert [head["key"] for head in card["curves"]["series"]] == ["loss"]


def test_a_history_with_more_than_numbers_is_no_obstacle(cell: Kernel) -> None:
    cell.run("class History: pass\nHistory.__module__ = 'keras.src.callbacks.history'")
    cell.run(
        "%%track\nh = History()\nh.epoch = [0, 1]\nh.params = {'epochs': 2}\n"
        "h.history = {'loss': [2.0, 1.0], 'matrix': [[1], [2]], 'short': [1.0]}\nacc = 0.5\nacc"
    )
    params, counts, sources = recorded(cell)
    assert (params, counts) == ({"acc": "0.5", "epochs": "2"}, {"loss": 2, "acc": 1})
    assert sources["loss"] == "h"
