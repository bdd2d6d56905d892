"""A grid, run again: each of its runs, and a verdict that sums theirs up."""

from __future__ import annotations

from collections.abc import Callable

from nbtrack.entities import Run
from nbtrack.entities.runs import GRID_TAG
from nbtrack.errors import NbtrackError
from nbtrack.reruns.comparison import Comparison, Item, facts_of, listed
from nbtrack.reruns.curves import Result
from nbtrack.reruns.grid_values import has_cells, runs_of
from nbtrack.reruns.plan import check_state
from nbtrack.reruns.progress import Progress
from nbtrack.reruns.verdict import Outcome, Verdict, day, verdict_of
from nbtrack.store import Store, now_ms

Again = Callable[[Run], Verdict]


def is_grid_of_cells(store: Store, run: Run) -> bool:
    """Return whether a run is a grid of ``%%track``, each run of which has its cell."""
    if GRID_TAG not in run.data.tags:
        return False
    with store.read() as reader:
        return has_cells(reader, run)


def grid_verdict(store: Store, grid: Run, again: Again, progress: Progress) -> Verdict:
    """Have each run of a grid again, and return what came of it.

    Parameters
    ----------
    store : Store
    grid : Run
    again : callable
        Has one run again; its verdict stays with that one.
    progress : Progress

    Raises
    ------
    InvalidStateError
        If the grid is deleted or goes on.
    """
    check_state(grid)
    with store.read() as reader:
        runs = runs_of(reader, grid)
        then = facts_of(reader, grid)
    items = []
    for place, run in enumerate(runs, 1):
        progress.part(place, len(runs), run.info.run_name)
        items.append(_item(run, again))
    compared = Comparison(items)
    result, text = _summed_up(items)
    causes = {item.now for item in items if item.differs}
    cause = causes.pop() if len(causes) == 1 else None
    return verdict_of(then, None, compared, date=now_ms(), result=result, text=text, cause=cause)


def _item(run: Run, again: Again) -> Item:
    name = run.info.run_name
    try:
        found = again(run)
    except NbtrackError as error:
        return Item("text", name, "different", "", "error", str(error))
    results: dict[Outcome, Result] = {"exact": "exact", "close": "close"}
    result = results.get(found.result, "different")
    return Item("text", name, result, "", found.cause or "", found.text)


def _summed_up(items: list[Item]) -> tuple[Outcome, str]:
    differs = [item for item in items if item.differs]
    count = f"{len(items)} runs"
    if not differs:
        close = any(item.result == "close" for item in items)
        rounding = ", but for rounding" if close else ""
        text = f"verified on {day(now_ms())}: same numbers in all {count}{rounding}"
        return "close" if close else "exact", text
    failed = all(item.now == "error" for item in items)
    shown = listed([f"{item.key} ({item.detail})" for item in differs], 3)
    text = f"same numbers in {len(items) - len(differs)} of {count}; not in {shown}"
    return "failed" if failed else "different", text
