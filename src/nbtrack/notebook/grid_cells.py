"""Runs a cell with one combination of values after the other, each captured as a run."""

from __future__ import annotations

import ast
import asyncio
import inspect
import signal
import sys
import threading
import types
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from nbtrack.notebook.cells import Cells
from nbtrack.notebook.grid_changes import changed_names, states_of
from nbtrack.notebook.grid_literals import GridCell, set_outside
from nbtrack.notebook.grid_source import source_with
from nbtrack.tracking.run import ActiveRun

INTERRUPTS = (KeyboardInterrupt, asyncio.CancelledError, GeneratorExit)
TAIL = 2000  # characters of what a run prints that are looked at,
LINES, LINE = 3, 160  # and lines of them, with their characters, that the card shows
_MISSING = object()


class CombinationRunner:
    """Runs a cell again and again in the namespace of a shell.

    Names that the cell binds are as they were before the grid when a run starts: nothing of one
    run is left for the next. What the last run has bound stays. What is printed and shown is kept
    with the run, and not shown.

    Parameters
    ----------
    shell : InteractiveShell
    cells : Cells
    cell : GridCell
    source : str
        Its text.
    binds : frozenset of str
        The names that it may give a value.
    reads : frozenset of str
        The names that it uses of earlier cells.
    file : str
        The file name that its tracebacks have.
    without : sequence of str
        Names or patterns of what is left out.

    Attributes
    ----------
    reused : list of str
        Objects of earlier cells that the first run has changed, so that the next goes on with them.
    error : BaseException or None
        How the last run ended.
    muted : Muted
        It has the last of what the run prints.
    """

    def __init__(
        self,
        shell: Any,
        cells: Cells,
        cell: GridCell,
        source: str,
        binds: frozenset[str],
        reads: frozenset[str],
        file: str,
        without: Sequence[str] = (),
    ) -> None:
        self._shell = shell
        self._cells = cells
        self._cell = cell
        self._source = source
        self._file = file
        self._without = without
        self._reads = reads
        roots = [name.split(".")[0] for name in cell.outside]
        self._before = {name: shell.user_ns.get(name, _MISSING) for name in (*binds, *roots)}
        self._outside = roots
        self._runs = 0
        self.reused: list[str] = []
        self.error: BaseException | None = None
        self.muted = Muted(shell)

    async def run(self, run: ActiveRun, values: Mapping[str, Any]) -> None:
        """Run the cell for a run that has started; the run ends with it.

        Raises
        ------
        KeyboardInterrupt, CancelledError
            If the cell is interrupted.
        """
        __tracebackhide__ = True
        self._reset(self._before)
        for name in self._cell.outside:
            set_outside(self._shell.user_ns, name, values[name])
        states = states_of(self._reads, self._shell.user_ns) if self._runs == 0 else {}
        tree = self._cell.with_values(values)
        source = source_with(self._shell, self._source, self._cell, tree, values)
        figures = _open_figures()
        result: Any = None
        self.error = None
        with self.muted:
            capture = self._cells.track(run, source, self._without, ends_before_cell=True)
            try:
                capture.start()
                result = await self._execute(tree)
            except BaseException as error:  # noqa: BLE001  whatever ends the run belongs to it
                self.error = _from_cell(error, self._file)
            finally:
                self._cells.end(capture, result, self.error)
                _close_figures(figures)
        self._runs += 1
        if states:
            self.reused = changed_names(states, self._shell.user_ns)
        if isinstance(self.error, INTERRUPTS):
            raise self.error

    def leave(self) -> None:
        """Give the names that the cell does not assign the values that they had before."""
        self._reset(self._outside)

    def _reset(self, names: Any) -> None:
        for name in names:
            value = self._before[name]
            if value is _MISSING:
                self._shell.user_ns.pop(name, None)
            else:
                self._shell.user_ns[name] = value

    async def _execute(self, tree: ast.Module) -> Any:
        """Run the statements; return the value of the last one, if it is an expression."""
        __tracebackhide__ = True
        last = tree.body[-1] if tree.body else None
        flags = self._shell.compile.flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        parts: list[ast.Module | ast.Expression] = [tree]
        if isinstance(last, ast.Expr):
            parts = [ast.Module(tree.body[:-1], []), ast.Expression(last.value)]
        result = None
        for part in parts:
            mode = "eval" if isinstance(part, ast.Expression) else "exec"
            code: types.CodeType = compile(part, self._file, mode, flags, dont_inherit=True)
            result = eval(code, self._shell.user_global_ns, self._shell.user_ns)  # noqa: S307
            if inspect.CO_COROUTINE & code.co_flags:
                result = await result
        return result


