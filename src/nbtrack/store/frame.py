"""Runs as a pandas DataFrame, with MLflow's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.entities import ViewType
from nbtrack.errors import InvalidParameterError
from nbtrack.store.artifacts.paths import artifact_uri
from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader
from nbtrack.store.search.paging import check_max_results
from nbtrack.store.search.runs import select_columns

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MAX_RESULTS = 100_000
MOST_DENSE = 10_000_000
"""Cells of a table that is dense in any case."""
FEW = 8
"""A column of a larger table is dense if every so many rows have a value."""
_AGGREGATES = ("min", "max", "count")


def runs_frame(
    reader: Reader,
    experiment_ids: Sequence[str | int] | None,
    filter_string: str | None = "",
    run_view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int = MAX_RESULTS,
    order_by: Sequence[str] | None = None,
    *,
    start: int = 0,
    aggregates: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the runs that fit a filter as a table.

    Parameters
    ----------
    reader, experiment_ids, filter_string, run_view_type, order_by
        As for ``nbtrack.store.search.runs.search_runs``.
    max_results : int
        The greatest number of rows.
    start : int
        How many runs to leave out at the beginning.
    aggregates : sequence of str
        Of ``min``, ``max`` and ``count``: columns such as ``metrics.loss.min``
        after each metric.

    Returns
    -------
    pandas.DataFrame
        ``run_id, experiment_id, status, artifact_uri, start_time, end_time``,
        then ``metrics.<key>`` (latest values), ``params.<key>`` and
        ``tags.<key>`` in the order in which the rows bring them up. Times are
        UTC. Missing are NaN, None and NaT. Columns of few values are pandas' ``Sparse`` where
        the whole would have more than ten million cells; ``column.sparse.to_dense()`` is plain.
    """
    check_max_results(max_results, limit=2**62)
    import pandas as pd

    unknown = [name for name in aggregates if name not in _AGGREGATES]
    if unknown:
        raise InvalidParameterError(
            f"Invalid aggregates {unknown}. Valid values are {list(_AGGREGATES)}."
        )
    found = select_columns(
        reader,
        experiment_ids,
        filter_string,
        run_view_type,
        order_by,
        start=start,
        limit=max_results,
    )
    columns = _info(reader, found)
    ids: list[str] = found["run_id"].tolist()
    if ids:
        places = {run_id: place for place, run_id in enumerate(ids)}
        columns.update(_metrics(reader, places, aggregates))
        columns.update(_texts(reader, places, "params"))
        columns.update(_texts(reader, places, "tags"))
    return pd.DataFrame(columns, copy=False)


def _info(reader: Reader, found: dict[str, NDArray[Any]]) -> dict[str, Any]:
    columns: dict[str, Any] = {name: found[name] for name in ("run_id", "experiment_id", "status")}
    stored = zip(found["artifact_uri"], found["experiment_id"], found["run_id"], strict=True)
    columns["artifact_uri"] = [
        artifact_uri(reader.folder, uri if isinstance(uri, str) else None, experiment_id, run_id)
        for uri, experiment_id, run_id in stored
    ]
    columns["start_time"] = _times(found["start_ms"])
    columns["end_time"] = _times(found["end_ms"])
    return columns


def _times(milliseconds: NDArray[Any]) -> pd.DatetimeIndex:
    import numpy as np
    import pandas as pd

    times = np.ma.getdata(milliseconds).astype("datetime64[ms]").astype("datetime64[us]")
    times[np.ma.getmaskarray(milliseconds)] = np.datetime64("NaT", "us")
    return pd.DatetimeIndex(times, tz="UTC")


def _metrics(reader: Reader, places: dict[str, int], aggregates: Sequence[str]) -> dict[str, Any]:
    import numpy as np

    found = reader.columns(SQL["frame.metrics"], run_ids=list(places))
    rows, keys, names = _cells(found, places)
    columns: dict[str, Any] = {}
    taken = set(names)
    tables = {}
    for aggregate in ("last", *dict.fromkeys(aggregates)):
        values = np.ma.filled(found[aggregate].astype(np.float64), np.nan)
        tables[aggregate] = _columns(values, keys, rows, (len(names), len(places)), np.nan)
    for number, name in enumerate(names):
        for aggregate, table in tables.items():
            if aggregate == "last":
                columns[f"metrics.{name}"] = table[number]
            elif f"{name}.{aggregate}" not in taken:
                columns[f"metrics.{name}.{aggregate}"] = table[number]
    return columns


def _texts(reader: Reader, places: dict[str, int], noun: str) -> dict[str, Any]:

    found = reader.columns(SQL[f"frame.{noun}"], run_ids=list(places))
    rows, keys, names = _cells(found, places)
    table = _columns(found["value"], keys, rows, (len(names), len(places)), None)
    return {f"{noun}.{name}": table[number] for number, name in enumerate(names)}


def _columns(
    values: NDArray[Any],
    keys: NDArray[np.intp],
    rows: NDArray[np.intp],
    shape: tuple[int, int],
    missing: float | None,
) -> NDArray[Any] | list[Any]:
    """Return the columns that cells make.

    They are arrays of NumPy. In a table of very many cells, of which a column has but a few, that
    column is a sparse array of pandas: what the table holds grows with what is there.
    """
    import numpy as np

    columns, size = shape
    kind = np.dtype(object if missing is None else np.float64)
    if columns * size <= MOST_DENSE:
        table = np.full(shape, missing, dtype=kind)
        table[keys, rows] = values
        return table
    order = np.lexsort((rows, keys))
    ends = np.cumsum(np.bincount(keys, minlength=columns))[:-1]
    pairs = zip(np.split(values[order], ends), np.split(rows[order], ends), strict=True)
    found: list[Any] = []
    for present, at in pairs:
        if len(at) * FEW < size:
            found.append(_sparse(present, at, size, missing))
        else:
            column = np.full(size, missing, dtype=kind)
            column[at] = present
            found.append(column)
    return found


def _sparse(values: NDArray[Any], rows: NDArray[np.intp], size: int, missing: float | None) -> Any:
    """Return a sparse array of pandas, whose own constructor takes a hundred times as long."""
    import numpy as np
    import pandas as pd
    from pandas._libs.sparse import IntIndex

    make: Any = pd.arrays.SparseArray
    index: Any = IntIndex
    dtype = pd.SparseDtype(values.dtype, missing)
    return make._simple_new(values, index(size, rows.astype(np.int32)), dtype)


def _cells(
    found: dict[str, NDArray[Any]], places: dict[str, int]
) -> tuple[NDArray[np.intp], NDArray[np.intp], list[str]]:
    """Return the row and the column of each cell, and the columns' keys.

    A column stands where the first row that has it brings it up, then by name.
    """
    import numpy as np

    rows = np.fromiter(map(places.__getitem__, found["run_id"]), np.intp, len(found["run_id"]))
    numbers: dict[str, int] = {}
    keys = np.fromiter(
        (numbers.setdefault(key, len(numbers)) for key in found["key"]), np.intp, len(rows)
    )
    first = np.full(len(numbers), len(places))
    np.minimum.at(first, keys, rows)
    names = sorted(numbers, key=lambda name: (first[numbers[name]], name))
    position = np.empty(len(names), np.intp)
    position[[numbers[name] for name in names]] = np.arange(len(names))
    return rows, position[keys], names
