"""The cells that a shell has executed, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nbtrack.notebook.names import Names, inner_cell, names_of, without_track
from nbtrack.notebook.observation import Observation
from nbtrack.tracking.kernel import number_of

MAX_CELLS = 2000


@dataclass
class Executed:
    """A cell as it was executed.

    Attributes
    ----------
    number : int
        Its execution count.
    cell_id : str or None
        The front end's id of the cell.
    source : str
    python : callable
        Turns magics into Python.
    failed : bool
        Whether an error ended it: what comes after that in the cell did not happen.
    seen : Observation or None
        What was seen of it; None where it was not watched, and until it has ended.
    """

    number: int
    cell_id: str | None
    source: str
    python: Callable[[str], str] = field(repr=False)
    failed: bool = False
    seen: Observation | None = field(default=None, repr=False)

    @cached_property
    def names(self) -> Names:
        """What its syntax says about names."""
        return names_of(self.as_python)

    @cached_property
    def as_python(self) -> str:
        """The cell as Python, without magics that only watch what is below; empty if it is none."""
        try:
            return self.python(self.text)
        except Exception:  # noqa: BLE001  the shell has said already what is wrong with the cell
            return ""

    @property
    def text(self) -> str:
        """The cell without the magics that only watch what is below them."""
        return inner_cell(self.source)

    @property
    def code(self) -> str:
        """The cell as it is kept and run again: without its line of ``%%track``."""
        return without_track(self.source)


class History:
    """The cells that a shell has executed; the latest 2,000."""

    def __init__(self, python: Callable[[str], str]) -> None:
        self._python = python
        self._cells: deque[Executed] = deque(maxlen=MAX_CELLS)

    def add(self, number: int, source: str, cell_id: str | None = None) -> Executed:
        """Note that a cell starts."""
        cell = Executed(number, cell_id, source, self._python)
        self._cells.append(cell)
        return cell

    def numbered(self, number: int) -> Executed | None:
        """Return the latest cell with an execution count."""
        return next((cell for cell in reversed(self._cells) if cell.number == number), None)

    def before(self, cell: Executed | None) -> list[Executed]:
        """Return what was executed before a cell, the oldest first."""
        cells = list(self._cells)
        places = [place for place, each in enumerate(cells) if each is cell]
        return cells[: places[-1]] if places else cells


def history_of(shell: Any) -> History:
    """Return a history that begins with what a shell has executed so far.

    The cell that runs now is the last one in it: often the one with the imports.
    """
    history = History(lambda source: str(shell.transform_cell(source)))
    earlier = getattr(getattr(shell, "history_manager", None), "input_hist_raw", None) or []
    now = number_of(shell)
    for number, source in list(enumerate(earlier))[1 : now + 1]:
        history.add(number, str(source))
    return history
