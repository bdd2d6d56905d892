"""Runs as a pandas DataFrame, with MLflow's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.entities import ViewType
from nbtrack.errors import InvalidParameterError
from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader
from nbtrack.store.runs import artifact_uri
from nbtrack.store.search.paging import check_max_results
from nbtrack.store.search.runs import select_columns

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MAX_RESULTS = 100_000
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
        UTC. Missing are NaN, None and NaT.
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
    times[np.ma.getmaskarray(milliseconds)] = np.datetime64("NaT")
    return pd.DatetimeIndex(times, tz="UTC")


def _metrics(
    reader: Reader, places: dict[str, int], aggregates: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    import numpy as np

    found = reader.columns(SQL["frame.metrics"], run_ids=list(places))
    rows, keys, names = _cells(found, places)
    columns = {}
    taken = set(names)
    tables = {}
    for aggregate in ("last", *dict.fromkeys(aggregates)):
        table = np.full((len(names), len(places)), np.nan)
        table[keys, rows] = np.ma.filled(found[aggregate].astype(np.float64), np.nan)
        tables[aggregate] = table
    for number, name in enumerate(names):
        for aggregate, table in tables.items():
            if aggregate == "last":
                columns[f"metrics.{name}"] = table[number]
            elif f"{name}.{aggregate}" not in taken:
                columns[f"metrics.{name}.{aggregate}"] = table[number]
    return columns


def _texts(reader: Reader, places: dict[str, int], noun: str) -> dict[str, NDArray[Any]]:
    import numpy as np

    found = reader.columns(SQL[f"frame.{noun}"], run_ids=list(places))
    rows, keys, names = _cells(found, places)
    table = np.full((len(names), len(places)), None, dtype=object)
    table[keys, rows] = found["value"]
    return {f"{noun}.{name}": table[number] for number, name in enumerate(names)}


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
