"""Weights & Biases in offline mode."""

from __future__ import annotations

import os
import struct
from pathlib import Path

BLOCK = 32768
FILE_HEADER = 7
RECORD_HEADER = 7
STARTS = (1, 2)  # a whole record, or the first part of one


class Tracker:
    """An offline run in the folder."""

    module = "wandb"

    def prepare(self, folder: Path) -> None:
        """Keep it offline and quiet."""
        os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_CONSOLE="off")

    def start(self, folder: Path) -> None:
        """Start a run."""
        import wandb

        self._run = wandb.init(project="benchmark", dir=str(folder))
        self._log = self._run.log

    def log(self, values: dict[str, float], step: int) -> None:
        """Log the values of one step."""
        self._log(values, step=step)

    def finish(self) -> None:
        """End the run."""
        self._run.finish()

    def count_steps(self, folder: Path) -> int:
        """Return the number of records of the run's log, a LevelDB log file."""
        files = list(folder.glob("wandb/offline-run-*/*.wandb"))
        return sum(count_records(file.read_bytes()) for file in files)


def count_records(data: bytes) -> int:
    """Return how many records a LevelDB log holds."""
    found, at = 0, FILE_HEADER
    while at + RECORD_HEADER <= len(data):
        left = BLOCK - at % BLOCK
        if left < RECORD_HEADER:
            at += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        found += kind in STARTS
        at += RECORD_HEADER + length
    return found
