"""``%%track --grid``: the cell that runs now is a parent run, each combination a run inside it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from IPython.core.error import UsageError

from nbtrack.autologging.switches import for_a_while
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.notebook.cards import show_card
from nbtrack.notebook.cell_dependencies import names_in_reach
from nbtrack.notebook.cells import Cells
from nbtrack.notebook.grid_card import GridCard, failures_text
from nbtrack.notebook.grid_cells import CombinationRunner, Interrupts, driven
from nbtrack.notebook.grid_literals import GridCell, grid_cell
from nbtrack.notebook.grid_worker import NeededCell, cell_work, cells_to_run_first
from nbtrack.notebook.options import TrackOptions
from nbtrack.tracking import context
from nbtrack.tracking.grid import Grid
from nbtrack.tracking.grid_processes import run_in_processes
from nbtrack.tracking.run import ActiveRun
from nbtrack.views.metric_names import primary_metric
from nbtrack.views.table.run_query import is_seed

Start = Callable[[TrackOptions], ActiveRun]


def track_grid(shell: Any, cells: Cells, options: TrackOptions, source: str, start: Start) -> Any:
    """Run the cell below ``%%track --grid`` for each combination.

    Parameters
    ----------
    shell : InteractiveShell
    cells : Cells
    options : TrackOptions
    source : str
        The text of the cell.
    start : callable
        Starts the parent.

    Returns
    -------
    Coroutine or None
        What is left to wait for, where the cell has an ``await`` at its top level.
    """
    __tracebackhide__ = True
    body, waits = cells.statements.take()
    try:
        session = GridSession(shell, cells, options, source, body, start)
    except NbtrackError as error:
        raise UsageError(str(error)) from None
    work = session.run(_file_of_cell(shell))
    return work if waits else driven(work)


class GridSession:
    """One execution of a cell with ``--grid``.

    Parameters
    ----------
    shell, cells, options, source, start
        As for `track_grid`.
    body : list of ast.stmt
        The statements of the cell.
    """

    def __init__(
        self,
        shell: Any,
        cells: Cells,
        options: TrackOptions,
        source: str,
        body: list[Any],
        start: Start,
    ) -> None:
        self._shell = shell
        self._cells = cells
        self._options = options
        self._source = source
        self._start = start
        self.grid = Grid(
            options.grid,
            sampler=options.sampler,
            trials=options.trials,
            minimize=options.minimize,
            maximize=options.maximize,
            seed=options.seed,
            primary=primary_metric,
            is_seed=is_seed,
        )
        executed, earlier = cells.executed()
        names = executed.names
        used = names_in_reach(earlier, executed)
        self.cell: GridCell = grid_cell(body, list(options.grid), used, shell.user_ns)
        modules = {name for each in earlier for name in each.names.imports} | names.imports
        self._binds = names.binds
        self._reads = frozenset(used) - names.binds - modules
        self._executed = executed
        self._first: list[NeededCell] = []
        if options.resume:
            self.grid.check_resume()
        if options.jobs > 1:
            self._first = cells_to_run_first(earlier, executed, list(options.grid), shell.user_ns)
        self._card: GridCard | None = None
        self._interrupts = Interrupts()

    async def run(self, file: str) -> None:
        """Run all combinations, and end the parent."""
        __tracebackhide__ = True
        grid, options = self.grid, self._options
        try:
            parent = self._start(options)
            grid.begin(parent, resumed=options.resume is not None)
        except NbtrackError as problem:
            raise UsageError(str(problem)) from None
        self._cells.keep_source(parent, options.line)
        error: BaseException | None = None
        try:
            if not options.quiet:
                show_card(parent, source=self._source)
                self._card = GridCard(grid, self._cells, options.jobs)
            with Interrupts() as self._interrupts:
                if options.jobs > 1:
                    error = self._parallel(parent)
                else:
                    with for_a_while() if options.auto else nullcontext():
                        error = await self._serial(file)
        except InvalidParameterError as reason:
            error = UsageError(str(reason))
        except BaseException as reason:  # noqa: BLE001  it ends the grid, and is raised again
            error = reason
        finally:
            self._end(error)
        if error is not None:
            raise error

    async def _serial(self, file: str) -> BaseException | None:
        """Run one combination after the other; return the last error, if all have failed."""
        __tracebackhide__ = True
        runner = CombinationRunner(
            self._shell,
            self._cells,
            self.cell,
            self._source,
            self._binds,
            self._reads,
            file,
            self._options.without,
        )
        if self._card is not None:
            self._card.printed = runner.muted.last_lines
        try:
            return await self._one_by_one(runner)
        finally:
            runner.leave()

    async def _one_by_one(self, runner: CombinationRunner) -> BaseException | None:
        __tracebackhide__ = True
        grid, params, failed = self.grid, self._options.params, None
        while (run := grid.next()) is not None:
            active = grid.start(run, shown=True)
            active.writer.log_params({k: v for k, v in params.items() if k not in run.params})
            show_card(active)
            self._tell()
            try:
                await runner.run(active, run.params)
            finally:
                if not active.ended:  # interrupted before the cell had begun
                    active.end_with(sys.exception())
                grid.ended(run, active.info.status)
            if runner.error is not None:
                failed = _for_debugger(runner.error)
            if self._card is not None:
                self._card.reused = runner.reused
            self._tell()
            self._interrupts.check()
        return None if grid.counted("FINISHED") else failed

    def _parallel(self, parent: ActiveRun) -> BaseException | None:
        """Run the combinations in processes of their own."""
        options = self._options
        work = cell_work(
            parent,
            self._executed,
            self._first,
            self._source,
            list(options.grid),
            options.params,
            options.without,
            auto=options.auto,
        )

        def tell() -> None:
            self._tell()
            self._interrupts.check()

        run_in_processes(self.grid, options.jobs, work, tell)
        failed = self.grid.counted("FAILED")
        if self.grid.counted("FINISHED") or not failed:
            return None
        return UsageError(f"All runs have failed. {failures_text(failed)}")

    def _tell(self) -> None:
        if self._card is not None:
            self._card.tell()

    def _end(self, error: BaseException | None) -> None:
        parent = self.grid.parent
        for run in reversed(context.open_runs()):
            if parent in run.outer and not run.ended:
                run.end_with(error)
        try:
            self.grid.keep_best()
        finally:
            parent.cell_error = error
            if self._card is not None:
                self._card.ending()
            parent.end_with(error)
            if self._card is not None:
                self._card.finish()


def _for_debugger(error: BaseException) -> BaseException:
    """Let ``%debug`` look at a run that has failed, although the cell goes on."""
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    return error


def _file_of_cell(shell: Any) -> str:
    """Return the file name of the code of the cell that has called this."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals is not shell.user_global_ns:
        frame = frame.f_back  # type: ignore[assignment]
    return frame.f_code.co_filename if frame is not None else "<cell>"
