"""Groups the content of a piece of a journal by the requests that send it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nbtrack.entities import Metric
from nbtrack.protocol import encode
from nbtrack.store.journal_reader import Tail

Json = dict[str, Any]
STATUS = {"INTERRUPTED": "KILLED"}
MODEL_STATUS = {"READY": "LOGGED_MODEL_READY", "FAILED": "LOGGED_MODEL_UPLOAD_FAILED"}
LOCAL_RUN = "nbtrack.local_run_id"
LOCAL_MODEL = "nbtrack.local_model_id"
LOCAL_EXPERIMENT_TAG = "nbtrack.local_experiment_id"


@dataclass
class ModelUpdate:
    """What a journal says about one logged model."""

    created: Json | None = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str | None] = field(default_factory=dict)
    files: dict[str, None] = field(default_factory=dict)
    outputs: list[tuple[str, int]] = field(default_factory=list)
    status: str | None = None


@dataclass
class JournalPayload:
    """What one piece of a journal says: of tags and status the last word, all else once."""

    run_id: str
    created: Json | None = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str | None] = field(default_factory=dict)
    update: Json = field(default_factory=dict)
    files: dict[str, None] = field(default_factory=dict)
    datasets: list[Json] = field(default_factory=list)
    read_models: dict[str, None] = field(default_factory=dict)
    made_models: dict[str, int] = field(default_factory=dict)
    metrics: list[Json] = field(default_factory=list)
    models: dict[str, ModelUpdate] = field(default_factory=dict)

    @classmethod
    def of(cls, tail: Tail) -> JournalPayload:
        """Sort the events of a journal's tail; its points stay where they are."""
        self = cls(tail.run_id)
        for event in tail.events:
            self._add(event)
        return self

    def _model(self, event: Json) -> ModelUpdate:
        return self.models.setdefault(str(event["model_id"]), ModelUpdate())

    def _add(self, event: Json) -> None:
        match event["event"]:
            case "run":
                self.created = event
            case "update":
                if event.get("status"):
                    self.update["status"] = STATUS.get(event["status"], event["status"])
                if event.get("end_time"):
                    self.update["end_time"] = event["end_time"]
                if event.get("run_name"):
                    self.update["run_name"] = event["run_name"]
            case "param":
                self.params.setdefault(str(event["key"]), str(event["value"]))
            case "tag":
                self.tags[str(event["key"])] = str(event["value"])
            case "untag":
                self.tags[str(event["key"])] = None
            case "artifact":
                self.files[str(event["path"])] = None
            case "input":
                self.datasets.append(_dataset(event))
            case "model":
                self._model(event).created = event
            case "model_update":
                self._model(event).status = MODEL_STATUS.get(str(event.get("status")))
            case "model_clear":
                self._model(event).files.clear()
            case "model_param":
                self._model(event).params.setdefault(str(event["key"]), str(event["value"]))
            case "model_tag":
                self._model(event).tags[str(event["key"])] = str(event["value"])
            case "model_untag":
                self._model(event).tags[str(event["key"])] = None
            case "model_artifact":
                self._model(event).files[str(event["path"])] = None
            case "model_metric":
                self.metrics.append(_model_metric(event))
            case "model_input":
                self.read_models[str(event["model_id"])] = None
            case "model_output":
                if str(event["run_id"]) == self.run_id:
                    self.made_models[str(event["model_id"])] = int(event["step"])
                else:
                    self._model(event).outputs.append((str(event["run_id"]), int(event["step"])))


def _dataset(event: Json) -> Json:
    import json

    names = ("name", "digest", "source_type", "source", "schema", "profile")
    tags = json.loads(event.get("tags") or "{}")
    return {
        "tags": encode.tags(tags),
        "dataset": {name: event[name] for name in names if event.get(name) is not None},
    }


def _model_metric(event: Json) -> Json:
    point = Metric(
        str(event["key"]),
        float(event["value"]),
        int(event["time"]),
        int(event["step"]),
        str(event["model_id"]),
        event.get("dataset_name") or None,
        event.get("dataset_digest") or None,
    )
    return encode.metric(point, encode.double)
