"""Which of the runs that a cell makes is which: by name, else by the order in which they began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nbtrack.entities import Run, ViewType
from nbtrack.entities.runs import CELL_TAG, HOST, PARENT, RERUN_OF, SOURCE_NAME
from nbtrack.store import Reader, get_run
from nbtrack.store.search import search_runs

MOST_RUNS = 1000
MOST_INSIDE = 100


@dataclass(frozen=True)
class Step:
    """One of several runs that are made beside each other."""

    names: tuple[str, ...]
    index: int

    def choose(self, runs: Sequence[Run]) -> Run | None:
        """Return the run of the same name, else the one at the same position."""
        name = self.names[self.index]
        named = [run for run in runs if run.info.run_name == name]
        if named:
            return named[min(self.names[: self.index].count(name), len(named) - 1)]
        return runs[self.index] if self.index < len(runs) else None


@dataclass(frozen=True)
class Place:
    """The place of a run among those that its cell has made: from the outermost one inward."""

    steps: tuple[Step, ...]

    def find(self, runs: Sequence[Run]) -> Run | None:
        """Return the run at this place among runs that were made anew."""
        found: Run | None = None
        ids = {run.info.run_id for run in runs}
        for step in self.steps:
            beside = [
                run
                for run in runs
                if (run.data.tags.get(PARENT) == found.info.run_id if found is not None else
                    run.data.tags.get(PARENT) not in ids)
            ]  # fmt: skip
            found = step.choose(beside)
            if found is None:
                return None
        return found


def place_of(reader: Reader, run: Run, made_by: Run, number: int | None = None) -> Place:
    """Return the place of a run.

    Parameters
    ----------
    reader : Reader
    run : Run
    made_by : Run
        The run around it that has the cell, or the run itself.
    number : int, optional
        The execution count of the cell that has made it; of one that was resumed the tag has
        another.
    """
    steps = steps_below(reader, run, made_by)
    return Place((_step(made_by, _of_one_cell(reader, made_by, number)), *steps))


def steps_below(reader: Reader, run: Run, made_by: Run) -> list[Step]:
    """Return the steps from a run to one that is nested in it, directly or not."""
    steps: list[Step] = []
    found = run
    while found.info.run_id != made_by.info.run_id:
        parent = found.data.tags[PARENT]
        steps.insert(0, _step(found, _found(reader, f"tags.`{PARENT}` = '{parent}'")))
        found = get_run(reader, parent)
    return steps


def runs_made(reader: Reader, run_id: str) -> list[Run]:
    """Return the runs that were made while the cells of a run were executed again."""
    return _found(reader, f"tags.`{RERUN_OF}` = '{run_id}'")


def runs_inside(reader: Reader, run: Run) -> list[Run]:
    """Return the runs that began inside of a run while it went on, the first 100."""
    end = run.info.end_time
    found = _found(reader, f"tags.`{PARENT}` = '{run.info.run_id}'")
    inside = [
        each
        for each in found
        if each.info.start_time >= run.info.start_time
        and (end is None or each.info.start_time <= end)
    ]
    return inside[:MOST_INSIDE]


def _of_one_cell(reader: Reader, run: Run, number: int | None = None) -> list[Run]:
    tags = run.data.tags
    by = CELL_TAG if CELL_TAG in tags else SOURCE_NAME  # a script has no cells
    wanted = {key: tags.get(key) for key in (by, "nbtrack.pid", HOST)}
    if number is not None and by == CELL_TAG:
        wanted[CELL_TAG] = str(number)
    if None in wanted.values() or any("'" in str(value) for value in wanted.values()):
        return [run]
    condition = " AND ".join(f"tags.`{key}` = '{value}'" for key, value in wanted.items())
    found = _found(reader, condition)
    if all(each.info.run_id != run.info.run_id for each in found):
        found = sorted([*found, run], key=lambda each: each.info.start_time)
    return found


def _found(reader: Reader, condition: str) -> list[Run]:
    order = ["attributes.start_time ASC"]
    return list(
        search_runs(reader, None, condition, ViewType.ACTIVE_ONLY, MOST_RUNS, order_by=order)
    )


def _step(run: Run, beside: Sequence[Run]) -> Step:
    ids = [each.info.run_id for each in beside]
    if run.info.run_id not in ids:
        return Step((run.info.run_name,), 0)
    names = tuple(each.info.run_name for each in beside)
    return Step(names, ids.index(run.info.run_id))
