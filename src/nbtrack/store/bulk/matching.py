"""Which experiment of one store is which of another: names are unique, ids are each store's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nbtrack.store.bulk.runs import MAX_KEPT_ID
from nbtrack.store.reader import Reader


class ExperimentRow(NamedTuple):
    """An experiment as a store has it; times in milliseconds since the epoch."""

    id: str
    name: str
    stage: str
    location: str | None
    created: int
    updated: int


def experiment_rows(reader: Reader) -> list[ExperimentRow]:
    """Return all experiments of a store, deleted ones too."""
    return [ExperimentRow(*row) for row in reader.named("bulk.experiments")]


def match_experiments(
    there: Iterable[ExperimentRow], here: Sequence[ExperimentRow]
) -> dict[str, ExperimentRow]:
    """Return which experiment here each of another store is, by its id there.

    An active one is the active one of its name. Where there is none it has been renamed or
    deleted here, or there: then it is the one that was made at the same moment, if only one was.
    Those that are missing are new.
    """
    there = list(there)
    active = {each.name: each for each in here if each.stage == "active"}
    deleted = {(each.name, each.created): each for each in here if each.stage != "active"}
    by_time = {each.created: each for each in here}
    moments = [Counter(each.created for each in side) for side in (here, there)]
    found = {}
    for each in there:
        if each.stage == "active":
            match = active.get(each.name)
        else:
            match = deleted.get((each.name, each.created))
        if match is None and all(side[each.created] == 1 for side in moments):
            match = by_time.get(each.created)
        if match is not None:
            found[each.id] = match
    return found


def new_ids(wanted: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """Return an id for each new experiment: its own, where nobody has it here."""
    used = set(taken)
    last = max((int(each) for each in used if each.isdecimal()), default=0)
    found = {}
    for each in wanted:
        short = each.isdecimal() and 0 < int(each) < MAX_KEPT_ID and str(int(each)) == each
        last = max(last, int(each)) if short and each not in used else last + 1
        found[each] = each if short and each not in used else str(last)
        used.add(found[each])
    return found
