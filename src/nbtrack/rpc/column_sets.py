"""The column sets that a table of runs remembers with its experiment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nbtrack.errors import InvalidParameterError
from nbtrack.store import Reader, Store, get_experiment_tag
from nbtrack.validation import MAX_EXPERIMENT_TAG_VALUE

TABLE_TAG = "nbtrack.table"
MAX_SETS = 30


def remembered_sets(reader: Reader, experiment_ids: Sequence[str] | None) -> dict[str, Any] | None:
    """Return the column sets of an experiment; None where there is not exactly one."""
    if experiment_ids is None or len(experiment_ids) != 1:
        return None
    text = get_experiment_tag(reader, experiment_ids[0], TABLE_TAG)
    try:
        kept = {} if text is None else json.loads(text)
    except ValueError:  # somebody has set the tag to something else
        kept = {}
    if not isinstance(kept, dict):
        kept = {}
    named = kept.get("named")
    return {
        "last": kept.get("last") if isinstance(kept.get("last"), dict) else None,
        "named": named if isinstance(named, dict) else {},
    }


def remember_set(
    store: Store,
    experiment_ids: Sequence[str] | None,
    name: str | None,
    chosen: dict[str, Any] | None,
) -> dict[str, Any] | None:
    """Keep a column set of an experiment, or forget it; return all of them.

    Parameters
    ----------
    name : str or None
        None for what was used last.
    chosen : dict or None
        None forgets it.
    """
    with store.read() as reader:
        sets = remembered_sets(reader, experiment_ids)
    if sets is None or experiment_ids is None:
        if name is None:
            return None
        raise InvalidParameterError(
            "Column sets are kept with an experiment, and this table shows several."
        )
    if name is None:
        sets["last"] = chosen
    elif chosen is None:
        sets["named"].pop(name, None)
    else:
        sets["named"][name] = chosen
    text = json.dumps(sets, separators=(",", ":"))
    if len(sets["named"]) > MAX_SETS or len(text) > MAX_EXPERIMENT_TAG_VALUE:
        raise InvalidParameterError(
            f"{len(sets['named'])} column sets are too many to keep; forget some."
        )
    store.experiments.set_tags(experiment_ids[0], {TABLE_TAG: text})
    return sets
