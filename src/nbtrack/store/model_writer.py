"""What is logged to models: checked, and appended to a journal.

A model has a journal of its own, so that a database that somebody holds never
loses it, and a model that outlives its run is still written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbtrack.errors import InvalidStateError
from nbtrack.store.journal import now_ms
from nbtrack.validation import (
    check_key,
    check_step,
    check_timestamp,
    metric_value,
    pairs_of,
    param_value,
    registry_tag_value,
)

if TYPE_CHECKING:
    from nbtrack.store.artifacts.folder import ArtifactFolder
    from nbtrack.store.store import Store

ModelEvent = tuple[str, dict[str, Any]]


def log_to_model(store: Store, model_id: str, events: list[ModelEvent]) -> None:
    """Append events to this process's journal of a model; one that was not open is closed."""
    stays = store.has_open_journal(model_id)
    while True:
        try:
            store.journal(model_id).events(
                (kind, {**fields, "model_id": model_id}) for kind, fields in events
            )
            break
        except InvalidStateError:  # another thread has closed it at this moment
            continue
    if not stays:
        store.close_journal(model_id)


def model_param_events(params: Mapping[str, Any]) -> list[ModelEvent]:
    """Return the events of params, checked."""
    return [
        ("model_param", {"key": check_key(key), "value": param_value(key, value)})
        for key, value in pairs_of("Params", params)
    ]


def model_tag_events(tags: Mapping[str, Any]) -> list[ModelEvent]:
    """Return the events of tags, checked."""
    return [
        ("model_tag", {"key": check_key(key), "value": registry_tag_value(key, value)})
        for key, value in pairs_of("Tags", tags)
    ]


def model_metric_events(
    metrics: Mapping[str, Any],
    step: Any,
    timestamp: int | None,
    model_id: str,
    run_id: str | None,
    dataset: tuple[str, str] | None = None,
) -> list[ModelEvent]:
    """Return the events of metrics that are a model's, checked.

    Parameters
    ----------
    metrics : mapping of str to number
    step : int
    timestamp : int, optional
        Milliseconds since the epoch; now when it is not given.
    model_id : str
    run_id : str or None
        The run that they are logged to as well.
    dataset : (str, str), optional
        Name and digest of the dataset that they were computed on.
    """
    name, digest = dataset or (None, None)
    fields = {
        "model_id": model_id,
        "run_id": run_id,
        "step": check_step(step),
        "time": now_ms() if timestamp is None else check_timestamp(timestamp),
        "dataset_name": name,
        "dataset_digest": digest,
    }
    return [
        ("model_metric", {**fields, "key": check_key(key), "value": metric_value(key, value)})
        for key, value in pairs_of("Metrics", metrics)
    ]


def model_folder(store: Store, model_id: str, location: str) -> ArtifactFolder:
    """Return the folder of a model's files; what is put there is recorded.

    Parameters
    ----------
    store : Store
    model_id : str
    location : str
        A path or a URI.
    """

    def record(path: str, size: int, sha256: str | None) -> None:
        log_to_model(
            store, model_id, [("model_artifact", {"path": path, "size": size, "sha256": sha256})]
        )

    return store.access.folder(location, record, shared=True)
