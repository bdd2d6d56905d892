"""Params and metrics of many runs side by side, as columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.store import SQL, Reader
from nbtrack.store.search import Direction, direction_of
from nbtrack.views.formats import natural_order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["number", "category"]


@dataclass(frozen=True)
class ComparedKey:
    """A param or metric that some of the compared runs have.

    Attributes
    ----------
    name : str
        Such as ``params.lr``.
    kind : {"number", "category"}
        A param is a number if all its values are.
    differs : bool
        Whether not all runs have the same value of it.
    values : int
        How many different values there are.
    direction : {"min", "max"} or None
        Which way a metric gets better.
    """

    name: str
    kind: Kind
    differs: bool
    values: int
    direction: Direction | None = None


@dataclass(frozen=True, eq=False)
class ComparedColumn:
    """The values of one param or metric.

    Attributes
    ----------
    name, kind
        As in ``ComparedKey``.
    numbers : float64 array
        One per run. Of a category it is the place in ``categories``; NaN where a run has none.
    categories : list of str
        In the order in which people list them; empty for numbers.
    missing : list of int
        The runs that have no value, as opposed to NaN.
    """

    name: str
    kind: Kind
    numbers: NDArray[np.float64]
    categories: list[str]
    missing: list[int]


@dataclass(frozen=True)
class ComparedRun:
    """Which run a row stands for; times are milliseconds since the epoch."""

    run_id: str
    name: str
    status: str
    start_ms: int
    end_ms: int | None


def compared_runs(reader: Reader, run_ids: Sequence[str]) -> list[ComparedRun]:
    """Return runs in the order of their ids.

    Raises
    ------
    NotFoundError
        If there is no run with one of the ids.
    """
    reader.refresh(runs=run_ids)
    rows = reader.named("comparison.info", run_ids=list(run_ids))
    found = {row[0]: ComparedRun(*row) for row in rows}
    for run_id in run_ids:
        if run_id not in found:
            raise NotFoundError(f"There is no run with the id {run_id!r}.")
    return [found[run_id] for run_id in run_ids]


def compared_keys(reader: Reader, run_ids: Sequence[str]) -> list[ComparedKey]:
    """Return the params and metrics of some runs: params first, each by name."""
    reader.refresh(runs=run_ids)
    total = len(run_ids)
    rows = reader.named("comparison.keys", run_ids=list(run_ids))
    rows.sort(key=lambda row: (row[0] != "params", natural_order(row[1])))
    return [
        ComparedKey(
            f"{family}.{key}",
            "number" if numeric == runs else "category",
            different > 1 or runs < total,
            different,
            direction_of(key) if family == "metrics" else None,
        )
        for family, key, runs, different, numeric in rows
    ]


def compared_columns(
    reader: Reader, run_ids: Sequence[str], names: Sequence[str]
) -> list[ComparedColumn]:
    """Return the values of params and metrics, with at most two queries in all.

    Raises
    ------
    InvalidParameterError
        If a name starts neither with ``params.`` nor with ``metrics.``.
    """
    import numpy as np

    for name in names:
        if name.partition(".")[0] not in ("params", "metrics"):
            raise InvalidParameterError(
                f"{name!r} cannot be compared; give names such as params.lr or metrics.loss."
            )
    reader.refresh(runs=run_ids)
    found: dict[str, ComparedColumn] = {}
    size = len(run_ids)
    keys = _keys(names, "metrics")
    if keys:
        columns = _columns(reader, "comparison.metrics", run_ids, keys)
        for col, key in enumerate(keys):
            here = columns["col"] == col
            numbers = np.full(size, np.nan)
            numbers[columns["row"][here]] = columns["number"][here]
            missing = np.setdiff1d(np.arange(size), columns["row"][here]).tolist()
            found[f"metrics.{key}"] = ComparedColumn(
                f"metrics.{key}", "number", numbers, [], missing
            )
    keys = _keys(names, "params")
    if keys:
        columns = _columns(reader, "comparison.params", run_ids, keys)
        for col, key in enumerate(keys):
            here = columns["col"] == col
            found[f"params.{key}"] = _param(
                f"params.{key}", columns["row"][here], columns["text"][here], size
            )
    return [found[name] for name in names]


def metric_extents(reader: Reader, run_id: str) -> list[tuple[Any, ...]]:
    """Return key, last, least and greatest value, and last step of each metric of a run."""
    reader.refresh(runs=[run_id])
    return reader.named("comparison.extents", run_id=run_id)


def _param(name: str, rows: NDArray[Any], texts: NDArray[Any], size: int) -> ComparedColumn:
    import numpy as np

    numbers = np.full(size, np.nan)
    missing = np.setdiff1d(np.arange(size), rows).tolist()
    try:
        numbers[rows] = texts.astype(np.float64)
    except ValueError:
        categories = sorted({str(text) for text in texts}, key=_natural)
        places = {text: place for place, text in enumerate(categories)}
        numbers[rows] = [places[str(text)] for text in texts]
        return ComparedColumn(name, "category", numbers, categories, missing)
    return ComparedColumn(name, "number", numbers, [], missing)


def _natural(text: str) -> tuple[bool, float, list[Any]]:
    """Order numbers by size, before words."""
    try:
        return False, float(text), natural_order(text)
    except ValueError:
        return True, 0.0, natural_order(text.lower())


def _keys(names: Sequence[str], family: str) -> list[str]:
    found = (name.partition(".") for name in dict.fromkeys(names))
    return [key for kind, _, key in found if kind == family]


def _columns(
    reader: Reader, name: str, run_ids: Sequence[str], keys: list[str]
) -> dict[str, NDArray[Any]]:
    import numpy as np

    found = reader.columns(SQL[name], run_ids=list(run_ids), keys=keys)
    return {column: np.ma.getdata(values) for column, values in found.items()}
