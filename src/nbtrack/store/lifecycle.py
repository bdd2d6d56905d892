"""Deleting runs and bringing them back."""

from __future__ import annotations

from nbtrack.entities import LifecycleStage
from nbtrack.errors import NotFoundError
from nbtrack.limits import check_run_id
from nbtrack.store.forwarding import forwarded
from nbtrack.store.journal import now_ms
from nbtrack.store.store import Store


@forwarded("delete_run")
def delete_run(store: Store, run_id: str) -> None:
    """Mark a run as deleted; ``restore_run`` brings it back, ``compact`` frees its space."""
    _set_stage(store, run_id, LifecycleStage.DELETED)


@forwarded("restore_run")
def restore_run(store: Store, run_id: str) -> None:
    """Bring a deleted run back."""
    _set_stage(store, run_id, LifecycleStage.ACTIVE)


def _set_stage(store: Store, run_id: str, stage: str) -> None:
    check_run_id(run_id)
    with store.write() as reader:
        if not reader.named("experiments.run_owner", run_id=run_id):
            raise NotFoundError(f"Run with id={run_id} not found")
        reader.named("experiments.set_stage_of_run", run_id=run_id, stage=stage, now=now_ms())
    store.writers.set_deleted([run_id], deleted=stage == LifecycleStage.DELETED)
