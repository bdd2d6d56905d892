"""Exports runs to an MLflow server, which gives them its own ids.

Each run there has a tag with its id here and, when it is complete, one with a digest of what it
had: so an export that is done again makes no second run, and skips what has not changed.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nbtrack.entities.runs import PARENT
from nbtrack.errors import NbtrackError, NotFoundError
from nbtrack.interop.artifact_export import Uploads
from nbtrack.interop.nbtrack_store import NbtrackStore
from nbtrack.interop.progress import Progress
from nbtrack.interop.report import Report
from nbtrack.interop.source import LOCAL_RUN, ExperimentRecord
from nbtrack.interop.to_mlflow_server_models import ModelCalls
from nbtrack.protocol import decode, encode, endpoints
from nbtrack.protocol.client import Json, RestClient
from nbtrack.protocol.encode import split_batch
from nbtrack.store.bulk import RunRecord

OURS = "nbtrack."
COMPLETE = "nbtrack.exported"
PAGE = 1000


@dataclass
class ExportedRun:
    """A run there.

    Attributes
    ----------
    digest : str
        Of what it had when it was complete.
    models : set of (str, int or None)
        The models it has read (None) or made (the step).
    """

    id: str
    artifacts: str
    digest: str
    models: set[tuple[str, int | None]]


class ServerExport:
    """Sends what a store has to an MLflow server.

    Parameters
    ----------
    source : NbtrackStore
    url : str
    report : Report
    progress : Progress
    named : sequence of str
        Places that the server may send artifacts to.
    """

    def __init__(
        self,
        source: NbtrackStore,
        url: str,
        report: Report,
        progress: Progress,
        named: Sequence[str] = (),
    ) -> None:
        self._source = source
        self._client = RestClient(url)
        self._report = report
        self._progress = progress
        self._experiments: dict[str, str] = {}
        self._exported: dict[str, ExportedRun] = {}
        self._uploads = Uploads(self._client, report, source, named)

    def run(self) -> None:
        """Send everything that is not deleted."""
        try:
            self._send_all()
        finally:
            self._client.close()

    def _send_all(self) -> None:
        records = self._source.experiments()
        for each in records:
            if each.stage == "active":
                self._send_experiment(each)
        runs = [run for run in self._source.runs() if self._is_wanted(run)]
        if len(runs) < self._source.run_count() or len(self._experiments) < len(records):
            self._report.note("What is deleted here was left out.")
        theirs = self._find_exported()
        digests = self._digests(runs)
        todo = [run for run in runs if run.id not in theirs and self._is_new(run, digests[run.id])]
        self._start(todo)
        self._report.count("runs", known=len(runs) - len(todo))
        begun = {run.id for run in todo if run.id in self._exported}
        self._points(begun)
        self._artifacts([run for run in runs if run.id in self._exported], begun)
        there = {run_id: exported.id for run_id, exported in self._exported.items()}
        models = ModelCalls(self._client, self._report, self._experiments, there, self._uploads)
        models.send(self._source.models())
        models.register(self._source.registered())
        for record in todo:
            if record.id in begun:
                self._finish(record, models.there, digests[record.id])

    def _is_wanted(self, run: RunRecord) -> bool:
        return run.stage == "active" and run.experiment in self._experiments

    def _send_experiment(self, record: ExperimentRecord) -> None:
        try:
            query = {"experiment_name": record.name}
            found = self._client.call(endpoints.GET_EXPERIMENT_BY_NAME, query)["experiment"]
            new = False
        except NotFoundError:
            body = {"name": record.name, "tags": encode.tags(_carried(record.tags))}
            found = self._client.call(endpoints.CREATE_EXPERIMENT, body, repeatable=False)
            new = True
        if found.get("lifecycle_stage") == "deleted":
            reason = "It is deleted there. Restore it on the server, or rename one of them."
            self._report.fail("experiments", record.name, reason)
            return
        self._report.count("experiments", came=int(new), known=int(not new))
        self._experiments[record.id] = str(found["experiment_id"])

    # -- runs ----------------------------------------------------------------------------

    def _find_exported(self) -> set[str]:
        """Find the runs that were sent before; return those that are the server's own."""
        theirs: set[str] = set()
        wanted = {
            "experiment_ids": list(self._experiments.values()),
            "run_view_type": "ALL",
            "max_results": PAGE,
        }
        if not self._experiments:
            return theirs
        for run in self._client.pages(endpoints.SEARCH_RUNS, wanted, "runs"):
            found = decode.run(run)
            tags = found.data.tags
            exported = ExportedRun(
                found.info.run_id, found.info.artifact_uri, tags.get(COMPLETE, ""), set()
            )
            if LOCAL_RUN in tags:
                self._exported[tags[LOCAL_RUN]] = exported
            else:
                self._exported[exported.id] = exported
                theirs.add(exported.id)
        return theirs

    def _is_new(self, run: RunRecord, digest: str) -> bool:
        exported = self._exported.get(run.id)
        return exported is None or exported.digest != digest

    def _digests(self, runs: Sequence[RunRecord]) -> dict[str, str]:
        counts: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for _, run_id, key, count in self._source.series():
            counts[run_id].append((key, count))
        files = self._source.artifact_records([run.id for run in runs])
        return {run.id: _digest([asdict(run), counts[run.id], files[run.id]]) for run in runs}

    def _start(self, todo: Sequence[RunRecord]) -> None:
        """Make the runs, then write what they have; a parent is there before it is named."""
        self._progress.stage("runs", len(todo) * 2)
        failed: set[str] = set()
        for record in todo:
            known = record.id in self._exported
            try:
                if known:
                    self._look_again(record)
                else:
                    self._exported[record.id] = self._create(record)
                self._report.count("runs", came=int(not known), known=int(known))
            except NbtrackError as error:
                self._report.fail("runs", record.id, error)
                failed.add(record.id)
            self._progress.step()
        for record in todo:
            if record.id not in failed:
                try:
                    self._describe(record, self._exported[record.id].id)
                except NbtrackError as error:
                    self._report.fail("runs", record.id, error)
            self._progress.step()

    def _create(self, record: RunRecord) -> ExportedRun:
        body = {
            "experiment_id": self._experiments[record.experiment],
            "user_id": record.user,
            "run_name": record.name,
            "start_time": record.start,
            "tags": encode.tags({LOCAL_RUN: record.id}),
        }
        made = self._client.call(endpoints.CREATE_RUN, body, repeatable=False)
        info = made["run"]["info"]
        return ExportedRun(info["run_id"], info.get("artifact_uri") or "", "", set())

    def _look_again(self, record: RunRecord) -> None:
        """Ask which models an unfinished run has: naming one twice would be an error."""
        exported = self._exported[record.id]
        run = decode.run(self._client.call(endpoints.GET_RUN, {"run_id": exported.id})["run"])
        exported.models = {(item.model_id, None) for item in run.inputs.model_inputs}
        exported.models |= {(item.model_id, item.step) for item in run.outputs.model_outputs}

    def _describe(self, record: RunRecord, there: str) -> None:
        tags = _carried(record.tags)
        parent = self._exported.get(tags.get(PARENT, ""))
        if parent is not None:
            tags[PARENT] = parent.id
        for name, values in (("params", record.params), ("tags", tags)):
            for part in split_batch(name, encode.tags(values)):
                self._client.call(endpoints.LOG_BATCH, {"run_id": there, name: part})
        datasets = [encode.dataset_input(item) for item in record.inputs]
        if datasets:
            body = {"run_id": there, "datasets": datasets}
            self._client.call(endpoints.LOG_INPUTS, body)

    def _points(self, begun: set[str]) -> None:
        self._progress.stage("points", self._source.point_count())
        for batch in self._source.points():
            point = batch.points
            waiting: dict[str, list[Json]] = defaultdict(list)
            columns = (point.series, point.step, point.time, point.value)
            known = 0
            for series, step, time, value in zip(*(c.tolist() for c in columns), strict=True):
                run_id, key = batch.series[series]
                if run_id in begun:
                    waiting[run_id].append(
                        {"key": key, "value": encode.double(value), "timestamp": time, "step": step}
                    )
                else:
                    known += run_id in self._exported
            self._report.count("points", known=known)
            for run_id, found in waiting.items():
                self._send_points(run_id, found)
            self._progress.step(len(batch))

    def _send_points(self, run_id: str, points: list[Json]) -> None:
        try:
            for part in split_batch("metrics", points):
                body = {"run_id": self._exported[run_id].id, "metrics": part}
                self._client.call(endpoints.LOG_BATCH, body)
                self._report.count("points", came=len(part))
        except NbtrackError as error:
            self._report.fail("points", run_id, error)

    def _artifacts(self, runs: Sequence[RunRecord], begun: set[str]) -> None:
        self._progress.stage("artifacts", len(runs))
        for record in runs:
            if record.artifacts is not None:
                there = self._exported[record.id].artifacts
                self._uploads.places[record.artifacts.rstrip("/")] = there
                if record.id in begun:
                    self._uploads.send(record.artifacts, there, record.id)
            self._progress.step()

    def _finish(self, record: RunRecord, models: dict[str, str], digest: str) -> None:
        """Name its models, end it, and say that it is complete."""
        exported = self._exported[record.id]
        read = [(model, None) for model in record.model_inputs]
        edges: list[tuple[str, int | None]] = [*read, *record.model_outputs]
        try:
            for model, step in edges:
                there = models.get(model)
                if there is None or (there, step) in exported.models:
                    continue
                entry: Json = {"model_id": there} | ({} if step is None else {"step": step})
                endpoint = endpoints.LOG_INPUTS if step is None else endpoints.LOG_OUTPUTS
                body = {"run_id": exported.id, "models": [entry]}
                self._client.call(endpoint, body, repeatable=False)
            status = "KILLED" if record.status == "INTERRUPTED" else record.status
            ended = {} if record.end is None else {"end_time": record.end}
            end = {"run_id": exported.id, "status": status, **ended}
            self._client.call(endpoints.UPDATE_RUN, end)
            if not any(record.id in problem.name for problem in self._report.problems):
                tag = {"run_id": exported.id, "key": COMPLETE, "value": digest}
                self._client.call(endpoints.SET_TAG, tag)
        except NbtrackError as error:
            self._report.fail("runs", record.id, error)


def _carried(tags: dict[str, str]) -> dict[str, str]:
    """Return the tags that mean something there."""
    return {key: value for key, value in tags.items() if not key.startswith(OURS)}


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
