"""Validates what is logged to a run, and appends it to its journal."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from nbtrack.entities import (
    DatasetInput,
    LifecycleStage,
    LoggedModelInput,
    LoggedModelOutput,
)
from nbtrack.entities.runs import RUN_NAME
from nbtrack.errors import InvalidParameterError, InvalidStateError, NotFoundError
from nbtrack.store.artifacts.paths import artifact_uri
from nbtrack.store.journal import Journal, ValueOnGpuError, now_ms
from nbtrack.store.reader import Database
from nbtrack.store.run_lookup import no_such_run
from nbtrack.suggestions import did_you_mean
from nbtrack.validation import (
    check_distinct_params,
    check_key,
    check_run_id,
    check_step,
    check_timestamp,
    dataset_fields,
    pairs_of,
    param_value,
    storable,
    tag_value,
)

if TYPE_CHECKING:
    from nbtrack.store.artifacts.folder import ArtifactFolder
    from nbtrack.store.gpu_values import GpuValues


class Journals(Database, Protocol):
    """What a writer knows of its store: besides the database, the journals of this process."""

    @property
    def id(self) -> str:
        """What tells the store from others."""

    def journal(self, run_id: str) -> Journal:
        """Return this process's journal of a run, opened where it is not."""

    def close_journal(self, run_id: str) -> None:
        """Close this process's journal of a run, and fold it soon."""

    def warn_once(self, message: str, kind: str | None = None) -> None:
        """Warn the user once."""


