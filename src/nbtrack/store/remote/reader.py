"""Reading a mirror: what an operation reads next is fetched from the server first.

So every reader of stores, from ``get_run`` to a user's SQL, sees what the server has, and knows
nothing of servers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.store.reader import Reader
from nbtrack.store.remote.response_times import Response

if TYPE_CHECKING:
    import pandas as pd

    from nbtrack.store.remote.remote import Remote

_EXPERIMENTS = {"experiments", "experiment_tags"}
_RUNS = {
    "runs", "params", "tags", "series", "latest", "points", "metrics", "datasets", "inputs",
    "model_inputs", "model_outputs",
}  # fmt: skip
_POINTS = {"points", "metrics"}
_MODELS = {
    "logged_models", "logged_model_params", "logged_model_tags", "logged_model_metrics",
    "logged_model_artifacts",
}  # fmt: skip
_REGISTRY = {
    "registered_models", "registered_model_tags", "registered_model_aliases", "model_versions",
    "model_version_tags",
}  # fmt: skip
_ALL = frozenset(_EXPERIMENTS | _RUNS | _MODELS | _REGISTRY)


class RemoteReader(Reader):
    """A reader of a mirror, which is brought up to date as it is read.

    Parameters
    ----------
    inner : Reader
        The mirror, attached.
    remote : Remote
    reopen : callable
        Closes the mirror, writes responses to it and returns a reader of it again.
    """

    def __init__(
        self, inner: Reader, remote: Remote, reopen: Callable[[list[Response]], Reader]
    ) -> None:
        super().__init__(inner.connection, inner.folder, inner.access)
        self._remote = remote
        self._reopen = reopen

    def local_id(self, known: str) -> str:
        """Return the id that the mirror knows a run or a model by."""
        return self._remote.sync_state.local_id(known)

    def experiment_id(self, known: str) -> str:
        """Return the id that an experiment has by now; one made offline got another."""
        return self._remote.sync_state.server_id(str(known)) or known

    def refresh(
        self,
        *,
        runs: Sequence[str] = (),
        runs_of: Sequence[str | int] | None = (),
        models: Sequence[str] = (),
        models_of: Sequence[str | int] | None = (),
        registry: bool = False,
        history: Sequence[str] | None = (),
    ) -> None:
        """Fetch what is read next, as far as the server answers; see ``Reader.refresh``."""
        if self._remote.is_unreachable:
            return
        refresher = self._remote.refresher
        responses = refresher.experiments()
        if runs_of is None or runs_of:
            responses += refresher.runs_of(_texts(runs_of))
        if runs:
            responses += refresher.runs([str(each) for each in runs], self.mirror)
        if models_of is None or models_of:
            responses += refresher.models_of(_texts(models_of))
        if models:
            responses += refresher.models([str(each) for each in models])
        if registry:
            responses += refresher.registry()
        self._write(responses)
        if runs and (history is None or history):
            self._write(refresher.histories(self.mirror, list(runs), history))

    @property
    def mirror(self) -> Reader:
        """The mirror as it is, without asking the server."""
        return Reader(self.connection, self.folder, self.access)

    def table(self, sql: str, /) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the names of the columns and the rows of a user's query."""
        self._refresh_for_user(sql)
        return super().table(sql)

    def query(self, sql: str, variables: Mapping[str, Any]) -> pd.DataFrame:
        """Return the result of a user's query; see ``Reader.query``."""
        self._refresh_for_user(sql)
        return super().query(sql, variables)

    def _refresh_for_user(self, sql: str) -> None:
        """Fetch what a user's query looks at: DuckDB says what that is, or it is all."""
        from nbtrack.store.remote import user_sql

        found = user_sql.tables_of(self.connection, sql)
        tables = _ALL if found is None else _ALL & found
        if not tables or self._remote.is_unreachable:
            return
        self.refresh(
            runs_of=None if tables & _RUNS else (),
            models_of=None if tables & _MODELS else (),
            registry=bool(tables & _REGISTRY),
        )
        if tables & _POINTS:
            points = user_sql.point_filter_of(self.connection, sql)
            self._write(self._remote.refresher.histories(self.mirror, points.run_ids, points.keys))

    def _write(self, responses: list[Response]) -> None:
        if responses:
            self.connection = self._reopen(responses).connection


def _texts(values: Sequence[str | int] | None) -> list[str] | None:
    return None if values is None else [str(each) for each in values]
