"""Searches as the fluent API offers them: experiments by name, lists or DataFrames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbtrack.entities import Experiment, Run
from nbtrack.errors import InvalidParameterError
from nbtrack.store import Store
from nbtrack.validation import MAX_SEARCH_RESULTS

if TYPE_CHECKING:
    import pandas as pd


def ids_of(store: Store, names: Sequence[str]) -> list[str]:
    """Return the ids of experiments by their names; unknown names are left out."""
    from nbtrack.store import find_experiment_by_name

    wanted = [names] if isinstance(names, str) else names
    with store.read() as reader:
        found = [find_experiment_by_name(reader, name) for name in wanted]
    return [experiment.experiment_id for experiment in found if experiment is not None]


def search_runs(
    store: Store,
    experiment_ids: Sequence[str] | None,
    filter_string: str,
    run_view_type: int,
    max_results: int,
    order_by: list[str] | None,
    output_format: str,
) -> pd.DataFrame | list[Run]:
    """Return the runs that fit a filter; see ``nbtrack.search_runs``."""
    if output_format not in ("pandas", "list"):
        raise InvalidParameterError(
            f"Unsupported output format: {output_format}. Supported string values are 'pandas' "
            "or 'list'"
        )
    if output_format == "pandas":
        from nbtrack.store import runs_frame

        with store.read() as reader:
            return runs_frame(
                reader, experiment_ids, filter_string, run_view_type, max_results, order_by
            )
    from nbtrack.store.search import search_runs as search

    runs: list[Run] = []
    token: str | None = None
    with store.read() as reader:
        while len(runs) < max_results:
            size = min(max_results - len(runs), MAX_SEARCH_RESULTS)
            page = search(
                reader, experiment_ids, filter_string, run_view_type, size, order_by, token
            )
            runs += page
            token = page.token
            if not token:
                break
    return runs


def search_experiments(
    store: Store,
    view_type: int,
    max_results: int | None,
    filter_string: str | None,
    order_by: list[str] | None,
) -> list[Experiment]:
    """Return all experiments that fit a filter, whatever the size of a page."""
    from nbtrack.store.search import search_experiments as search

    found: list[Experiment] = []
    token: str | None = None
    with store.read() as reader:
        while max_results is None or len(found) < max_results:
            size = min(MAX_SEARCH_RESULTS, max_results - len(found) if max_results else 1000)
            page = search(reader, view_type, size, filter_string, order_by, token)
            found += page
            token = page.token
            if not token:
                break
    return found
