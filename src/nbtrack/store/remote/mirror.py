"""Writes responses of a server into the mirror: experiments, runs, points.

The server's word counts, except for what this machine has logged and the server has not got
yet: of a run that has a journal, name, status and tags stay as they are here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from nbtrack.entities import DatasetInput, Run
from nbtrack.entities.runs import PARENT, RUN_NAME, USER
from nbtrack.protocol import decode
from nbtrack.protocol.artifact_urls import proxied_uri
from nbtrack.store.journal import now_ms
from nbtrack.store.points import Points
from nbtrack.store.reader import Reader
from nbtrack.store.remote.payload import LOCAL_EXPERIMENT_TAG, LOCAL_RUN
from nbtrack.store.remote.sync_state import SyncState
from nbtrack.store.series_points import Name, add_points

Json = dict[str, Any]


class Mirror:
    """Writes what a server says.

    Parameters
    ----------
    url : str
        The server.
    sync_state : SyncState
        Knows which ids the mirror and the server have for the same thing.
    """

    def __init__(self, url: str, sync_state: SyncState) -> None:
        self._url = url
        self._sync_state = sync_state

    # -- experiments -------------------------------------------------------------------------

    def put_experiments(self, reader: Reader, found: Sequence[Json]) -> None:
        """Make the experiments those that the server has."""
        experiments = [decode.experiment(each) for each in found]
        ids = [each.experiment_id for each in experiments]
        reader.named("remote.remove_other_experiments", ids=ids)
        self._move_local(reader)
        reader.named("remote.remove_experiments", ids=ids)
        reader.named("remote.remove_experiment_tags", ids=ids)
        now = now_ms()
        reader.named(
            "remote.add_experiments",
            ids=ids,
            names=[each.name for each in experiments],
            stages=[each.lifecycle_stage for each in experiments],
            locations=[proxied_uri(self._url, e.artifact_location or "") for e in experiments],
            created=[each.creation_time or now for each in experiments],
            updated=[each.last_update_time or now for each in experiments],
        )
        tags = [
            (each.experiment_id, key, value)
            for each in experiments
            for key, value in each.tags.items()
            if key != LOCAL_EXPERIMENT_TAG
        ]
        if tags:
            owners, keys, values = (list(column) for column in zip(*tags, strict=True))
            reader.named("remote.add_experiment_tags", ids=owners, keys=keys, values=values)

    def _move_local(self, reader: Reader) -> None:
        """Give what was made in an experiment that the server had not the id that it has now."""
        for (local,) in reader.named("remote.experiments"):
            server = self._sync_state.server_id(local)
            if server is not None:
                for noun in ("runs", "models", "datasets", "inputs"):
                    reader.named(f"remote.move_{noun}", local=local, server=server)
                reader.named("remote.remove_experiments", ids=[local])

    # -- runs --------------------------------------------------------------------------------

    def put_runs(self, reader: Reader, found: Sequence[Json], busy: set[str]) -> None:
        """Write runs with params, tags, inputs, outputs and the last point of each metric."""
        decoded = map(decode.run, found)
        runs = list({self._sync_state.local_id(run.info.run_id): run for run in decoded}.items())
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
        self._put_tags(reader, [runs[i] for i in free])
        params = [(run_id, *pair) for run_id, run in runs for pair in run.data.params.items()]
        _put_pairs(reader, "params", params)
        self._put_latest(reader, runs)
        for run_id, run in runs:
            self._put_links(reader, run_id, run)

    def _run_columns(self, runs: Iterable[tuple[str, Run]]) -> dict[str, list[Any]]:
        rows = [
            {
                "run_id": run_id,
                "experiment_id": run.info.experiment_id,
                "run_name": run.info.run_name or run.data.tags.get(RUN_NAME, ""),
                "user_id": run.info.user_id or run.data.tags.get(USER, ""),
                "status": run.info.status or "RUNNING",
                "start_time": run.info.start_time,
                "end_time": run.info.end_time or None,
                "stage": run.info.lifecycle_stage,
                "artifact_uri": proxied_uri(self._url, run.info.artifact_uri),
            }
            for run_id, run in runs
        ]
        return {name: [row[name] for row in rows] for name in rows[0]}

    def _put_tags(self, reader: Reader, runs: Sequence[tuple[str, Run]]) -> None:
        rows = []
        for run_id, run in runs:
            for key, value in run.data.tags.items():
                if key != LOCAL_RUN:
                    local = self._sync_state.local_id(value) if key == PARENT else value
                    rows.append((run_id, key, local))
        _put_pairs(reader, "tags", rows)

    def _put_latest(self, reader: Reader, runs: Sequence[tuple[str, Run]]) -> None:
        points = [(run_id, *point) for run_id, run in runs for point in run.data._latest]
        names = [(run_id, key) for run_id, key, *_ in points]
        self._add(
            reader,
            names,
            list(range(len(names))),
            [step for *_, step in points],
            [time for *_, time, _ in points],
            [value for _, _, value, *_ in points],
        )

    def put_points(self, reader: Reader, name: Name, points: Sequence[Json]) -> None:
        """Add points of a metric: its run and its key."""
        self._add(reader, [name], [0] * len(points), *decode.points(points))

    def _add(
        self,
        reader: Reader,
        names: Sequence[Name],
        series: Sequence[int],
        steps: Sequence[int],
        times: Sequence[int],
        values: Sequence[float],
    ) -> None:

        points = Points(
            np.array(series, dtype=np.int64),
            np.array(steps, dtype=np.int64),
            np.array(times, dtype=np.int64),
            np.array([decode.unclamped(value) for value in values], dtype=np.float64),
        )
        add_points(reader, names, points)

    def _put_links(self, reader: Reader, run_id: str, run: Run) -> None:
        for item in run.inputs.dataset_inputs:
            put_dataset(reader, run_id, item)
        for read in run.inputs.model_inputs:
            model_id = self._sync_state.local_id(read.model_id)
            reader.named("fold_models.add_input", run_id=run_id, model_id=model_id)
        for made in run.outputs.model_outputs:
            model_id = self._sync_state.local_id(made.model_id)
            reader.named("fold_models.add_output", run_id=run_id, model_id=model_id, step=made.step)

    def drop_missing_runs(
        self, reader: Reader, experiment_ids: Sequence[str], found: set[str], busy: set[str]
    ) -> list[str]:
        """Mark runs of some experiments as deleted that the server has no more; return them."""
        there = {self._sync_state.local_id(run_id) for run_id in found} | busy
        known = reader.named("remote.active_runs", ids=list(experiment_ids))
        gone = [run_id for (run_id,) in known if run_id not in there]
        if gone:
            reader.named("remote.delete_runs", ids=gone, now=now_ms())
        return gone


def _put_pairs(reader: Reader, what: str, rows: list[tuple[str, str, str]]) -> None:
    if rows:
        owners, keys, values = (list(column) for column in zip(*rows, strict=True))
        reader.named(f"fold.add_{what}", runs=owners, keys=keys, values=values)


def put_dataset(reader: Reader, run_id: str, item: DatasetInput) -> None:
    """Write a dataset that a run has read."""
    import json

    reader.named("fold.add_dataset", run_id=run_id, **vars(item.dataset))
    reader.named(
        "fold.add_input",
        run_id=run_id,
        name=item.dataset.name,
        digest=item.dataset.digest,
        tags=json.dumps({tag.key: tag.value for tag in item.tags}),
    )
