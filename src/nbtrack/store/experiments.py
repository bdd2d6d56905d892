"""Experiments: their names are unique among those that are not deleted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from nbtrack.entities import Experiment, LifecycleStage
from nbtrack.errors import (
    AlreadyExistsError,
    InvalidParameterError,
    InvalidStateError,
    NotFoundError,
)
from nbtrack.limits import (
    check_artifact_location,
    check_experiment_id,
    check_experiment_name,
    check_key,
    experiment_tag_value,
    pairs_of,
    storable,
)
from nbtrack.store.forwarding import forwarded
from nbtrack.store.journal import now_ms
from nbtrack.store.reader import Reader
from nbtrack.store.runs import resolved
from nbtrack.store.store import Store

_TRUSTED_S = 5.0


def find(reader: Reader, experiment_id: str) -> Experiment | None:
    """Return an experiment by id, deleted ones too, or None."""
    return _entity(reader, reader.named("experiments.by_id", experiment_id=experiment_id))


def find_by_name(reader: Reader, name: str) -> Experiment | None:
    """Return the active experiment of a name, else the last deleted one, else None."""
    return _entity(reader, reader.named("experiments.by_name", name=storable(str(name))))


def get(reader: Reader, experiment_id: str) -> Experiment:
    """Return an experiment by id.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    experiment = find(reader, check_experiment_id(experiment_id))
    if experiment is None:
        raise NotFoundError(f"No Experiment with id={experiment_id} exists")
    return experiment


def _entity(reader: Reader, rows: list[tuple[Any, ...]]) -> Experiment | None:
    if not rows:
        return None
    experiment_id, name, location, stage, created, updated = rows[0]
    tags = dict(reader.named("experiments.tags", experiment_id=experiment_id))
    return Experiment(
        experiment_id=experiment_id,
        name=name,
        artifact_location=resolved(reader.folder, location or f"artifacts/{experiment_id}"),
        lifecycle_stage=stage,
        tags=tags,
        creation_time=created,
        last_update_time=updated,
    )


def location_of_active(store: Store, experiment_id: str) -> str:
    """Return where the artifacts of an active experiment lie.

    An answer is good for a few seconds, so that many short runs in a row do not
    each look into the database.

    Raises
    ------
    NotFoundError, InvalidParameterError
        If there is no such experiment, or it is deleted.
    """
    asked, location, _ = store.active_experiments.get(experiment_id, (-_TRUSTED_S, "", ""))
    if time.monotonic() - asked < _TRUSTED_S:
        return location
    with store.read() as reader:
        found = check_active(get(reader, experiment_id))
    location = found.artifact_location or ""
    store.active_experiments[experiment_id] = (time.monotonic(), location, found.name)
    return location


def last_known_name(store: Store, experiment_id: str) -> str | None:
    """Return the name that an experiment had when this process last looked at it."""
    known = store.active_experiments.get(experiment_id)
    return None if known is None else known[2]


@forwarded("create_experiment")
def create(
    store: Store,
    name: str,
    location: str | None = None,
    tags: Mapping[str, Any] | None = None,
) -> str:
    """Make an experiment and return its id; the name of a deleted one may be used again.

    Raises
    ------
    AlreadyExistsError
        If an experiment of that name is active.
    StoreLockedError
        If someone holds the database: a unique name cannot wait.
    """
    name = check_experiment_name(name)
    pairs = _checked_tags(tags or {})
    location = check_artifact_location(location)
    if location is not None:
        store.access.choose(location)
    with store.write() as reader:
        existing = find_by_name(reader, name)
        if existing is not None and existing.lifecycle_stage == LifecycleStage.ACTIVE:
            raise AlreadyExistsError(
                f"Experiment(name={name}) already exists. Error: its id is "
                f"{existing.experiment_id}; use set_experiment({name!r}) to log to it."
            )
        experiment_id = str(reader.named("experiments.next_id")[0][0])
        reader.named(
            "experiments.create",
            experiment_id=experiment_id,
            name=name,
            artifact_location=location,
            now=now_ms(),
        )
        for key, value in pairs:
            reader.named("experiments.add_tag", experiment_id=experiment_id, key=key, value=value)
    return experiment_id


