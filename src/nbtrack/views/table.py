"""What a table of runs shows, and where it asks for rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Kind = Literal["text", "number", "time", "state", "duration"]
Cells: TypeAlias = "Sequence[Any] | NDArray[Any]"
NUMERIC = ("number", "time", "duration")


@dataclass(frozen=True)
class Column:
    """A column that a table may show.

    Attributes
    ----------
    name : str
        ``run_name``, ``status``, ``start_time``, ``duration``, ``metrics.loss``, ``params.lr``, ...
    kind : {"text", "number", "time", "state", "duration"}
        Times are milliseconds since the epoch, durations are seconds.
    differs : bool
        Whether the runs have different values.
    direction : {"min", "max"} or None
        Which way is better.
    """

    name: str
    kind: Kind
    differs: bool = True
    direction: Literal["min", "max"] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the column as the browser knows it."""
        return asdict(self)


@dataclass(frozen=True)
class TablePage:
    """Some rows of a table.

    Attributes
    ----------
    total : int
        How many runs match, of which these are some.
    run_ids : list of str
        One per row.
    columns : dict of str to list or ndarray
        Values by column. In a list ``None`` is a missing value and NaN a value; in an
        array of floats NaN is missing.
    """

    total: int
    run_ids: list[str]
    columns: dict[str, Cells]


class TableSource(Protocol):
    """Where a table's rows come from."""

    def columns(self) -> list[Column]:
        """Return all columns there are."""

    def query(
        self,
        *,
        columns: Sequence[str],
        filter: str,
        order_by: list[tuple[str, bool]],
        start: int,
        stop: int,
    ) -> TablePage:
        """Return the rows from ``start`` to ``stop`` of the runs that match.

        ``order_by`` names columns, each with whether it rises.

        Raises
        ------
        NbtrackError
            If the filter cannot be read.
        """


def encode_page(
    page: TablePage, start: int, kinds: dict[str, str]
) -> tuple[dict[str, Any], list[bytes]]:
    """Return a page as a message for the browser, with its numbers as float64 buffers."""
    columns: list[dict[str, Any]] = []
    buffers: list[bytes] = []
    for name, cells in page.columns.items():
        if kinds.get(name) not in NUMERIC:
            columns.append({"name": name, "values": [None if v is None else str(v) for v in cells]})
            continue
        if isinstance(cells, np.ndarray):
            numbers = cells.astype("<f8")
            gaps = np.flatnonzero(np.isnan(numbers)).tolist()
        else:
            numbers = np.array([np.nan if v is None else float(v) for v in cells], dtype="<f8")
            gaps = [i for i, v in enumerate(cells) if v is None]
        columns.append({"name": name, "buffer": len(buffers), "gaps": gaps})
        buffers.append(numbers.tobytes())
    message = {"start": start, "total": page.total, "run_ids": page.run_ids, "columns": columns}
    return message, buffers
