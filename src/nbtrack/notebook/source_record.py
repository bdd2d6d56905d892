"""What is kept with a run of the cells that it needed, so that it can be run again."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from nbtrack.entities.runs import WARNINGS
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.notebook.cell_dependencies import Slice, backward_slice
from nbtrack.notebook.executed import MAX_CELLS, Executed
from nbtrack.notebook.hash_order import takes_set_order
from nbtrack.notebook.names import line_of_track
from nbtrack.notebook.observation import Finding
from nbtrack.notebook.secrets import SecretsOfCells
from nbtrack.notebook.timing_use import computes_with_clock, takes_completion_order
from nbtrack.store import Owner, RunWriter
from nbtrack.tracking.environment_record import PARTS
from nbtrack.tracking.files_read import FILES_FILE, FilesRecord
from nbtrack.tracking.process_facts import process_facts
from nbtrack.tracking.random_state import RandomState, keep_random_states
from nbtrack.tracking.run import ActiveRun

SOURCE_FILE = ".nbtrack/cell.py"
CELLS_FILE = ".nbtrack/cells.json"
MAX_CHARACTERS = 100_000
VERSION = 2


class SourceRecord:
    """Keeps the cells of a run: when it starts, and again when more is known of its own cell.

    Parameters
    ----------
    run : ActiveRun
    cell : Executed
        The cell that has started it.
    earlier : list of Executed
        The cells that were executed before it.
    names : set of str
        The variables of the notebook when it started.
    clean : SecretsOfCells
    line : str or None
        The line of ``%%track``; None where code has started the run.
    keeps_cell : bool
        Whether the cell itself is kept here, too: nobody else does.

    Attributes
    ----------
    run : ActiveRun
    cell : Executed
    continued : list of Executed
        The cells that were executed after it, until the run ended.
    line : str or None
    random_state : RandomState or None
        The state of the generators when the run began, of one that ends before its cell does.
    """

    def __init__(
        self,
        run: ActiveRun,
        cell: Executed,
        earlier: Sequence[Executed],
        names: set[str],
        clean: SecretsOfCells,
        line: str | None = None,
        *,
        keeps_cell: bool = True,
    ) -> None:
        self.run = run
        self.cell = cell
        self.continued: list[Executed] = []
        self.random_state: RandomState | None = None
        self._earlier = list(earlier)
        self._names = names
        self._clean = clean
        self.line = line
        self._keeps_cell = keeps_cell
        self._part = 0
        self._found: Slice | None = None
        self._looking = threading.Lock()
        self._writing = threading.Lock()
        self._kept = ""
        self._warned = ""
        self._states: set[str] = set()
        self._files = FilesRecord(run)
        if run.resumed:
            self._safely(self._set_aside)

    def slice(self) -> Slice:
        """Return the earlier cells that it needs, as far as they are known when it starts."""
        with self._looking:
            if self._found is None:
                self._found = backward_slice(self._earlier, self.cell, self._names)
            return self._found

    def start(self) -> None:
        """Keep the cells in a thread, since many are to be parsed."""

        def keep() -> None:
            self.run.ending.wait(0.25)  # stay out of the way of the first steps
            self._safely(lambda: self._keep(self.slice()))

        self.run.in_background(threading.Thread(target=keep, daemon=True))

    @property
    def goes_on(self) -> bool:
        """Whether its run has ended, and has got metrics since: the score of a fitted model."""
        writers, run_id = self.run.store.writers, self.run.info.run_id
        return (
            self.run.ended
            and writers.is_open(run_id)
            and bool(self.run.store.writer(run_id).journal.keys)
        )

    def go_on(self, cell: Executed, before: Sequence[Executed]) -> None:
        """Take a cell as one that goes on with the run, and what it needs of those between.

        Parameters
        ----------
        cell : Executed
        before : list of Executed
            The cells that were executed before it.
        """
        places = [place for place, each in enumerate(before) if each is self.cell]
        later = list(before[places[-1] + 1 :]) if places else []
        needed = [each.cell for each in backward_slice(before, cell).cells]
        wanted = [*self.continued, *needed, cell]
        self.continued = [each for each in [*later, cell] if any(each is one for one in wanted)]

    def finish(self) -> None:
        """Keep them again: its own cell, or one that continues it, has ended and was watched."""
        self._safely(self._keep_again)

    def finish_within(self, state: RandomState) -> None:
        """Keep what is known of a run that has ended while its cell goes on with others.

        Parameters
        ----------
        state : RandomState
            That at its end: if it is the same the run drew nothing.
        """
        if self.random_state is not None and state.digest == self.random_state.digest:
            self.random_state = None
        if self.random_state is not None:
            self.finish()

    def _keep_again(self) -> None:
        found = backward_slice(self._earlier, self.cell, self._names, self.continued)
        try:
            self._keep(found)
            cells = [*(each.cell for each in found.cells), self.cell, *self.continued]
            seen = [(cell.number, cell.seen) for cell in cells if cell.seen is not None]
            self._files.keep((n, each.files_read, each.files_written) for n, each in seen)
        finally:
            if self.run.ended:
                self.run.store.writers.forget(self.run.info.run_id)

    def _set_aside(self) -> None:
        """Keep what was recorded before a run was resumed: all its parts are run again."""
        artifacts = self.run.writer.artifacts
        if not artifacts.exists(CELLS_FILE):
            return
        known = json.loads(artifacts.read_bytes(CELLS_FILE))
        self._part = int(known.get("part", 0))
        if (known.get("kernel"), known.get("number")) == (_kernel(), self.cell.number):
            return  # one cell that ends the run and goes on with it is one part
        for path in (CELLS_FILE, SOURCE_FILE, FILES_FILE):
            if artifacts.exists(path):
                name = path.rpartition("/")[2]
                artifacts.put_bytes(f"{PARTS}/{self._part}/{name}", artifacts.read_bytes(path))
        self._part += 1

    def _safely(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (NotFoundError, InvalidParameterError) as error:
            if not self.run.ended:  # else its own cell has deleted or removed it
                self._warn(error)
        except Exception as error:  # noqa: BLE001  nobody waits for this: it is said once, by name
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        name = self.run.info.run_name
        self.run.store.warn_once(f"The source of run {name} was not kept: {error}")

    def _keep(self, found: Slice) -> None:
        with self._writing:
            record = as_record(found, self.cell, self._clean.source, self._rest(found))
            text = json.dumps(record, indent=1)
            states = list(self._random_states(found))
            if text == self._kept and not states:
                return
            writer = self.run.store.writer(self.run.info.run_id)
            artifacts = writer.artifacts
            keep_random_states(artifacts, states)
            self._states |= {state.digest for state in states}
            if self._keeps_cell and not self._kept:
                source = self._clean.source(self.cell.code)
                artifacts.put_bytes(SOURCE_FILE, source.encode("utf-8", "backslashreplace"))
            artifacts.put_bytes(CELLS_FILE, text.encode("utf-8"))
            self._kept = text
            self._mark(writer, ", ".join(_warnings(record)))

    def _mark(self, writer: RunWriter, warnings: str) -> None:
        """Say in a tag what a row of a table can show without reading the record."""
        if warnings and warnings != self._warned:
            writer.set_tag(WARNINGS, warnings)
        elif not warnings and (self._warned or self.run.resumed):
            with contextlib.suppress(NotFoundError):
                writer.delete_tag(WARNINGS)
        self._warned = warnings

    def _rest(self, found: Slice) -> dict[str, Any]:
        needed = {id(each.cell) for each in found.cells}
        others = [cell for cell in self._earlier if id(cell) not in needed]
        return {
            "line": None if self.line is None else self._clean.source(self.line),
            "others": _latest(others, self._clean.source),
            "continued": _latest(self.continued, self._clean.source),
            "process": process_facts(),
            "part": self._part,
            "kernel": _kernel(),
            **({"random_state": self.random_state.digest} if self.random_state else {}),
        }

    def _random_states(self, found: Slice) -> Iterable[Any]:
        """Yield the states that the record names, and that are not kept yet."""
        own = self.random_state
        new = {own.digest: own} if own is not None and own.digest not in self._states else {}
        needed = [each.cell for each in found.cells]
        for cell in [*self._earlier, *needed, self.cell, *self.continued]:  # others, too
            state = cell.seen.random_state if cell.seen is not None else None
            if state is not None and state.digest not in self._states:
                new[state.digest] = state
        return new.values()


def _kernel() -> str:
    """Return what tells this process from others, also when its id is given to another."""
    this = Owner.this()
    return f"{this.host}:{this.pid}:{this.started}"


def as_record(
    found: Slice,
    source: Executed,
    clean: Callable[[str], str] = str,
    rest: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what is kept of a slice with a run: the latest cells, up to 100,000 characters.

    Parameters
    ----------
    found : Slice
    source : Executed
        The cell of the run.
    clean : callable
        Takes the secrets out of the source of a cell.
    rest : dict, optional
        What else is kept: ``line``, ``others``, ``continued`` and ``process``.
    """
    kept: list[dict[str, Any]] = []
    room = MAX_CHARACTERS
    for needed in reversed(found.cells):
        room -= len(needed.cell.code)
        if room < 0:
            break
        more = {"why": needed.why, "edited": needed.edited, "for_safety": needed.for_safety}
        kept.append(_cell(needed.cell, clean) | more)
    left_out = len(found.cells) - len(kept)
    return {
        "version": VERSION,
        "number": source.number,
        "cell_id": source.cell_id,
        "random_state": _digest(source),
        "needed": kept[::-1],
        "left_out": left_out,
        "missing": found.missing,
        "again": found.again,
        **(rest or {"line": None, "others": [], "continued": []}),
        "findings": [each.as_json() for each in _findings(found, source, left_out)],
    }


