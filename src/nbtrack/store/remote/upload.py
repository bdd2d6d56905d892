"""Uploads a piece of a journal: which requests, in which order, and what happens on errors.

Every call may be made twice: the server keeps identical points once, params are the same, tags
are set to what they are. So a piece whose end is not known to have arrived is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbtrack.entities.runs import PARENT, RUN_NAME
from nbtrack.errors import (
    NbtrackError,
    NotFoundError,
    ServerDeniedError,
    ServerUnreachableError,
)
from nbtrack.protocol import encode, endpoints
from nbtrack.protocol.encode import split_batch
from nbtrack.protocol.endpoints import Endpoint
from nbtrack.protocol.errors import missing_at_server, status_of
from nbtrack.store.journal_reader import Tail
from nbtrack.store.remote.payload import LOCAL_RUN, JournalPayload
from nbtrack.validation import MAX_BATCH

if TYPE_CHECKING:
    from nbtrack.store.remote.session import Session

Json = dict[str, Any]
POINTS_BETWEEN_MARKS = 20_000


class NotYetError(Exception):
    """What a piece belongs to is not on the server yet; it waits for the next turn."""


class GoneError(Exception):
    """The server has the run no more, or takes nothing for it."""


@dataclass
class UploadCounts:
    """What of one or more journals has arrived.

    Attributes
    ----------
    points, files : int
    refused : dict of str to int
        Reasons, and how many things the server will never take for each.
    """

    points: int = 0
    files: int = 0
    refused: dict[str, int] = field(default_factory=dict)


class JournalUploader:
    """Sends pieces of journals.

    Parameters
    ----------
    remote : Session
    counts : UploadCounts
        Counts what has arrived.
    """

    def __init__(self, remote: Session, counts: UploadCounts) -> None:
        self._remote = remote
        self._rest = remote.sending
        self._sync_state = remote.sync_state
        self._counts = counts
        self._journal = ""

    def send(self, tail: Tail) -> None:
        """Send a piece and remember how far it went.

        Raises
        ------
        NotYetError
            If it belongs to a run that is not on the server yet.
        ServerUnreachableError, ServerDeniedError
            If the server takes nothing now.
        """
        self._journal = tail.journal
        payload = JournalPayload.of(tail)
        try:
            run_id = self._run(payload, tail)
            self._send_models(payload)
            if run_id is not None:
                self._send_run(run_id, payload)
                self._send_points(run_id, tail)
                if payload.update:
                    self._rest.call(endpoints.UPDATE_RUN, {"run_id": run_id, **payload.update})
        except GoneError as gone:
            rest = {"events": tail.events, "points": len(tail.records)}
            self._refuse(str(gone), rest, len(tail.events) + len(tail.records))
        self._sync_state.set_sent(tail.journal, (tail.events_end, tail.points_end))

    # -- runs ------------------------------------------------------------------------------

    def _run(self, payload: JournalPayload, tail: Tail) -> str | None:
        """Return the server's id of the run, made there if need be; None for a model's journal."""
        if payload.run_id.startswith("m-"):
            return None
        if payload.created is None or payload.created.get("server"):
            return self._server_run(payload.run_id)
        known = self._sync_state.server_id(payload.run_id)
        if known is None:
            known = self._create(payload)
            self._sync_state.add_id(payload.run_id, known)
        return known

    def _server_run(self, run_id: str) -> str:
        known = self._sync_state.server_id(run_id)
        if known is None and self._remote.is_local(run_id):
            raise NotYetError(run_id)
        return known or run_id

    def _create(self, payload: JournalPayload) -> str:
        made = dict(payload.created or {})
        experiment_id = self._remote.server_experiment(str(made["experiment_id"]))
        found = self._remote.run_of_tag(experiment_id, payload.run_id)
        if found is not None:
            return found
        tags = {LOCAL_RUN: payload.run_id, RUN_NAME: str(made["run_name"])}
        answer = self._rest.call(
            endpoints.CREATE_RUN,
            {
                "experiment_id": experiment_id,
                "run_name": made["run_name"],
                "user_id": made.get("user_id") or "",
                "start_time": made["start_time"],
                "tags": encode.tags(tags),
            },
            repeatable=False,
        )
        return str(answer["run"]["info"]["run_id"])

    def _send_run(self, run_id: str, payload: JournalPayload) -> None:
        tags = {key: value for key, value in payload.tags.items() if value is not None}
        if PARENT in tags:
            tags[PARENT] = self._server_run(tags[PARENT])
        self._send_items(run_id, "params", encode.tags(payload.params))
        self._send_items(run_id, "tags", encode.tags(tags))
        for key in (key for key, value in payload.tags.items() if value is None):
            at = {"run_id": run_id, "key": key}
            self._try(endpoints.DELETE_TAG, at, missing_is_fine=True)
        self._send_items(
            run_id,
            "metrics",
            [{**m, "model_id": self._server_model(m["model_id"])} for m in payload.metrics],
        )
        if payload.datasets or payload.read_models:
            models = [{"model_id": self._server_model(m)} for m in payload.read_models]
            body = {"run_id": run_id, "datasets": payload.datasets, "models": models}
            self._try(endpoints.LOG_INPUTS, body)
        for model_id, step in payload.made_models.items():
            self._send_output(run_id, self._server_model(model_id), step)
        if payload.files:
            target = self._remote.files_of_run(run_id)
            self._send_files(target, payload.run_id, list(payload.files))

    def _send_points(self, run_id: str, tail: Tail) -> None:
        if not len(tail.records):
            return
        keys = self._remote.series_of(tail)
        records, width = tail.records, tail.records.dtype.itemsize
        unmarked = 0
        for first in range(0, len(records), MAX_BATCH):
            part = records[first : first + MAX_BATCH]
            columns = (part[name].tolist() for name in ("number", "value", "time", "step"))
            items = [
                {"key": keys[n], "value": encode.double(v), "timestamp": t, "step": s}
                for n, v, t, s in zip(*columns, strict=True)
                if n in keys  # else nobody knows what it is of: the fold keeps the journal
            ]
            self._send_items(run_id, "metrics", items)
            unmarked += len(part)
            if unmarked >= POINTS_BETWEEN_MARKS:
                unmarked = 0
                events_end = self._sync_state.sent(tail.journal)[0]
                there = int(tail.places[first + len(part) - 1]) + 1
                self._sync_state.set_sent(tail.journal, (events_end, tail.start[1] + there * width))

    def _send_items(self, run_id: str, what: str, items: Sequence[Json]) -> None:
        for part in split_batch(what, items):
            self._send_batch(run_id, what, part)
            if what == "metrics":
                self._counts.points += len(part)

    def _send_batch(self, run_id: str, what: str, items: list[Json]) -> None:
        """Send a batch; of one that is refused the halves, so that only the wrong is left out."""
        try:
            self._rest.call(endpoints.LOG_BATCH, {"run_id": run_id, what: items})
        except NbtrackError as error:
            reason = _permanent(error)
            if missing_at_server(error) is not None:
                raise GoneError(reason) from error
            if len(items) == 1:
                self._refuse(reason, {"run_id": run_id, what: items})
                return
            middle = len(items) // 2
            self._send_batch(run_id, what, items[:middle])
            self._send_batch(run_id, what, items[middle:])

    # -- logged models -----------------------------------------------------------------------

    def _send_models(self, payload: JournalPayload) -> None:
        for model_id, update in payload.models.items():
            made = update.created
            if (
                made is not None
                and not made.get("server")
                and not self._sync_state.server_id(model_id)
            ):
                source = made.get("source_run_id")
                fields = {**made, "source_run_id": self._server_run(source) if source else None}
                experiment_id = self._remote.server_experiment(str(made["experiment_id"]))
                known = self._remote.create_model(model_id, experiment_id, fields)
                self._sync_state.add_id(model_id, known)
            known = self._server_model(model_id)
            at = {"model_id": known}
            for part in split_batch("params", encode.tags(update.params)):
                self._try(endpoints.LOG_LOGGED_MODEL_PARAMS, {**at, "params": part})
            tags = {key: value for key, value in update.tags.items() if value is not None}
            if tags:
                self._try(endpoints.SET_LOGGED_MODEL_TAGS, {**at, "tags": encode.tags(tags)})
            for key in (key for key, value in update.tags.items() if value is None):
                tag = {**at, "tag_key": key}
                self._try(endpoints.DELETE_LOGGED_MODEL_TAG, tag, missing_is_fine=True)
            for run_id, step in update.outputs:
                self._send_output(self._server_run(run_id), known, step)
            if update.files:
                self._send_files(self._remote.files_of_model(known), model_id, list(update.files))
            if update.status:
                self._send_shared(model_id, known)
                self._try(endpoints.FINALIZE_LOGGED_MODEL, {**at, "status": update.status})

    def _server_model(self, model_id: str) -> str:
        known = self._sync_state.server_id(model_id)
        if known is None and self._remote.is_local(model_id):
            raise NotYetError(model_id)
        return known or model_id

    def _send_output(self, run_id: str, model_id: str, step: int) -> None:
        models = [{"model_id": model_id, "step": step}]
        self._try(endpoints.LOG_OUTPUTS, {"run_id": run_id, "models": models})

    def _send_shared(self, model_id: str, known: str) -> None:
        """Give the model the metrics that its run has logged at its step, as MLflow's client."""
        for run_id, items in self._remote.shared_metrics(model_id, known):
            self._send_items(self._server_run(run_id), "metrics", items)
            self._counts.points -= len(items)

    # -- files -------------------------------------------------------------------------------

    def _send_files(self, target: str, owner: str, paths: list[str]) -> None:
        from nbtrack.store.remote.proxied_artifacts import pending_upload

        for path in paths:
            file = pending_upload(self._remote, target, owner, path)
            if file is None:  # sent before, taken away again, or put there at once
                continue
            try:
                if file.send(target, path):
                    self._counts.files += 1
            except NbtrackError as error:
                self._refuse(_permanent(error), {"artifact": str(file.place), "to": target})

    # -- calls -------------------------------------------------------------------------------

    def _try(self, endpoint: Endpoint, fields: Json, *, missing_is_fine: bool = False) -> None:
        """Call, and put aside what the server will never take."""
        try:
            self._rest.call(endpoint, fields)
        except NbtrackError as error:
            reason = _permanent(error)
            if missing_is_fine and isinstance(error, NotFoundError):
                return
            called = f"{endpoint.method} {endpoint.label(fields)}"
            self._refuse(reason, {"call": called, "body": fields})

    def _refuse(self, reason: str, what: Json, count: int = 1) -> None:
        self._sync_state.refuse(self._journal, reason, what)
        self._counts.refused[reason] = self._counts.refused.get(reason, 0) + count


def _permanent(error: NbtrackError) -> str:
    """Return why the server refuses something for good, or raise again what may pass."""
    if isinstance(error, ServerUnreachableError | ServerDeniedError):
        raise error
    status = status_of(error)
    if status >= 500 and status != 501:
        raise error
    return str(error)[:500]