class Muted:
    """While it is entered, nothing that is printed or displayed reaches the notebook.

    What listens to the streams and the display hooks hears it all the same.
    """

    def __init__(self, shell: Any) -> None:
        self._publisher = shell.display_pub
        self._streams: list[tuple[Any, Any]] = []
        self._tail = ""

    def last_lines(self) -> str:
        """Return the last lines that were printed; of one that is overwritten its last state."""
        lines = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in self._tail.split("\n")]
        return "\n".join([line.rstrip()[:LINE] for line in lines if line.strip()][-LINES:])

    def _write(self, text: str) -> int:
        if isinstance(text, str):
            self._tail = (self._tail + text)[-TAIL:]
        return len(text)

    def __enter__(self) -> None:
        self._tail = ""
        streams: list[Any] = [sys.stdout, sys.stderr]
        for stream in dict.fromkeys(streams):
            original = vars(stream).get("write") if hasattr(stream, "__dict__") else None
            try:
                stream.write = self._write
            except AttributeError:  # a stream that cannot be changed is shown
                continue
            self._streams.append((stream, original))
        self._hook: Any = _Dropping(self._publisher)

    def __exit__(self, *error: object) -> None:
        self._hook.close()
        for stream, original in self._streams:
            if original is None:
                vars(stream).pop("write", None)
            else:
                stream.write = original


class _Dropping:
    """Keeps what is displayed in this thread from the front end; other hooks come before it."""

    def __init__(self, publisher: Any) -> None:
        self._publisher = publisher
        self._register = getattr(publisher, "register_hook", None)
        if self._register is None:
            return
        self._register(self._drop)
        # hooks are asked in order, and this one must be the last
        publisher.register_hook = self._register_before

    def close(self) -> None:
        if self._register is not None:
            vars(self._publisher).pop("register_hook", None)
            self._publisher.unregister_hook(self._drop)

    def _register_before(self, hook: Any) -> None:
        self._publisher.unregister_hook(self._drop)
        self._register(hook)  # type: ignore[misc]
        self._register(self._drop)  # type: ignore[misc]

    def _drop(self, message: Any) -> None:
        return None


class Interrupts:
    """Remembers, while it is entered, that Ctrl-C was pressed.

    Python raises ``KeyboardInterrupt`` wherever the main thread is. Where that is inside a query
    of DuckDB, the query fails with an error of its own, and whoever handles that goes on as if
    nobody had wanted to stop.

    Attributes
    ----------
    wanted : bool
        Whether it was pressed, and nobody has been told by `check`.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if callable(before):
                self._before = before
                signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        # a handler that the cell has set, and left, is none of ours
        if self._before is not None and signal.getsignal(signal.SIGINT) == self._note:
            signal.signal(signal.SIGINT, self._before)
        self._before = None

    def check(self) -> None:
        """Raise what Ctrl-C would have raised, if it was pressed and is not known yet.

        Raises
        ------
        KeyboardInterrupt
        """
        if self.wanted:
            self.wanted = False
            raise KeyboardInterrupt

    def _note(self, number: int, frame: types.FrameType | None) -> None:
        self.wanted = True
        self._before(number, frame)


def driven(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits."""
    __tracebackhide__ = True
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("The cell waits for something that is not below an await of its own.")


def _from_cell(error: BaseException, file: str) -> BaseException:
    """Return an error with a traceback that begins in the cell."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != file:
        trace = trace.tb_next
    return error.with_traceback(trace) if trace is not None else error


def _open_figures() -> set[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot is not None else set()


def _close_figures(before: set[int]) -> None:
    """Close the figures of a run: the notebook would show those of all runs after the cell."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    for number in _open_figures() - before:
        pyplot.close(number)  # type: ignore[union-attr]