def _warnings(record: dict[str, Any]) -> list[str]:
    """Return the kinds of what may keep a run from repeating, as its badges name them."""
    hidden = bool(record["missing"]) or any(cell["edited"] for cell in record["needed"])
    found = [each["kind"] for each in record["findings"] if each["level"] == "warning"]
    return list(dict.fromkeys(["hidden state", *found] if hidden else found))


def _latest(cells: Sequence[Executed], clean: Callable[[str], str]) -> list[dict[str, Any]]:
    """Return the latest cells as they are kept, as many as there is room for."""
    kept: list[dict[str, Any]] = []
    room = MAX_CHARACTERS
    for cell in reversed(cells):
        room -= len(cell.code)
        if room < 0:
            break
        kept.append(_cell(cell, clean))
    return kept[::-1]


def _cell(cell: Executed, clean: Callable[[str], str]) -> dict[str, Any]:
    return {
        "number": cell.number,
        "cell_id": cell.cell_id,
        "source": clean(cell.code),
        "failed": cell.failed,
        "random_state": _digest(cell),
        **({"line": clean(line)} if (line := line_of_track(cell.source)) else {}),
    }


def _digest(cell: Executed) -> str | None:
    state = cell.seen.random_state if cell.seen is not None else None
    return None if state is None else str(state.digest)


