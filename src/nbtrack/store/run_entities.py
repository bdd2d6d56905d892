"""Runs as entities: read with all that was logged to them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nbtrack.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
)
from nbtrack.entities.runs import PARENT
from nbtrack.errors import NbtrackError
from nbtrack.store.artifacts.paths import artifact_uri
from nbtrack.store.reader import Reader
from nbtrack.store.run_lookup import no_such_run
from nbtrack.validation import check_run_id


def get_run(reader: Reader, run_id: str) -> Run:
    """Return a run, deleted or not.

    Raises
    ------
    NotFoundError
        If there is no run with this id.
    """
    return get_runs(reader, [check_run_id(run_id)])[0]


def with_parents(reader: Reader, run: Run) -> Iterator[Run]:
    """Yield a run, the run that it is nested in, the run around that one, and so on.

    A parent is a tag: it may name a run that was removed for good, or one of those below it. There
    it ends.
    """
    seen: set[str] = set()
    found = run
    while found.info.run_id not in seen:
        seen.add(found.info.run_id)
        yield found
        parent = found.data.tags.get(PARENT)
        if parent is None:
            return
        try:
            found = get_run(reader, parent)
        except NbtrackError:
            return


def get_runs(reader: Reader, run_ids: Sequence[str]) -> list[Run]:
    """Return several runs, in the order of their ids, with six queries in all.

    Raises
    ------
    NotFoundError
        If there is no run with one of the ids.
    """
    ids = [reader.local_id(run_id) for run_id in run_ids]
    if not ids:
        return []
    reader.refresh(runs=ids)
    infos = {row[0]: _info(reader.folder, row) for row in reader.named("runs.info", run_ids=ids)}
    for run_id in ids:
        if run_id not in infos:
            raise no_such_run(reader, run_id)
    latest = defaultdict(list)
    for run_id, *point in reader.named("runs.metrics", run_ids=ids):
        latest[run_id].append(tuple(point))
    params: dict[str, dict[str, str]] = defaultdict(dict)
    for run_id, key, value in reader.named("runs.params", run_ids=ids):
        params[run_id][key] = value
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    for run_id, key, value in reader.named("runs.tags", run_ids=ids):
        tags[run_id][key] = value
    inputs = defaultdict(list)
    for run_id, *dataset in reader.named("runs.inputs", run_ids=ids):
        inputs[run_id].append(_dataset_input(*dataset))
    read = defaultdict(list)
    made = defaultdict(list)
    for run_id, model_id, step in reader.named("models.links", run_ids=ids):
        if step is None:
            read[run_id].append(LoggedModelInput(model_id))
        else:
            made[run_id].append(LoggedModelOutput(model_id, step))
    return [
        Run(
            infos[run_id],
            RunData.of_rows(latest[run_id], params[run_id], tags[run_id]),
            RunInputs(inputs[run_id], _without(read[run_id], made[run_id])),
            RunOutputs(made[run_id]),
        )
        for run_id in ids
    ]


def _without(read: list[LoggedModelInput], made: list[LoggedModelOutput]) -> list[LoggedModelInput]:
    """Leave out what the run has made itself: its metrics are no use of another's model."""
    own = {item.model_id for item in made}
    return [item for item in read if item.model_id not in own]


def _info(folder: Path, row: tuple[Any, ...]) -> RunInfo:
    run_id, experiment_id, name, user, status, start, end, stage, stored = row
    uri = artifact_uri(folder, stored, experiment_id, run_id)
    return RunInfo(run_id, experiment_id, name, user, status, start, end, stage, uri)


def _dataset_input(tags: str, *dataset: Any) -> DatasetInput:
    found: dict[str, str] = json.loads(tags)
    return DatasetInput(Dataset(*dataset), [InputTag(k, v) for k, v in found.items()])
