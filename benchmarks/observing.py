"""Measure what watching a cell takes.

Usage::

    python benchmarks/observing.py

Cells run in a shell of IPython whose cells are watched, as after ``%load_ext nbtrack``. Writes
``benchmarks/observing.md``. Needs the extra ``torch``.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "src"))

from IPython.core.interactiveshell import InteractiveShell  # noqa: E402  of this tree

from nbtrack.notebook.cells import Cells  # noqa: E402  of this tree
from nbtrack.notebook.watching import CellWatch  # noqa: E402  of this tree

REPEATS = 15
SETUP = """\
import numpy as np, pandas as pd, torch
from torch import nn
torch.set_num_threads(1)
array = np.random.rand(12_500_000)
frame = pd.DataFrame(np.random.rand(1_000_000, 10), columns=list("abcdefghij"))
net = nn.Sequential(*[nn.Linear(2240, 2240) for _ in range(10)])
opt = torch.optim.Adam(net.parameters())
net(torch.rand(1, 2240)).sum().backward()
opt.step()
records = [{"id": i, "text": str(i)} for i in range(1500)]
for i in range(180):
    globals()[f"value_{i}"] = [i, str(i)]
"""
TRAINING = """\
hidden = [nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU()]
small = nn.Sequential(*hidden, nn.Linear(256, 10))
adam = torch.optim.Adam(small.parameters(), lr=1e-3)
X, y = torch.randn(2048, 64), torch.randint(0, 10, (2048,))
"""
EPOCHS = """\
for epoch in range({}):
    for start in range(0, 2048, 64):
        adam.zero_grad()
        loss = nn.functional.cross_entropy(small(X[start:start + 64]), y[start:start + 64])
        loss.backward()
        adam.step()
"""
CELLS = {
    "numbers only": "total = 1 + 2",
    "three small lists": "value_1, value_2, value_3; None",
    "1,500 records": "records; None",
    "100 MB array": "array; None",
    "100 MB array, one item written": "array[77] = 0.5",
    "frame, 1 M rows of 10": "frame; None",
    "model of 50 M parameters": "net; None",
    "model and optimiser, gradients": "net, opt; None",
    "model and optimiser, changed": "net[0].bias.data.add_(1e-9); opt; None",
    "all 200 names": "globals(); None",
}
PAGE = """\
# What watching a cell takes

Written by `python benchmarks/observing.py`: each cell {repeats} times, each time with another
comment, the least of them; before and after together, in milliseconds of the thread's own time.
{machine}, Python {python}, one thread of torch. There are about 200 variables: an array of 100 MB,
a frame of a million rows and ten columns, a model of 50 million parameters with gradients and Adam,
1,500 records, 180 small lists.

| the cell names | watching, ms | proven |
|---|---|---|
{table}

"Proven" is whether it could be said of all names of the cell whether they were changed. Each of the
walks before and after has a limit of 50 ms.

| a cell that trains a small network | the cell, s | watching, ms | share |
|---|---|---|---|
{training}
"""


def main() -> None:
    """Measure, and write the page."""
    os.chdir(tempfile.mkdtemp())
    shell: Any = InteractiveShell()
    cells = Cells(shell)

    spent = 0.0
    look: Any = CellWatch._each

    def timed(*args: Any) -> Any:
        nonlocal spent
        begin = time.thread_time()
        try:
            return look(*args)
        finally:
            spent += (time.thread_time() - begin) * 1000

    CellWatch._each = timed  # type: ignore[method-assign]

    def run(source: str) -> tuple[float, float, Any]:
        nonlocal spent
        spent = 0.0
        begin = time.thread_time()
        shell.run_cell(source, store_history=True).raise_error()
        return time.thread_time() - begin, spent, cells.executed()[0].seen

    run(SETUP)
    rows = []
    for name, source in CELLS.items():
        measured = [run(f"{source}\n# {n}") for n in range(REPEATS)]
        proven = all(seen.complete and not seen.unproven for _, _, seen in measured)
        took = min(took for _, took, _ in measured)
        rows.append(f"| {name} | {took:.1f} | {'yes' if proven else 'no'} |")
        print(rows[-1])
    run(TRAINING)
    trained = []
    for epochs in (1, 10, 40):
        measured = [run(f"{EPOCHS.format(epochs)}# {n}") for n in range(REPEATS)]
        seconds = min(each[0] for each in measured)
        took = min(each[1] for each in measured)
        share = f"{took / seconds / 10:.1f} %"
        trained.append(f"| {epochs} epochs of 32 steps | {seconds:.2f} | {took:.1f} | {share} |")
        print(trained[-1])
    page = PAGE.format(
        repeats=REPEATS,
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
        python=platform.python_version(),
        table="\n".join(rows),
        training="\n".join(trained),
    )
    (HERE / "observing.md").write_text(page)


if __name__ == "__main__":
    main()
