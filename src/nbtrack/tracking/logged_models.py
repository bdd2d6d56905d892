"""Logged models while they are made: started, written into a folder, finished or failed."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbtrack.entities import LifecycleStage, LoggedModel, LoggedModelStatus
from nbtrack.errors import InvalidParameterError, InvalidStateError, NbtrackError
from nbtrack.store import (
    ModelEvent,
    Owner,
    Store,
    check_logged_model_name,
    get_logged_model,
    log_to_model,
    model_folder,
    model_param_events,
    model_tag_events,
    now_ms,
)
from nbtrack.store.artifacts import (
    ContentCache,
    artifact_errors,
    claim_file,
    is_part_file,
    local_path,
)
from nbtrack.tracking import context
from nbtrack.validation import check_step, storable

EXTERNAL = "mlflow.model.isExternal"
MAX_REASON = 1000


@dataclass
class PendingModel:
    """A logged model that is being written; end it with ``finish`` or ``fail``.

    Attributes
    ----------
    model_id : str
    name : str
    run_id : str or None
        The run that makes it.
    experiment_id : str
    artifact_location : str
        Where its files will be: a local path or a URI.
    place : Path
        An empty local folder to write the files into; the final one where that is local.
    """

    model_id: str
    name: str
    run_id: str | None
    experiment_id: str
    artifact_location: str
    place: Path
    _store: Store = field(repr=False)
    _model: LoggedModel = field(repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _ended: bool = field(default=False, repr=False)

    def finish(self, hashes: Mapping[str, str] | None = None) -> LoggedModel:
        """Record the files and make the model READY.

        Every file gets its size and SHA-256 recorded, is made read-only and shares equal
        content with others by hard link; nothing is copied. Files of a remote model are
        sent. The answer says nothing of metrics: those are looked up with
        ``get_logged_model``.

        Parameters
        ----------
        hashes : mapping of str to str, optional
            SHA-256, in hexadecimal, of files whose writer knows it, by path below
            ``place``: those are not read again.

        Raises
        ------
        DiskFullError, StoreReadOnlyError, StoreError
            If a file cannot be stored; the model is still to be failed.
        """
        with self._lock:
            self._check_open()
            events = self._store_files(dict(hashes or {}))
            tags = self._model.tags
            if tags.pop(EXTERNAL, None) is not None:
                events.append(("model_untag", {"key": EXTERNAL}))
            self._end([*events, _update("READY")])
        return _changed(self._model, "READY", None)

    def fail(self, reason: str) -> None:
        """Give the model up: it is FAILED with a reason, and what was written is removed."""
        with self._lock:
            if self._ended:
                return
            shutil.rmtree(self.place, ignore_errors=True)
            self._end([("model_clear", {}), _update("FAILED", reason)])

    def _check_open(self) -> None:
        if self._ended:
            raise InvalidStateError(
                f"The logged model {self.name} ({self.model_id}) has been finished or failed "
                "already. Log another one."
            )

    def _end(self, events: list[ModelEvent]) -> None:
        log_to_model(self._store, self.model_id, events)
        self._store.close_journal(self.model_id)
        self._ended = True

    def _store_files(self, hashes: dict[str, str]) -> list[ModelEvent]:
        if local_path(self.artifact_location) is None:
            folder = model_folder(self._store, self.model_id, self.artifact_location)
            folder.put_folder(self.place)
            shutil.rmtree(self.place, ignore_errors=True)
            return []
        cache = ContentCache(self._store.content_cache)
        events: list[ModelEvent] = []
        with artifact_errors(""):
            for file in _files(self.place):
                path = file.relative_to(self.place).as_posix()
                stored = claim_file(file, hashes.get(path))
                cache.share(file, stored)
                events.append(("model_artifact", {"path": path, **stored._asdict()}))
        return events


def start(
    store: Store,
    name: str | None,
    *,
    run_id: str | None = None,
    experiment_id: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
    folders: bool = False,
) -> PendingModel:
    """Start a logged model: PENDING, with an empty folder for its files.

    It gets the params of its run, becomes one of its outputs, and gets the metrics that the
    run has logged, or will log, at the same step. No lock is taken.

    Parameters
    ----------
    store : Store
    name : str, optional
        By default a random one.
    run_id : str, optional
        The run that makes it; by default the active one, if there is one.
    experiment_id : str, optional
        By default that of the run, else the active one.
    params, tags : mapping, optional
    model_type : str, optional
        Any text, to find models of one kind by.
    step : int
        The step of the run that it belongs to.
    model_id : str, optional
        A model that exists: its files are written anew.
    folders : bool
        Whether the name may have slashes. A tracking server takes none.

    Raises
    ------
    InvalidParameterError
        If it cannot have this name, or its experiment is deleted.
    NotFoundError
        If there is no such run, experiment or model.
    """
    at = check_step(step)
    if model_id is not None:
        model = _existing(store, model_id)
        run_id = model.source_run_id or _active_run_id(run_id)
        events = [("model_clear", {}), ("model_update", {"status": "PENDING", **_owner()})]
        events += model_param_events(
            {key: value for key, value in (params or {}).items() if key not in model.params}
        )
        events += model_tag_events(tags or {})
    else:
        from nbtrack.tracking.environment import quick_tags

        run_id = _active_run_id(run_id)
        found, run_params = experiment_and_params(store, run_id)
        model, events = new_model(
            store,
            experiment_id if experiment_id is not None else found,
            name,
            run_id,
            {**(params or {}), **run_params},
            {**quick_tags(), **(tags or {})},
            model_type,
            folders and store.server is None,
        )
    if run_id is not None:
        events.append(("model_output", {"run_id": run_id, "step": at}))
    store.journal(model.model_id)  # it stays open until the end, and is older than the folder
    log_to_model(store, model.model_id, events)
    try:
        place = _empty_place(store, model.artifact_location)
    except NbtrackError as error:
        log_to_model(store, model.model_id, [_update("FAILED", str(error))])
        store.close_journal(model.model_id)
        raise
    _remember(store, model.model_id)
    return PendingModel(
        model.model_id,
        model.name,
        run_id,
        model.experiment_id,
        model.artifact_location,
        place,
        store,
        model,
    )


def new_model(
    store: Store,
    experiment_id: str,
    name: str | None,
    run_id: str | None,
    params: Mapping[str, Any],
    tags: Mapping[str, Any],
    model_type: str | None,
    folders: bool = False,
) -> tuple[LoggedModel, list[ModelEvent]]:
    """Return a new model that is PENDING, and the events that make it."""
    from nbtrack.tracking.random_names import random_name

    checked = random_name() if name is None else storable(check_logged_model_name(name, folders))
    experiment_id = store.logged_models.id_of_experiment(experiment_id)
    kind = None if model_type is None else storable(str(model_type))
    about = {"name": checked, "model_type": kind, "source_run_id": run_id}
    place = store.logged_models.place(experiment_id, about)
    param_events = model_param_events(params)
    tag_events = model_tag_events(tags)
    now = now_ms()
    model = LoggedModel(
        experiment_id,
        place.id,
        checked,
        place.uri,
        now,
        now,
        kind,
        run_id,
        LoggedModelStatus.PENDING,
        None,
        {fields["key"]: fields["value"] for _, fields in tag_events},
        {fields["key"]: fields["value"] for _, fields in param_events},
    )
    known = ("experiment_id", "name", "model_type", "source_run_id", "status")
    made = {field: getattr(model, field) for field in known}
    where = {"artifact_location": place.stored, **place.recorded}
    first = ("model", {**made, **where, "created": now, **_owner()})
    return model, [first, *param_events, *tag_events]


def initialize(
    store: Store,
    name: str | None,
    *,
    run_id: str | None = None,
    experiment_id: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    use_active: bool = True,
) -> LoggedModel:
    """Make a logged model that is PENDING until somebody finalizes it.

    Parameters
    ----------
    store, name, run_id, experiment_id, params, tags, model_type
        As for ``start``; it gets neither params nor metrics of the run.
    use_active : bool
        Whether the active run, and who and where this is, are filled in.
    """
    if use_active:
        from nbtrack.tracking.environment import quick_tags

        run_id = _active_run_id(run_id)
        if experiment_id is None:
            experiment_id, _ = experiment_and_params(store, run_id)
        tags = {**quick_tags(), **(tags or {})}
    model, events = new_model(
        store, str(experiment_id), name, run_id, params or {}, tags or {}, model_type
    )
    store.journal(model.model_id)  # it stays open until the end
    log_to_model(store, model.model_id, events)
    _remember(store, model.model_id)
    return model


def _remember(store: Store, model_id: str) -> None:
    context.known_models().add((store.id, model_id))
    context.set_last_model(store, model_id)


def _active_run_id(run_id: str | None) -> str | None:
    if run_id is not None:
        return run_id
    run = context.current()
    return None if run is None else run.info.run_id


def experiment_and_params(store: Store, run_id: str | None) -> tuple[str, dict[str, str]]:
    """Return the experiment that a model of a run belongs to, and the run's params."""
    from nbtrack.store import get_run
    from nbtrack.tracking.start import active_experiment_id

    if run_id is None:
        return active_experiment_id(store), {}
    for run in context.open_runs():
        if run.info.run_id == run_id and run.store is store:
            return run.info.experiment_id, run.writer.params
    with store.read() as reader:
        found = get_run(reader, run_id)
    if found.info.lifecycle_stage != LifecycleStage.ACTIVE:
        raise InvalidParameterError(
            f"The run {run_id} must be in the 'active' state. Current state is deleted. "
            f"restore_run({run_id!r}) brings it back."
        )
    return found.info.experiment_id, found.data.params


