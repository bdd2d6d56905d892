"""A progress bar on standard error or in the notebook."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


PATIENCE_S = 1.0


class Progress:
    """Counts what is done, and shows a bar where somebody looks on and it takes a second.

    Parameters
    ----------
    shown : bool
        Whether anything is shown; where it is no terminal and no notebook, nothing is.
    """

    def __init__(self, shown: bool) -> None:
        self._bars: Bars | None = _bars() if shown else None
        self._task: TaskID | None = None
        self._began = time.monotonic()

    def stage(self, what: str, total: int | None = None) -> None:
        """Begin another kind of thing."""
        if self._bars is not None:
            self._end_stage()
            self._task = self._bars.add_task(what, total=total)

    def step(self, count: int = 1) -> None:
        """Count what is done."""
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, advance=count)
            if time.monotonic() - self._began > PATIENCE_S:
                self._bars.start()

    def _end_stage(self) -> None:
        if self._bars is not None and self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None

    def __enter__(self) -> Progress:
        self._began = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_stage()
        if self._bars is not None:
            self._bars.stop()


def _bars() -> Bars | None:
    """Return a display of bars, or None where nobody looks on."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description:>12}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    if not (console.is_terminal or console.is_jupyter):
        return None
    return Bars(*columns, TimeRemainingColumn(), console=console, transient=True)
