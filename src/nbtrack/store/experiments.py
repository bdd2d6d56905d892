"""Experiments: their names are unique among those that are not deleted."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from nbtrack.entities import Experiment, LifecycleStage
from nbtrack.errors import (
    AlreadyExistsError,
    InvalidParameterError,
    InvalidStateError,
    NotFoundError,
    ServerUnreachableError,
)
from nbtrack.store.artifacts.paths import resolve_location
from nbtrack.store.journal import now_ms
from nbtrack.store.reader import Database, Reader
from nbtrack.store.writers import Writers
from nbtrack.validation import (
    check_artifact_location,
    check_experiment_id,
    check_experiment_name,
    check_key,
    experiment_tag_value,
    pairs_of,
    storable,
)

_TRUSTED_S = 5.0


def find_experiment(reader: Reader, experiment_id: str) -> Experiment | None:
    """Return an experiment by id, deleted ones too, or None."""
    reader.refresh()
    known = reader.experiment_id(experiment_id)
    return _entity(reader, reader.named("experiments.by_id", experiment_id=known))


def find_experiment_by_name(reader: Reader, name: str) -> Experiment | None:
    """Return the active experiment of a name, else the last deleted one, else None."""
    reader.refresh()
    return _entity(reader, reader.named("experiments.by_name", name=storable(str(name))))


def get_experiment(reader: Reader, experiment_id: str) -> Experiment:
    """Return an experiment by id.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    experiment = find_experiment(reader, check_experiment_id(experiment_id))
    if experiment is None:
        raise NotFoundError(f"No Experiment with id={experiment_id} exists")
    return experiment


def get_experiment_tag(reader: Reader, experiment_id: str, key: str) -> str | None:
    """Return one tag of an experiment; None where it is not set."""
    reader.refresh()
    known = reader.experiment_id(experiment_id)
    rows = reader.named("edits.experiment_tag", experiment_id=known, key=key)
    return str(rows[0][0]) if rows else None


def datasets_of_experiments(
    reader: Reader, experiment_ids: Sequence[str]
) -> list[tuple[str, str, str, str]]:
    """Return (experiment, name, digest, tags as JSON) of what their active runs have read."""
    reader.refresh(runs_of=experiment_ids)
    rows = reader.named("experiments.datasets", experiment_ids=list(experiment_ids))
    return [(experiment, name, digest, tags) for experiment, name, digest, tags in rows]


def _entity(reader: Reader, rows: list[tuple[Any, ...]]) -> Experiment | None:
    if not rows:
        return None
    experiment_id, name, location, stage, created, updated = rows[0]
    tags = dict(reader.named("experiments.tags", experiment_id=experiment_id))
    return Experiment(
        experiment_id=experiment_id,
        name=name,
        artifact_location=resolve_location(reader.folder, location or f"artifacts/{experiment_id}"),
        lifecycle_stage=stage,
        tags=tags,
        creation_time=created,
        last_update_time=updated,
    )


def check_active(experiment: Experiment) -> Experiment:
    """Return the experiment, or raise when it is deleted."""
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise InvalidParameterError(
            f"The experiment {experiment.experiment_id} must be in the 'active' state. "
            f"Current state is {experiment.lifecycle_stage}."
        )
    return experiment


@dataclass(frozen=True)
class Place:
    """What a new run or model is called, and where its artifacts go.

    Attributes
    ----------
    id : str
    stored : str or None
        The place as it is stored: relative if it can be, None for the usual one of a model.
    uri : str
        The place as it is used: a path or a URI.
    recorded : dict
        What its journal says of that besides.
    """

    id: str
    stored: str | None
    uri: str
    recorded: dict[str, Any]


