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
from nbtrack.store.search.runs import select_run_ids

if TYPE_CHECKING:
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
    unknown = [name for name in aggregates if name not in _AGGREGATES]
    if unknown:
        raise InvalidParameterError(
            f"Invalid aggregates {unknown}. Valid values are {list(_AGGREGATES)}."
        )
    found = select_run_ids(
        reader,
        experiment_ids,
        filter_string,
        run_view_type,
        order_by,
        start=start,
        stop=start + max_results,
    )
    return frame_of(reader, found.run_ids, aggregates)


def frame_of(
    reader: Reader, run_ids: Sequence[str], aggregates: Sequence[str] = ()
) -> pd.DataFrame:
    """Return these runs, in this order, as a table; see ``runs_frame``."""
    import pandas as pd

    ids = list(run_ids)
    columns = _info(reader, ids)
    columns.update(_metrics(reader, ids, aggregates) if ids else {})
    columns.update(_texts(reader, ids, "params") if ids else {})
    columns.update(_texts(reader, ids, "tags") if ids else {})
    return pd.DataFrame(columns, copy=False)


def _info(reader: Reader, ids: list[str]) -> dict[str, Any]:
    found = reader.columns(SQL["frame.info"], run_ids=ids)
    columns: dict[str, Any] = {name: found[name] for name in ("run_id", "experiment_id", "status")}
    stored = zip(found["artifact_uri"], found["experiment_id"], found["run_id"], strict=True)
    columns["artifact_uri"] = [
        artifact_uri(reader.folder, uri if isinstance(uri, str) else None, experiment_id, run_id)
        for uri, experiment_id, run_id in stored
    ]
    columns["start_time"] = _times(found["start_time"])
    columns["end_time"] = _times(found["end_time"])
    return columns


def _times(milliseconds: NDArray[Any]) -> pd.DatetimeIndex:
    import numpy as np
    import pandas as pd

    times = np.ma.getdata(milliseconds).astype("datetime64[ms]").astype("datetime64[us]")
    times[np.ma.getmaskarray(milliseconds)] = np.datetime64("NaT")
    return pd.DatetimeIndex(times, tz="UTC")


def _metrics(reader: Reader, ids: list[str], aggregates: Sequence[str]) -> dict[str, Any]:
    import numpy as np

    found = reader.columns(SQL["frame.metrics"], run_ids=ids)
    taken = set(found["key"])
    columns = {}
    for index, key in enumerate(found["key"]):
        names = {f"metrics.{key}": "last"}
        names |= {f"metrics.{key}.{name}": name for name in aggregates if f"{key}.{name}" not in taken}
        for column, name in names.items():
            values = np.full(len(ids), np.nan)
            values[found["places"][index]] = np.ma.filled(
                np.ma.asarray(found[name][index], dtype=np.float64), np.nan
            )
            columns[column] = values
    return columns


def _texts(reader: Reader, ids: list[str], noun: str) -> dict[str, Any]:
    import numpy as np

    found = reader.columns(SQL[f"frame.{noun}"], run_ids=ids)
    columns = {}
    for index, key in enumerate(found["key"]):
        texts = np.full(len(ids), None, dtype=object)
        texts[found["places"][index]] = found["texts"][index]
        columns[f"{noun}.{key}"] = texts
    return columns
