"""Rows of a table as a pandas DataFrame, and a DataFrame as the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.errors import InvalidParameterError
from nbtrack.store.search.words import is_expression
from nbtrack.store.table_query import TableQuery
from nbtrack.views.table import NUMERIC, Cells, Column, TablePage, with_numbers

if TYPE_CHECKING:
    import pandas as pd


def page_frame(page: TablePage, known: Mapping[str, Column]) -> pd.DataFrame:
    """Return rows as a DataFrame by run id: numbers as floats, times in UTC."""
    import pandas as pd

    kinds = {name: column.kind for name, column in known.items()}
    cells = with_numbers(page, kinds)
    frame: dict[str, Any] = {}
    for name, values in cells.items():
        if kinds.get(name) == "time":
            frame[name] = pd.to_datetime(list(values), unit="ms", utc=True)
        elif kinds.get(name) in NUMERIC:
            frame[name] = pd.array([float("nan") if v is None else v for v in values], "float64")
        else:
            frame[name] = list(values)
    return pd.DataFrame(frame, index=pd.Index(page.run_ids, name="run_id"))


class FrameTable:
    """Answers the queries of a table from a DataFrame; see ``nbtrack.views.table.TableSource``.

    Parameters
    ----------
    frame : DataFrame
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame.reset_index(drop=True)
        self.frame.columns = [str(name) for name in frame.columns]
        if self.frame.columns.duplicated().any():
            twice = sorted(set(self.frame.columns[self.frame.columns.duplicated()]))
            raise InvalidParameterError(
                f"The result has the columns {', '.join(twice)} twice; name them with AS."
            )

    def columns(self) -> list[Column]:
        """Return the columns of the frame."""
        return [
            Column(str(name), _kind(values.dtype.kind), bool(values.nunique(dropna=False) > 1))
            for name, values in self.frame.items()
        ]

    def page(self, query: TableQuery) -> TablePage:
        """Return the rows from ``start`` to ``stop`` of a query."""
        found = self._found(query)
        rows = found.iloc[query.start : query.stop]
        cells: dict[str, Cells] = {
            name: _cells(rows[name]) for name in query.columns if name in rows
        }
        return TablePage(len(found), [f"row-{i}" for i in rows.index], cells, best={})

    def ids(self, query: TableQuery, groups: Sequence[str] | None = None) -> list[str]:
        """Return what tells the rows that match from each other."""
        return [f"row-{i}" for i in self._found(query).index]

    def _found(self, query: TableQuery) -> pd.DataFrame:
        found = self.frame
        if is_expression(query.filter):
            raise InvalidParameterError(
                "The result of a query is filtered by words; write a condition into its SQL."
            )
        words = query.filter.lower().split()
        if words:
            texts = found.astype(str).agg(" ".join, axis=1).str.lower()
            for word in words:
                found = found[texts.loc[found.index].str.contains(word, regex=False)]
        keys = [(name, rises) for name, rises in query.sort if name in found]
        if keys:
            found = found.sort_values(
                [name for name, _ in keys],
                ascending=[rises for _, rises in keys],
                na_position="last",
                kind="stable",
            )
        return found


def _kind(kind: str) -> Any:
    return "number" if kind in "iuf" else "time" if kind == "M" else "text"


def _cells(values: pd.Series) -> list[Any]:
    import pandas as pd

    missing = pd.isna(values)
    kind = values.dtype.kind
    if kind == "M":
        values = values.map(_milliseconds)
    made = [
        None if gone else value if kind in "iufM" else _text(value)
        for value, gone in zip(values.tolist(), missing.tolist(), strict=True)
    ]
    return made if kind in "iufM" or any(made) else [None] * len(made)


def _milliseconds(value: Any) -> Any:
    import pandas as pd

    return None if pd.isna(value) else value.timestamp() * 1000


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
