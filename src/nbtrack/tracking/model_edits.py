"""What is done to logged models by their id: ended, described, filled with files, searched."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrack.entities import LoggedModel, LoggedModelStatus
from nbtrack.errors import InvalidParameterError, NotFoundError, warn
from nbtrack.store import (
    Store,
    get_logged_model,
    get_logged_models,
    log_to_model,
    model_folder,
    model_ids_of_run,
    model_param_events,
    model_tag_events,
)
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.tracking import context
from nbtrack.tracking.logged_models import EXTERNAL, initialize
from nbtrack.tracking.model_locations import MODEL_FILE
from nbtrack.validation import check_key

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (
    "artifact_location", "creation_timestamp", "experiment_id", "last_updated_timestamp", "metrics",
    "model_id", "model_type", "name", "params", "source_run_id", "status", "status_message", "tags",
)  # fmt: skip
ORIGINAL_PATH = "original_artifact_path"


def get(store: Store, model_id: str) -> LoggedModel:
    """Return a logged model.

    Raises
    ------
    NotFoundError
        If there is none with this id.
    """
    with store.read() as reader:
        return get_logged_model(reader, model_id)


def finalize(store: Store, model_id: str, status: str | LoggedModelStatus) -> LoggedModel:
    """Say how a model that was PENDING ended: READY or FAILED."""
    try:
        chosen = LoggedModelStatus(str(status))
    except ValueError:
        names = [LoggedModelStatus.READY.value, LoggedModelStatus.FAILED.value]
        raise InvalidParameterError(
            f"Invalid model status: {status!r}. Valid values are {names}."
        ) from None
    get(store, model_id)
    log_to_model(store, model_id, [("model_update", {"status": chosen.value})])
    if LoggedModelStatus.is_finalized(chosen):
        store.close_journal(model_id)
    return get(store, model_id)


def log_params(store: Store, model_id: str, params: Mapping[str, Any]) -> None:
    """Log params of a model: all or, if one has another value already, none."""
    known = get(store, model_id).params
    events = model_param_events(params)
    for _, fields in events:
        key, value = fields["key"], fields["value"]
        if known.get(key, value) != value:
            raise InvalidParameterError(
                f"Changing param values is not allowed. Param with key='{key}' was already logged "
                f"with value='{known[key]}' for model ID='{model_id}'. Attempted logging new value "
                f"'{value}'. Set a tag for what changes."
            )
    new = [event for event in events if event[1]["key"] not in known]
    if new:
        log_to_model(store, model_id, new)


def set_tags(store: Store, model_id: str, tags: Mapping[str, Any]) -> None:
    """Set tags of a model."""
    events = model_tag_events(tags)
    get(store, model_id)
    if events:
        log_to_model(store, model_id, events)


def delete_tag(store: Store, model_id: str, key: str) -> None:
    """Remove a tag of a model.

    Raises
    ------
    NotFoundError
        If the model has no such tag.
    """
    if key not in get(store, model_id).tags:
        raise NotFoundError(f"No tag with key {key!r} found for model with ID {model_id!r}.")
    log_to_model(store, model_id, [("model_untag", {"key": check_key(key)})])


def files(store: Store, model_id: str) -> ArtifactFolder:
    """Return the files of a model; what is put there is recorded."""
    model = get(store, model_id)
    return model_folder(store, model.model_id, model.artifact_location)


def create_external(
    store: Store,
    name: str | None,
    *,
    run_id: str | None = None,
    experiment_id: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
) -> LoggedModel:
    """Make a logged model that is READY at once: its files are kept by somebody else."""
    model = initialize(
        store,
        name,
        run_id=run_id,
        experiment_id=experiment_id,
        params=params,
        tags={**(tags or {}), EXTERNAL: "true"},
        model_type=model_type,
    )
    folder = model_folder(store, model.model_id, model.artifact_location)
    folder.put_bytes(MODEL_FILE, _external_file(model).encode())
    return finalize(store, model.model_id, LoggedModelStatus.READY)


def _external_file(model: LoggedModel) -> str:
    """Return the MLmodel file of a model whose files are elsewhere."""
    from datetime import UTC, datetime

    import yaml

    made = datetime.fromtimestamp(model.creation_timestamp / 1000, UTC)
    fields = {
        "artifact_path": model.artifact_location,
        "flavors": {},
        "metadata": {EXTERNAL: True},
        "model_id": model.model_id,
        "model_uuid": model.model_id,
        "run_id": model.source_run_id,
        "utc_time_created": made.strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
    known = {key: value for key, value in fields.items() if value is not None}
    text: str = yaml.safe_dump(known, default_flow_style=False, allow_unicode=True)
    return text


def import_checkpoints(
    store: Store,
    folder: str | os.PathLike[str],
    run_id: str | None = None,
    prefix: str | None = None,
    *,
    overwrite: bool = False,
) -> list[LoggedModel]:
    """Make an external model of every file and folder that lies in a folder of checkpoints.

    A model has the name of its file, with ``_`` for what a name cannot hold, and the tag
    ``original_artifact_path``.

    Parameters
    ----------
    store : Store
    folder : path
    run_id : str, optional
        The run that wrote them; by default the active one.
    prefix : str, optional
        Put before each name.
    overwrite : bool
        Whether a model that the run has already under a name is replaced, rather than returned.

    Raises
    ------
    InvalidParameterError
        If no run is given and none is active.
    NotFoundError
        If there is no such folder.
    """
    run = context.current()
    if run_id is None and run is not None:
        run_id = run.info.run_id
    if run_id is None:
        raise InvalidParameterError(
            "Please set 'source_run_id' or start an active run before calling 'import_checkpoints'."
        )
    place = Path(os.path.abspath(os.path.expanduser(folder)))
    if not place.is_dir():
        raise NotFoundError(f"There is no folder of checkpoints at {place}.")
    entries = sorted(entry for entry in place.iterdir() if not entry.name.startswith("."))
    if not entries:
        warn(f"No checkpoints were found in {place}.")
    found = []
    for entry in entries:
        name = (prefix or "") + "".join("_" if c in "/:.%\"'" else c for c in entry.name)
        with store.read() as reader:
            known = get_logged_models(reader, model_ids_of_run(reader, run_id, name))
        if known and not overwrite:
            found += known
            continue
        tags = {ORIGINAL_PATH: str(entry)}
        found.append(create_external(store, name, run_id=run_id, tags=tags))
        for model in known:
            store.logged_models.delete(model.model_id)
    return found


def models_frame(models: Sequence[LoggedModel]) -> pd.DataFrame:
    """Return logged models as a table: a column for each attribute, by name."""
    import pandas as pd

    rows = [[getattr(model, name) for name in _COLUMNS] for model in models]
    return pd.DataFrame(rows, columns=list(_COLUMNS))