def _existing(store: Store, model_id: str) -> LoggedModel:
    with store.read() as reader:
        return get_logged_model(reader, model_id)


def _empty_place(store: Store, location: str) -> Path:
    store.access.check(location)
    local = local_path(location)
    if local is None:
        return Path(tempfile.mkdtemp(prefix="nbtrack-"))
    with artifact_errors(""):
        if local.exists() and store.access.owns(location):
            store.access.folder(location).delete()
        local.mkdir(parents=True, exist_ok=True)
        if any(local.iterdir()):
            raise InvalidStateError(
                f"The files of a new logged model would go to {local}, where files are already. "
                "Choose another artifact location for the experiment."
            )
    return local


def _owner() -> dict[str, Any]:
    return vars(Owner.this())


def _update(status: str, message: str | None = None) -> ModelEvent:
    text = None if message is None else storable(message)[:MAX_REASON]
    return "model_update", {"status": status, "message": text}


def _changed(model: LoggedModel, status: str, message: str | None) -> LoggedModel:
    known: dict[str, Any] = dict(vars(model))
    known.update(
        status=LoggedModelStatus(status), status_message=message, last_updated_timestamp=now_ms()
    )
    return LoggedModel(**known)


def _files(place: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(place):
        for name in sorted(names):
            if not is_part_file(name):
                yield Path(folder, name)
