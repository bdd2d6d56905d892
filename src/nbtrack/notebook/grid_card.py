"""What a grid shows below its cell: the card of the parent, and the table of the runs inside it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from IPython import display as ipython

from nbtrack.notebook.cells import Cells
from nbtrack.notebook.grid_changes import reuse_message
from nbtrack.notebook.live_card import MAX_CHILDREN, LiveCard
from nbtrack.tracking.grid import Grid, GridRun
from nbtrack.views.chart.content import Head, RunRef
from nbtrack.views.chart.query import stored_curves
from nbtrack.views.display import display_mode, live_front_end
from nbtrack.views.formats import format_duration, format_number
from nbtrack.views.widgets.grid_table import GridTable

EVERY_S = 1.5  # the store is asked for what other processes have logged
FAILURES = 2  # different errors that are shown
MAX_ERROR = 300

show: Any = ipython.display


class GridCard:
    """Shows how a grid gets on: in the card of its parent, and in a table of its runs.

    Parameters
    ----------
    grid : Grid
        Its parent has started, and has its card.
    cells : Cells
    jobs : int
        How many processes run it; more than one have their curves from the store.

    Attributes
    ----------
    reused : list of str
        Objects of earlier cells that each run changes.
    printed : callable
        Returns what the run that goes on has printed last.
    """

    def __init__(self, grid: Grid, cells: Cells, jobs: int = 1) -> None:
        self._grid = grid
        self._cells = cells
        self.printed: Callable[[], str] = str
        self._followed: dict[str, str] = {}
        self._told = 0.0
        self._jobs = jobs
        self._ended = False
        self._table: GridTable | None = None
        self._handle: Any = None
        self.reused: list[str] = []
        live = self._live()
        if live is not None:
            live.facts = self.facts

    def _live(self) -> LiveCard | None:
        return self._cells.live.get(self._grid.parent.info.run_id)

    def tell(self) -> None:
        """Show what has changed: a run has started, or ended."""
        live = self._live()
        if live is None:
            return
        live.tell()
        if self._jobs > 1 and time.monotonic() - self._told < EVERY_S:
            return
        self._told = time.monotonic()
        try:
            self._show_table()
            if self._jobs > 1:
                self._follow(live)
        except Exception as error:  # noqa: BLE001  the runs go on, whatever shows them
            parent = self._grid.parent
            parent.store.warn_once(f"The runs of {parent.info.run_name} cannot be shown: {error!r}")

    def _follow(self, live: LiveCard) -> None:
        """Show what the runs of other processes have logged, until they have ended."""
        runs = [run for run in self._grid.runs if run.run_id][:MAX_CHILDREN]
        changed = [run for run in runs if self._followed.get(run.run_id) in (None, "RUNNING")]
        if not changed:
            return
        with self._grid.parent.store.read() as reader:
            curves = stored_curves(reader, [run.run_id for run in changed])
        live.show_runs(
            [RunRef(run.run_id, run.name, "plain", run.status) for run in changed], curves
        )
        self._followed.update({run.run_id: run.status for run in changed})

    def _show_table(self) -> None:
        ids = [run.run_id for run in self._grid.runs if run.run_id]
        if not ids or display_mode() == "off":
            return
        grid = self._grid
        if self._table is None:
            self._table = GridTable(grid.parent.store, ids, grid.varied, grid.seeds)
            if live_front_end():
                self._handle = show(self._table, display_id=True)
            else:
                self._handle = show({"text/plain": "The runs"}, raw=True, display_id=True)
        self._table.show_runs(ids, grid.metric, grid.direction)

    def ending(self) -> None:
        """Note that all runs have ended."""
        self._told = 0.0
        self.tell()
        self._ended = True

    def finish(self) -> None:
        """Replace the table by what stays in the notebook."""
        if self._table is None:
            return
        self._show_table()
        self._table.rest()
        data, metadata = self._table.finished_bundle()
        self._handle.update(data, metadata=metadata, raw=True)
        self._cells.keep(self._table)

    def facts(self) -> Head:
        """Return what the first line of the card says."""
        return {
            "progress": self.progress(),
            "printed": None if self._ended else self.printed() or None,
            "standing": reuse_message(self.reused) if self.reused else None,
            "error": failures_text(self._grid.counted("FAILED")) or None,
        }

    def progress(self) -> str:
        """Return how far the grid is, in words."""
        grid = self._grid
        done, failed = len(grid.counted("FINISHED")), len(grid.counted("FAILED"))
        if self._ended:
            parts = [f"{done} of {grid.total} finished"]
            if failed:
                parts.append(f"{failed} failed")
            if done + failed < grid.total:
                parts.append("stopped")
        else:
            parts = [f"{min(len(grid.runs), grid.total)} of {grid.total}"]
            left = grid.seconds_left(self._jobs)
            if grid.stop_is_asked:
                parts.append("stops after this one")
            elif left is not None:
                parts.append(f"about {format_duration(left)} left")
            if failed:
                parts.append(f"{failed} failed")
        if best := self._best():
            parts.append(best)
        return ", ".join(parts)

    def _best(self) -> str:
        best = self._grid.best()
        if best is None or len(self._grid.counted("FINISHED")) < 2:
            return ""
        names = [name for name in self._grid.varied if name not in self._grid.seeds]
        params = best.runs[0].params
        which = " ".join(f"{name}={_short(params[name])}" for name in names)
        value = f"{self._grid.metric} {format_number(best.mean)}"
        if len(best.runs) > 1:
            value += f" ± {format_number(best.spread, 2)}"
        return f"best {which or best.runs[0].name}: {value}"


def failures_text(failed: list[GridRun]) -> str:
    """Return why runs have failed, each error once, the most frequent first."""
    errors = Counter(run.error or "no error was kept" for run in failed)
    parts = []
    for error, count in errors.most_common(FAILURES):
        first = next(run.name for run in failed if (run.error or "no error was kept") == error)
        more = f" and {count - 1} more" if count > 1 else ""
        parts.append(f"{first}{more}: {error[:MAX_ERROR]}")
    if len(errors) > FAILURES:
        parts.append(f"and {len(errors) - FAILURES} other errors")
    return " · ".join(parts)


def _short(value: Any) -> str:
    return format_number(value) if isinstance(value, float) else str(value)[:24]