@forwarded("rename_experiment")
def rename(store: Store, experiment_id: str, name: str) -> None:
    """Give an active experiment another name."""
    name = check_experiment_name(name)
    with store.write() as reader:
        experiment = get(reader, experiment_id)
        if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
            raise InvalidStateError(
                f"Cannot rename a non-active experiment. Restore experiment {experiment_id} first.",
                "INVALID_PARAMETER_VALUE",
            )
        _check_free(reader, name, experiment_id)
        reader.named("experiments.rename", experiment_id=experiment_id, name=name, now=now_ms())


def _check_free(reader: Reader, name: str, experiment_id: str) -> None:
    other = find_by_name(reader, name)
    if (
        other is not None
        and other.experiment_id != experiment_id
        and other.lifecycle_stage == LifecycleStage.ACTIVE
    ):
        raise AlreadyExistsError(
            f"Experiment(name={name}) already exists. Error: its id is {other.experiment_id}."
        )


@forwarded("delete_experiment")
def delete(store: Store, experiment_id: str) -> None:
    """Mark an experiment and its runs as deleted; ``restore`` brings them back."""
    store.active_experiments.pop(experiment_id, None)
    with store.write() as reader:
        experiment = get(reader, experiment_id)
        if experiment.lifecycle_stage == LifecycleStage.DELETED:
            raise NotFoundError(
                f"No active Experiment with id={experiment_id} exists: it is deleted already."
            )
        run_ids = _set_stage(reader, experiment_id, LifecycleStage.DELETED)
    store.writers.set_deleted(run_ids, deleted=True)


@forwarded("restore_experiment")
def restore(store: Store, experiment_id: str) -> None:
    """Bring a deleted experiment and all its runs back.

    Raises
    ------
    AlreadyExistsError
        If another experiment has taken the name meanwhile.
    """
    with store.write() as reader:
        experiment = get(reader, experiment_id)
        if experiment.lifecycle_stage == LifecycleStage.ACTIVE:
            raise NotFoundError(
                f"No deleted Experiment with id={experiment_id} exists: it is active."
            )
        _check_free(reader, experiment.name, experiment_id)
        run_ids = _set_stage(reader, experiment_id, LifecycleStage.ACTIVE)
    store.writers.set_deleted(run_ids, deleted=False)


def _set_stage(reader: Reader, experiment_id: str, stage: str) -> list[str]:
    """Set the stage of an experiment and its runs, and return their ids."""
    for query in ("experiments.set_stage", "experiments.set_stage_of_runs"):
        reader.named(query, experiment_id=experiment_id, stage=stage, now=now_ms())
    return [
        run_id for (run_id,) in reader.named("experiments.run_ids", experiment_id=experiment_id)
    ]


@forwarded("set_experiment_tags")
def set_tags(store: Store, experiment_id: str, tags: Mapping[str, Any]) -> None:
    """Set tags of an active experiment."""
    pairs = _checked_tags(tags)
    with store.write() as reader:
        check_active(get(reader, experiment_id))
        for key, value in pairs:
            reader.named("experiments.remove_tag", experiment_id=experiment_id, key=key)
            reader.named("experiments.add_tag", experiment_id=experiment_id, key=key, value=value)


@forwarded("delete_experiment_tag")
def delete_tag(store: Store, experiment_id: str, key: str) -> None:
    """Remove a tag of an active experiment."""
    with store.write() as reader:
        experiment = check_active(get(reader, experiment_id))
        if key not in experiment.tags:
            raise NotFoundError(f"No tag with name: {key} in experiment with id {experiment_id}")
        reader.named("experiments.remove_tag", experiment_id=experiment_id, key=key)


def check_active(experiment: Experiment) -> Experiment:
    """Return the experiment, or raise when it is deleted."""
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise InvalidParameterError(
            f"The experiment {experiment.experiment_id} must be in the 'active' state. "
            f"Current state is {experiment.lifecycle_stage}."
        )
    return experiment


def _checked_tags(tags: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (check_key(key), experiment_tag_value(key, value)) for key, value in pairs_of("Tags", tags)
    ]
