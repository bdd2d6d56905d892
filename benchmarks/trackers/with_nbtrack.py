"""nbtrack, as a notebook uses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


class Tracker:
    """The fluent functions, on a DuckDB file in the folder."""

    module = "nbtrack"

    def prepare(self, folder: Path) -> None:
        """Keep the run's environment out: the other trackers look at less of it."""

    def start(self, folder: Path) -> None:
        """Start a run."""
        import nbtrack

        nbtrack.set_tracking_uri(str(folder / "nbtrack.duckdb"))
        nbtrack.start_run()
        self._log = nbtrack.log_metrics

    def log(self, values: dict[str, float], step: int) -> None:
        """Log the values of one step."""
        self._log(values, step=step)

    def finish(self) -> None:
        """End the run."""
        import nbtrack

        nbtrack.end_run()

    def count_steps(self, folder: Path) -> int:
        """Return the greatest number of points that a metric has."""
        from nbtrack.store import open_store

        if not (folder / "nbtrack.duckdb").exists():
            return 0
        with open_store(str(folder / "nbtrack.duckdb")).read() as reader:
            found = reader.one("SELECT coalesce(max(count), 0) FROM latest")
        return int(found[0]) if found else 0

    def fold_while_logging(self, folder: Path) -> Callable[[], Any]:
        """Return a function that folds everything logged so far."""
        from nbtrack.store import open_store

        store = open_store(str(folder / "nbtrack.duckdb"))

        def fold() -> None:
            with store.read():
                pass

        return fold

    def fill(self, folder: Path, runs: list[dict[str, Any]]) -> None:
        """Log finished runs with their params and metrics."""
        import nbtrack

        nbtrack.set_tracking_uri(str(folder / "nbtrack.duckdb"))
        for run in runs:
            with nbtrack.start_run():
                nbtrack.log_params(run["params"])
                nbtrack.log_metrics(run["metrics"], step=0)

    def search_all(self, folder: Path) -> int:
        """Return the number of runs that a search without a filter finds."""
        return self._search(folder, max_results=1000)

    def search_top(self, folder: Path) -> int:
        """Return the number of runs that a filtered, ordered search finds."""
        return self._search(
            folder,
            filter_string="metrics.m0 > 0.5 and params.p0 = '1'",
            order_by=["metrics.m1 DESC"],
            max_results=10,
        )

    def _search(self, folder: Path, **how: Any) -> int:
        import nbtrack

        nbtrack.set_tracking_uri(str(folder / "nbtrack.duckdb"))
        return len(nbtrack.search_runs(search_all_experiments=True, **how))