class RunWriter:
    """Checks what is logged to a run and appends it to this process's journal.

    Get it with ``Store.writer``; thread-safe.

    Parameters
    ----------
    store : Journals
    run_id : str
    params : dict of str to str
        The params that the run has already: they are written once.
    artifact_uri : str
        Where its artifacts lie: a path or a URI.

    Attributes
    ----------
    pinned : bool
        Whether the run is active: its writer stays open until it ends.
    deleted : bool
        Whether this process has deleted the run meanwhile: it takes nothing more.
    heard : callable or None
        Told the metrics of each call: what is logged by itself keeps off their names.
    """

    def __init__(
        self, store: Journals, run_id: str, params: dict[str, str], artifact_uri: str
    ) -> None:
        self.store = store
        self.run_id = run_id
        self.artifact_uri = artifact_uri
        self.pinned = False
        self.deleted = False
        self.heard: Callable[[Iterable[str]], None] | None = None
        self._params = params
        self._params_lock = threading.Lock()
        self._tagged: set[str] = set()
        self._tagging = threading.Lock()
        self._journal: Journal | None = None
        self._deferred: GpuValues | None = None
        self._artifacts: ArtifactFolder | None = None

    @property
    def journal(self) -> Journal:
        """This process's journal of the run."""
        if self.deleted:
            raise _not_active(self.run_id, LifecycleStage.DELETED)
        return self._opened()

    def _opened(self) -> Journal:
        journal = self._journal
        if journal is None or journal.closed:
            journal = self._journal = self.store.journal(self.run_id)
        return journal

    def log_metrics(
        self, metrics: Mapping[str, Any], step: Any = 0, timestamp: int | None = None
    ) -> None:
        """Append one point to each metric; all or none is written.

        It is in the file when the call returns, except where a value is a CUDA tensor: nobody
        waits for the GPU here, see ``nbtrack.store.gpu_values``.

        Parameters
        ----------
        metrics : mapping of str to number
        step : int
        timestamp : int, optional
            Milliseconds since the epoch; now when it is not given.
        """
        if self.heard is not None:
            self.heard(metrics)
        self.log_unheard(metrics, step, timestamp)

    def log_unheard(
        self, metrics: Mapping[str, Any], step: Any = 0, timestamp: int | None = None
    ) -> None:
        """Append one point to each metric, as :meth:`log_metrics` does, and tell nobody."""
        if type(step) is not int:
            step = check_step(step)
        time_ms = now_ms() if timestamp is None else check_timestamp(timestamp)
        journal = self._journal
        if journal is None or journal.closed:
            journal = self.journal
        try:
            journal.points(metrics, step, time_ms)
        except ValueOnGpuError:
            self._log_later(metrics, step, time_ms)
        except InvalidStateError:  # another thread has closed it at this moment
            self.log_unheard(metrics, step, time_ms)
        except InvalidParameterError:
            for index, key in enumerate(metrics if len(metrics) > 1 else ()):
                check_key(key, f"metrics[{index}].name")
            raise
        except (AttributeError, TypeError, struct.error) as error:
            check_step(step)  # one beyond 64 bits is only noticed where records are packed
            raise InvalidParameterError(
                f"Metrics must be a mapping of names to numbers; got {metrics!r} ({error})."
            ) from error

    def log_points(self, points: Sequence[tuple[str, float, int, int]]) -> None:
        """Append checked points, each (key, value, step, timestamp), with a single write."""
        if self.heard is not None:
            self.heard([point[0] for point in points])
        try:
            self.journal.batch(points)
        except InvalidStateError:  # another thread has closed it at this moment
            self.log_points(points)

    def _log_later(self, metrics: Mapping[str, Any], step: int, time_ms: int) -> None:
        if self._deferred is None:
            from nbtrack.store.gpu_values import GpuValues

            self._deferred = GpuValues(self.log_unheard, self.store.warn_once)
        self._deferred.add(metrics, step, time_ms)

    def settle(self) -> None:
        """Write the values that have arrived from a GPU meanwhile; waits for none."""
        if self._deferred is not None:
            self._deferred.settle()

    def flush(self) -> None:
        """Wait for the values that are still on a GPU, and write them."""
        if self._deferred is not None:
            self._deferred.flush()

    def after_fork(self) -> None:
        """Leave the lock, and the values that the parent waits for, to the parent."""
        self._params_lock = threading.Lock()
        self._deferred = None

    def log_params(self, params: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Log params: all or, if one has another value already, none."""
        given = pairs_of("Params", params)
        names = _names("params", len(given))
        pairs = [
            (check_key(key, name), param_value(key, value))
            for name, (key, value) in zip(names, given, strict=True)
        ]
        check_distinct_params(pairs)
        with self._params_lock:
            new = {}
            for key, value in pairs:
                old = self._params.get(key)
                if old is None:
                    new[key] = value
                elif old != value:
                    raise InvalidParameterError(
                        f"Changing param values is not allowed. Param with key='{key}' was already "
                        f"logged with value='{old}' for run ID='{self.run_id}'. Attempted logging "
                        f"new value '{value}'. Start another run for it, or log a value that "
                        "changes as a tag or a metric."
                    )
            self.append([("param", {"key": k, "value": v}) for k, v in new.items()])
            self._params.update(new)

    @property
    def params(self) -> dict[str, str]:
        """A copy of the params that the run has, as far as this process knows."""
        with self._params_lock:
            return dict(self._params)

    def forget_param(self, key: str) -> None:
        """Take note that the run has a param no more."""
        with self._params_lock:
            self._params.pop(key, None)

    def suggest_params(self, params: Mapping[str, Any]) -> None:
        """Keep params that the run gets if its process is gone before it has logged them.

        They stay in the journal until then; what is logged comes first.
        """
        texts = {check_key(key): param_value(key, value) for key, value in params.items()}
        self.journal.event("suggest", params=texts)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags; ``mlflow.runName`` is the run's name as well."""
        texts = check_tags(tags)
        with self._tagging:
            self._tagged.update(texts)
            self._append_tags(texts)

    def add_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags found out about the run, but none that this process has set before."""
        texts = check_tags(tags)
        with self._tagging:
            self._append_tags({k: v for k, v in texts.items() if k not in self._tagged})

    def _append_tags(self, texts: Mapping[str, str]) -> None:
        events: list[tuple[str, dict[str, Any]]] = []
        for key, value in texts.items():
            events.append(("tag", {"key": key, "value": value}))
            if key == RUN_NAME:
                events.append(("update", {"run_name": value}))
        self.append(events)

    def append(self, events: list[tuple[str, dict[str, Any]]]) -> None:
        """Append events to the journal, whoever closes it meanwhile."""
        try:
            self.journal.events(events)
        except InvalidStateError:
            self.append(events)

    def set_tag(self, key: str, value: Any) -> None:
        """Set one tag."""
        self.set_tags({key: value})

    def tags(self) -> dict[str, str]:
        """Return the tags that are set now."""
        with self.store.read() as reader:
            reader.refresh(runs=[self.run_id])
            rows = reader.named("runs.tags", run_ids=[self.run_id])
        return {key: value for _, key, value in rows}

    def delete_tag(self, key: str) -> None:
        """Remove a tag.

        Raises
        ------
        NotFoundError
            If the run has no such tag.
        """
        if key not in (known := self.tags()):
            raise NotFoundError(
                f"No tag with name: {key} in run with id {self.run_id}. {did_you_mean(key, known)}"
            )
        self.append([("untag", {"key": key})])

    def update(
        self, *, status: str | None = None, end_time: int | None = None, name: str | None = None
    ) -> None:
        """Change status, end or name of the run."""
        if name:
            self.set_tags({RUN_NAME: name})
        if status is not None or end_time is not None:
            self.append([("update", {"status": status, "end_time": end_time})])

    def finish(self, status: str, end_time: int) -> None:
        """Say how the run ended, even if it was deleted meanwhile."""
        self.flush()
        self._opened().event("update", status=status, end_time=end_time)

    def log_inputs(
        self, inputs: Iterable[DatasetInput], models: Iterable[LoggedModelInput] = ()
    ) -> None:
        """Record the datasets and the models that the run reads."""
        events: list[tuple[str, dict[str, Any]]] = []
        for item in inputs:
            fields = dataset_fields(vars(item.dataset))
            tags = json.dumps({storable(str(t.key)): storable(str(t.value)) for t in item.tags})
            events.append(("input", {**fields, "tags": tags}))
        events += [("model_input", {"model_id": str(model.model_id)}) for model in models]
        self.append(events)

    def log_outputs(self, models: Iterable[LoggedModelOutput]) -> None:
        """Record the models that the run has made, each at a step."""
        self.append(
            [
                ("model_output", {"model_id": str(model.model_id), "step": check_step(model.step)})
                for model in models
            ]
        )

    @property
    def artifacts(self) -> ArtifactFolder:
        """The folder of the run's artifacts; what is put there is recorded."""
        if self._artifacts is None:
            self._artifacts = self.store.access.folder(
                self.artifact_uri, self._record_artifact, shared=True
            )
        return self._artifacts

    def _record_artifact(self, path: str, size: int, sha256: str | None) -> None:
        self.append([("artifact", {"path": path, "size": size, "sha256": sha256})])


def check_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Return tags as text, or raise when one cannot be set."""
    given = pairs_of("Tags", tags)
    return {
        check_key(key, name): tag_value(key, value)
        for name, (key, value) in zip(_names("tags", len(given)), given, strict=True)
    }


def _names(what: str, count: int) -> list[str]:
    """Return how messages call the keys of a call: by their place, if there are several."""
    return ["key"] if count == 1 else [f"{what}[{index}].key" for index in range(count)]


def _not_active(run_id: str, stage: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"The run {run_id} must be in the 'active' state. Current state is {stage}. "
        f"restore_run({run_id!r}) brings it back."
    )


def open_writer(store: Journals, run_id: str) -> RunWriter:
    """Return a writer for a run that exists.

    Raises
    ------
    NotFoundError
        If there is no such run.
    InvalidParameterError
        If it is deleted.
    """
    with store.read() as reader:
        known = reader.local_id(check_run_id(run_id))
        reader.refresh(runs=[known])
        rows = reader.named("runs.info", run_ids=[known])
        params = {key: value for _, key, value in reader.named("runs.params", run_ids=[known])}
        if not rows:
            raise no_such_run(reader, known)
    experiment_id, stage, stored = rows[0][1], rows[0][7], rows[0][8]
    if stage != LifecycleStage.ACTIVE:
        raise _not_active(run_id, stage)
    return RunWriter(store, known, params, artifact_uri(store.folder, stored, experiment_id, known))
