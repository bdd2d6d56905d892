"""The earlier cells that a cell needed: the backward slice of what was executed.

Weiser (1984) slices a program; here the program is the cells in the order in which they ran, and a
statement is a cell.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nbtrack.notebook.names import Names, inner_cell, names_of
from nbtrack.notebook.observation import Observation
from nbtrack.tracking.kernel import number_of

MAX_CELLS = 2000
MAX_CHARACTERS = 100_000
_SETS = re.compile(r"seed|^set_|^use$|^enable|^disable|_$")


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
        try:
            return names_of(self.python(self.text))
        except Exception:  # noqa: BLE001  the shell has said already what is wrong with the cell
            return Names()

    @property
    def text(self) -> str:
        """The cell without the magics that only watch what is below them."""
        return inner_cell(self.source)


@dataclass(frozen=True)
class Needed:
    """An earlier cell that a cell needed.

    Attributes
    ----------
    cell : Executed
    why : str
        What it gave, such as ``"defines model, loss_fn"``.
    edited : bool
        Whether the cell was run again with other code before the one that needed it.
    """

    cell: Executed
    why: str
    edited: bool


@dataclass(frozen=True)
class Slice:
    """The earlier cells that a cell needed.

    Attributes
    ----------
    cells : list of Needed
        In the order in which they ran.
    missing : list of str
        Names it used that no cell defines: they come from elsewhere.
    again : list of str
        What an earlier run of the same cell has changed in place, and this one goes on with.
    """

    cells: list[Needed]
    missing: list[str]
    again: list[str]


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


def backward_slice(
    earlier: Sequence[Executed], source: Executed, namespace: Iterable[str] = ()
) -> Slice:
    """Return the earlier cells that a cell needed.

    A cell is needed when it binds, or may change in place, a name that is needed after it; what
    functions use once they are called counts where they are called.

    Parameters
    ----------
    earlier : list of Executed
        In the order in which they ran.
    source : Executed
        The cell.
    namespace : iterable of str
        The names that had a value when the cell started: only those can be missing.
    """
    reads = _reads([*earlier, source])
    modules = {name for cell in earlier for name in cell.names.imports}
    needed = set(reads[-1])
    again: set[str] = set()
    found: dict[int, str] = {}
    for place in range(len(earlier) - 1, -1, -1):
        names = earlier[place].names
        defined, changed = needed & names.binds, needed & _changes(names, modules) - names.binds
        if not defined and _is_same(earlier[place], source):
            again |= changed & (names.changes | names.methods.keys())
            continue
        if not defined and not changed:
            continue
        found[place] = _why(defined, changed)
        needed = (needed - (frozenset() if earlier[place].failed else names.always)) | reads[place]
        needed |= changed
    unknown = needed - {name for cell in earlier for name in cell.names.binds}
    missing = sorted(unknown & set(namespace))
    opaque = [place for place, cell in enumerate(earlier) if cell.names.opaque]
    if missing and opaque:
        for place in opaque:
            found.setdefault(place, f"may define {_listed(missing)}")
        missing = []
    cells = [
        Needed(earlier[place], found[place], _is_edited(place, earlier, source))
        for place in sorted(found)
    ]
    return Slice(cells, missing, sorted(again))


def names_in_reach(earlier: Sequence[Executed], source: Executed) -> frozenset[str]:
    """Return the names that a cell used or bound, and those that the functions use it names."""
    names = source.names
    return _reads([*earlier, source])[-1] | names.used | names.binds | names.changes


def as_record(found: Slice, source: Executed, clean: Callable[[str], str] = str) -> dict[str, Any]:
    """Return what is kept of a slice with a run: the latest cells, up to 100,000 characters.

    Parameters
    ----------
    found : Slice
    source : Executed
        The cell of the run.
    clean : callable
        Takes the secrets out of the source of a cell.
    """
    kept: list[dict[str, Any]] = []
    room = MAX_CHARACTERS
    for needed in reversed(found.cells):
        room -= len(needed.cell.text)
        if room < 0:
            break
        kept.append(
            {
                "number": needed.cell.number,
                "cell_id": needed.cell.cell_id,
                "source": clean(needed.cell.text),
                "why": needed.why,
                "edited": needed.edited,
            }
        )
    return {
        "version": 1,
        "number": source.number,
        "cell_id": source.cell_id,
        "needed": kept[::-1],
        "left_out": len(found.cells) - len(kept),
        "missing": found.missing,
        "again": found.again,
    }


def _reads(cells: Sequence[Executed]) -> list[frozenset[str]]:
    """Return what each cell reads, with what the functions use that it names."""
    inside: dict[str, frozenset[str]] = {}
    found = []
    for cell in cells:
        names = cell.names
        for name in names.always:
            inside.pop(name, None)
        inside |= names.inside
        reads = set(names.reads)
        waiting = [*names.reads, *(name for name in names.inside if name in names.used)]
        seen = set(waiting)
        while waiting:
            uses = inside.get(waiting.pop(), frozenset()) - seen
            seen |= uses
            waiting += uses
            reads |= uses - names.binds
        found.append(frozenset(reads))
    return found


def _changes(names: Names, modules: set[str]) -> frozenset[str]:
    """Return what a cell may change in place; a call of a module's function counts if it sets."""
    called = {
        name
        for name, methods in names.methods.items()
        if name not in modules or any(_SETS.search(method) for method in methods)
    }
    return names.changes | names.given | called


def _is_same(cell: Executed, other: Executed) -> bool:
    if cell.cell_id is not None and other.cell_id is not None:
        return cell.cell_id == other.cell_id
    return cell.text.strip() == other.text.strip()


def _is_edited(place: int, earlier: Sequence[Executed], source: Executed) -> bool:
    cell = earlier[place]
    if cell.cell_id is None:
        return False
    later = [*earlier[place + 1 :], source]
    return any(c.cell_id == cell.cell_id and c.text.strip() != cell.text.strip() for c in later)


def _why(defined: Iterable[str], changed: Iterable[str]) -> str:
    parts = []
    if names := sorted(defined):
        parts.append(f"defines {_listed(names)}")
    if names := sorted(changed):
        parts.append(f"changes {_listed(names)}")
    return ", ".join(parts)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - 5
    return ", ".join(names[:5]) + (f" and {more} more" if more > 0 else "")
