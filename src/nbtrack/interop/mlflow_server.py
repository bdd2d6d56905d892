"""An MLflow server, asked by its REST protocol; histories are asked for by several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from nbtrack.entities import LoggedModelStatus, ModelVersion, Run
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.interop.mlflow_database_models import model_of
from nbtrack.interop.report import Report
from nbtrack.interop.source import (
    ExperimentRecord,
    Files,
    ModelRecord,
    PointBatch,
    RegisteredRecord,
    Series,
    Source,
    VersionRecord,
    int_column,
    unclamped,
)
from nbtrack.protocol import decode, endpoints
from nbtrack.protocol.artifact_urls import proxied_path
from nbtrack.protocol.client import Json, RestClient
from nbtrack.protocol.transfer import ProxiedFolder
from nbtrack.store import Points
from nbtrack.store.bulk import RunRecord

AT_ONCE = 4
RUNS_AT_ONCE = 100
SERIES_AT_ONCE = 64
PAGE = 1000
HISTORY_PAGE = 25_000
MODELS_PAGE = 50

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
        pages = self._client.pages(endpoints.SEARCH_EXPERIMENTS, wanted, "experiments")
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
            found = self._client.pages(endpoints.SEARCH_RUNS, wanted, "runs")
            for run in self._each(self._whole_run, found):
                self._series += [(run.info.run_id, key) for key in run.data.metrics]
                yield RunRecord.of(run)

    def _whole_run(self, run: Json) -> Run:
        """Ask for a run alone: a search does not tell which models it has read."""
        answer = self._client.call(endpoints.GET_RUN, {"run_id": run["info"]["run_id"]})
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
            return list(self._client.pages(endpoints.GET_HISTORY, paged, "metrics"))
        except InvalidParameterError:  # a server on a folder of files knows no pages
            return self._client.call(endpoints.GET_HISTORY, wanted).get("metrics") or []

    def models(self) -> Iterator[ModelRecord]:
        """Yield the logged models."""
        return _logged_models(self._client, self._experiments)

    def registered(self) -> Iterator[RegisteredRecord]:
        """Yield the registered models."""
        return _registered_models(self._client)

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


def _logged_models(client: RestClient, experiments: Sequence[str]) -> Iterator[ModelRecord]:
    """Yield the logged models; servers of before MLflow 3 have none."""
    for first in range(0, len(experiments), RUNS_AT_ONCE):
        part = list(experiments[first : first + RUNS_AT_ONCE])
        wanted = {"experiment_ids": part, "max_results": MODELS_PAGE}
        try:
            for entry in client.pages(endpoints.SEARCH_LOGGED_MODELS, wanted, "models"):
                yield _model(entry)
        except NbtrackError as error:
            if error.error_code != "ENDPOINT_NOT_FOUND":
                raise


def _model(entry: Json) -> ModelRecord:
    found = decode.logged_model(entry)
    record = ModelRecord.of(found)
    if found.status == LoggedModelStatus.UNSPECIFIED:
        record.status = "READY"
    record.updated = record.updated or record.created
    return record


def _registered_models(client: RestClient) -> Iterator[RegisteredRecord]:
    """Yield the registered models with their versions."""
    wanted = {"max_results": 200}
    found = client.pages(endpoints.SEARCH_REGISTERED_MODELS, wanted, "registered_models")
    for model in map(decode.registered_model, found):
        listed = client.pages(
            endpoints.SEARCH_MODEL_VERSIONS, versions_of(model.name), "model_versions"
        )
        versions = [_version(client, decode.model_version(version)) for version in listed]
        created = model.creation_timestamp or 0
        yield RegisteredRecord(
            model.name,
            model.description,
            created,
            model.last_updated_timestamp or created,
            model.tags,
            model.aliases,
            sorted(versions, key=lambda version: version.version),
            max((version.version for version in versions), default=0),
        )


def _version(client: RestClient, found: ModelVersion) -> VersionRecord:
    key = {"name": found.name, "version": str(found.version)}
    try:
        place = client.call(endpoints.GET_DOWNLOAD_URI, key).get("artifact_uri")
    except NbtrackError:  # of a version whose model is gone there is none
        place = None
    source = found.source or ""
    return VersionRecord(
        version=found.version,
        source=source,
        place=place,
        stage=found.current_stage or "None",
        description=found.description,
        user=found.user_id or None,
        run=found.run_id,
        run_link=found.run_link or None,
        model=found.model_id or model_of(source),
        status=found.status,
        message=found.status_message or None,
        created=found.creation_timestamp,
        updated=found.last_updated_timestamp or found.creation_timestamp,
        tags=found.tags,
    )


def versions_of(name: str) -> dict[str, Any]:
    """Return the search for the versions of a registered model."""
    quote = '"' if "'" in name else "'"
    return {"filter": f"name = {quote}{name}{quote}", "max_results": 1000}
