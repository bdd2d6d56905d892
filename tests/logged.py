"""What a test wants to know of the runs that were logged."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import nbtrack


def runs() -> list[Any]:
    """Return all runs, the oldest first."""
    return nbtrack.search_runs(
        output_format="list",
        search_all_experiments=True,
        order_by=["attributes.start_time ASC"],
    )


def points(run: Any, key: str) -> list[tuple[int, float]]:
    """Return the steps and values of a metric, to five digits."""
    history = nbtrack.MlflowClient().get_metric_history(run.info.run_id, key)
    return [(point.step, round(point.value, 5)) for point in history]


def files(run: Any, path: str | None = None) -> list[str]:
    """Return the paths of a run's artifacts."""
    return [each.path for each in nbtrack.MlflowClient().list_artifacts(run.info.run_id, path)]


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C work after a ``with`` block: Lightning ignores it from the first one on."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
