"""How far a rerun is: a bar where somebody looks on, and a tag of the run for everybody else."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from nbtrack.entities.runs import RERUN
from nbtrack.errors import NbtrackError
from nbtrack.reruns.planned_cells import PlannedCell
from nbtrack.store import RunWriter, now_ms
from nbtrack.tracking.environment import host_name
from nbtrack.tracking.kernel import in_notebook

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

Attempt = Literal["first", "again", "all cells", "fixed order", "one thread", "variation"]
_SAID = {
    "first": "running it again",
    "again": "once more",
    "all cells": "with all cells",
    "fixed order": "with a fixed hash seed",
    "one thread": "with one thread",
    "variation": "the variation",
}


class Progress:
    """Tells how far a rerun is; use it in a ``with`` statement.

    Parameters
    ----------
    name : str
        Of the run.
    writer : RunWriter or None
        Of the run that gets the tag ``nbtrack.rerun``; None for no tag.
    shown : bool
        Whether a bar is shown, on a terminal or in a notebook; elsewhere lines.
    """

    def __init__(self, name: str, writer: RunWriter | None, *, shown: bool) -> None:
        self._name = name
        self._writer = writer
        self._shown = shown
        self._bars: Bars | None = None
        self._display: Any = None
        self._started = now_ms()
        self._attempt: Attempt = "first"
        self._cells = 0

    def __enter__(self) -> Progress:
        if self._shown:
            self._open()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bars is not None:
            self._bars.stop()
        if self._display is not None:
            seconds = (now_ms() - self._started) / 1000
            done = f"{self._name}: {_SAID[self._attempt]}, {seconds:.0f} s"
            self._display.update({"text/plain": done}, raw=True)
        if self._writer is not None:
            with contextlib.suppress(NbtrackError):
                self._writer.delete_tag(RERUN)

    def attempt(self, kind: Attempt, cells: int) -> None:
        """Begin to execute so many cells."""
        self._attempt, self._cells = kind, cells
        self._tell(0, "starting a kernel")

    def command(self, kind: Attempt, text: str) -> None:
        """Begin to run a command."""
        self._attempt, self._cells = kind, 1
        self._tell(1, text[:50])

    def part(self, place: int, parts: int, name: str) -> None:
        """Begin a run of a grid; the first has the place 1."""
        self._cells = parts
        self._tell(place, name)

    def cell(self, place: int, cell: PlannedCell) -> None:
        """Begin a cell; the first has the place 1."""
        lines = [line for line in cell.source.splitlines() if line.strip()]
        self._tell(place, f"{cell.title}  {lines[0][:50] if lines else ''}")

    def _tell(self, place: int, text: str) -> None:
        if self._writer is not None:
            state = {
                "state": "running",
                "cell": place,
                "cells": self._cells,
                "attempt": self._attempt,
                "pid": os.getpid(),
                "host": host_name(),
                "started": self._started,
            }
            self._writer.set_tags({RERUN: json.dumps(state)})
        said = f"{self._name}: {_SAID[self._attempt]}"
        if self._bars is not None:
            for task in self._bars.task_ids:
                self._bars.update(
                    task, description=f"{said}, {text}", completed=place, total=self._cells
                )
        elif self._display is not None:
            bar = f'<progress value="{place}" max="{self._cells}"></progress> '
            html = f"{bar}{escape(said)}, {escape(text)}"
            self._display.update({"text/plain": f"{said}, {text}", "text/html": html}, raw=True)
        elif self._shown:
            sys.stderr.write(f"{said}, {place} of {self._cells}: {text}\n")
            sys.stderr.flush()

    def _open(self) -> None:
        if in_notebook():  # rich would leave an empty widget behind
            import IPython.display

            display: Any = IPython.display.display
            self._display = display({"text/plain": self._name}, raw=True, display_id=True)
            return
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        console = Console(stderr=True)
        if not console.is_terminal:
            return
        text = TextColumn("{task.description}", markup=False)
        self._bars = Bars(
            BarColumn(20),
            text,
            TimeElapsedColumn(),
            console=console,
            transient=True,
            refresh_per_second=3,
        )
        self._bars.add_task(self._name, total=None)
        self._bars.start()
