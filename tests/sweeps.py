"""Stores of small sweeps for tests of comparisons: real trainings of scikit-learn's digits."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import nbtrack
from nbtrack.views.code import CELL_FILE


@cache
def _digits() -> tuple[Any, ...]:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    return tuple(train_test_split(x / 16, y, train_size=300, test_size=300, random_state=0))


def train_digits(runs: int = 24, epochs: int = 4) -> list[str]:
    """Train small networks on the digits, one run each; return their ids, the first run first."""
    from sklearn.neural_network import MLPClassifier

    x_train, x_val, y_train, y_val = _digits()
    rng = np.random.default_rng(7)
    ids = []
    for i in range(runs):
        lr = float(f"{10 ** rng.uniform(-4, -0.5):.3g}")
        hidden, optimizer = int(rng.choice([8, 16, 32])), ("adam", "sgd")[i % 2]
        model = MLPClassifier(
            (hidden,), solver=optimizer, learning_rate_init=lr, random_state=i % 3
        )
        with nbtrack.start_run(run_name=f"{optimizer}-{i}") as run:
            nbtrack.log_params({"lr": lr, "hidden": hidden, "optimizer": optimizer, "seed": i % 3})
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for epoch in range(epochs):
                    model.partial_fit(x_train, y_train, classes=np.arange(10))
                    accuracy = float(model.score(x_val, y_val))
                    nbtrack.log_metrics(
                        {"train_loss": model.loss_, "val_acc": accuracy}, step=epoch
                    )
        keep_code(run, f"lr = {lr}\nmodel.fit(x, y)\n")
        ids.append(run.info.run_id)
    return ids


def keep_code(run: nbtrack.ActiveRun, text: str) -> None:
    """Give a run that has ended the code of a cell, as if each had one of its own."""
    nbtrack.Client().log_text(run.info.run_id, text, CELL_FILE)


def log_runs(count: int, of: Callable[[int], tuple[dict[str, Any], dict[str, float]]]) -> list[str]:
    """Log runs without curves: params and metrics by number."""
    ids = []
    for i in range(count):
        params, metrics = of(i)
        with nbtrack.start_run(run_name=f"run-{i}") as run:
            nbtrack.log_params(params)
            nbtrack.log_metrics(metrics)
        ids.append(run.info.run_id)
    return ids


def log_sweep(runs: int = 20, epochs: int = 3) -> list[str]:
    """Log runs that look like those of ``train_digits``, without what training costs."""
    rng = np.random.default_rng(7)
    ids = []
    for i in range(runs):
        lr = float(f"{10 ** rng.uniform(-4, -0.5):.3g}")
        hidden, optimizer = (8, 16, 32)[i % 3], ("adam", "sgd")[i % 2]
        with nbtrack.start_run(run_name=f"{optimizer}-{i}") as run:
            nbtrack.log_params({"lr": lr, "hidden": hidden, "optimizer": optimizer, "seed": i % 4})
            for epoch in range(epochs):
                loss = float(np.exp(-lr * hidden * epoch) + rng.random() * 0.1)
                nbtrack.log_metrics({"train_loss": loss, "val_acc": 1 - loss / 2}, step=epoch)
        keep_code(run, f"lr = {lr}\nmodel.fit(x, y)\n")
        ids.append(run.info.run_id)
    return ids
