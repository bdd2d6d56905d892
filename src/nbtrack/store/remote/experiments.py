"""Experiments of a tracking server: it makes every change; the mirror is then what it says.

They are not left for later: the server knows whether a name is free, and the user is told at
once when it is not. What was logged before is sent first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbtrack.entities import LifecycleStage
from nbtrack.errors import ServerUnreachableError
from nbtrack.protocol import encode, endpoints
from nbtrack.store.experiments import Experiments, find_experiment_by_name, insert, runs_of

if TYPE_CHECKING:
    from nbtrack.store.reader import Database
    from nbtrack.store.remote.remote import Remote
    from nbtrack.store.writers import Writers

Tags = list[tuple[str, str]]


class RemoteExperiments(Experiments):
    """The experiments of a server that a store mirrors.

    Parameters
    ----------
    database : Database
        The mirror.
    writers : Writers
    remote : Remote
    """

    def __init__(self, database: Database, writers: Writers, remote: Remote) -> None:
        super().__init__(database, writers)
        self._remote = remote

    def _location_of_new(self, experiment_id: str) -> None:
        """Return None: the server says where, once it has the run or the model."""

    def _create(self, name: str, location: str | None, tags: Tags) -> str:
        """Make an experiment; without a server, one of the mirror that is made there later."""
        body = {"name": name, "artifact_location": location, "tags": encode.tags(dict(tags))}
        try:
            if self._remote.is_unreachable:
                raise ServerUnreachableError(
                    f"The tracking server {self._remote.url} did not answer a moment ago, so the "
                    f"experiment {name!r} cannot be made now. Try again later."
                )
            body = {k: v for k, v in body.items() if v}
            made = self._remote.change(endpoints.CREATE_EXPERIMENT, body, repeatable=False)
        except ServerUnreachableError:
            if location or tags:
                raise
            return self._create_offline(name)
        return str(made["experiment_id"])

    def _create_offline(self, name: str) -> str:
        with self._database.write() as reader:
            known = find_experiment_by_name(reader, name)
            if known is not None and known.lifecycle_stage == LifecycleStage.ACTIVE:
                return known.experiment_id
            made = self._remote.new_experiment_id()
            insert(reader, made, name, None)
        return made

    def _rename(self, experiment_id: str, name: str) -> None:
        body = {"experiment_id": self._remote.id_of(experiment_id), "new_name": name}
        self._remote.change(endpoints.UPDATE_EXPERIMENT, body)

    def _set_stage(self, experiment_id: str, stage: str) -> list[str]:
        self._remote.flush()
        deletes = stage == LifecycleStage.DELETED
        endpoint = endpoints.DELETE_EXPERIMENT if deletes else endpoints.RESTORE_EXPERIMENT
        self._remote.change(endpoint, {"experiment_id": self._remote.id_of(experiment_id)})
        with self._remote.store.read_mirror() as reader:
            return runs_of(reader, experiment_id)

    def _set_tags(self, experiment_id: str, tags: Tags) -> None:
        at = {"experiment_id": self._remote.id_of(experiment_id)}
        for key, value in tags:
            body = {**at, "key": key, "value": value}
            self._remote.change(endpoints.SET_EXPERIMENT_TAG, body)

    def _delete_tag(self, experiment_id: str, key: str) -> None:
        body = {"experiment_id": self._remote.id_of(experiment_id), "key": key}
        self._remote.change(endpoints.DELETE_EXPERIMENT_TAG, body)
