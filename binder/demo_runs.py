"""Train a few dozen small networks on the digits, so that there is something to look at.

The store is ``nbtrack.duckdb`` in the working directory. Takes about a minute on two cores.
"""

from __future__ import annotations

import itertools
import math

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import nbtrack

EXPERIMENT = "digits"
BATCH_SIZE = 64


def data() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the digits, for training and for validation."""
    x, y = load_digits(return_X_y=True)
    parts = train_test_split(x / 16, y, test_size=0.3, stratify=y, random_state=0)
    x_train, x_val, y_train, y_val = (torch.tensor(part) for part in parts)
    return x_train.float(), y_train, x_val.float(), y_val


def train(lr: float, hidden: int, dropout: float, optimizer: str, seed: int, epochs: int) -> None:
    """Train one network; what it logs goes to the active run."""
    torch.manual_seed(seed)
    x_train, y_train, x_val, y_val = data()
    model = nn.Sequential(
        nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 10)
    )
    kind = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[optimizer]
    optimize = kind(model.parameters(), lr=lr)
    step = 0
    for _ in range(epochs):
        model.train()
        for batch in torch.randperm(len(x_train)).split(BATCH_SIZE):
            loss = nn.functional.cross_entropy(model(x_train[batch]), y_train[batch])
            optimize.zero_grad()
            loss.backward()
            optimize.step()
            step += 1
            nbtrack.log_metric("train_loss", loss.item(), step=step)
        model.eval()
        with torch.no_grad():
            scores = model(x_val)
            val_loss = nn.functional.cross_entropy(scores, y_val).item()
            right = scores.argmax(1) == y_val
        nbtrack.log_metrics(
            {"val_loss": val_loss, "val_accuracy": right.float().mean().item()}, step=step
        )
        if val_loss > 50:
            raise RuntimeError(f"val_loss is {val_loss:.3g}: the learning rate {lr} is too high")
    keep_results(scores, y_val)


def keep_results(scores: torch.Tensor, y_val: torch.Tensor) -> None:
    """Keep a confusion matrix as picture and table, and the worst mistakes as text."""
    from matplotlib.figure import Figure

    found = scores.argmax(1)
    counts = torch.zeros(10, 10, dtype=torch.long)
    for truth, guess in zip(y_val.tolist(), found.tolist(), strict=True):
        counts[truth, guess] += 1
    figure = Figure(figsize=(4, 4), layout="constrained")
    axes = figure.subplots()
    axes.imshow(counts.sqrt(), cmap="Blues")
    axes.set(xlabel="predicted", ylabel="true", xticks=range(10), yticks=range(10))
    for truth, guess in itertools.product(range(10), range(10)):
        if counts[truth, guess]:
            colour = "white" if truth == guess else "black"
            text = str(int(counts[truth, guess]))
            axes.text(guess, truth, text, ha="center", va="center", color=colour, size=8)
    nbtrack.log_figure(figure, "confusion.png")
    table = {"digit": list(range(10)), "recall": (counts.diag() / counts.sum(1)).tolist()}
    nbtrack.log_table(table, "recall.json")
    losses = nn.functional.cross_entropy(scores, y_val, reduction="none")
    worst = losses.argsort(descending=True)[:5].tolist()
    lines = [f"a {int(y_val[i])} taken for {int(found[i])}: loss {losses[i]:.2f}" for i in worst]
    nbtrack.log_text("\n".join(lines), "worst.txt")


def main() -> None:
    """Make the runs: three seeds of each setting, and two that go wrong."""
    torch.set_num_threads(1)  # the fastest for networks this small
    nbtrack.set_experiment(EXPERIMENT)
    settings = [
        *itertools.product((0.0003, 0.001, 0.003, 0.01), (32, 128), (0.0, 0.3), ("adam",)),
        *itertools.product((0.03, 0.3), (32, 128), (0.0,), ("sgd",)),
    ]
    for number, (lr, hidden, dropout, optimizer) in enumerate(settings, 1):
        for seed in range(2):
            name = f"{optimizer}-{number:02}-{seed}"
            params = {
                "lr": lr,
                "hidden": hidden,
                "dropout": dropout,
                "optimizer": optimizer,
                "seed": seed,
                "epochs": 8,
            }
            with nbtrack.start_run(run_name=name):
                nbtrack.log_params({**params, "batch_size": BATCH_SIZE})
                train(**params)
    for lr in (300.0, math.inf):
        try:
            with nbtrack.start_run(run_name="too-fast" if math.isfinite(lr) else "no-number"):
                params = {"lr": lr, "hidden": 32, "dropout": 0.0, "optimizer": "sgd", "seed": 0}
                nbtrack.log_params(params)
                train(**params, epochs=3)
        except RuntimeError as error:
            print(f"As expected, a run has failed: {error}")  # noqa: T201


if __name__ == "__main__":
    main()
