"""Searches as the fluent API offers them: experiments by name, lists or DataFrames."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from nbtrack.entities import Experiment, Run
from nbtrack.errors import InvalidParameterError, NotFoundError, warn
from nbtrack.store import Reader, Store
from nbtrack.suggestions import did_you_mean
from nbtrack.validation import MAX_SEARCH_RESULTS

if TYPE_CHECKING:
    import pandas as pd


def ids_of(store: Store, names: Sequence[str]) -> list[str]:
    """Return the ids of experiments by their names; unknown names are left out, and said."""
    from nbtrack.store import find_experiment_by_name

    wanted = [names] if isinstance(names, str) else names
    with store.read() as reader:
        found = {name: find_experiment_by_name(reader, name) for name in wanted}
    ids = [experiment.experiment_id for experiment in found.values() if experiment is not None]
    missing = [name for name, experiment in found.items() if experiment is None]
    if missing and ids:
        warn(str(no_such_experiment(store, missing)), stacklevel=4)
    return ids


def no_such_experiment(store: Store, names: Sequence[str]) -> NotFoundError:
    """Return the error of names that no experiment has; it names the nearest one."""
    shown = ", ".join(map(repr, names))
    with store.read() as reader:
        known = reader.hints("experiments.names")
    hint = did_you_mean(names[0], known, "nbtrack.search_experiments() shows those that are there.")
    return NotFoundError(f"There is no experiment with the name {shown}. {hint}")


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
            frame = runs_frame(
                reader, experiment_ids, filter_string, run_view_type, max_results, order_by
            )
            columns = frame.columns if len(frame) else ()
            _say_unknown(reader, filter_string, order_by, columns, found=bool(len(frame)))
        return frame
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
        names = (
            []
            if not runs
            else [
                f"{family}.{key}"
                for family in ("metrics", "params", "tags")
                for key in getattr(runs[0].data, family)
            ]
        )
        _say_unknown(reader, filter_string, order_by, names, found=bool(runs))
    return runs


def _say_unknown(
    reader: Reader,
    filter_string: str,
    order_by: Sequence[str] | None,
    names: Collection[str],
    *,
    found: bool,
) -> None:
    """Warn of what nobody has logged and is like something that somebody has.

    Where runs were found, it is about the order: the first has what they are ordered by, if any has
    it, since those that lack it come last.
    """
    if found and not order_by:
        return
    from nbtrack.store.search import unknown_names

    for each in unknown_names(reader, "" if found else filter_string, order_by, there=names):
        if each.meant is not None:
            warn(each.text(), stacklevel=5)


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
        if not found:
            say_what_was_meant(reader, "experiment", filter_string)
    return found


def say_what_was_meant(reader: Reader, searched: str, filter_string: str | None) -> None:
    """Warn of names of a filter that found nothing, where something is there that is like them.

    Parameters
    ----------
    reader : Reader
    searched : str
        As ``nbtrack.store.search.meant_names`` takes it.
    filter_string : str, optional
    """
    from nbtrack.store.search import meant_names

    for text in meant_names(reader, searched, filter_string):
        warn(text, stacklevel=5)
