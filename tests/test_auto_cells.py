"""Cells below ``%%track --auto``: what is logged by itself, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kernels import Kernel, kernel
from programs import needs

pytestmark = needs("torch")

DATA = """\
import torch, nbtrack
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
x, y = torch.randn(40, 6), torch.arange(40) % 3
train_loader = DataLoader(TensorDataset(x, y), batch_size=10)
val_loader = DataLoader(TensorDataset(x[:20], y[:20]), batch_size=10)
criterion = nn.CrossEntropyLoss()
"""
TRAIN = """\
epochs, lr = 2, 0.05
model = nn.Linear(6, 3)
optimizer = torch.optim.Adam(model.parameters(), lr=lr)
for epoch in range(epochs):
    losses = []
    for xb, yb in train_loader:
        loss = criterion(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        right = 0
        for xb, yb in val_loader:
            out = model(xb)
            criterion(out, yb)
            right += (out.argmax(1) == yb).sum().item()
    print(f"epoch {epoch} loss {sum(losses) / 4:.4f} val_acc {right / 20:.2f} norm: {1.5 + epoch}")
"""


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("auto"), NBTRACK_DISPLAY="off") as running:
        assert running.run(f"%load_ext nbtrack\n{DATA}").error is None
        yield running


def last(cell: Kernel) -> tuple[dict[str, str], dict[str, float], dict[str, Any]]:
    run = "nbtrack.last_active_run().data"
    tag = json.loads(cell.value(f"{run}.tags.get('nbtrack.found', '[]')"))
    sources = {key: each["from"] for each in tag for key in each["keys"]}
    metrics = cell.value(f"{run}.metrics")
    kept = {key: value for key, value in metrics.items() if not key.startswith("system/")}
    return cell.value(f"{run}.params"), kept, sources


def test_a_loop_is_logged_and_nothing_twice(cell: Kernel) -> None:
    found = cell.run(f"%%track --auto\n{TRAIN}")
    assert found.error is None, found.traceback
    assert "was not kept" not in found.errors, found.errors
    params, metrics, sources = last(cell)
    automatic = {
        "train_loss", "val_loss", "val_accuracy", "lr", "epoch", "examples_per_second"
    }  # fmt: skip
    assert metrics.keys() == automatic | {"norm"}
    assert sources["val_loss"] == sources["batch_size"] == "training loop"
    assert (sources["norm"], sources["epochs"]) == ("printed", "this cell")
    assert (params["lr"], params["epochs"], params["batch_size"]) == ("0.05", "2", "10")
    assert (params["model"], params["optimizer_name"]) == ("Linear", "Adam")
    assert not {key for key in params if key.partition(".")[0] == "optimizer"}


def test_it_ends_with_the_cell(cell: Kernel) -> None:
    cell.run(f"%%track\n{TRAIN}")
    assert "val_loss" not in last(cell)[1]
    failed = cell.run(f"%%track --auto\n{TRAIN}\nraise ValueError('late')")
    assert failed.error == ("ValueError", "late")
    assert last(cell)[1]["epoch"] == 2
    assert cell.run("%%track --auto\nraise KeyboardInterrupt").error is not None
    assert cell.value("torch.autograd.backward.__module__") == "torch.autograd"
    assert not cell.value("hasattr(torch.autograd.backward, '__wrapped__')")
    cell.run(f"%%track\n{TRAIN}")
    assert "val_loss" not in last(cell)[1]


def test_what_the_code_logs_wins_and_what_is_not_wanted_is_left_out(cell: Kernel) -> None:
    log = "nbtrack.log_metric('val_loss', 9.0)\nnbtrack.log_param('batch_size', 'mine')\n"
    found = cell.run(f"%%track --auto -x examples_per_second -x eps\n{log}{TRAIN}")
    assert "was not kept" not in found.errors, found.errors
    params, metrics, sources = last(cell)
    assert metrics["val_loss"] == 9.0
    assert params["batch_size"] == "mine"
    assert {"val_loss", "batch_size", "examples_per_second", "eps"}.isdisjoint(sources)
    assert "examples_per_second" not in metrics
    assert "eps" not in params
    assert "train_loss" in metrics


def test_status_says_what_it_does(cell: Kernel) -> None:
    assert "--auto" in cell.run("%track status").text
