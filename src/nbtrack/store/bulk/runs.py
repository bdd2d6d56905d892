"""Experiments and runs that come from elsewhere in bulk: what is here already stays as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbtrack.entities import DatasetInput, Run
from nbtrack.errors import InvalidParameterError
from nbtrack.store.reader import Reader
from nbtrack.validation import dataset_fields, storable

ORIGIN_TAG = "nbtrack.imported_from"
"""Tag of an experiment, a run or a model: where it came from."""

ARTIFACTS_ELSEWHERE_TAG = "nbtrack.artifacts_elsewhere"
"""Tag of a run whose artifacts stay where they were; ``compact`` leaves those alone."""

_COLUMNS = {
    "run_id": "id",
    "experiment_id": "experiment",
    "run_name": "name",
    "status": "status",
    "start_time": "start",
    "end_time": "end",
    "user_id": "user",
    "stage": "stage",
    "deleted_time": "deleted",
    "artifact_uri": "artifacts",
}
MAX_KEPT_ID = 1_000_000_000


@dataclass
class RunRecord:
    """A run on its way into a store, without its points; times in milliseconds since the epoch.

    Attributes
    ----------
    experiment : str
        Id of its experiment: as the source calls it, and where it is kept the one here.
    artifacts : str or None
        Where its artifacts are: as the source says, and where it is kept None for the usual place.
    """

    id: str
    experiment: str
    name: str = ""
    status: str = "FINISHED"
    start: int = 0
    end: int | None = None
    user: str = ""
    stage: str = "active"
    deleted: int | None = None
    artifacts: str | None = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    inputs: list[DatasetInput] = field(default_factory=list)
    model_inputs: list[str] = field(default_factory=list)
    model_outputs: list[tuple[str, int]] = field(default_factory=list)

    @classmethod
    def of(cls, run: Run, deleted: int | None = None) -> RunRecord:
        """Return a run of a store or of a server; ``deleted`` is when that was done."""
        info, data = run.info, run.data
        return cls(
            id=info.run_id,
            experiment=info.experiment_id,
            name=info.run_name,
            status=info.status or "FINISHED",
            start=info.start_time,
            end=info.end_time,
            user=info.user_id,
            stage=info.lifecycle_stage,
            deleted=deleted,
            artifacts=info.artifact_uri or None,
            params=dict(data.params),
            tags=dict(data.tags),
            inputs=list(run.inputs.dataset_inputs),
            model_inputs=[item.model_id for item in run.inputs.model_inputs],
            model_outputs=[(item.model_id, item.step) for item in run.outputs.model_outputs],
        )


def add_experiment(
    reader: Reader,
    experiment_id: str,
    name: str,
    *,
    stage: str = "active",
    origin: str = "",
    created: int,
    updated: int,
    tags: Mapping[str, str] | None = None,
) -> tuple[str, str | None, bool]:
    """Return the experiment that an imported one becomes: the active one of its name, or a new one.

    Parameters
    ----------
    reader : Reader
        The database, attached for writing.
    experiment_id : str
        Its id there; it is kept when nobody has it here.
    name : str
    stage : str
        A deleted one only becomes the deleted one that came from the same place.
    origin : str
        Where it comes from.
    created, updated : int
        Milliseconds since the epoch.
    tags : mapping, optional
        Those that are here already stay.

    Returns
    -------
    (str, str or None, bool)
        Its id here, where its artifacts go (None: the usual place), whether it is new.
    """
    name = storable(name)
    if stage == "active":
        rows = reader.named("bulk.active_experiment", name=name)
    else:
        rows = reader.named(
            "bulk.deleted_experiment", name=name, created=created, key=ORIGIN_TAG, value=origin
        )
    rows = rows[:1]
    new = not rows
    if new:
        here = _free_id(reader, experiment_id)
        reader.named(
            "bulk.add_experiment",
            experiment_id=here,
            name=name,
            stage=stage,
            created=created,
            updated=updated,
        )
        rows = [(here, None)]
    here, location = rows[0]
    found = dict(tags or {})
    if new and origin:
        found[ORIGIN_TAG] = origin
    for key, value in found.items():
        reader.named("bulk.add_experiment_tag", experiment_id=here, key=key, value=storable(value))
    return here, location, new


def _free_id(reader: Reader, wanted: str) -> str:
    short = wanted.isdecimal() and 0 < int(wanted) < MAX_KEPT_ID and str(int(wanted)) == wanted
    if short and reader.named("bulk.is_free", experiment_id=wanted)[0][0]:
        return wanted
    return str(reader.named("experiments.next_id")[0][0])


def known_runs(reader: Reader, run_ids: Iterable[str]) -> dict[str, tuple[str, str | None, str]]:
    """Return (experiment, artifact URI, stage) of those runs that are here already."""
    rows = reader.named("bulk.known_runs", runs=list(run_ids))
    return {run_id: (experiment, uri, stage) for run_id, experiment, uri, stage in rows}


def add_runs(reader: Reader, runs: Sequence[RunRecord]) -> list[str]:
    """Add runs with all but their points and artifacts; return what could not be kept.

    Of a run that is here already, what it lacks is added: nothing that it has is changed,
    but a run that had come before it ended gets its end.
    """
    if not runs:
        return []
    columns = {c: [_text(getattr(run, name)) for run in runs] for c, name in _COLUMNS.items()}
    reader.named("bulk.add_runs", **columns)
    ended = {name: columns[name] for name in ("run_id", "status", "end_time")}
    reader.named("bulk.end_runs", **ended)
    problems = _add_params(reader, runs)
    tags = _triples(runs, "tags")
    if tags["runs"]:
        reader.named("bulk.add_tags", **tags)
    for run in runs:
        problems += _add_inputs(reader, run)
        for model_id in run.model_inputs:
            reader.named("fold_models.add_input", run_id=run.id, model_id=model_id)
        for model_id, step in run.model_outputs:
            reader.named("fold_models.add_output", run_id=run.id, model_id=model_id, step=step)
    return problems


def stop_at_last_point(reader: Reader, run_ids: Sequence[str]) -> None:
    """Let runs that are INTERRUPTED end with their last point."""
    if run_ids:
        reader.named("bulk.stop_at_last_point", runs=list(run_ids))


def _add_params(reader: Reader, runs: Sequence[RunRecord]) -> list[str]:
    params = _triples(runs, "params")
    if not params["runs"]:
        return []
    problems = [
        f"Param '{key}' of run {run_id} is {kept!r} here and {value!r} there; params are written "
        "once, so this one stays."
        for run_id, key, kept, value in reader.named("fold.differing_params", **params)
    ]
    reader.named("fold.add_params", **params)
    return problems


def _triples(runs: Sequence[RunRecord], what: str) -> dict[str, list[str]]:
    found = [(r.id, key, value) for r in runs for key, value in getattr(r, what).items()]
    return {
        "runs": [run_id for run_id, _, _ in found],
        "keys": [storable(key) for _, key, _ in found],
        "values": [storable(value) for _, _, value in found],
    }


def _add_inputs(reader: Reader, run: RunRecord) -> list[str]:
    problems = []
    for item in run.inputs:
        try:
            dataset = dataset_fields(vars(item.dataset))
        except InvalidParameterError as error:
            problems.append(f"A dataset of run {run.id} was left out: {error}")
            continue
        tags = json.dumps({tag.key: tag.value for tag in item.tags})
        reader.named("fold.add_dataset", run_id=run.id, **dataset)
        reader.named(
            "fold.add_input",
            run_id=run.id,
            name=dataset["name"],
            digest=dataset["digest"],
            tags=tags,
        )
    return problems


def _text(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value
