"""The chart of stored runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.store.neighbours import find_run
from nbtrack.store.reader import Reader
from nbtrack.store.runs import get_runs
from nbtrack.store.store import Store
from nbtrack.store.table import table_rows
from nbtrack.views.curves import RunRef
from nbtrack.views.stored_curves import stored_curves
from nbtrack.views.widgets.metric_chart import MetricChart

if TYPE_CHECKING:
    import pandas as pd

MAX_RUNS = 20


def runs_chart(
    store: Store,
    experiment_ids: Sequence[str] | None,
    runs: str | Sequence[str] | pd.DataFrame = "",
    keys: Sequence[str] | None = None,
    **options: Any,
) -> MetricChart:
    """Return a chart of metrics of stored runs.

    Parameters
    ----------
    store : Store
    experiment_ids : list of str or None
        Where a filter and names are looked for first; None for all experiments.
    runs : str, list of str or DataFrame
        Ids or names; or a filter, or a frame with the column ``run_id``. Of a filter, the
        20 newest runs are shown.
    keys : list of str, optional
        By default all metrics but those of the machine.
    **options
        As for `MetricChart`.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    with store.read() as reader:
        ids, total = _run_ids(reader, experiment_ids, runs)
        if len(ids) > MAX_RUNS:
            raise InvalidParameterError(
                f"A chart shows at most {MAX_RUNS} runs; these are {len(ids)}. Choose some of them."
            )
        found = get_runs(reader, ids)
        curves = stored_curves(reader, ids, keys)
    if total > len(ids):
        options.setdefault("title", f"The newest {len(ids)} of {total} runs")
    refs = [RunRef(r.info.run_id, r.info.run_name, "plain", r.info.status) for r in found]
    return MetricChart(refs, curves, **options)


def _run_ids(
    reader: Reader, experiment_ids: Sequence[str] | None, runs: Any
) -> tuple[list[str], int]:
    """Return the runs to show, and how many there are."""
    if hasattr(runs, "columns"):
        runs = runs["run_id"].tolist()
    first = (experiment_ids or ["0"])[0]
    if not isinstance(runs, str):
        ids = list(dict.fromkeys(find_run(reader, str(name), first) for name in runs))
        return ids, len(ids)
    if runs.strip():
        try:
            return [find_run(reader, runs.strip(), first)], 1
        except NotFoundError:
            pass  # then it is a filter
    ids, total = table_rows(reader, experiment_ids, runs, [], 0, MAX_RUNS)
    if not ids and runs.strip():
        raise NotFoundError(f"No run of the experiment fits {runs!r}.")
    return ids, total
