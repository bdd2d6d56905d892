"""Reading a mirror: each query says by its tables and its values what the server is asked first.

So every reader of stores, from ``get_run`` to a user's SQL, sees what the server has, and knows
nothing of servers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nbtrack.store.reader import Reader
from nbtrack.store.remote.answers import Answer

if TYPE_CHECKING:
    import numpy as np
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
_WORDS = re.compile(r"\b(?:FROM|JOIN|TABLE|UPDATE|INTO|,)\s+\"?([a-z_]+)\"?", re.IGNORECASE)
_COMMENTS = re.compile(r"--[^\n]*")


@lru_cache(maxsize=512)
def tables_of(sql: str) -> frozenset[str]:
    """Return the tables that a query of ours looks at: it names them after FROM, JOIN and so on."""
    words = {word.lower() for word in _WORDS.findall(_COMMENTS.sub("", sql))}
    return frozenset(words & _ALL)


class RemoteReader(Reader):
    """A reader of a mirror, which is brought up to date as it is read.

    Parameters
    ----------
    inner : Reader
        The mirror, attached.
    remote : Remote
    reopen : callable
        Closes the mirror, writes answers to it and returns a reader of it again.
    """

    def __init__(
        self, inner: Reader, remote: Remote, reopen: Callable[[list[Answer]], Reader]
    ) -> None:
        super().__init__(inner.connection, inner.folder, inner.access)
        self._remote = remote
        self._reopen = reopen

    def local_id(self, known: str) -> str:
        """Return the id that the mirror knows a run or a model by."""
        return self._remote.spool.local_id(known)

    def experiment_id(self, known: str) -> str:
        """Return the id that an experiment has by now; one made offline got another."""
        return self._remote.spool.server_id(str(known)) or known

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
        if self._remote.is_away:
            return
        pull = self._remote.pull
        answers = pull.experiments()
        if runs_of is None or runs_of:
            answers += pull.runs_of(_texts(runs_of))
        if runs:
            answers += pull.runs([str(each) for each in runs], self.mirror)
        if models_of is None or models_of:
            answers += pull.models_of(_texts(models_of))
        if models:
            answers += pull.models([str(each) for each in models])
        if registry:
            answers += pull.registry()
        self._write(answers)
        if runs and (history is None or history):
            self._write(pull.histories(self.mirror, list(runs), history))

    @property
    def mirror(self) -> Reader:
        """The mirror as it is, without asking the server."""
        return Reader(self.connection, self.folder, self.access)

    def rows(self, sql: str, /, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query, as the server has them now."""
        self._ask(sql, values)
        return super().rows(sql, **self._known(values))

    def columns(self, sql: str, /, **values: Any) -> dict[str, np.ndarray[Any, Any]]:
        """Return the result of a query as one NumPy array for each column."""
        self._ask(sql, values)
        return super().columns(sql, **self._known(values))

    def frame(self, sql: str, /, **values: Any) -> pd.DataFrame:
        """Return the result of a query as a DataFrame."""
        self._ask(sql, values)
        return super().frame(sql, **self._known(values))

    def table(self, sql: str, /) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the names of the columns and the rows of a user's query."""
        self._ask_for_user(sql)
        return super().table(sql)

    def query(self, sql: str, variables: Mapping[str, Any]) -> pd.DataFrame:
        """Return the result of a user's query; see ``Reader.query``."""
        self._ask_for_user(sql)
        return super().query(sql, variables)

    def _known(self, values: dict[str, Any]) -> dict[str, Any]:
        """Give an experiment that was made offline the id that it has meanwhile."""
        if "experiment_id" in values:
            found = self._remote.spool.server_id(str(values["experiment_id"]))
            if found is not None:
                return {**values, "experiment_id": found}
        return values

    def _ask_for_user(self, sql: str) -> None:
        """Bring up to date what a user's query looks at: DuckDB says what that is, or it is all."""
        from nbtrack.store.remote import user_sql

        found = user_sql.tables_of(self.connection, sql)
        tables = _ALL if found is None else _ALL & found
        pull = self._remote.pull
        if not tables or self._remote.is_away:
            return
        answers = pull.experiments()
        if tables & _RUNS:
            answers += pull.runs_of(None)
        if tables & _MODELS:
            answers += pull.models_of(None)
        if tables & _REGISTRY:
            answers += pull.registry()
        self._write(answers)
        if tables & _POINTS:
            seen = user_sql.histories_of(self.connection, sql)
            self._write(pull.histories(self.mirror, seen.run_ids, seen.keys))

    def _ask(self, sql: str, values: Mapping[str, Any]) -> None:
        tables = tables_of(sql)
        if not tables or self._remote.is_away:
            return
        pull = self._remote.pull
        answers = pull.experiments()
        run_ids, model_ids = _ids(values, "run"), _ids(values, "model")
        experiment_ids = self._experiment_ids(values)
        if tables & _RUNS:
            if "series" in values:
                run_ids = self._runs_of_series(values["series"])
            if run_ids is not None:
                answers += pull.runs(run_ids, self.mirror)
            elif not tables & _MODELS or experiment_ids is not None:
                answers += pull.runs_of(experiment_ids)
        if tables & _MODELS:
            if model_ids is not None:
                answers += pull.models(model_ids)
            else:
                answers += pull.models_of(experiment_ids)
        if tables & _REGISTRY:
            answers += pull.registry()
        self._write(answers)
        if tables & _POINTS:
            keys = _list(values.get("keys") or values.get("key"))
            self._write(pull.histories(self.mirror, run_ids, keys))

    def _write(self, answers: list[Answer]) -> None:
        if answers:
            self.connection = self._reopen(answers).connection

    def _runs_of_series(self, series: Any) -> list[str]:
        numbers = [int(number) for number in _list(series) or ()]
        return sorted({row[0] for row in self.mirror.named("remote.named_series", series=numbers)})

    def _experiment_ids(self, values: Mapping[str, Any]) -> list[str] | None:
        for name in ("experiment_ids", "experiment_id"):
            if values.get(name) is not None:
                return [str(each) for each in _list(values[name]) or ()]
        pull = self._remote.pull
        for value in values.values():
            if isinstance(value, list) and value and all(map(pull.is_experiment, value)):
                return [str(each) for each in value]
        return None


def _texts(values: Sequence[str | int] | None) -> list[str] | None:
    return None if values is None else [str(each) for each in values]


def _ids(values: Mapping[str, Any], noun: str) -> list[str] | None:
    for name in (f"{noun}_ids", f"{noun}_id", f"{noun}s"):
        if values.get(name) is not None:
            return [str(each) for each in _list(values[name]) or ()]
    return None


def _list(value: Any) -> list[Any] | None:
    if value is None:
        return None
    return [value] if isinstance(value, str | int) else list(value)
