"""A reader of mirrors that says which query looks at what its operation has not asked for."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader
from nbtrack.store.remote.reader import (
    _EXPERIMENTS,
    _MODELS,
    _POINTS,
    _REGISTRY,
    _RUNS,
    RemoteReader,
)

_ALL = frozenset(_EXPERIMENTS | _RUNS | _MODELS | _REGISTRY)
_WORDS = re.compile(r"\b(?:FROM|JOIN|TABLE|UPDATE|INTO|,)\s+\"?([a-z_]+)\"?", re.IGNORECASE)
_COMMENTS = re.compile(r"--[^\n]*")
_SERIES = "SELECT run_id, key FROM series WHERE series IN (SELECT unnest($series::BIGINT[]))"
_OWNERS = "SELECT experiment_id FROM runs WHERE run_id IN (SELECT unnest($ids::VARCHAR[]))"
_ASKS_NOTHING = {
    "fold.running",  # owners are known of runs of this machine only
}


@lru_cache(maxsize=512)
def tables_of(sql: str) -> frozenset[str]:
    """Return the tables that a query of ours looks at: it names them after FROM, JOIN and so on."""
    words = {word.lower() for word in _WORDS.findall(_COMMENTS.sub("", sql))}
    return frozenset(words & _ALL)


class CheckedReader(RemoteReader):
    """Fails where a query looks at what was not asked for since the mirror was opened."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._asked = False
        self._runs: set[str] = set()
        self._runs_of: set[str] | None = set()
        self._models: set[str] = set()
        self._models_of: set[str] | None = set()
        self._registry = False
        self._history: dict[str, set[str] | None] = {}

    def refresh(self, **asked: Any) -> None:
        super().refresh(**asked)
        self._asked = True
        runs = set(asked.get("runs", ()))
        self._runs |= runs
        self._models |= set(asked.get("models", ()))
        self._runs_of = _joined(self._runs_of, asked.get("runs_of", ()))
        self._models_of = _joined(self._models_of, asked.get("models_of", ()))
        self._registry |= asked.get("registry", False)
        for run_id in runs:
            known = self._history.get(run_id, set())
            self._history[run_id] = _joined(known, asked.get("history", ()))

    def rows(self, sql: str, /, **values: Any) -> Any:
        self._check(sql, values)
        return super().rows(sql, **values)

    def columns(self, sql: str, /, **values: Any) -> Any:
        self._check(sql, values)
        return super().columns(sql, **values)

    def frame(self, sql: str, /, **values: Any) -> Any:
        self._check(sql, values)
        return super().frame(sql, **values)

    def _check(self, sql: str, values: dict[str, Any]) -> None:
        tables = tables_of(sql)
        if not tables or any(sql == SQL[name] for name in _ASKS_NOTHING):
            return
        series = _list(values.get("series"))
        pairs = None if series is None else Reader.rows(self.mirror, _SERIES, series=series)
        runs = _named(values, "run") if pairs is None else [run_id for run_id, _ in pairs]
        missing = []
        if not self._asked:
            missing.append("experiments")
        if tables & _RUNS and not self._has_runs(sql, values, runs):
            missing.append("runs")
        if tables & _MODELS and not self._has_models(values):
            missing.append("models")
        if tables & _REGISTRY and not self._registry:
            missing.append("registry")
        if tables & _POINTS:
            keys = _list(values.get("keys", values.get("key")))
            wanted = pairs or [(run_id, key) for run_id in runs or () for key in keys or (None,)]
            if not all(self._has_points(run_id, key) for run_id, key in wanted):
                missing.append("history")
        if missing:
            raise AssertionError(f"No refresh asked for {missing} before: {sql} {values}")

    def _has_runs(self, sql: str, values: dict[str, Any], runs: list[str] | None) -> bool:
        if self._runs_of is None:
            return True
        experiments = _list(values.get("experiment_ids", values.get("experiment_id")))
        if experiments is not None:
            return set(experiments) <= self._runs_of
        if runs is not None:
            left = set(runs) - self._runs
            rows = Reader.rows(self.mirror, _OWNERS, ids=list(left)) if left else []
            return {row[0] for row in rows} <= self._runs_of and (not left or bool(self._runs_of))
        if "nbtrack_members" in sql:
            return bool(self._runs_of or self._runs)
        return _among(values, self._runs_of) or _among(values, self._runs)

    def _has_models(self, values: dict[str, Any]) -> bool:
        if self._models_of is None:
            return True
        experiments = _list(values.get("experiment_ids", values.get("experiment_id")))
        if experiments is not None:
            return set(experiments) <= self._models_of
        models = _named(values, "model")
        if models is not None:
            return set(models) <= self._models
        return _among(values, self._models_of)

    def _has_points(self, run_id: str, key: str | None) -> bool:
        known = self._history.get(run_id, set())
        return known is None or key in known


def _joined(known: set[str] | None, more: Any) -> set[str] | None:
    return None if known is None or more is None else known | {str(each) for each in more}


def _among(values: dict[str, Any], asked: set[str]) -> bool:
    """Return whether a list that a search is held to is one of what was asked for."""
    lists = [value for value in values.values() if isinstance(value, list)]
    return any(set(map(str, value)) <= asked for value in lists)


def _named(values: dict[str, Any], noun: str) -> list[str] | None:
    for name in (f"{noun}_ids", f"{noun}_id", f"{noun}s"):
        if values.get(name) is not None:
            return _list(values[name])
    return None


def _list(value: Any) -> list[Any] | None:
    if value is None:
        return None
    return [value] if isinstance(value, str | int) else list(value)
