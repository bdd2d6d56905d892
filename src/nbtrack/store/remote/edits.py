"""Changes of experiments and runs that the server makes; the mirror is then what it says.

They are not left for later: the server knows whether a name is free, and the user is told at
once when it is not. What was logged before is sent first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.entities import LifecycleStage
from nbtrack.errors import InvalidParameterError, NotFoundError, ServerUnreachableError
from nbtrack.limits import (
    check_artifact_location,
    check_experiment_name,
    check_key,
    check_run_id,
    experiment_tag_value,
    pairs_of,
)
from nbtrack.store import experiments
from nbtrack.store.journal import now_ms
from nbtrack.store.remote.registry_calls import RegistryCalls

if TYPE_CHECKING:
    from nbtrack.store.remote.remote import Remote


class Edits(RegistryCalls):
    """What is changed at the server for a mirror; parameters are those of the store's functions.

    Parameters
    ----------
    remote : Remote
    """

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    # -- experiments -------------------------------------------------------------------------

    def create_experiment(
        self, name: str, location: str | None = None, tags: Mapping[str, Any] | None = None
    ) -> str:
        """Make an experiment; without a server, one of the mirror that is made there later."""
        name = check_experiment_name(name)
        location = check_artifact_location(location)
        if location is not None:
            self._remote.store.access.choose(location)
        pairs = _tags(tags or {})
        body = {"name": name, "artifact_location": location, "tags": pairs}
        try:
            if self._remote.is_away:
                raise ServerUnreachableError(
                    f"The tracking server {self._remote.url} did not answer a moment ago, so the "
                    f"experiment {name!r} cannot be made now. Try again later."
                )
            body = {k: v for k, v in body.items() if v}
            made = self._post("experiments/create", body, repeatable=False)
        except ServerUnreachableError:
            if location or pairs:
                raise
            return self._create_offline(name)
        return str(made["experiment_id"])

    def _create_offline(self, name: str) -> str:
        store = self._remote.store
        with store.change() as reader:
            known = experiments.find_by_name(reader, name)
            if known is not None and known.lifecycle_stage == LifecycleStage.ACTIVE:
                return known.experiment_id
            made = self._remote.new_experiment_id()
            reader.named(
                "experiments.create",
                experiment_id=made, name=name, artifact_location=None, now=now_ms(),
            )  # fmt: skip
        return made

    def rename_experiment(self, experiment_id: str, name: str) -> None:
        """Give an experiment another name."""
        body = {"experiment_id": self._id(experiment_id), "new_name": check_experiment_name(name)}
        self._post("experiments/update", body)

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment and its runs as deleted."""
        self._set_experiment(experiment_id, "delete")

    def restore_experiment(self, experiment_id: str) -> None:
        """Bring a deleted experiment and its runs back."""
        self._set_experiment(experiment_id, "restore")

    def _set_experiment(self, experiment_id: str, what: str) -> None:
        self._flush()
        self._remote.store.active_experiments.pop(experiment_id, None)
        self._post(f"experiments/{what}", {"experiment_id": self._id(experiment_id)})
        with self._remote.store.look() as reader:
            rows = reader.named("experiments.run_ids", experiment_id=experiment_id)
        self._remote.store.writers.set_deleted([r for (r,) in rows], deleted=what == "delete")

    def set_experiment_tags(self, experiment_id: str, tags: Mapping[str, Any]) -> None:
        """Set tags of an experiment."""
        for pair in _tags(tags):
            self._post(
                "experiments/set-experiment-tag",
                {"experiment_id": self._id(experiment_id), **pair},
            )

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of an experiment."""
        self._post(
            "experiments/delete-experiment-tag",
            {"experiment_id": self._id(experiment_id), "key": key},
        )

    # -- runs --------------------------------------------------------------------------------

    def delete_run(self, run_id: str) -> None:
        """Mark a run as deleted."""
        self._set_runs([run_id], "delete")

    def restore_run(self, run_id: str) -> None:
        """Bring a deleted run back."""
        self._set_runs([run_id], "restore")

    def set_stage_of_runs(self, run_ids: Sequence[str], *, deleted: bool) -> None:
        """Mark runs as deleted or bring them back."""
        self._set_runs(run_ids, "delete" if deleted else "restore")

    def _set_runs(self, run_ids: Sequence[str], what: str) -> None:
        self._flush()
        for run_id in run_ids:
            self._post(f"runs/{what}", {"run_id": self._id(check_run_id(run_id))})
        local = [self._remote.spool.local_id(run_id) for run_id in run_ids]
        stage = LifecycleStage.DELETED if what == "delete" else LifecycleStage.ACTIVE
        with self._remote.store.change() as reader:
            for run_id in local:
                reader.named(
                    "experiments.set_stage_of_run", run_id=run_id, stage=stage, now=now_ms()
                )
        self._remote.store.writers.set_deleted(local, deleted=what == "delete")

    def set_tags_of_runs(self, run_ids: Sequence[str], tags: Mapping[str, str | None]) -> None:
        """Set tags of runs; None removes one."""
        self._flush()
        for run_id in run_ids:
            server_id = self._id(run_id)
            for key, value in tags.items():
                if value is not None:
                    body = {"run_id": server_id, "key": check_key(key), "value": value}
                    self._post("runs/set-tag", body)
                    continue
                try:
                    self._post("runs/delete-tag", {"run_id": server_id, "key": key})
                except NotFoundError as error:
                    if "tag" not in str(error).lower():
                        raise

    def delete_logged_model(self, model_id: str) -> None:
        """Mark a logged model as deleted."""
        self._flush()
        self._remote.ask("DELETE", f"logged-models/{self._id(model_id)}")
        with self._remote.store.change() as reader:
            local = self._remote.spool.local_id(model_id)
            reader.named("models.delete", model_id=local, now=now_ms())
        self._remote.pull.forget()

    def compact(self) -> None:
        """Refuse: what a server keeps is its own to remove."""
        raise InvalidParameterError(
            f"{self._remote.url} keeps its runs itself: run `nbtrack gc` or `nbtrack compact` (or "
            "`mlflow gc`) where the server's store is."
        )


def _tags(tags: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"key": check_key(key), "value": experiment_tag_value(key, value)}
        for key, value in pairs_of("Tags", tags)
    ]
