"""Runs of a tracking server: it makes every change; the mirror is then what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.entities import LifecycleStage
from nbtrack.entities.found import Found
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.protocol import endpoints
from nbtrack.protocol.errors import Missing, missing_at_server
from nbtrack.store.experiments import Place
from nbtrack.store.runs import Runs
from nbtrack.validation import check_key, check_run_id

if TYPE_CHECKING:
    from nbtrack.store.experiments import Experiments
    from nbtrack.store.reader import Database, Reader
    from nbtrack.store.remote.remote import Remote
    from nbtrack.store.writers import Writers


class RemoteRuns(Runs):
    """The runs of a server that a store mirrors.

    Parameters
    ----------
    database : Database
        The mirror.
    writers : Writers
    experiments : Experiments
    remote : Remote
    """

    def __init__(
        self, database: Database, writers: Writers, experiments: Experiments, remote: Remote
    ) -> None:
        super().__init__(database, writers, experiments)
        self._remote = remote

    def _id_of_experiment(self, experiment_id: str) -> str:
        """Return the id that an experiment has now: one that was made offline gets another."""
        return self._remote.id_of(experiment_id)

    def _place(self, run_id: str, about: Mapping[str, Any], tags: Mapping[str, str]) -> Place:
        made = self._remote.start_run(run_id, about, tags)
        if made:
            return Place(made["id"], made["uri"], made["uri"], {"server": True})
        return self._usual_place(run_id, about["experiment_id"], {})

    def _set_stage(self, run_ids: Sequence[str], stage: str) -> None:
        self._remote.flush()
        deletes = stage == LifecycleStage.DELETED
        endpoint = endpoints.DELETE_RUN if deletes else endpoints.RESTORE_RUN
        for run_id in run_ids:
            self._remote.change(endpoint, {"run_id": self._remote.id_of(check_run_id(run_id))})
        super()._set_stage([self._remote.sync_state.local_id(run_id) for run_id in run_ids], stage)

    def _check_there(self, reader: Reader, run_ids: Sequence[str]) -> None:
        """Do nothing: the server has said so, and the mirror may not have them yet."""

    def _leave_out(self, run_id: str, kind: str, key: str) -> list[Found]:
        """Refuse: no request of MLflow's removes a param or a metric."""
        raise InvalidParameterError(
            f"{self._remote.url} keeps what it has got, the {kind} {key!r} too. "
            f"%%track -x {key} leaves it out of the next run."
        )

    def _set_tags(self, run_ids: Sequence[str], tags: Mapping[str, str | None]) -> None:
        self._remote.flush()
        for run_id in run_ids:
            server_id = self._remote.id_of(run_id)
            for key, value in tags.items():
                if value is not None:
                    body = {"run_id": server_id, "key": check_key(key), "value": value}
                    self._remote.change(endpoints.SET_TAG, body)
                    continue
                try:
                    self._remote.change(endpoints.DELETE_TAG, {"run_id": server_id, "key": key})
                except NotFoundError as error:
                    if missing_at_server(error) is not Missing.TAG:
                        raise
