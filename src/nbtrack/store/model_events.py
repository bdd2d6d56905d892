"""The events of journals that are about logged models, and how they are written to the tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nbtrack.store.reader import Reader

Key = tuple[str, str]

_FIELDS = (
    "model_id", "experiment_id", "name", "model_type", "source_run_id", "status",
    "artifact_location", "created", "host", "pid", "started", "place",
)  # fmt: skip
_UPDATE_FIELDS = ("model_id", "status", "message", "host", "pid", "started", "place")


@dataclass
class ModelEvents:
    """What a batch of journal events says about models, in the order in which it was logged.

    Attributes
    ----------
    made : list of str
        The models that runs have made, by this batch.
    """

    models: list[dict[str, Any]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    params: dict[Key, str] = field(default_factory=dict)
    tags: dict[Key, str | None] = field(default_factory=dict)
    artifacts: dict[Key, tuple[int, str | None, int]] = field(default_factory=dict)
    metrics: list[tuple[Any, ...]] = field(default_factory=list)
    inputs: list[tuple[str, str]] = field(default_factory=list)
    outputs: list[tuple[str, str, int]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def made(self) -> list[str]:
        """The models that runs have made, by this batch."""
        return [model_id for _, model_id, _ in self.outputs]

    def add(self, kind: str, event: dict[str, Any]) -> None:
        """Take one event; others than those of models are left out."""
        model_id = str(event["model_id"]) if kind.startswith("model") else ""
        match kind:
            case "model":
                self.models.append({name: event.get(name) for name in _FIELDS})
            case "model_update":
                found = {name: event.get(name) for name in _UPDATE_FIELDS}
                self.updates.append({**found, "time": int(event["t"])})
            case "model_clear":
                self.cleared.append(model_id)
                self.artifacts = {k: v for k, v in self.artifacts.items() if k[0] != model_id}
            case "model_param":
                key, value = str(event["key"]), str(event["value"])
                self._conflict(model_id, key, self.params.setdefault((model_id, key), value), value)
            case "model_tag":
                self.tags[model_id, str(event["key"])] = str(event["value"])
            case "model_untag":
                self.tags[model_id, str(event["key"])] = None
            case "model_artifact":
                self.artifacts[model_id, str(event["path"])] = (
                    int(event["size"]), event.get("sha256"), int(event["t"]),
                )  # fmt: skip
            case "model_metric":
                self.metrics.append((
                    model_id, str(event["key"]), float(event["value"]), int(event["step"]),
                    int(event["time"]), event.get("run_id"), event.get("dataset_name"),
                    event.get("dataset_digest"),
                ))  # fmt: skip
            case "model_input":
                self.inputs.append((str(event["run_id"]), model_id))
            case "model_output":
                self.outputs.append((str(event["run_id"]), model_id, int(event["step"])))

    def _conflict(self, model_id: str, key: str, kept: str, value: str) -> None:
        if kept != value:
            self.problems.append(
                f"Param '{key}' of the logged model {model_id} was logged twice: {kept!r} was "
                f"kept, {value!r} was not. Params are written once."
            )

    def apply(self, reader: Reader) -> list[str]:
        """Write it all but the points that models share with their runs; return the problems."""
        if self.models:
            columns = {name: [model[name] for model in self.models] for name in _FIELDS}
            reader.named("fold_models.add", **columns)
        for update in self.updates:
            reader.named("fold_models.update", **update)
        self._apply_params(reader)
        self._apply_tags(reader)
        self._apply_artifacts(reader)
        for run_id, model_id in self.inputs:
            reader.named("fold_models.add_input", run_id=run_id, model_id=model_id)
        for run_id, model_id, step in self.outputs:
            reader.named("fold_models.add_output", run_id=run_id, model_id=model_id, step=step)
        self._apply_metrics(reader)
        return self.problems

    def _apply_params(self, reader: Reader) -> None:
        if not self.params:
            return
        batch = {
            "models": [model_id for model_id, _ in self.params],
            "keys": [key for _, key in self.params],
            "values": list(self.params.values()),
        }
        for model_id, key, kept, value in reader.named("fold_models.differing_params", **batch):
            self._conflict(model_id, key, kept, value)
        reader.named("fold_models.add_params", **batch)

    def _apply_tags(self, reader: Reader) -> None:
        if not self.tags:
            return
        models, keys = [m for m, _ in self.tags], [k for _, k in self.tags]
        reader.named("fold_models.remove_tags", models=models, keys=keys)
        kept = [(m, k, v) for (m, k), v in self.tags.items() if v is not None]
        if kept:
            models, keys, values = (list(column) for column in zip(*kept, strict=True))
            reader.named("fold_models.add_tags", models=models, keys=keys, values=values)

    def _apply_artifacts(self, reader: Reader) -> None:
        if self.cleared:
            reader.named("fold_models.clear_artifacts", models=self.cleared)
        if not self.artifacts:
            return
        models, paths = [m for m, _ in self.artifacts], [p for _, p in self.artifacts]
        sizes, hashes, times = (list(c) for c in zip(*self.artifacts.values(), strict=True))
        reader.named("fold_models.remove_artifacts", models=models, paths=paths)
        reader.named(
            "fold_models.add_artifacts",
            models=models,
            paths=paths,
            sizes=sizes,
            hashes=hashes,
            times=times,
        )

    def _apply_metrics(self, reader: Reader) -> None:
        if not self.metrics:
            return
        models, keys, values, steps, times, runs, names, digests = (
            list(column) for column in zip(*self.metrics, strict=True)
        )
        points = {"runs": runs, "keys": keys, "values": values, "steps": steps, "times": times}
        reader.named("fold_models.unshare_metrics", **points)
        reader.named(
            "fold_models.add_metrics",
            models=models,
            dataset_names=names,
            dataset_digests=digests,
            **points,
        )
