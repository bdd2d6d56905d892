"""Trackio, on this machine only."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path


class Tracker:
    """A project in the folder; a call puts the values into a queue in memory."""

    module = "trackio"

    def prepare(self, folder: Path) -> None:
        """Choose the folder."""
        os.environ["TRACKIO_DIR"] = str(folder)

    def start(self, folder: Path) -> None:
        """Start a run."""
        import trackio

        with contextlib.redirect_stdout(io.StringIO()):
            trackio.init(project="benchmark")
        self._log = trackio.log

    def log(self, values: dict[str, float], step: int) -> None:
        """Log the values of one step."""
        self._log(values, step=step)

    def finish(self) -> None:
        """End the run, which writes what is left in the queue."""
        import trackio

        with contextlib.redirect_stdout(io.StringIO()):
            trackio.finish()

    def count_steps(self, folder: Path) -> int:
        """Return the number of rows of the metrics table."""
        import sqlite3

        path = folder / "benchmark.db"
        if not path.exists():
            return 0
        with sqlite3.connect(path) as connection:
            return int(connection.execute("SELECT count(*) FROM metrics").fetchone()[0])
