"""What ``%%track`` records of cells whose code logs nothing, and where it says it is from."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from kernels import Kernel, kernel
from nbtrack.notebook.printed import MAX_HEARD, PrintedTail
from nbtrack.notebook.printed_numbers import printed_numbers
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
