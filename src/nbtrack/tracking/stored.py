"""Reading the tables that runs have kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbtrack.entities import Run
from nbtrack.errors import NotFoundError
from nbtrack.store.store import Store

if TYPE_CHECKING:
    import pandas as pd


def load_table(
    store: Store,
    experiment_id: str,
    artifact_file: str,
    run_ids: list[str] | None = None,
    extra_columns: list[str] | None = None,
) -> pd.DataFrame:
    """Return a table that runs of an experiment have logged, one run below the other."""
    from nbtrack.store.search.runs import search_runs
    from nbtrack.tracking import tables

    with store.read() as reader:
        found = search_runs(reader, [experiment_id], max_results=50000, order_by=["start_time"])
    wanted = None if run_ids is None else set(run_ids)
    missing = sorted((wanted or set()) - {run.info.run_id for run in found})
    if missing:
        raise NotFoundError(
            f"Experiment {experiment_id} has no run {missing[0]!r}; load_table looks at the runs "
            "of one experiment."
        )
    chosen = [
        (_known(run), store.access.folder(run.info.artifact_uri))
        for run in found
        if wanted is None or run.info.run_id in wanted
    ]
    return tables.load_table(chosen, artifact_file, extra_columns)


def _known(run: Run) -> dict[str, Any]:
    known: dict[str, Any] = run.info.to_dictionary()
    for noun in ("metrics", "params", "tags"):
        known.update({f"{noun}.{key}": value for key, value in getattr(run.data, noun).items()})
    return known
