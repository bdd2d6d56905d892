"""An MLflow server, asked by its REST protocol; histories are asked for by several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from nbtrack.entities import Run
from nbtrack.errors import InvalidParameterError
from nbtrack.interop.mlflow_server_models import logged_models, registered_models
from nbtrack.interop.records import (
    ExperimentRecord,
    ModelRecord,
    PointBatch,
    RegisteredRecord,
    RunRecord,
    Series,
    int_column,
    unclamped,
)
from nbtrack.interop.report import Report
from nbtrack.interop.source import Files, Source
from nbtrack.protocol import decode
from nbtrack.protocol.artifact_urls import proxied_path
from nbtrack.protocol.client import Json, RestClient
from nbtrack.protocol.transfer import ProxiedFolder
from nbtrack.store.points import Points

AT_ONCE = 4
RUNS_AT_ONCE = 100
SERIES_AT_ONCE = 64
PAGE = 1000
HISTORY_PAGE = 25_000

T = TypeVar("T")
R = TypeVar("R")


class MlflowServer(Source):
    """Runs of a server; also of nbtrack's own, which speaks the same protocol.

    Parameters
    ----------
    url : str
    report : Report
    named : sequence of Path
        Folders of this machine that may be read where the server names them.
    """

    kind = "mlflow-server"

    def __init__(self, url: str, report: Report, named: Sequence[Path] = ()) -> None:
        self._client = RestClient(url)
        super().__init__(self._client.url, report, named)
        self._pool = ThreadPoolExecutor(AT_ONCE, "nbtrack-import")
        self._experiments: list[str] = []
        self._series: list[Series] = []

    def close(self) -> None:
        """End the threads and close what is open."""
        self._pool.shutdown(cancel_futures=True)
        self._client.close()

    def experiments(self) -> list[ExperimentRecord]:
        """Return the experiments, deleted ones too."""
        wanted = {"view_type": "ALL", "max_results": PAGE}
        pages = self._client.pages("POST", "experiments/search", wanted, "experiments")
        found = [
            ExperimentRecord(
                each.experiment_id,
                each.name,
                each.lifecycle_stage,
                each.creation_time,
                each.last_update_time,
                each.tags,
            )
            for each in map(decode.experiment, pages)
        ]
        self._experiments = [record.id for record in found]
        return found

    def runs(self) -> Iterator[RunRecord]:
        """Yield the runs, deleted ones too."""
        for first in range(0, len(self._experiments), RUNS_AT_ONCE):
            wanted = {
                "experiment_ids": self._experiments[first : first + RUNS_AT_ONCE],
                "run_view_type": "ALL",
                "max_results": RUNS_AT_ONCE,
                "order_by": ["attributes.start_time ASC"],
            }
            found = self._client.pages("POST", "runs/search", wanted, "runs")
            for run in self._each(self._whole_run, found):
                self._series += [(run.info.run_id, key) for key in run.data.metrics]
                yield RunRecord.of(run)

    def _whole_run(self, run: Json) -> Run:
        """Ask for a run alone: a search does not tell which models it has read."""
        answer = self._client.get("runs/get", {"run_id": run["info"]["run_id"]})
        return decode.run(answer["run"])

    def _each(self, ask: Callable[[T], R], values: Iterator[T]) -> Iterator[R]:
        """Yield the answers in order; a few are asked for before they are wanted."""
        part: list[T] = []
        for value in values:
            part.append(value)
            if len(part) == RUNS_AT_ONCE:
                yield from self._pool.map(ask, part)
                part = []
        yield from self._pool.map(ask, part)

    def points(self) -> Iterator[PointBatch]:
        """Yield the histories of the runs that ``runs`` has given."""
        for first in range(0, len(self._series), SERIES_AT_ONCE):
            series = self._series[first : first + SERIES_AT_ONCE]
            yield _batch(series, list(self._pool.map(self._history, series)))

    def _history(self, series: Series) -> list[Json]:
        wanted: dict[str, Any] = {"run_id": series[0], "metric_key": series[1]}
        paged = {**wanted, "max_results": HISTORY_PAGE}
        try:
            return list(self._client.pages("GET", "metrics/get-history", paged, "metrics"))
        except InvalidParameterError:  # a server on a folder of files knows no pages
            return self._client.get("metrics/get-history", wanted).get("metrics") or []

    def models(self) -> Iterator[ModelRecord]:
        """Yield the logged models."""
        return logged_models(self._client, self._experiments)

    def registered(self) -> Iterator[RegisteredRecord]:
        """Yield the registered models."""
        return registered_models(self._client)

    def files(self, uri: str) -> Files | None:
        """Return the files that the server keeps for its clients."""
        path = proxied_path(uri)
        return None if path is None else ProxiedFolder(self._client, path)


def _batch(series: Sequence[Series], histories: Sequence[Sequence[Json]]) -> PointBatch:
    numbers = np.repeat(np.arange(len(series)), [len(history) for history in histories])
    found = decode.points([point for history in histories for point in history])
    count = len(numbers)
    steps, _ = int_column(found[0] or [0])
    times, _ = int_column(found[1] or [0])
    values = unclamped(np.array(found[2], dtype=np.float64))
    return PointBatch(series, Points(numbers, steps[:count], times[:count], values))