def _findings(found: Slice, source: Executed, left_out: int) -> list[Finding]:
    """Return why it may not give the same numbers when run again, or what to know, each once."""
    cells = [*(each.cell for each in found.cells), source, *found.continued]
    listed = [finding for cell in cells if cell.seen is not None for finding in cell.seen.findings]
    if left_out:
        text = f"The code of {left_out} earlier cells is too long to be kept."
        listed.append(Finding("cells left out", "warning", text))
    if found.cut:
        text = f"What ran before the latest {MAX_CELLS:,} cells is not known."
        listed.append(Finding("hidden state", "warning", text))
    if found.between:
        names = ", ".join(found.between[:10])
        text = (
            f"{names}: changed between cells (by a widget, background work or code without a cell) "
            "or in a way that could not be seen. What changed it is not in the record."
        )
        listed.append(Finding("hidden state", "warning", text))
    if safe := [each.cell for each in found.cells if each.for_safety and _was_watched(each.cell)]:
        text = f"{_numbers(safe)}: kept, since nobody can say that nothing of the run needs them."
        listed.append(Finding("kept for safety", "info", text))
    if failed := [each.cell for each in found.cells if each.cell.failed]:
        text = f"{_numbers(failed)}: ended with an error, and what was done before it is needed."
        listed.append(Finding("failed cell", "info", text))
    if not os.environ.get("PYTHONHASHSEED", "").isdigit() and takes_set_order(
        each.as_python for each in cells
    ):
        text = (
            "The items of a set are taken in its order, which differs from process to process "
            "where they are strings. sorted(...) gives an order that stays."
        )
        listed.append(Finding("depends on hash order", "warning", text))
    if asking := [cell for cell in cells if _asks(cell)]:
        text = f"{_numbers(asking)}: asked for input, which is not kept."
        listed.append(Finding("asks for input", "warning", text))
    if computes_with_clock(each.as_python for each in cells):
        text = "A value is computed with the time of day, or as much is done as there is time for."
        listed.append(Finding("depends on the clock", "warning", text))
    if takes_completion_order(each.as_python for each in cells):
        text = "Results are kept in the order in which they were completed, which may differ."
        listed.append(Finding("order of completion", "warning", text))
    return list(dict.fromkeys(listed))


def _asks(cell: Executed) -> bool:
    names = cell.names
    return "input" in names.used - names.binds or "getpass" in names.used


def _numbers(cells: Sequence[Executed]) -> str:
    shown = ", ".join(f"[{cell.number}]" for cell in cells[-10:])
    more = len(cells) - 10
    before = f"{more} earlier ones and " if more > 0 else ""
    return f"{'Cell' if len(cells) == 1 else 'Cells'} {before}{shown}"


def _was_watched(cell: Executed) -> bool:
    return cell.seen is not None and cell.seen.complete
