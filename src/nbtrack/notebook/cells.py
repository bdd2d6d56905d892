"""The cells of a shell: which one runs now, how it ended, and whose run it is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

from nbtrack.notebook.capture import CellCapture, keep_cell
from nbtrack.notebook.executed import Executed, history_of
from nbtrack.notebook.grid_source import GridStatements
from nbtrack.notebook.observed import observers
from nbtrack.notebook.random_watch import RandomWatch
from nbtrack.notebook.several_runs import makes_several
from nbtrack.notebook.source_record import SourceRecord
from nbtrack.notebook.watching import CellWatch, Watcher
from nbtrack.tracking import context
from nbtrack.tracking.joining import Joining
from nbtrack.tracking.kernel import number_of
from nbtrack.tracking.random_state import capture as capture_random_state
from nbtrack.tracking.run import ActiveRun

MAX_KEPT = 16
MAX_ENDED = 50  # runs whose models may be scored yet


class Cells:
    """Follows the cells of a shell; get it with ``cells_of``.

    Attributes
    ----------
    capturing : bool
        Whether ``%%track`` makes runs; ``%track off`` stops it.
    current : object or None
        IPython's information about the cell that runs now.
    cards : int
        How many cards the cell that runs now was asked for.
    live : dict
        The cards of the runs that go on, by run id.
    statements : GridStatements
        What ``--grid`` has taken out of the cell that runs now.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self.capturing = True
        self.current: Any = None
        self._asked: Any = None  # what a front end asked for; a magic of it may run a cell within
        self.cards = 0
        self.live: dict[str, Any] = {}
        self.statements = GridStatements(lambda: self.capturing)
        self._finished: deque[Any] = deque()
        self._tracked: list[tuple[Any, CellCapture]] = []
        self._records: list[SourceRecord] = []
        self._ended: deque[SourceRecord] = deque(maxlen=MAX_ENDED)
        self._history = history_of(shell)
        self._executed = self._history.numbered(number_of(shell))
        self._watch = CellWatch(watchers_of(shell))
        shell.events.register("pre_run_cell", self._on_start)
        shell.events.register("post_run_cell", self._on_end)

    def close(self) -> None:
        """Stop following."""
        self._shell.events.unregister("pre_run_cell", self._on_start)
        self._shell.events.unregister("post_run_cell", self._on_end)

    @property
    def tracked(self) -> CellCapture | None:
        """The capture of the cell that runs now, if it is tracked."""
        return self._tracked[-1][1] if self._tracked else None

    def keep(self, widget: Any) -> None:
        """Keep a finished card: a page that was reloaded meanwhile shows it as live."""
        self._finished.append(widget)
        if len(self._finished) > MAX_KEPT:
            self._finished.popleft().close()

    def track(
        self,
        run: ActiveRun,
        source: str,
        without: Sequence[str] = (),
        *,
        line: str = "",
        auto: bool = False,
        fixed: Collection[str] = (),
        ends_before_cell: bool = False,
    ) -> CellCapture:
        """Capture for a run what the cell gives that runs now; the run ends with the cell.

        Parameters
        ----------
        run : ActiveRun
        source : str
        without : sequence of str
            Names or patterns of what is left out.
        line : str, optional
            The line of ``%%track``.
        auto : bool, optional
            Whether libraries and loops are logged by themselves.
        fixed : collection of str, optional
            What the line gives of ``"name"``, ``"experiment"`` and keys of tags: ``start_run`` in
            the cell does not change it. Of a run that is one of several it is both.
        ends_before_cell : bool, optional
            Whether the run is one of several of the cell, and ``end`` ends it.
        """
        executed, earlier = self.executed()
        capture = CellCapture(
            run, self._shell, source, executed, earlier, without, line=line, auto=auto
        )
        several = partial(makes_several, self._shell)
        kept = ("name", "experiment") if ends_before_cell else fixed
        run.joining = Joining(run, kept, several)
        if ends_before_cell:
            capture.record.random_state = capture_random_state(self._shell.user_ns)
        else:
            self._records.append(capture.record)
        self._tracked.append((self.current, capture))
        return capture

    def end(self, capture: CellCapture, result: Any, error: BaseException | None) -> None:
        """End a run before the cell that it is a part of has ended.

        Parameters
        ----------
        capture : CellCapture
        result : object
            The value of its last expression.
        error : BaseException or None
        """
        self._tracked = [each for each in self._tracked if each[1] is not capture]
        _finish(capture, result, error)
        capture.record.finish_within(capture_random_state(self._shell.user_ns))

    def enter(self, source: str, cell_id: str | None) -> None:
        """Take a cell as the one that runs now, although no front end has asked for it.

        Parameters
        ----------
        source : str
        cell_id : str or None
        """
        self.current = SimpleNamespace(raw_cell=source, cell_id=cell_id)
        self._asked = None
        self._executed = self._history.add(number_of(self._shell), source, cell_id)
        self._watch.forget()

    def executed(self) -> tuple[Executed, list[Executed]]:
        """Return the cell that runs now, and those that were executed before it."""
        cell = self._executed
        if cell is None:
            cell = self._history.add(number_of(self._shell), getattr(self.current, "raw_cell", ""))
        return cell, self._history.before(cell)

    def keep_source(self, run: ActiveRun, line: str | None = None) -> None:
        """Keep the cell that runs now for a run that its code has started, or for a grid.

        Parameters
        ----------
        run : ActiveRun
        line : str, optional
            The line of ``%%track`` of a grid; of a run beside that of its cell it is the cell's.
        """
        cell = self._executed
        if self.tracked is not None and self.tracked.run in run.outer:
            self.tracked.has_inner = True
        if self.capturing and cell is not None and self._is_beside(run):
            if self.tracked is not None:
                line = self.tracked.record.line
            self._records.append(
                keep_cell(run, cell, self._history.before(cell), self._shell.user_ns, line)
            )

    def _is_beside(self, run: ActiveRun) -> bool:
        """Return whether a run is inside no other run of its cell, which would have its source."""
        if self.tracked is not None:
            return run.beside
        return not any(outer.cell == run.cell for outer in run.outer)

    def _on_start(self, info: Any) -> None:
        if not self._tracked:
            self.cards = 0
        self.current = info
        if getattr(info, "store_history", True) and not getattr(info, "silent", False):
            self._keep_ended()
            self._asked = info
            self._executed = self._history.add(
                number_of(self._shell), info.raw_cell, getattr(info, "cell_id", None)
            )
            if self.capturing:
                self._watch.before(self._executed)
            else:
                self._watch.forget()

    def _on_end(self, result: Any) -> None:
        error = _error_of(result)
        cell = getattr(result, "info", self.current)
        is_last = self._executed is not None and cell is self._asked
        if self._executed is not None and is_last:
            self._executed.failed = error is not None
            for capture in [each for of, each in self._tracked if of is cell]:
                capture.end_autologging()
            self._watch.after(self._executed)
            self._asked = None
        while self._tracked and self._tracked[-1][0] is cell:
            _, capture = self._tracked.pop()
            _finish(capture, getattr(result, "result", None), error)
        for run in context.open_runs():
            run.cell_error = error
        if self._asked is not None:
            self.current = self._asked
        elif not self._tracked:
            if is_last:  # else it is no cell, such as code without history
                self._keep_records()
            self.current = None

    def _keep_ended(self) -> None:
        """Keep what is known of runs that have ended since the last cell, before the next one."""
        for record in [each for each in self._records if each.run.ended]:
            self._records.remove(record)
            record.finish()
            self._ended.append(record)

    def _keep_records(self) -> None:
        """Keep what the cell has shown of runs that it has started, or gone on with."""
        cell = self._executed
        for record in self._ended:
            if cell is not None and record.cell is not cell and record.goes_on:
                record.go_on(cell, self._history.before(cell))
                record.finish()
        records, self._records = self._records, []
        for record in records:
            if cell is not None and record.cell is not cell:
                record.continued.append(cell)
            record.finish()
            (self._ended if record.run.ended else self._records).append(record)


def watchers_of(shell: Any) -> list[Watcher]:
    """Return those that watch the cells of a shell: its objects, generators and files."""
    return [*observers(shell), RandomWatch(shell)]


def _error_of(result: Any) -> BaseException | None:
    if result is None:  # the cell was cancelled before there was a result
        return asyncio.CancelledError()
    error: BaseException | None = result.error_before_exec or result.error_in_exec
    return error


def _finish(capture: CellCapture, result: Any, error: BaseException | None) -> None:
    run = capture.run
    capture.finish(result, failed=error is not None)
    inner = [other for other in context.open_runs() if run in other.outer]
    for other in (*reversed(inner), run):
        other.cell_error = error
        _end(other, error)


def _end(run: ActiveRun, error: BaseException | None) -> None:
    """End a run; IPython would show an error of a callback as a traceback of its own."""
    try:
        run.end_with(error)
    except Exception as reason:  # noqa: BLE001  the cell is over: nobody could catch it
        run.store.warn_once(f"The run {run.info.run_name} could not be ended: {reason}")


@cache
def cells_of(shell: Any) -> Cells:
    """Return the cells of a shell; they are followed from the first call on."""
    return Cells(shell)
