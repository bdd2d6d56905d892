"""MLflow with its default backend, SQLite."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any


class Tracker:
    """The fluent functions, on a SQLite file in the folder."""

    module = "mlflow"

    def uri(self, folder: Path) -> str:
        """Return the tracking URI for a folder."""
        return f"sqlite:///{folder.as_posix()}/mlflow.db"

    def prepare(self, folder: Path) -> None:
        """Choose the backend."""
        os.environ["MLFLOW_TRACKING_URI"] = self.uri(folder)
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.ERROR)

    def start(self, folder: Path) -> None:
        """Start a run."""
        import mlflow

        mlflow.start_run()
        self._log = mlflow.log_metrics

    def log(self, values: dict[str, float], step: int) -> None:
        """Log the values of one step."""
        self._log(values, step=step)

    def finish(self) -> None:
        """End the run."""
        import mlflow

        mlflow.end_run()

    def count_steps(self, folder: Path) -> int:
        """Return the number of rows of one metric."""
        import sqlite3

        path = folder / "mlflow.db"
        if not path.exists():
            return 0
        with sqlite3.connect(path) as connection:
            found = connection.execute("SELECT count(*) FROM metrics WHERE key = 'a'").fetchone()
        return int(found[0])

    def fill(self, folder: Path, runs: list[dict[str, Any]]) -> None:
        """Log finished runs with their params and metrics."""
        import mlflow

        for run in runs:
            with mlflow.start_run():
                mlflow.log_params(run["params"])
                mlflow.log_metrics(run["metrics"], step=0)

    def search_all(self, folder: Path) -> int:
        """Return the number of runs that a search without a filter finds."""
        import mlflow

        return len(mlflow.search_runs(search_all_experiments=True, max_results=1000))

    def search_top(self, folder: Path) -> int:
        """Return the number of runs that a filtered, ordered search finds."""
        import mlflow

        found = mlflow.search_runs(
            search_all_experiments=True,
            filter_string="metrics.m0 > 0.5 and params.p0 = '1'",
            order_by=["metrics.m1 DESC"],
            max_results=10,
        )
        return len(found)
