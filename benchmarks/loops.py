"""Measure what autologging adds to a step of a PyTorch loop.

Usage::

    python benchmarks/loops.py [--blocks 200] [--device cpu]

The loop runs in blocks of steps, in turn with and without autologging, within one process: each
block is compared with the one beside it, so that a machine that becomes slower makes both slower.
Writes ``benchmarks/loops.md``. Needs the extra ``torch``.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812  as everybody does
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "src"))

import nbtrack  # noqa: E402  of this tree

UNTIMED = 5
STEPS = 20
SHAPES = {"64-32-10": (64, 32, 16), "about 5 ms": (256, 512, 64)}
WAYS: dict[str, dict[str, bool]] = {
    "as it is": {},
    "`log_training_accuracy=True`": {"log_training_accuracy": True},
    "`log_grad_norm=True`": {"log_grad_norm": True},
}
PAGE = """\
# What autologging adds to a step

Written by `python benchmarks/loops.py`: {blocks} pairs of blocks of {steps} steps, one with and one
without, in turn. Of each side the tenth part of the blocks that other work on the machine has
disturbed least counts. AdamW, cross-entropy, a `DataLoader`, an open run; {device}, one thread;
{machine}, torch {torch}. On a CPU the time is that of the process, threads of nbtrack's included.

| model | `nbtrack.pytorch.autolog()` | step without | added to a step | share |
|---|---|---|---|---|
{table}

The last row of each model compares the loop with itself: that is how well such a number is known.
"""


def loop(shape: tuple[int, int, int], device: str) -> Callable[[int], list[float]]:
    """Return a function that makes steps, and returns the seconds that each has taken."""
    inputs, width, batch = shape
    layers = [nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(width, 10)).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    data = TensorDataset(torch.randn(batch * 64, inputs), torch.randint(0, 10, (batch * 64,)))
    train_loader = DataLoader(data, batch_size=batch)

    def batches() -> Iterator[list[torch.Tensor]]:
        while True:
            yield from train_loader

    source = batches()
    # other work on the machine does not count on a CPU; our threads do
    clock = time.process_time if device == "cpu" else time.perf_counter

    def steps(count: int) -> list[float]:
        taken = []
        for _ in range(count):
            begin = clock()
            x, y = next(source)
            loss = F.cross_entropy(model(x.to(device)), y.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            taken.append(clock() - begin)
        return taken

    return steps


def timed(steps: Callable[[int], list[float]], options: dict[str, bool] | None) -> float:
    """Return the median of a block; with autologging, its start and end are not counted."""
    if options is not None:
        nbtrack.pytorch.autolog(**options)
    steps(UNTIMED)
    found = statistics.median(steps(STEPS))
    if options is not None:
        nbtrack.pytorch.autolog(disable=True)
    return found


def row(name: str, label: str, pairs: list[tuple[float, float]]) -> str:
    """Return a line of the table."""
    quiet = [statistics.quantiles(side, n=10)[0] for side in zip(*pairs, strict=True)]
    added = quiet[1] - quiet[0]
    share = 100 * added / quiet[0]
    return f"| {name} | {label} | {1e3 * quiet[0]:.2f} ms | {1e6 * added:.0f} µs | {share:.1f} % |"


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--blocks", type=int, default=200)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lines = []
    with tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        for name, shape in SHAPES.items():
            ways = {**WAYS, "off, twice": None}
            steps = loop(shape, arguments.device)
            steps(100)
            pairs: dict[str, list[tuple[float, float]]] = {label: [] for label in ways}
            with nbtrack.start_run():
                for turn in range(arguments.blocks):
                    for label, options in ways.items():
                        order = (None, options) if turn % 2 else (options, None)
                        first, second = (timed(steps, each) for each in order)
                        pairs[label].append((first, second) if turn % 2 else (second, first))
            lines += [row(name, label, pairs[label]) for label in ways]
            print("\n".join(lines[-len(ways) :]), flush=True)
        os.chdir(HERE)
    page = PAGE.format(
        blocks=arguments.blocks,
        steps=STEPS,
        device=arguments.device,
        machine=f"{platform.machine()}, Python {platform.python_version()}",
        torch=torch.__version__.partition("+")[0],
        table="\n".join(lines),
    )
    (HERE / "loops.md").write_text(page, "utf-8")


if __name__ == "__main__":
    main()
