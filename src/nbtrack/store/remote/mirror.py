"""What a server answers goes into the mirror: experiments, runs, points.

The server's word counts, except for what this machine has logged and the server has not got
yet: of a run that has a journal, name, status and tags stay as they are here.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nbtrack.protocol.artifact_urls import proxied_uri
from nbtrack.store.journal import now_ms
from nbtrack.store.merging import merge_points
from nbtrack.store.reader import Reader
from nbtrack.store.remote.outbox import LOCAL_EXPERIMENT_TAG, LOCAL_RUN, PARENT
from nbtrack.store.remote.spool import Spool

Json = dict[str, Any]
_DATASET = ("name", "digest", "source_type", "source", "schema", "profile")


class Mirror:
    """Writes what a server says.

    Parameters
    ----------
    url : str
        The server.
    spool : Spool
        Knows which ids the mirror and the server have for the same thing.
    """

    def __init__(self, url: str, spool: Spool) -> None:
        self._url = url
        self._spool = spool

    # -- experiments -------------------------------------------------------------------------

    def put_experiments(self, reader: Reader, found: Sequence[Json]) -> None:
        """Make the experiments those that the server has."""
        ids = [str(e["experiment_id"]) for e in found]
        reader.named("remote.remove_other_experiments", ids=ids)
        self._move_local(reader)
        reader.named("remote.remove_experiments", ids=ids)
        reader.named("remote.remove_experiment_tags", ids=ids)
        now = now_ms()
        reader.named(
            "remote.add_experiments",
            ids=ids,
            names=[str(e["name"]) for e in found],
            stages=[str(e.get("lifecycle_stage") or "active") for e in found],
            locations=[
                proxied_uri(self._url, str(e.get("artifact_location") or "")) for e in found
            ],
            created=[int(e.get("creation_time") or now) for e in found],
            updated=[int(e.get("last_update_time") or now) for e in found],
        )
        tags = [
            (str(e["experiment_id"]), str(t["key"]), str(t.get("value", "")))
            for e in found
            for t in e.get("tags") or ()
            if t["key"] != LOCAL_EXPERIMENT_TAG
        ]
        if tags:
            owners, keys, values = (list(column) for column in zip(*tags, strict=True))
            reader.named("remote.add_experiment_tags", ids=owners, keys=keys, values=values)

    def _move_local(self, reader: Reader) -> None:
        """Give what was made in an experiment that the server had not the id that it has now."""
        for (local,) in reader.named("remote.experiments"):
            server = self._spool.server_id(local)
            if server is not None:
                for noun in ("runs", "models", "datasets", "inputs"):
                    reader.named(f"remote.move_{noun}", local=local, server=server)
                reader.named("remote.remove_experiments", ids=[local])

    # -- runs --------------------------------------------------------------------------------

    def put_runs(self, reader: Reader, found: Sequence[Json], busy: set[str]) -> None:
        """Write runs with params, tags, inputs, outputs and the last point of each metric."""
        runs = [(self._spool.local_id(str(run["info"]["run_id"])), run) for run in found]
        runs = list(dict(runs).items())
        if not runs:
            return
        columns = self._run_columns(runs)
        reader.named(
            "fold.add_runs",
            **{k: v for k, v in columns.items() if k not in ("stage", "end_time")},
            host=[None] * len(runs),
            pid=[None] * len(runs),
            started=[None] * len(runs),
            place=[None] * len(runs),
        )
        free = [place for place, (run_id, _) in enumerate(runs) if run_id not in busy]
        kept = {name: [column[i] for i in free] for name, column in columns.items()}
        if free:
            reader.named("remote.update_runs", **kept, now=now_ms())
            for query in ("remote.remove_tags_of_runs", "remote.remove_params_of_runs"):
                reader.named(query, ids=kept["run_id"])
        self._put_pairs(reader, [runs[i] for i in free], "tags")
        self._put_pairs(reader, runs, "params")
        self._put_points(reader, runs)
        for run_id, run in runs:
            self._put_links(reader, run_id, run)

    def _run_columns(self, runs: Iterable[tuple[str, Json]]) -> dict[str, list[Any]]:
        rows = []
        for run_id, run in runs:
            info = run["info"]
            tags = {t["key"]: t.get("value", "") for t in run.get("data", {}).get("tags") or ()}
            rows.append(
                {
                    "run_id": run_id,
                    "experiment_id": str(info["experiment_id"]),
                    "run_name": str(info.get("run_name") or tags.get("mlflow.runName") or ""),
                    "user_id": str(info.get("user_id") or tags.get("mlflow.user") or ""),
                    "status": str(info.get("status") or "RUNNING"),
                    "start_time": int(info.get("start_time") or 0),
                    "end_time": int(info["end_time"]) if info.get("end_time") else None,
                    "stage": str(info.get("lifecycle_stage") or "active"),
                    "artifact_uri": proxied_uri(self._url, str(info.get("artifact_uri") or "")),
                }
            )
        return {name: [row[name] for row in rows] for name in rows[0]}

    def _put_pairs(self, reader: Reader, runs: Sequence[tuple[str, Json]], what: str) -> None:
        rows = []
        for run_id, run in runs:
            for pair in run.get("data", {}).get(what) or ():
                key, value = str(pair["key"]), str(pair.get("value", ""))
                if what == "tags" and key == LOCAL_RUN:
                    continue
                if what == "tags" and key == PARENT:
                    value = self._spool.local_id(value)
                rows.append((run_id, key, value))
        if rows:
            owners, keys, values = (list(column) for column in zip(*rows, strict=True))
            reader.named(f"fold.add_{what}", runs=owners, keys=keys, values=values)

    def _put_points(self, reader: Reader, runs: Sequence[tuple[str, Json]]) -> None:
        points = [
            (run_id, point)
            for run_id, run in runs
            for point in run.get("data", {}).get("metrics") or ()
        ]
        self.put_points(reader, [(r, str(p["key"])) for r, p in points], [p for _, p in points])

    def put_points(
        self, reader: Reader, names: Sequence[tuple[str, str]], points: Sequence[Json]
    ) -> None:
        """Add points, each to the (run, key) of the same place."""
        import numpy as np

        merge_points(
            reader,
            names,
            np.array([int(p.get("step") or 0) for p in points], dtype=np.int64),
            np.array([int(p.get("timestamp") or 0) for p in points], dtype=np.int64),
            np.array([number_of(p.get("value")) for p in points], dtype=np.float64),
        )

    def _put_links(self, reader: Reader, run_id: str, run: Json) -> None:
        for item in (run.get("inputs") or {}).get("dataset_inputs") or ():
            put_dataset(reader, run_id, item)
        for item in (run.get("inputs") or {}).get("model_inputs") or ():
            model_id = self._spool.local_id(str(item["model_id"]))
            reader.named("fold_models.add_input", run_id=run_id, model_id=model_id)
        for item in (run.get("outputs") or {}).get("model_outputs") or ():
            model_id = self._spool.local_id(str(item["model_id"]))
            step = int(item.get("step") or 0)
            reader.named("fold_models.add_output", run_id=run_id, model_id=model_id, step=step)

    def drop_missing_runs(
        self, reader: Reader, experiment_ids: Sequence[str], found: set[str], busy: set[str]
    ) -> list[str]:
        """Mark runs of some experiments as deleted that the server has no more; return them."""
        there = {self._spool.local_id(run_id) for run_id in found} | busy
        known = reader.named("remote.active_runs", ids=list(experiment_ids))
        gone = [run_id for (run_id,) in known if run_id not in there]
        if gone:
            reader.named("remote.delete_runs", ids=gone, now=now_ms())
        return gone


def put_dataset(reader: Reader, run_id: str, item: Mapping[str, Any]) -> None:
    """Write a dataset that a run has read."""
    import json

    dataset = {name: item["dataset"].get(name) for name in _DATASET}
    tags = {str(t["key"]): str(t.get("value", "")) for t in item.get("tags") or ()}
    reader.named("fold.add_dataset", run_id=run_id, **dataset)
    reader.named(
        "fold.add_input",
        run_id=run_id,
        name=dataset["name"],
        digest=dataset["digest"],
        tags=json.dumps(tags),
    )


def number_of(value: Any) -> float:
    """Return a metric's value as it was logged: MLflow keeps infinities as the greatest number."""
    found = float(value if value is not None else 0.0)
    return math.copysign(math.inf, found) if abs(found) == sys.float_info.max else found
