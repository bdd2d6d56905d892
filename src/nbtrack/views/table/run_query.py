"""Which runs a table shows, and in which order, as SQL; every value is bound."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from nbtrack.entities import LifecycleStage
from nbtrack.entities.runs import NOTE, REPRODUCED, VERDICT, WARNINGS
from nbtrack.errors import InvalidParameterError
from nbtrack.store import SQL, Reader, now_ms
from nbtrack.store.search import (
    RUNS,
    Direction,
    FilterCompiler,
    is_filter_expression,
    parse_filter,
    prefix_suggested,
)

if TYPE_CHECKING:
    import pandas as pd

Stage = Literal["active", "archived", "deleted"]
STAGES: tuple[Stage, ...] = ("active", "archived", "deleted")
EXTRA_TABLE = "nbtrack_extra"
FOLD = "seeds"
"""Stands in ``group`` for: fold the runs that differ in seed-like params only."""

_ATTRIBUTES = {
    "run_name": "t.run_name",
    "status": "t.status",
    "start_time": "epoch_ms(t.start_time)",
    "user_id": "t.user_id",
    "run_id": "t.run_id",
}
_TABLES = {
    "metrics": ("series", "last_value"),
    "params": ("params", "value"),
    "tags": ("tags", "value"),
}
TAG_COLUMNS = {"note": NOTE, "reproduced": REPRODUCED, "warnings": WARNINGS}
_SEED = re.compile(r"(?i)(?:^|[^a-z])(?:seeds?|random_?state|rng)(?:[^a-z]|$)")
_PIECE = re.compile(r'"([^"]*)"|(\S+)')


@dataclass(frozen=True)
class Scope:
    """Whose runs a table is about.

    Attributes
    ----------
    experiment_ids : sequence of str or None
        None for all experiments.
    run_ids : sequence of str or None
        These runs only; their order is the table's where there is no other.
    extra : DataFrame or None
        More columns of the runs, with a column ``run_id``.
    """

    experiment_ids: Sequence[str] | None = None
    run_ids: Sequence[str] | None = None
    extra: pd.DataFrame | None = None


@dataclass(frozen=True)
class TableQuery:
    """What a table asks for.

    Attributes
    ----------
    columns : sequence of str
    filter : str
        The search grammar, or words that stand in names, params, tags and notes.
    sort : sequence of (column, rises)
        The newest first where there is none.
    group : sequence of str
        Columns whose values make groups, or ``[FOLD]``.
    expanded : sequence of str
        Keys of the groups whose runs are shown.
    stage : {"active", "archived", "deleted"}
    directions : mapping of str to {"min", "max", "none"}
        Which way columns are best, where their names do not say it.
    start, stop : int
        Which rows.
    """

    columns: Sequence[str] = ()
    filter: str = ""
    sort: Sequence[tuple[str, bool]] = ()
    group: Sequence[str] = ()
    expanded: Sequence[str] = ()
    stage: Stage = "active"
    directions: Mapping[str, Direction | Literal["none"]] = field(default_factory=dict)
    start: int = 0
    stop: int = 100


class RunSelect:
    """The runs of a table as the parts of a SELECT; the table ``runs`` is ``t``.

    Parameters
    ----------
    reader : Reader
    scope : Scope
    filter_string : str
    sort : sequence of (column, rises)
    stage : {"active", "archived", "deleted"}

    Raises
    ------
    InvalidParameterError
        If the filter cannot be read, or there is no such column.
    """

    def __init__(
        self,
        reader: Reader,
        scope: Scope,
        filter_string: str,
        sort: Sequence[tuple[str, bool]] = (),
        stage: Stage = "active",
    ) -> None:
        self._reader = reader
        self._scope = scope
        self._compiler = FilterCompiler(str(reader.folder))
        self.values = self._compiler.values
        self.joins: list[str] = []
        self._exprs: dict[str, str] = {}
        self.condition = " AND ".join(self._conditions(filter_string, stage))
        self.count_values = dict(self.values)
        self._sort = sort
        if scope.run_ids is None:
            reader.refresh(runs_of=scope.experiment_ids)
        else:
            reader.refresh(runs=scope.run_ids)

    def bind(self, value: Any) -> str:
        """Return the placeholder of a value."""
        return self._compiler.bind(value)

    def order(self) -> str:
        """Return the terms of ORDER BY: numbers, then texts, then what lacks the column."""
        terms: list[str] = []
        for name, rises in self._sort:
            terms += self._terms(name, "ASC" if rises else "DESC")
        if not self._sort and self._scope.run_ids is not None:
            ids = self.bind(list(self._scope.run_ids))
            self.joins.append(SQL["table.place_join"].format(ids=ids, name="place"))
            terms.append("place.value")
        return ", ".join([*terms, "t.start_time DESC", "t.run_id"])

    def value(self, name: str) -> str:
        """Return what stands for a column, joined in where it is not in ``runs``."""
        if name in _ATTRIBUTES:
            return _ATTRIBUTES[name]
        if name not in self._exprs:
            self._exprs[name] = self._joined(name)
        return self._exprs[name]

    def number(self, name: str) -> str | None:
        """Return a column as a number, or None where it is none."""
        family = name.partition(".")[0]
        if name in ("duration", "start_time") or family == "metrics":
            return f"({self.value(name)})::DOUBLE"
        if family in ("params", "sql"):
            return f"try_cast({self.value(name)} AS DOUBLE)"
        return None

    def seeds(self) -> str:
        """Return what runs that differ in seed-like params only have in common."""
        keys = [key for (key,) in self._reader.named("table.param_keys") if is_seed(key)]
        name = self._name()
        self.joins.append(SQL["table.seeds_join"].format(keys=self.bind(keys), name=name))
        return f"coalesce(t.experiment_id || ':' || {name}.value, t.run_id)"

    def _conditions(self, filter_string: str, stage: Stage) -> list[str]:
        if stage not in STAGES:
            raise InvalidParameterError(f"stage is {stage!r}; use one of {', '.join(STAGES)}.")
        deleted = stage == "deleted"
        lifecycle = LifecycleStage.DELETED if deleted else LifecycleStage.ACTIVE
        conditions = [self._compiler.in_stages([lifecycle])]
        if not deleted:
            wanted = "" if stage == "archived" else "NOT "
            conditions.append(wanted + SQL["table.archived"])
        if self._scope.experiment_ids is not None:
            conditions.append(self._compiler.in_experiments(list(self._scope.experiment_ids)))
        if self._scope.run_ids is not None:
            ids = self.bind(list(self._scope.run_ids))
            conditions.append(SQL["table.among"].format(ids=ids))
        conditions.append(self._filter(filter_string))
        return conditions

    def _filter(self, text: str) -> str:
        if is_filter_expression(text):
            with prefix_suggested(self._reader):
                return self._compiler.condition(parse_filter(text, RUNS))
        words = [quoted or plain for quoted, plain in _PIECE.findall(text)]
        found = [SQL["table.word"].format(word=self.bind(word.lower())) for word in words if word]
        return " AND ".join(found) or "true"

    def _terms(self, name: str, order: str) -> list[str]:
        value = self.value(name)
        family = name.partition(".")[0]
        if name == "reproduced":  # the same, close, different, failed; of these the newest first
            verdict = f"try_cast({self.value(f'tags.{VERDICT}')} AS JSON)"
            rank = SQL["table.verdict_rank"].format(value=value, verdict=verdict)
            date = f"try_cast({verdict} ->> 'date' AS BIGINT)"
            return [f"{rank} {order} NULLS LAST", f"{date} DESC NULLS LAST"]
        if family == "metrics":
            return [f"isnan({value}) ASC NULLS LAST", f"{value} {order} NULLS LAST"]
        if family in ("params", "tags"):
            number = f"try_cast({value} AS DOUBLE)"
            return [
                f"{value} IS NULL",
                f"coalesce(isnan({number}), true)",
                f"{number} {order}",
                f"{value} {order}",
            ]
        return [f"{value} {order} NULLS LAST"]

    def _joined(self, column: str) -> str:
        if column == "duration":
            return SQL["table.duration"].format(now=self.bind(now_ms()))
        name = self._name()
        if column == "experiment":
            self.joins.append(SQL["table.experiment_join"].format(name=name))
            return f"{name}.value"
        tag = TAG_COLUMNS.get(column)
        family, _, key = column.partition(".") if tag is None else ("tags", "", tag)
        if family == "sql" and self._scope.extra is not None:
            places = list(self._scope.extra.columns)
            if key in places:
                quoted = f"c{places.index(key)}"
                self.joins.append(SQL["table.extra_join"].format(column=quoted, name=name))
                return f"{name}.value"
        if family not in _TABLES or not key:
            raise InvalidParameterError(f"The table has no column {column!r} to sort or group by.")
        table, value = _TABLES[family]
        join = SQL["table.value_join"].format(
            table=table, column=value, key=self.bind(key), name=name
        )
        self.joins.append(join)
        return f"{name}.value"

    def _name(self) -> str:
        return f"j{len(self.joins)}"


def is_seed(key: str) -> bool:
    """Return whether a param is a seed by its name, such as ``seed`` or ``model.random_state``."""
    return _SEED.search(key) is not None
