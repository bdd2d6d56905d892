"""One small file for each tracker that is measured; ``load`` finds it by name."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Protocol

NAMES = ("nbtrack", "mlflow", "mlflow_files", "trackio", "wandb", "tensorboard")


class Tracker(Protocol):
    """What every tracker can do; some also have ``fill``, ``search_all``, ``search_top``."""

    module: str

    def prepare(self, folder: Path) -> None:
        """Set what must be set before the import."""

    def start(self, folder: Path) -> None:
        """Start a run that is kept in ``folder``."""

    def log(self, values: dict[str, float], step: int) -> None:
        """Log the values of one step."""

    def finish(self) -> None:
        """End the run."""

    def count_steps(self, folder: Path) -> int:
        """Return how many steps another process can read."""


def load(name: str) -> Tracker:
    """Return the tracker of a name; it imports its package when it is used."""
    tracker: Tracker = importlib.import_module(f"trackers.with_{name}").Tracker()
    return tracker
