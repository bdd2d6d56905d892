"""Runs: made, edited, deleted."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, final, get_args

from nbtrack.entities import (
    LifecycleStage,
    RunInfo,
    RunStatus,
)
from nbtrack.entities.found import Found
from nbtrack.entities.runs import ARCHIVED, KEPT, NOTE, RUN_NAME
from nbtrack.errors import InvalidParameterError
from nbtrack.store.deleted import remove_found
from nbtrack.store.experiments import Experiments, Place
from nbtrack.store.journal import now_ms
from nbtrack.store.owner import Owner
from nbtrack.store.reader import Database, Reader
from nbtrack.store.run_lookup import no_such_run
from nbtrack.store.writer import RunWriter, check_tags
from nbtrack.store.writers import Writers
from nbtrack.validation import check_experiment_id, check_key, check_run_id

MAX_NAME = 250
RunAction = Literal["archive", "unarchive", "delete", "restore", "keep", "discard"]
ACTIONS: tuple[RunAction, ...] = get_args(RunAction)


class Runs:
    """The runs of a store, as they are made and changed.

    What is logged to one goes to its writer.

    Parameters
    ----------
    database : Database
    writers : Writers
    experiments : Experiments
    """

    def __init__(self, database: Database, writers: Writers, experiments: Experiments) -> None:
        self._database = database
        self._writers = writers
        self._experiments = experiments

    # -- made --------------------------------------------------------------------------------

    @final
    def create(
        self,
        experiment_id: str,
        *,
        run_name: str,
        start_time: int,
        user_id: str,
        tags: Mapping[str, str],
        owner: Owner | None,
    ) -> tuple[RunInfo, RunWriter]:
        """Make a run that is RUNNING: nothing but its journal is written, no lock is taken.

        Parameters
        ----------
        experiment_id, run_name : str
        start_time : int
            Milliseconds since the epoch.
        user_id : str
        tags : mapping of str to str
        owner : Owner, optional
            The process that ends it; without one it stays RUNNING, whatever becomes of this one.

        Raises
        ------
        NotFoundError, InvalidParameterError
            If there is no such experiment, or it is deleted.
        """
        about: dict[str, Any] = {
            "experiment_id": self._id_of_experiment(check_experiment_id(experiment_id)),
            "run_name": run_name,
            "user_id": user_id,
            "start_time": start_time,
        }
        place = self._place(os.urandom(16).hex(), about, tags)
        info = RunInfo(
            run_id=place.id,
            **about,
            status=RunStatus.to_string(RunStatus.RUNNING),
            end_time=None,
            lifecycle_stage=LifecycleStage.ACTIVE,
            artifact_uri=place.uri,
        )
        writer = self._writers.new(place.id, place.uri)
        fields = ("run_id", "experiment_id", "run_name", "user_id", "status", "start_time")
        known = {field: getattr(info, field) for field in fields}
        owned = {} if owner is None else vars(owner)
        stored = {"artifact_uri": place.stored}
        writer.append([("run", {**known, **stored, **owned, **place.recorded})])
        writer.set_tags(tags)
        self._writers.add(writer)
        return info, writer

    def _id_of_experiment(self, experiment_id: str) -> str:
        return experiment_id

    def _place(self, run_id: str, about: Mapping[str, Any], tags: Mapping[str, str]) -> Place:
        """Say what a new run is called; ``about`` are its first columns."""
        experiment_id = about["experiment_id"]
        location = self._experiments.location_of_new(experiment_id)
        name = self._experiments.last_known_name(experiment_id)
        recorded = {"experiment": name}  # should the database be removed meanwhile
        if location is not None:
            return Place(run_id, *(f"{location}/{run_id}/artifacts",) * 2, recorded)
        return self._usual_place(run_id, experiment_id, recorded)

    @final
    def _usual_place(self, run_id: str, experiment_id: str, recorded: dict[str, Any]) -> Place:
        usual = f"artifacts/{experiment_id}/{run_id}"
        return Place(run_id, usual, str(self._database.folder / usual), recorded)

    # -- changed -----------------------------------------------------------------------------

    @final
    def delete(self, *run_ids: str) -> None:
        """Mark runs as deleted; ``restore`` brings them back, ``compact`` frees their space.

        Raises
        ------
        NotFoundError
            If there is no such run.
        """
        self._set_stage([check_run_id(each) for each in run_ids], LifecycleStage.DELETED)

    @final
    def restore(self, *run_ids: str) -> None:
        """Bring deleted runs back.

        Raises
        ------
        NotFoundError
            If there is no such run.
        """
        self._set_stage([check_run_id(each) for each in run_ids], LifecycleStage.ACTIVE)

    def _set_stage(self, run_ids: Sequence[str], stage: str) -> None:
        with self._database.write() as reader:
            self._check_there(reader, run_ids)
            for run_id in run_ids:
                reader.named(
                    "experiments.set_stage_of_run", run_id=run_id, stage=stage, now=now_ms()
                )
        self._writers.set_deleted(run_ids, deleted=stage == LifecycleStage.DELETED)

    def _check_there(self, reader: Reader, run_ids: Sequence[str]) -> None:
        found = {row[0] for row in reader.named("edits.existing", run_ids=list(run_ids))}
        missing = [run_id for run_id in run_ids if run_id not in found]
        if missing:
            raise no_such_run(reader, missing[0])

    @final
    def set_tags(self, run_ids: Sequence[str], tags: Mapping[str, str | None]) -> None:
        """Set tags of runs in one transaction; None removes one. Deleted runs may be edited, too.

        Raises
        ------
        NotFoundError
            If there is no such run.
        """
        check_tags({key: value for key, value in tags.items() if value is not None})
        self._set_tags(run_ids, tags)

    def _set_tags(self, run_ids: Sequence[str], tags: Mapping[str, str | None]) -> None:
        with self._database.write() as reader:
            self._check_there(reader, run_ids)
            for key, value in tags.items():
                reader.named("edits.remove_tag", run_ids=list(run_ids), key=key)
                if value is not None:
                    reader.named("edits.add_tag", run_ids=list(run_ids), key=key, value=value)
                if key == RUN_NAME and value is not None:
                    reader.named("edits.rename", run_ids=list(run_ids), name=value)

    @final
    def leave_out(self, run_id: str, kind: str, key: str) -> list[Found]:
        """Remove a param or a metric that was found without a log call.

        Parameters
        ----------
        run_id : str
        kind : {"param", "metric"}
        key : str
            Its name.

        Returns
        -------
        list of Found
            What is left of what was found.

        Raises
        ------
        NotFoundError
            If there is no such run, or nothing of that name was found: what was logged stays.
        """
        left = self._leave_out(check_run_id(run_id), kind, key)
        if kind == "param":
            self._writers.forget_param(run_id, key)
        return left

    def _leave_out(self, run_id: str, kind: str, key: str) -> list[Found]:
        with self._database.write() as reader:
            self._check_there(reader, [run_id])
            return remove_found(reader, run_id, kind, key)

    @final
    def edit(self, run_id: str, column: str, value: str) -> str:
        """Change the name, the note or a tag of a run; an empty note or tag goes away.

        Parameters
        ----------
        run_id : str
        column : str
            ``run_name``, ``note`` or ``tags.<key>``.
        value : str

        Returns
        -------
        str
            The value as it is kept.

        Raises
        ------
        InvalidParameterError
            If it cannot be a name or a tag, or the column cannot be edited.
        NotFoundError
            If there is no such run.
        """
        text = value.strip()
        if column == "run_name":
            self.set_tags([run_id], {RUN_NAME: _checked_name(text)})
        else:
            self.set_tags([run_id], {_tag_of_column(column): text or None})
        return text

    @final
    def act(self, action: str, run_ids: Sequence[str]) -> list[str]:
        """Archive, delete, restore, ... runs; return those that it was done to.

        Parameters
        ----------
        action : str
            One of `ACTIONS`. ``keep`` says that an interrupted run is wanted as it is,
            ``discard`` deletes it; both leave runs that were not interrupted. A run that shows no
            sign of life is interrupted by them.
        run_ids : sequence of str

        Raises
        ------
        InvalidParameterError
            If there is no such action, or nothing that it could be done to.
        """
        if action not in ACTIONS:
            raise InvalidParameterError(f"action is {action!r}; use one of {', '.join(ACTIONS)}.")
        ids = list(dict.fromkeys(run_ids))
        if action in ("keep", "discard"):
            ids = self._interrupted(ids)
            if not ids:
                raise InvalidParameterError(
                    f"None of the selected runs was interrupted, so there is nothing to {action}."
                )
        if action in ("archive", "unarchive"):
            self.set_tags(ids, {ARCHIVED: "true" if action == "archive" else None})
        elif action == "keep":
            self.set_tags(ids, {KEPT: "true"})
        else:
            stage = LifecycleStage.ACTIVE if action == "restore" else LifecycleStage.DELETED
            self._set_stage(ids, stage)
        return ids

    def _interrupted(self, run_ids: list[str]) -> list[str]:
        from nbtrack.store.liveness import silent_runs

        with self._database.read() as reader:
            reader.refresh(runs=run_ids)
            found = {row[0] for row in reader.named("edits.interrupted", run_ids=run_ids)}
            silent = [run_id for run_id in silent_runs(reader) if run_id in run_ids]
        if silent:
            with self._database.write() as reader:
                reader.named("fold.interrupt", runs=silent)
        found.update(silent)
        return [run_id for run_id in run_ids if run_id in found]


def _checked_name(name: str) -> str:
    if not name:
        raise InvalidParameterError("A run needs a name; this one is empty.")
    if len(name) > MAX_NAME or "\n" in name:
        raise InvalidParameterError(
            f"A run's name is one line of at most {MAX_NAME} characters; this one has {len(name)}."
        )
    return name


def _tag_of_column(column: str) -> str:
    if column == "note":
        return NOTE
    if not column.startswith("tags."):
        raise InvalidParameterError(
            f"The column {column!r} cannot be edited: only the name, the note and tags can."
        )
    key = column.removeprefix("tags.")
    if key.startswith(("mlflow.", "nbtrack.")):
        raise InvalidParameterError(f"The tag {key!r} is kept by nbtrack itself; choose another.")
    return check_key(key)
