"""Exports logged and registered models to an MLflow server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from nbtrack.errors import NbtrackError, NotFoundError
from nbtrack.interop.artifact_export import Uploads
from nbtrack.interop.mlflow_server import versions_of
from nbtrack.interop.report import Report
from nbtrack.interop.source import (
    LOCAL_MODEL,
    LOCAL_VERSION,
    ModelRecord,
    RegisteredRecord,
    VersionRecord,
)
from nbtrack.protocol import decode, encode, endpoints
from nbtrack.protocol.client import Json, RestClient
from nbtrack.protocol.encode import split_batch
from nbtrack.protocol.fields import MODEL_STATUSES

PAGE = 50


class ModelCalls:
    """Sends models.

    Parameters
    ----------
    client : RestClient
    report : Report
    experiments, runs : mapping of str to str
        Ids here -> ids there.
    uploads : Uploads

    Attributes
    ----------
    there : dict of str to str
        Model here -> there.
    """

    def __init__(
        self,
        client: RestClient,
        report: Report,
        experiments: Mapping[str, str],
        runs: Mapping[str, str],
        uploads: Uploads,
    ) -> None:
        self._client = client
        self._report = report
        self._experiments = experiments
        self._runs = runs
        self._uploads = uploads
        self.there: dict[str, str] = {}

    def send(self, models: Iterable[ModelRecord]) -> None:
        """Send the logged models, with their files."""
        known = self._known()
        for record in models:
            if record.stage != "active" or record.experiment not in self._experiments:
                continue
            try:
                self._send(record, known)
            except NbtrackError as error:
                self._report.fail("logged models", record.id, error)

    def _known(self) -> dict[str, Json]:
        found: dict[str, Json] = {}
        wanted = {"experiment_ids": list(self._experiments.values()), "max_results": PAGE}
        try:
            for model in self._client.pages(endpoints.SEARCH_LOGGED_MODELS, wanted, "models"):
                info = model["info"]
                tags = decode.tags(info.get("tags"))
                found[tags.get(LOCAL_MODEL, info["model_id"])] = info
        except NbtrackError as error:
            if error.error_code != "ENDPOINT_NOT_FOUND":  # of before MLflow 3
                raise
        return found

    def _send(self, record: ModelRecord, known: Mapping[str, Json]) -> None:
        info = known.get(record.id)
        new = info is None
        if info is None:
            info = self._create(record)
        there = self.there[record.id] = info["model_id"]
        self._report.count("logged models", came=int(new), known=int(not new))
        if there == record.id or info.get("status") == MODEL_STATUSES.get(record.status):
            if record.artifacts:
                self._uploads.places[record.artifacts.rstrip("/")] = info["artifact_uri"]
            return
        self._send_metrics(record, there)
        if record.artifacts:
            self._uploads.places[record.artifacts.rstrip("/")] = info["artifact_uri"]
            renamed = {record.id: there}
            if record.run is not None and record.run in self._runs:
                renamed[record.run] = self._runs[record.run]
            self._uploads.send(record.artifacts, info["artifact_uri"], record.id, renamed)
        if not any(record.id in problem.name for problem in self._report.problems):
            body = {"model_id": there, "status": MODEL_STATUSES[record.status]}
            self._client.call(endpoints.FINALIZE_LOGGED_MODEL, body)

    def _create(self, record: ModelRecord) -> Json:
        first, *rest = list(split_batch("params", encode.tags(record.params))) or [[]]
        tags = {k: v for k, v in record.tags.items() if not k.startswith("nbtrack.")}
        tags[LOCAL_MODEL] = record.id
        body = {
            "experiment_id": self._experiments[record.experiment],
            "name": record.name,
            "model_type": record.type or "",
            "params": first,
            "tags": encode.tags(tags),
        }
        if record.run is not None and record.run in self._runs:
            body["source_run_id"] = self._runs[record.run]
        made = self._client.call(endpoints.CREATE_LOGGED_MODEL, body, repeatable=False)
        info: Json = made["model"]["info"]
        for part in rest:
            more = {"model_id": info["model_id"], "params": part}
            self._client.call(endpoints.LOG_LOGGED_MODEL_PARAMS, more)
        return info

    def _send_metrics(self, record: ModelRecord, there: str) -> None:
        """Send what was measured of the model, by way of the runs that have measured it."""
        waiting: dict[str, list[Json]] = defaultdict(list)
        for metric in record.metrics:
            run = self._runs.get(metric.run_id or record.run or "")
            if run is None:
                reason = "The run that has logged it did not go there."
                self._report.fail("metrics of models", f"{record.id} {metric.key}", reason)
                continue
            waiting[run].append(
                encode.metric(replace(metric, model_id=there, run_id=None), encode.double)
            )
        for run, points in waiting.items():
            for part in split_batch("metrics", points):
                self._client.call(endpoints.LOG_BATCH, {"run_id": run, "metrics": part})

    # -- registry ------------------------------------------------------------------------

    def register(self, models: Iterable[RegisteredRecord]) -> None:
        """Send the registered models with their versions."""
        for record in models:
            try:
                self._register(record)
            except NbtrackError as error:
                self._report.fail("registered models", record.name, error)

    def _register(self, record: RegisteredRecord) -> None:
        name = record.name
        try:
            answer = self._client.call(endpoints.GET_REGISTERED_MODEL, {"name": name})
            self._report.count("registered models", known=1)
        except NotFoundError:
            body = {
                "name": name,
                "tags": encode.tags(record.tags),
                "description": record.description or "",
            }
            answer = self._client.call(endpoints.CREATE_REGISTERED_MODEL, body)
            self._report.count("registered models", came=1)
        numbers = self._known_versions(record)
        for version in record.versions:
            known = version.version in numbers
            try:
                if not known:
                    numbers[version.version] = self._version(name, version)
                self._report.count("model versions", came=int(not known), known=int(known))
            except NbtrackError as error:
                self._report.fail("model versions", f"{name} {version.version}", error)
        taken = {entry["alias"] for entry in answer["registered_model"].get("aliases") or ()}
        for alias, ours in record.aliases.items():
            if alias not in taken and ours in numbers:
                body = {"name": name, "alias": alias, "version": numbers[ours]}
                self._client.call(endpoints.SET_ALIAS, body)

    def _known_versions(self, record: RegisteredRecord) -> dict[int, str]:
        """Return the numbers there of the versions that were sent, or that came from there."""
        made = {version.created: version.version for version in record.versions}
        found: dict[int, str] = {}
        wanted = versions_of(record.name)
        listed = self._client.pages(endpoints.SEARCH_MODEL_VERSIONS, wanted, "model_versions")
        for entry in listed:
            local = decode.tags(entry.get("tags")).get(LOCAL_VERSION)
            created = int(entry.get("creation_timestamp") or 0)
            ours = int(local) if local else made.get(created)
            if ours is not None:
                found[ours] = str(entry["version"])
        return found

    def _version(self, name: str, record: VersionRecord) -> str:
        tags = {**record.tags, LOCAL_VERSION: str(record.version)}
        body = {
            "name": name,
            "source": self._source(record),
            "run_id": self._runs.get(record.run or ""),
            "run_link": record.run_link,
            "description": record.description,
            "model_id": self.there.get(record.model or ""),
            "tags": encode.tags(tags),
        }
        sent = {key: value for key, value in body.items() if value}
        made = self._client.call(endpoints.CREATE_MODEL_VERSION, sent, repeatable=False)
        number = str(made["model_version"]["version"])
        if number != str(record.version):
            self._report.note(f"Version {record.version} of {name} is version {number} there.")
        if record.stage not in ("", "None"):
            stage = {"name": name, "version": number, "stage": record.stage,
                     "archive_existing_versions": False}  # fmt: skip
            self._client.call(endpoints.TRANSITION_STAGE, stage)
        return number

    def _source(self, record: VersionRecord) -> str:
        if record.model in self.there:
            return f"models:/{self.there[record.model]}"
        if record.source.startswith("runs:/"):
            run, _, rest = record.source.removeprefix("runs:/").strip("/").partition("/")
            return f"runs:/{self._runs.get(run, run)}/{rest}"
        return self._uploads.there(record.place or record.source)
