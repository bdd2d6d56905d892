"""Logged models of a tracking server: it makes and deletes them; the mirror is what it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbtrack.protocol import endpoints
from nbtrack.store.experiments import Experiments, Place
from nbtrack.store.journal import now_ms
from nbtrack.store.logged_models import LoggedModels, usual_model_location

if TYPE_CHECKING:
    from nbtrack.store.reader import Database
    from nbtrack.store.remote.remote import Remote


class RemoteLoggedModels(LoggedModels):
    """The logged models of a server that a store mirrors.

    Parameters
    ----------
    database : Database
        The mirror.
    experiments : Experiments
    remote : Remote
    """

    def __init__(self, database: Database, experiments: Experiments, remote: Remote) -> None:
        super().__init__(database, experiments)
        self._remote = remote

    def _id_of_experiment(self, experiment_id: str) -> str:
        """Return the id that an experiment has now: one that was made offline gets another."""
        return self._remote.id_of(experiment_id)

    def _place(self, model_id: str, experiment_id: str, about: Mapping[str, Any]) -> Place:
        made = self._remote.start_model(model_id, {**about, "experiment_id": experiment_id})
        if made:
            return Place(made["id"], made["uri"], made["uri"], {"server": True})
        usual = usual_model_location(experiment_id, model_id)
        return Place(model_id, usual, str(self._database.folder / usual), {})

    def _delete(self, model_id: str) -> None:
        self._remote.flush()
        at = {"model_id": self._remote.id_of(model_id)}
        self._remote.ask(endpoints.DELETE_LOGGED_MODEL, at)
        with self._database.write() as reader:
            local = self._remote.sync_state.local_id(model_id)
            reader.named("models.delete", model_id=local, now=now_ms())
        self._remote.refresher.forget()
