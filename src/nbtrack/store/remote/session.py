"""The connection of a mirror to its server: requests, ids, and whether it is reachable."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from nbtrack.entities import Metric
from nbtrack.entities.runs import PARENT
from nbtrack.errors import NbtrackError, NotFoundError, ServerUnreachableError
from nbtrack.protocol import encode, endpoints
from nbtrack.protocol.artifact_urls import proxied_uri
from nbtrack.protocol.client import RestClient
from nbtrack.protocol.endpoints import Endpoint
from nbtrack.protocol.errors import status_of
from nbtrack.store import journal_reader
from nbtrack.store.journal_reader import Tail
from nbtrack.store.reader import Database, Reader
from nbtrack.store.remote.payload import LOCAL_MODEL, LOCAL_RUN
from nbtrack.store.remote.sync_state import LOCAL_EXPERIMENT, SyncState

Json = dict[str, Any]
QUICK_S = 3.0
READ_S = 10.0
BACKOFF_S = (1.0, 30.0)


class MirrorStore(Database, Protocol):
    """What is known here of the store that mirrors the server."""

    @property
    def journals(self) -> Path:
        """The folder of the journals."""

    @property
    def artifacts(self) -> Path:
        """The folder of the artifacts."""

    def read_mirror(self) -> AbstractContextManager[Reader]:
        """Read the mirror as it is, without a request to the server."""

    def experiment_name(self, experiment_id: str) -> str:
        """Return the name of an experiment of the mirror."""

    def warn_once(self, message: str, kind: str | None = None) -> None:
        """Warn the user once."""

    def writes(self, journal: str) -> bool:
        """Return whether this process has a journal open."""

    def may_sweep(self) -> None:
        """Let the next fold remove the journals that are sent by now."""


class Session:
    """How a server is asked, what it calls things, and whether it answers.

    Parameters
    ----------
    store : MirrorStore
    url : str
        With the name and the password that were given in it, if any.

    Attributes
    ----------
    rest : RestClient
        For what the user waits for.
    sending : RestClient
        For the background.
    sync_state : SyncState
    read_s : float
        How long the server is waited for when something is read.
    answered_at : float or None
        When it was asked last with success, in seconds since the epoch.
    on_new_experiment : callable
        Called when an experiment was made there that was made offline here.
    """

    def __init__(self, store: MirrorStore, url: str) -> None:
        self.store = store
        self.rest = RestClient(url, retries=2)
        self.sending = RestClient(url, retries=0)
        self.url = self.rest.url
        self.sync_state = SyncState(store.folder)
        self.journals = store.journals
        self.artifacts = store.artifacts
        self.read_s = READ_S
        self.answered_at: float | None = None
        self.on_new_experiment: Callable[[], None] = lambda: None
        self._ours: set[str] = set()
        self._unreachable_until = 0.0
        self._backoff_s = BACKOFF_S[0]
        self._local: set[str] = set()
        self._keys: dict[str, dict[int, str]] = {}
        self._places: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Remote({self.url!r})"

    def close(self) -> None:
        """Close the connections to the server; the next call opens one."""
        self.rest.close()
        self.sending.close()

    def after_fork(self) -> None:
        """Leave locks and connections to the parent."""
        self.rest.after_fork()
        self.sending.after_fork()

    # -- whether it answers ------------------------------------------------------------------

    @property
    def is_unreachable(self) -> bool:
        """Whether the server has just failed to answer: nothing waits for it for a while."""
        return time.monotonic() < self._unreachable_until

    def failed(self, error: NbtrackError) -> None:
        """Take note that the server takes nothing now; the user reads it once."""
        self._unreachable_until = time.monotonic() + self._backoff_s
        self._backoff_s = min(BACKOFF_S[1], self._backoff_s * 2)
        self.store.warn_once(
            f"{error} What is logged is kept in {self.store.folder} and sent later: by this "
            "process, the next one that tracks there, or `nbtrack sync`. What is read is what this "
            f"machine knows, {self._age()}.",
            kind=type(error).__name__,
        )

    def _age(self) -> str:
        """Return how old what the mirror knows is, in words."""
        if self.answered_at is None:
            return "nothing newer than when it was asked last"
        return f"as of {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(self.answered_at))}"

    def succeeded(self) -> None:
        """Take note that the server answers."""
        self._unreachable_until, self._backoff_s = 0.0, BACKOFF_S[0]

    def warn_once(self, message: str) -> None:
        """Warn the user once."""
        self.store.warn_once(message)

    def ask(
        self, endpoint: Endpoint, fields: Mapping[str, Any], *, repeatable: bool = True
    ) -> Json:
        """Call the server for a user who waits; whether it answers is remembered."""
        try:
            answer = self.rest.call(endpoint, fields, repeatable=repeatable)
        except ServerUnreachableError as error:
            self.failed(error)
            raise
        except NbtrackError:
            self.succeeded()
            raise
        self.succeeded()
        return answer

    def id_of(self, known: str) -> str:
        """Return the server's id of something; what was made offline gets another one there."""
        return self.sync_state.server_id(str(known)) or str(known)

    # -- what is made there ------------------------------------------------------------------

    def start_run(self, run_id: str, info: Mapping[str, Any], tags: Mapping[str, str]) -> Json:
        """Make a run at the server, if it answers at once.

        Returns
        -------
        dict
            ``id`` and ``uri``, where its artifacts are, as the server gave them; empty when the
            run keeps its local id, and is made there later.
        """
        experiment_id = str(info["experiment_id"])
        if self.is_unreachable or not self._is_known(experiment_id):
            return {}
        marked = {**tags, LOCAL_RUN: run_id}
        parent = marked.get(PARENT)
        if parent is not None:
            marked[PARENT] = self.sync_state.server_id(parent) or parent
        body = {
            "experiment_id": self.sync_state.server_id(experiment_id) or experiment_id,
            "run_name": info["run_name"],
            "user_id": info["user_id"],
            "start_time": info["start_time"],
            "tags": encode.tags(marked),
        }
        try:
            made = self.sending.call(
                endpoints.CREATE_RUN, body, timeout_s=QUICK_S, repeatable=False
            )
        except ServerUnreachableError as error:
            self.failed(error)
            return {}
        except NotFoundError:
            raise
        except NbtrackError as error:
            if status_of(error) < 500 and error.error_code not in ("UNAUTHENTICATED",):
                raise
            self.failed(error)
            return {}
        self.succeeded()
        found = made["run"]["info"]
        uri = proxied_uri(self.url, str(found["artifact_uri"]))
        self._places[str(found["run_id"])] = uri
        self._ours.add(str(found["run_id"]))
        return {"id": str(found["run_id"]), "uri": uri}

    def start_model(self, model_id: str, fields: Mapping[str, Any]) -> Json:
        """Make a logged model at the server, if it answers at once; see ``start_run``."""
        experiment_id = str(fields["experiment_id"])
        run_id = fields.get("source_run_id")
        if self.is_unreachable or not self._is_known(experiment_id):
            return {}
        if (
            run_id is not None
            and self.sync_state.server_id(run_id) is None
            and self.is_pending(run_id)
        ):
            return {}
        known = {
            **fields,
            "source_run_id": run_id and (self.sync_state.server_id(run_id) or run_id),
        }
        try:
            made = self.create_model(
                model_id, self.sync_state.server_id(experiment_id) or experiment_id, known, QUICK_S
            )
        except NbtrackError as error:
            if status_of(error) < 500 and not isinstance(error, NotFoundError):
                raise
            if not isinstance(error, NotFoundError):
                self.failed(error)
            return {}
        return {"id": made, "uri": self._places[made]}

    def create_model(
        self,
        model_id: str,
        experiment_id: str,
        fields: Mapping[str, Any],
        timeout_s: float | None = None,
    ) -> str:
        """Make a logged model at the server and return the id that it got."""
        known = {
            name: fields[name]
            for name in ("name", "model_type", "source_run_id")
            if fields.get(name) is not None
        }
        if timeout_s is None:  # it may have been made, and the response lost
            text = f"tags.`{LOCAL_MODEL}` = '{model_id}'"
            body: Json = {"experiment_ids": [experiment_id], "filter": text, "max_results": 1}
            found = self.sending.call(endpoints.SEARCH_LOGGED_MODELS, body)
            for model in found.get("models") or ():
                return self._placed_model(model)
        tags = [{"key": LOCAL_MODEL, "value": model_id}]
        body = {"experiment_id": experiment_id, **known, "tags": tags}
        answer = self.sending.call(
            endpoints.CREATE_LOGGED_MODEL, body, timeout_s=timeout_s, repeatable=False
        )
        return self._placed_model(answer["model"])

    def _placed_model(self, model: Json) -> str:
        info = model["info"]
        self._places[str(info["model_id"])] = proxied_uri(self.url, str(info["artifact_uri"]))
        return str(info["model_id"])

    def server_experiment(self, experiment_id: str) -> str:
        """Return the server's id of an experiment; one made offline is made there by its name."""
        known = self.sync_state.server_id(experiment_id)
        if known is not None or not experiment_id.startswith(LOCAL_EXPERIMENT):
            return known or experiment_id
        name = self.store.experiment_name(experiment_id)
        try:
            found = self.sending.call(endpoints.GET_EXPERIMENT_BY_NAME, {"experiment_name": name})
            known = str(found["experiment"]["experiment_id"])
        except NotFoundError:
            made = self.sending.call(endpoints.CREATE_EXPERIMENT, {"name": name}, repeatable=False)
            known = str(made["experiment_id"])
        self.sync_state.add_id(experiment_id, known)
        self.on_new_experiment()
        return known

    def run_of_tag(self, experiment_id: str, local_id: str) -> str | None:
        """Return the run that was made for a local one, if the server has it already."""
        body = {
            "experiment_ids": [experiment_id],
            "filter": f"tags.`{LOCAL_RUN}` = '{local_id}'",
            "run_view_type": "ALL",
            "max_results": 1,
        }
        for run in self.sending.call(endpoints.SEARCH_RUNS, body).get("runs") or ():
            return str(run["info"]["run_id"])
        return None

    def _is_known(self, experiment_id: str) -> bool:
        if not experiment_id.startswith(LOCAL_EXPERIMENT):
            return True
        return self.sync_state.server_id(experiment_id) is not None

    # -- what is on its way ------------------------------------------------------------------

    def set_pending(self, found: Iterable[Tail]) -> None:
        """Take note of the runs and models that a turn is about to make."""
        self._local = {
            str(event["model_id"] if event["event"] == "model" else tail.run_id)
            for tail in found
            for event in tail.events
            if event["event"] in ("run", "model") and not event.get("server")
        }

    def is_ours(self, run_id: str) -> bool:
        """Return whether this process has made the run: then its points are in the mirror."""
        return run_id in self._ours

    def is_local(self, owner: str) -> bool:
        """Return whether a run or model was made here and is not on the server yet."""
        return owner in self._local and self.sync_state.server_id(owner) is None

    def is_pending(self, owner: str) -> bool:
        """Return whether journals of a run say that it is still to be made at the server."""
        if self.sync_state.server_id(owner) is not None:
            return False
        return any(
            not event.get("server")
            for event in journal_reader.events_of(self.journals, owner, "run")
        )

    def series_of(self, tail: Tail) -> dict[int, str]:
        """Return the keys of the series that a journal has declared up to here."""
        known = self._keys.get(tail.journal)
        if known is None:
            known = self._keys[tail.journal] = journal_reader.series_of(self.journals, tail.journal)
        for key_number, key in tail.series:
            known.setdefault(key_number, key)
        return known

    def files_of_run(self, run_id: str) -> str:
        """Return where the artifacts of a run are, as the server says."""
        if run_id not in self._places:
            info = self.sending.call(endpoints.GET_RUN, {"run_id": run_id})["run"]["info"]
            self._places[run_id] = proxied_uri(self.url, str(info["artifact_uri"]))
        return self._places[run_id]

    def files_of_model(self, model_id: str) -> str:
        """Return where the files of a logged model are, as the server says."""
        if model_id not in self._places:
            asked = {"model_id": model_id}
            self._placed_model(self.sending.call(endpoints.GET_LOGGED_MODEL, asked)["model"])
        return self._places[model_id]

    def shared_metrics(self, model_id: str, known: str) -> Iterator[tuple[str, list[Json]]]:
        """Yield, for each run, the metrics that a model shares with it."""
        by_run: dict[str, list[Json]] = defaultdict(list)
        with self.store.read_mirror() as reader:
            rows = reader.named("models.metrics", model_ids=[model_id])
        for key, value, when, step, _, name, digest, run_id in rows:
            if run_id is not None:
                dataset = (name, digest) if name else ()
                point = Metric(key, value, when, step, known, *dataset)
                by_run[run_id].append(encode.metric(point, encode.double))
        yield from by_run.items()

    def tidy(self) -> None:
        """Say to the server which runs were interrupted; forget what is done."""
        present = journal_reader.sizes(self.journals)
        for name in [name for name in self._keys if name not in present]:
            del self._keys[name]
        for name, size in present.items():
            run_id = name.split(".", 1)[0]
            if not self.sync_state.is_sent(name, size):
                continue
            found = journal_reader.state(self.journals, name)
            if (
                found.closed
                or not found.is_done
                or self.sync_state.may_go(name, size, closed=False)
            ):
                continue
            with self.store.read_mirror() as reader:
                rows = reader.named("runs.info", run_ids=[run_id])
            if rows and rows[0][4] == "INTERRUPTED":
                server_id = self.sync_state.server_id(run_id) or run_id
                body = {"run_id": server_id, "status": "KILLED", "end_time": rows[0][6]}
                self.sending.call(endpoints.UPDATE_RUN, body)
            self.sync_state.set_sent(name, size, told=True)

    def new_experiment_id(self) -> str:
        """Return an id for an experiment that the server does not know yet."""
        return f"{LOCAL_EXPERIMENT}{os.urandom(6).hex()}"
