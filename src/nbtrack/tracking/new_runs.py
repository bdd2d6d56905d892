"""Runs that are made, or gone on with: each with the writer of its journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrack.entities import LifecycleStage, RunInfo
from nbtrack.entities.runs import RUN_NAME, USER
from nbtrack.errors import InvalidParameterError
from nbtrack.store import Owner, RunWriter, Store, check_tags, now_ms
from nbtrack.validation import check_experiment_id, check_timestamp, pairs_of, storable, tag_value


def create(
    store: Store,
    experiment_id: str,
    *,
    run_name: str | None = None,
    start_time: int | None = None,
    tags: Mapping[str, Any] | None = None,
    user_id: str | None = None,
    owned: bool = True,
) -> tuple[RunInfo, RunWriter]:
    """Make a run: nothing but its journal is written, and no lock is taken.

    Without an owner it stays RUNNING, whatever becomes of this process.
    """
    from nbtrack.tracking.random_names import random_name

    check_experiment_id(experiment_id)
    given = {key: value for key, value in pairs_of("Tags", tags or {}) if value is not None}
    all_tags = check_tags(given)
    name = _name(run_name, all_tags) or random_name()
    all_tags[RUN_NAME] = name
    return store.runs.create(
        experiment_id,
        run_name=name,
        start_time=now_ms() if start_time is None else check_timestamp(start_time, "start_time"),
        user_id=storable(user_id or all_tags.get(USER, "")),
        tags=all_tags,
        owner=Owner.this() if owned else None,
    )


def _name(run_name: str | None, tags: Mapping[str, str]) -> str | None:
    tag = tags.get(RUN_NAME) or None
    if run_name and tag and str(run_name) != tag:
        raise InvalidParameterError(
            f"Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different "
            f"values (run_name='{run_name}', mlflow.runName='{tag}')."
        )
    return tag_value(RUN_NAME, run_name) if run_name else tag


def resume(
    store: Store, run_id: str, experiment_id: str | None = None
) -> tuple[RunInfo, RunWriter, bool]:
    """Continue a run; returns its info, its writer, and whether another live process owns it.

    Raises
    ------
    NotFoundError
        If there is no such run.
    InvalidParameterError
        If it is deleted, or belongs to another experiment than the one that is given.
    """
    from nbtrack.store import get_run, run_has_other_owner

    with store.read() as reader:
        run = get_run(reader, run_id)
        joined = run.info.status == "RUNNING" and run_has_other_owner(reader, run_id)
    info = run.info
    if info.lifecycle_stage == LifecycleStage.DELETED:
        raise InvalidParameterError(
            f"Cannot start run with ID {run_id} because it is in the deleted state. "
            f"restore_run({run_id!r}) brings it back."
        )
    if experiment_id is not None and experiment_id != info.experiment_id:
        raise InvalidParameterError(
            f"Cannot start run with ID {run_id} because active experiment ID does not match "
            f"environment run ID: the run belongs to experiment {info.experiment_id}, the active "
            f"experiment is {experiment_id}. Set its experiment with set_experiment(experiment_id="
            f"{info.experiment_id!r})."
        )
    writer = store.writer(run_id)
    if not joined:
        writer.append([("update", {"status": "RUNNING", **vars(Owner.this())})])
        info = RunInfo(**{**vars(info), "status": "RUNNING", "end_time": None})
    return info, writer, joined