class Experiments:
    """The experiments of a store, as they are changed.

    Parameters
    ----------
    database : Database
    writers : Writers
    """

    def __init__(self, database: Database, writers: Writers) -> None:
        self._database = database
        self._writers = writers
        self._active: dict[str, tuple[float, str, str]] = {}

    # -- where what is new goes --------------------------------------------------------------

    @final
    def location_of_new(self, experiment_id: str) -> str | None:
        """Return the folder of the artifacts of new runs and models; None for the usual one.

        A store that does not exist yet is not even opened.

        Raises
        ------
        NotFoundError, InvalidParameterError
            If there is no such experiment, or it is deleted.
        UntrustedError
            If its artifacts lie where none may be written.
        """
        location = self._location_of_new(experiment_id)
        if location is not None:
            self._database.access.check_new(location)
        return location

    def _location_of_new(self, experiment_id: str) -> str | None:
        database, root = self._database, self._database.artifact_root
        if root is None and experiment_id == "0" and not database.path.exists():
            return None
        location = self._location_of_active(experiment_id)
        if location != str(database.folder / "artifacts" / experiment_id):
            return location
        return None if root is None else f"{root.rstrip('/')}/{experiment_id}"

    def _location_of_active(self, experiment_id: str) -> str:
        """Return where the artifacts of an active experiment lie.

        An answer is good for a few seconds, so that many short runs in a row do not
        each look into the database; and for as long as that cannot be reached.
        """
        asked, location, _ = self._active.get(experiment_id, (-_TRUSTED_S, "", ""))
        if time.monotonic() - asked < _TRUSTED_S:
            return location
        try:
            with self._database.look() as reader:
                found = check_active(get_experiment(reader, experiment_id))
        except ServerUnreachableError:
            root = self._database.artifact_root
            if not location and (experiment_id != "0" or root is None):
                raise
            location = location or f"{str(root).rstrip('/')}/0"
            name = self.last_known_name(experiment_id) or "Default"
            self._active[experiment_id] = (time.monotonic(), location, name)
            return location
        location = found.artifact_location or ""
        self._active[experiment_id] = (time.monotonic(), location, found.name)
        return location

    @final
    def last_known_name(self, experiment_id: str) -> str | None:
        """Return the name that an experiment had when this process last looked at it."""
        known = self._active.get(experiment_id)
        return None if known is None else known[2]

    # -- changes -----------------------------------------------------------------------------

    @final
    def create(
        self, name: str, location: str | None = None, tags: Mapping[str, Any] | None = None
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
            self._database.access.choose(location)
        return self._create(name, location, pairs)

    def _create(self, name: str, location: str | None, tags: list[tuple[str, str]]) -> str:
        with self._database.write() as reader:
            existing = find_experiment_by_name(reader, name)
            if existing is not None and existing.lifecycle_stage == LifecycleStage.ACTIVE:
                raise AlreadyExistsError(
                    f"Experiment(name={name}) already exists. Error: its id is "
                    f"{existing.experiment_id}; use set_experiment({name!r}) to log to it."
                )
            experiment_id = str(reader.named("experiments.next_id")[0][0])
            if location is None and self._database.artifact_root is not None:
                location = f"{self._database.artifact_root.rstrip('/')}/{experiment_id}"
            insert(reader, experiment_id, name, location)
            for key, value in tags:
                reader.named(
                    "experiments.add_tag", experiment_id=experiment_id, key=key, value=value
                )
        return experiment_id

    @final
    def rename(self, experiment_id: str, name: str) -> None:
        """Give an active experiment another name."""
        self._rename(experiment_id, check_experiment_name(name))

    def _rename(self, experiment_id: str, name: str) -> None:
        with self._database.write() as reader:
            experiment = get_experiment(reader, experiment_id)
            if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
                raise InvalidStateError(
                    "Cannot rename a non-active experiment. Restore experiment "
                    f"{experiment_id} first.",
                    "INVALID_PARAMETER_VALUE",
                )
            _check_free(reader, name, experiment_id)
            reader.named("experiments.rename", experiment_id=experiment_id, name=name, now=now_ms())

    @final
    def delete(self, experiment_id: str) -> None:
        """Mark an experiment and its runs as deleted; ``restore`` brings them back."""
        self._change_stage(experiment_id, LifecycleStage.DELETED)

    @final
    def restore(self, experiment_id: str) -> None:
        """Bring a deleted experiment and all its runs back.

        Raises
        ------
        AlreadyExistsError
            If another experiment has taken the name meanwhile.
        """
        self._change_stage(experiment_id, LifecycleStage.ACTIVE)

    def _change_stage(self, experiment_id: str, stage: str) -> None:
        self._active.pop(experiment_id, None)
        run_ids = self._set_stage(experiment_id, stage)
        self._writers.set_deleted(run_ids, deleted=stage == LifecycleStage.DELETED)

    def _set_stage(self, experiment_id: str, stage: str) -> list[str]:
        """Set the stage of an experiment and its runs, and return their ids."""
        with self._database.write() as reader:
            experiment = get_experiment(reader, experiment_id)
            if stage == experiment.lifecycle_stage:
                other, why = ("active", "it is deleted already")
                if stage == LifecycleStage.ACTIVE:
                    other, why = ("deleted", "it is active")
                raise NotFoundError(
                    f"No Experiment with id={experiment_id} exists that is {other}: {why}."
                )
            if stage == LifecycleStage.ACTIVE:
                _check_free(reader, experiment.name, experiment_id)
            for query in ("experiments.set_stage", "experiments.set_stage_of_runs"):
                reader.named(query, experiment_id=experiment_id, stage=stage, now=now_ms())
            return runs_of(reader, experiment_id)

    @final
    def set_tags(self, experiment_id: str, tags: Mapping[str, Any]) -> None:
        """Set tags of an active experiment."""
        self._set_tags(experiment_id, _checked_tags(tags))

    def _set_tags(self, experiment_id: str, tags: list[tuple[str, str]]) -> None:
        with self._database.write() as reader:
            check_active(get_experiment(reader, experiment_id))
            for key, value in tags:
                at = {"experiment_id": experiment_id, "key": key}
                reader.named("experiments.remove_tag", **at)
                reader.named("experiments.add_tag", **at, value=value)

    @final
    def delete_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of an active experiment.

        Raises
        ------
        NotFoundError
            If it has no such tag.
        """
        self._delete_tag(experiment_id, key)

    def _delete_tag(self, experiment_id: str, key: str) -> None:
        with self._database.write() as reader:
            experiment = check_active(get_experiment(reader, experiment_id))
            if key not in experiment.tags:
                raise NotFoundError(
                    f"No tag with name: {key} in experiment with id {experiment_id}"
                )
            reader.named("experiments.remove_tag", experiment_id=experiment_id, key=key)


def insert(reader: Reader, experiment_id: str, name: str, location: str | None) -> None:
    """Write a new experiment."""
    reader.named(
        "experiments.create",
        experiment_id=experiment_id,
        name=name,
        artifact_location=location,
        now=now_ms(),
    )


def runs_of(reader: Reader, experiment_id: str) -> list[str]:
    """Return the ids of the runs of an experiment, deleted or not."""
    rows = reader.named("experiments.run_ids", experiment_id=experiment_id)
    return [run_id for (run_id,) in rows]


def _check_free(reader: Reader, name: str, experiment_id: str) -> None:
    other = find_experiment_by_name(reader, name)
    if (
        other is not None
        and other.experiment_id != experiment_id
        and other.lifecycle_stage == LifecycleStage.ACTIVE
    ):
        raise AlreadyExistsError(
            f"Experiment(name={name}) already exists. Error: its id is {other.experiment_id}."
        )


def _checked_tags(tags: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (check_key(key), experiment_tag_value(key, value)) for key, value in pairs_of("Tags", tags)
    ]
