"""The events of journals: sorted by kind, and written to the tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from nbtrack.store.journal_reader import Tail
from nbtrack.store.model_events import ModelEvents
from nbtrack.store.reader import Reader

Key = tuple[str, str]

_RUN_FIELDS = (
    "run_id", "experiment_id", "run_name", "status", "start_time", "user_id", "artifact_uri",
    "host", "pid", "started", "place",
)  # fmt: skip
_UPDATE_FIELDS = (
    "status", "run_name", "end_time", "experiment_id", "host", "pid", "started", "place",
)  # fmt: skip
_DATASET_FIELDS = ("name", "digest", "source_type", "source", "schema", "profile")


@dataclass
class Events:
    """What a batch of journal events says, in the order in which it was logged."""

    count: int = 0
    runs: list[dict[str, Any]] = field(default_factory=list)
    experiments: dict[str, str] = field(default_factory=dict)
    updates: dict[str, dict[str, Any]] = field(default_factory=dict)
    params: dict[Key, str] = field(default_factory=dict)
    tags: dict[Key, str | None] = field(default_factory=dict)
    artifacts: dict[Key, tuple[int, str | None, int]] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    models: ModelEvents = field(default_factory=ModelEvents)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, found: Iterable[Tail]) -> Events:
        """Collect the events of several journal tails."""
        self = cls()
        merged: list[tuple[int, Tail, dict[str, Any]]] = []
        for tail in found:
            # within one journal the order of the lines counts, whatever the clock did
            latest = 0
            for event in tail.events:
                latest = max(latest, event["t"])
                merged.append((latest, tail, event))
        merged.sort(key=itemgetter(0))
        for _, tail, event in merged:
            self._add(tail, event)
        self.count = len(merged)
        return self

    def _add(self, tail: Tail, event: dict[str, Any]) -> None:
        run_id = tail.run_id
        match event["event"]:
            case "run":
                found = {name: event.get(name) for name in _RUN_FIELDS}
                self.runs.append({**found, "run_id": run_id})
                if event.get("experiment"):
                    self.experiments[event["experiment_id"]] = event["experiment"]
            case "update":
                self._update(run_id, event)
            case "param":
                key, value = event["key"], event["value"]
                self._conflict(run_id, key, self.params.setdefault((run_id, key), value), value)
            case "tag":
                self.tags[run_id, event["key"]] = event["value"]
            case "untag":
                self.tags[run_id, event["key"]] = None
            case "artifact":
                self.artifacts[run_id, event["path"]] = (
                    event["size"], event.get("sha256"), event["t"],
                )  # fmt: skip
            case "input":
                self.inputs.append({**event, "run_id": run_id})
            case kind:
                self.models.add(kind, event)

    def _update(self, run_id: str, event: dict[str, Any]) -> None:
        """Add an update to what earlier ones say: all of a run become one."""
        nothing: dict[str, Any] = dict.fromkeys(_UPDATE_FIELDS)
        known = self.updates.setdefault(run_id, {"run_id": run_id, "goes_on": False, **nothing})
        known |= {name: event[name] for name in _UPDATE_FIELDS if event.get(name) is not None}
        if event.get("experiment_id") and event.get("experiment"):
            self.experiments[event["experiment_id"]] = event["experiment"]
        if event.get("host") is not None:
            known["place"] = event.get("place")
        if event.get("status") in ("RUNNING", "SCHEDULED"):
            known["goes_on"], known["end_time"] = True, None
        elif event.get("end_time") is not None:
            known["goes_on"] = False

    def _conflict(self, run_id: str, key: str, kept: str, value: str) -> None:
        if kept != value:
            self.problems.append(
                f"Param '{key}' of run {run_id} was logged by two processes: {kept!r} was kept, "
                f"{value!r} was not. Params are written once."
            )

    def apply(self, reader: Reader) -> list[str]:
        """Write everything but points and series numbers; return what could not be kept."""
        if self.runs:
            reader.named("fold.add_runs", **_columns(self.runs, _RUN_FIELDS))
        if self.updates:
            updates = list(self.updates.values())
            reader.named("fold.update_runs", **_columns(updates, updates[0]))
        self._apply_params(reader)
        self._apply_tags(reader)
        self._apply_artifacts(reader)
        for event in self.inputs:
            dataset = {name: event.get(name) for name in _DATASET_FIELDS}
            reader.named("fold.add_dataset", run_id=event["run_id"], **dataset)
            reader.named(
                "fold.add_input",
                run_id=event["run_id"],
                name=event["name"],
                digest=event["digest"],
                tags=event.get("tags") or "{}",
            )
        self.problems += self.models.apply(reader)
        return self.problems

    def _apply_params(self, reader: Reader) -> None:
        if not self.params:
            return
        batch = {
            "runs": [run_id for run_id, _ in self.params],
            "keys": [key for _, key in self.params],
            "values": list(self.params.values()),
        }
        for run_id, key, kept, value in reader.named("fold.differing_params", **batch):
            self._conflict(run_id, key, kept, value)
        reader.named("fold.add_params", **batch)

    def _apply_tags(self, reader: Reader) -> None:
        if not self.tags:
            return
        runs, keys = [r for r, _ in self.tags], [k for _, k in self.tags]
        reader.named("fold.remove_tags", runs=runs, keys=keys)
        kept = [(r, k, v) for (r, k), v in self.tags.items() if v is not None]
        if kept:
            runs, keys, values = (list(column) for column in zip(*kept, strict=True))
            reader.named("fold.add_tags", runs=runs, keys=keys, values=values)

    def _apply_artifacts(self, reader: Reader) -> None:
        if not self.artifacts:
            return
        runs, paths = [r for r, _ in self.artifacts], [p for _, p in self.artifacts]
        sizes, hashes, times = (list(c) for c in zip(*self.artifacts.values(), strict=True))
        reader.named("fold.remove_artifacts", runs=runs, paths=paths)
        reader.named(
            "fold.add_artifacts", runs=runs, paths=paths, sizes=sizes, hashes=hashes, times=times
        )


def _columns(rows: list[dict[str, Any]], names: Iterable[str]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in names}
