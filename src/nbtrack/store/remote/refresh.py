"""What is read from a mirror is fetched from its server first, at most once in a while.

Each request has a cache key and is not sent again before its time, which is longer where the
response took longer. Responses become changes, which are written to the mirror in one transaction
after all requests are done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from nbtrack.errors import NotFoundError, ServerUnreachableError
from nbtrack.protocol import endpoints
from nbtrack.protocol.endpoints import Endpoint
from nbtrack.store import journal_reader
from nbtrack.store.reader import Reader
from nbtrack.store.remote import mirror_models
from nbtrack.store.remote.mirror import Mirror
from nbtrack.store.remote.response_times import Response
from nbtrack.store.remote.sync_state import LOCAL_EXPERIMENT

if TYPE_CHECKING:
    from nbtrack.store.remote.session import Session

Json = dict[str, Any]
Change = Callable[[Reader], None]
"""Writes a response to the mirror."""
Point = tuple[int, int, float]
LEAST_S = 1.0
TIMES_ITS_COST = 5.0
MOST_SINGLE = 10
PAGE = 1000
HISTORY_PAGE = 25_000


class Refresher:
    """Fetches from the server what is stale in the mirror.

    Parameters
    ----------
    remote : Session
    """

    def __init__(self, remote: Session) -> None:
        self._remote = remote
        self._mirror = Mirror(remote.url, remote.sync_state)
        self._fresh_until: dict[str, float] = {}
        self._seen: dict[str, int] = {}
        self._complete: dict[tuple[str, str], Point] = {}
        self._experiments: dict[str, str] = {}

    def forget(self) -> None:
        """Let everything count as stale."""
        self._fresh_until.clear()

    def rewrite_all(self) -> None:
        """Let everything count as stale, and write it to the mirror also when it is unchanged."""
        self._fresh_until.clear()
        self._seen.clear()
        self._complete.clear()

    def rewrite_experiments(self) -> None:
        """Fetch and write the experiments at the next read, also when they are unchanged."""
        self._fresh_until.pop("experiments", None)
        self._seen.pop("experiments", None)

    def fetch(self, cache_key: str, request: Callable[[], list[Change]]) -> list[Response]:
        """Return what is to be written; nothing while fresh, or while unreachable."""
        now, requested_ns = time.monotonic(), time.time_ns()
        if now < self._fresh_until.get(cache_key, 0.0) or self._remote.is_unreachable:
            return []
        try:
            changes = request()
        except ServerUnreachableError as error:
            self._remote.failed(error)
            return []
        self._remote.succeeded()
        self._remote.answered_at = time.time()
        took = time.monotonic() - now
        self._fresh_until[cache_key] = time.monotonic() + max(LEAST_S, TIMES_ITS_COST * took)
        return [Response(cache_key, requested_ns, change) for change in changes]

    def busy(self) -> set[str]:
        """Return the runs and models that have a journal here: the server may not have it all."""
        return {name.split(".", 1)[0] for name in journal_reader.sizes(self._remote.journals)}

    # -- experiments and runs ----------------------------------------------------------------

    def experiments(self) -> list[Response]:
        """Fetch all experiments."""
        return self.fetch("experiments", self._request_experiments)

    def _request_experiments(self) -> list[Change]:
        fields = {"max_results": PAGE, "view_type": "ALL"}
        found = self._pages(endpoints.SEARCH_EXPERIMENTS, fields, "experiments")
        for each in found:
            self._experiments[str(each["experiment_id"])] = str(each.get("lifecycle_stage"))
        known = _digest(found)
        if self._seen.get("experiments") == known:
            return []
        self._seen["experiments"] = known
        return [lambda reader: self._mirror.put_experiments(reader, found)]

    def runs_of(self, experiment_ids: Sequence[str] | None) -> list[Response]:
        """Fetch the runs of some experiments; None for all that are there."""
        asked = self._server_experiments(experiment_ids)
        if not asked:
            return []
        return self.fetch(f"runs {','.join(asked)}", lambda: self._request_runs(asked))

    def _server_experiments(self, experiment_ids: Sequence[str] | None) -> list[str]:
        """Return the ids that the server has for experiments; None for all that are there."""
        if experiment_ids is None:
            ids = sorted(self._experiments)
        else:
            ids = sorted({self._server_experiment(each) for each in experiment_ids})
        return [each for each in ids if not each.startswith(LOCAL_EXPERIMENT)]

    def _server_experiment(self, experiment_id: str) -> str:
        return self._remote.sync_state.server_id(str(experiment_id)) or str(experiment_id)

    def _request_runs(self, experiment_ids: list[str]) -> list[Change]:
        busy = self.busy()
        fields = {
            "experiment_ids": experiment_ids,
            "run_view_type": "ALL",
            "max_results": PAGE,
            "order_by": ["attributes.start_time DESC"],
        }
        found = self._pages(endpoints.SEARCH_RUNS, fields, "runs")
        ids = {str(run["info"]["run_id"]) for run in found}
        for run_id in ids:
            self._keep_fresh(run_id)
        changed = self._changed(found, busy)

        def write(reader: Reader) -> None:
            still = busy | self.busy()
            self._mirror.put_runs(reader, changed, still)
            for run_id in self._mirror.drop_missing_runs(reader, experiment_ids, ids, still):
                self._seen.pop(self._remote.sync_state.server_id(run_id) or run_id, None)

        return [write]

    def _keep_fresh(self, run_id: str) -> None:
        local = self._remote.sync_state.local_id(run_id)
        self._fresh_until[f"run {local}"] = time.monotonic() + LEAST_S

    def _changed(self, found: list[Json], busy: set[str]) -> list[Json]:
        changed = []
        for run in found:
            run_id = str(run["info"]["run_id"])
            known = _digest(run)
            if self._remote.sync_state.local_id(run_id) in busy:
                self._seen.pop(run_id, None)
            elif self._seen.get(run_id) == known:
                continue
            else:
                self._seen[run_id] = known
            changed.append(run)
        return changed

    def runs(self, run_ids: Sequence[str], reader: Reader) -> list[Response]:
        """Fetch some runs: few of them one by one, more with their experiments."""
        now = time.monotonic()
        stale = [r for r in run_ids if now >= self._fresh_until.get(f"run {r}", 0.0)]
        if len(stale) > MOST_SINGLE:
            rows = reader.named("remote.experiments_of_runs", ids=stale)
            return self.runs_of([row[0] for row in rows])
        responses: list[Response] = []
        for run_id in stale:
            responses += self.fetch(f"run {run_id}", partial(self._request_run, run_id))
        return responses

    def _request_run(self, run_id: str) -> list[Change]:
        if self._remote.is_pending(run_id):
            return []
        busy = self.busy()
        server_id = self._remote.sync_state.server_id(run_id) or run_id
        try:
            found = self._get(endpoints.GET_RUN, {"run_id": server_id})["run"]
        except NotFoundError:
            return []
        changed = self._changed([found], busy)
        if not changed:
            return []
        return [lambda reader: self._mirror.put_runs(reader, changed, busy | self.busy())]

    # -- points ------------------------------------------------------------------------------

    def histories(
        self, reader: Reader, run_ids: Sequence[str] | None, keys: Sequence[str] | None
    ) -> list[Response]:
        """Fetch all points of metrics of some runs, where the mirror does not have them yet."""
        if run_ids is None:
            rows = reader.named("remote.all_latest")
        else:
            rows = reader.named("remote.latest", ids=list(run_ids))
        responses: list[Response] = []
        for run_id, key, step, when, value in rows:
            latest = (step, when, value)
            if (keys is not None and key not in keys) or self._is_complete(run_id, key, latest):
                continue
            responses += self.fetch(
                f"history {run_id} {key}",
                partial(self._request_history, run_id, key, latest),
            )
        return responses

    def _is_complete(self, run_id: str, key: str, latest: Point) -> bool:
        if self._remote.is_ours(run_id):
            return True
        known = self._complete.get((run_id, key))
        return known is not None and (known == latest or run_id in self.busy())

    def _request_history(self, run_id: str, key: str, latest: Point) -> list[Change]:
        server_id = self._remote.sync_state.server_id(run_id) or run_id
        fields = {"run_id": server_id, "metric_key": key, "max_results": HISTORY_PAGE}
        try:
            points = self._pages(endpoints.GET_HISTORY, fields, "metrics")
        except NotFoundError:
            return []
        self._complete[run_id, key] = latest
        return [lambda reader: self._mirror.put_points(reader, (run_id, key), points)]

    # -- models ------------------------------------------------------------------------------

    def models_of(self, experiment_ids: Sequence[str] | None) -> list[Response]:
        """Fetch the logged models of some experiments; None for all that are there."""
        asked = self._server_experiments(experiment_ids)
        if not asked:
            return []
        return self.fetch(f"models {','.join(asked)}", lambda: self._request_models(asked))

    def _request_models(self, experiment_ids: list[str]) -> list[Change]:
        busy = self.busy()
        fields = {"experiment_ids": experiment_ids, "max_results": 50}
        try:
            found = self._pages(endpoints.SEARCH_LOGGED_MODELS, fields, "models")
        except NotFoundError:  # a server of before MLflow 3
            return []
        ids = {str(model["info"]["model_id"]) for model in found}
        known = _digest(found)
        if self._seen.get(f"models {experiment_ids}") == (known ^ hash(frozenset(busy))):
            return []
        self._seen[f"models {experiment_ids}"] = known ^ hash(frozenset(busy))
        sync_state, url = self._remote.sync_state, self._remote.url

        def write(reader: Reader) -> None:
            still = busy | self.busy()
            mirror_models.put_models(reader, url, sync_state, found, still)
            mirror_models.drop_missing_models(reader, sync_state, experiment_ids, ids, still)

        return [write]

    def models(self, model_ids: Sequence[str]) -> list[Response]:
        """Fetch some logged models."""
        responses: list[Response] = []
        for model_id in model_ids[:MOST_SINGLE]:
            responses += self.fetch(f"model {model_id}", partial(self._request_model, model_id))
        return responses

    def _request_model(self, model_id: str) -> list[Change]:
        busy = self.busy()
        if model_id in busy:
            return []
        sync_state, url = self._remote.sync_state, self._remote.url
        try:
            at = {"model_id": sync_state.server_id(model_id) or model_id}
            found = self._get(endpoints.GET_LOGGED_MODEL, at)["model"]
        except NotFoundError:
            return []
        return [
            lambda reader: mirror_models.put_models(
                reader, url, sync_state, [found], busy | self.busy()
            )
        ]

    def registry(self) -> list[Response]:
        """Fetch the model registry."""
        return self.fetch("registry", self._request_registry)

    def _request_registry(self) -> list[Change]:
        models = self._pages(
            endpoints.SEARCH_REGISTERED_MODELS, {"max_results": PAGE}, "registered_models"
        )
        versions = self._pages(
            endpoints.SEARCH_MODEL_VERSIONS, {"max_results": 10_000}, "model_versions"
        )
        known = _digest([models, versions])
        if self._seen.get("registry") == known:
            return []
        self._seen["registry"] = known
        sync_state, url = self._remote.sync_state, self._remote.url
        return [
            lambda reader: mirror_models.put_registry(reader, url, sync_state, models, versions)
        ]

    # -- calls -------------------------------------------------------------------------------

    def _get(self, endpoint: Endpoint, fields: Json) -> Json:
        rest, read_s = self._remote.rest, self._remote.read_s
        return rest.call(endpoint, fields, timeout_s=read_s, retries=0)

    def _pages(self, endpoint: Endpoint, fields: Json, name: str) -> list[Json]:
        rest, read_s = self._remote.rest, self._remote.read_s
        return list(rest.pages(endpoint, fields, name, timeout_s=read_s, retries=0))


def _digest(found: Any) -> int:
    import json

    return hash(json.dumps(found, sort_keys=True))
