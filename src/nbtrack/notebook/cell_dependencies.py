"""The earlier cells that a cell needed: the backward slice of what was executed.

Weiser (1984) slices a program; here the program is the cells in the order in which they ran, and a
statement is a cell. What a cell did is known from watching it (``nbtrack.notebook.watching``).
Where that proves nothing its syntax decides, and rather too much is kept than too little.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from nbtrack.notebook.executed import MAX_CELLS, Executed
from nbtrack.notebook.names import Names
from nbtrack.notebook.observation import Observation

_GIVEN = frozenset(dir(builtins)) | {"get_ipython", "display", "In", "Out", "exit", "quit"}
_RESULT = re.compile(r"_{1,3}$|_i{0,3}$|_i?\d+$")  # of a cell, or its input
NOT_WATCHED = "was not watched"


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
    for_safety : bool
        Whether it is kept because nobody can say that it gave nothing.
    """

    cell: Executed
    why: str
    edited: bool
    for_safety: bool = False


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
    continued : list of Executed
        The cells that belong to it besides.
    cut : bool
        Whether there were so many cells that the first ones are forgotten.
    between : list of str
        Names it needed, and settings of the process, that were changed by what is in no cell.
    """

    cells: list[Needed]
    missing: list[str]
    again: list[str]
    continued: list[Executed] = field(default_factory=list)
    cut: bool = False
    between: list[str] = field(default_factory=list)


@dataclass
class _Effect:
    """What a cell did to the state of the kernel.

    Attributes
    ----------
    binds : set of str
        Names that may have their value from it.
    replaces : frozenset of str
        Those of which no earlier value is left.
    changes : set of str
        Names whose objects it has changed in place.
    unsure : set of str
        Names whose objects it may have changed.
    why : str
        Why it is kept whatever is needed; empty where it is not.
    certain : bool
        Whether that is so because of something that it did, and not for safety.
    """

    binds: set[str] = field(default_factory=set)
    replaces: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    why: str = ""
    certain: bool = False


def backward_slice(
    earlier: Sequence[Executed],
    source: Executed,
    namespace: Iterable[str] = (),
    continued: Sequence[Executed] = (),
) -> Slice:
    """Return the earlier cells that a cell needed.

    A cell is needed when it binds, or has changed in place, a name that is needed after it, when it
    wrote a file that is read after it, or changed the process: its folder, settings of libraries.
    A cell that was not watched may have done any of this, and is kept, unless its syntax says all.

    Parameters
    ----------
    earlier : list of Executed
        In the order in which they ran.
    source : Executed
        The cell.
    namespace : iterable of str
        The names that had a value when the cell started: only those can be missing.
    continued : list of Executed
        Cells after it, which need theirs as well.
    """
    own = [source, *continued]
    reads = _reads([*earlier, *own])
    effects = _effects([*earlier, *own])
    needed: set[str] = set()
    used = list(own)
    between: set[str] = set()
    for place in range(len(effects) - 1, len(earlier) - 1, -1):
        needed = (needed - effects[place].replaces) | reads[place]
        between |= _between(own[place - len(earlier)], needed)
    sure = set(needed)  # what is not needed for the sake of safety alone
    again: set[str] = set()
    found: dict[int, Needed] = {}
    for place in range(len(earlier) - 1, -1, -1):
        cell, effect = earlier[place], effects[place]
        shown = _shown(cell, needed, used)
        defined = needed & effect.binds | shown
        changed = needed & effect.changes - defined
        unsure = needed & effect.unsure - defined - changed
        files = _files_for(cell, used)
        if not (defined or changed or unsure or files or effect.why):
            between |= _between(cell, needed)
            continue
        if _is_same(cell, source):
            again |= changed | unsure
        why = _why(defined, changed, unsure, files, effect.why)
        certain = bool((defined | changed) & sure or files or effect.certain)
        edited = _is_edited(place, earlier, source)
        found[place] = Needed(cell, why, edited, for_safety=not certain)
        needed = (needed - effect.replaces - shown) | reads[place] | changed | unsure
        sure = (sure - effect.replaces - shown) | (reads[place] if certain else set())
        sure |= changed & needed if certain else set()
        used.append(cell)
        between |= _between(cell, needed)
    missing = _missing(needed - _guessed(used), earlier, effects[: len(earlier)], namespace)
    return Slice(
        [found[place] for place in sorted(found)],
        missing,
        sorted(again),
        list(continued),
        cut=len(earlier) >= MAX_CELLS - 1,
        between=sorted(between.difference(missing)),  # that no cell defines them says it already
    )


def names_in_reach(earlier: Sequence[Executed], source: Executed) -> frozenset[str]:
    """Return the names that a cell used or bound, and those that the functions use it names."""
    names = source.names
    inside = _reads([*earlier, source])[-1] - names.builtins
    return inside | names.used | names.binds | names.changes


def _reads(cells: Sequence[Executed]) -> list[frozenset[str]]:
    """Return what each cell reads, with what the functions use that it names."""
    inside: dict[str, frozenset[str]] = {}
    found = []
    for cell in cells:
        names = cell.names
        for name in names.always:
            inside.pop(name, None)
        inside |= names.inside
        reads = set(names.reads | names.builtins)
        waiting = [*names.reads, *(name for name in names.inside if name in names.used)]
        reads |= _inside(waiting, inside) - names.binds
        if cell.seen is not None:  # also what methods, and functions in containers, use
            reads |= cell.seen.reads - names.used - names.binds
        found.append(frozenset(reads))
    return found


def _inside(waiting: Iterable[str], inside: dict[str, frozenset[str]]) -> set[str]:
    """Return what the functions of some names use, and the functions that those name."""
    waiting = list(waiting)
    seen = set(waiting)
    found: set[str] = set()
    while waiting:
        uses = inside.get(waiting.pop(), frozenset()) - seen
        seen |= uses
        waiting += uses
        found |= uses
    return found


def _effects(cells: Sequence[Executed]) -> list[_Effect]:
    """Return what each cell did, as far as that is known."""
    links = _Links()
    mentioned: set[str] = set()
    found = []
    for cell in cells:
        links.add(cell.names)
        if cell.seen is None or not cell.seen.complete:
            found.append(_by_syntax(cell, mentioned))
        else:
            found.append(_as_seen(cell, cell.seen, links))
        mentioned |= cell.names.used.union(*cell.names.inside.values())
    return found


def _by_syntax(cell: Executed, mentioned: set[str]) -> _Effect:
    """Return what a cell may have done that was not watched.

    A name that an earlier cell mentions may be read by a function of it, wherever that is kept.
    """
    names = cell.names
    quiet = names.inert and not names.binds & mentioned
    return _Effect(
        binds=set(names.binds) | (cell.seen.bound if cell.seen else set()),
        replaces=set() if cell.failed else set(names.always),
        changes=set(names.changes) | (cell.seen.changed if cell.seen else set()),
        why="" if quiet else NOT_WATCHED,
    )


def _as_seen(cell: Executed, seen: Observation, links: _Links) -> _Effect:
    names = cell.names
    bound = seen.bound | (set() if cell.failed else names.always)
    proven = (seen.reads | names.used) - seen.unproven - seen.changed
    touched = (names.touched | names.changes | links.inside(names.touched)) & seen.unproven
    why, certain = "", False
    if seen.world:
        why, certain = f"changes {_listed(sorted(seen.world))}", True
    elif seen.seeded and seen.random_state is None:  # where it also draws, its state is kept
        why, certain = f"seeds {_listed(sorted(seen.seeded))}", True
    elif seen.sets_up:
        why = f"may set up {_listed(sorted(seen.sets_up))}"
    return _Effect(
        binds=bound,
        replaces=bound,
        changes=seen.changed | (names.changes & links.modules),
        unsure=links.reached(touched, proven) - bound,
        why=why,
        certain=certain,
    )


class _Links:
    """Which names may share objects, by what was assigned from what so far."""

    def __init__(self) -> None:
        self.modules: set[str] = set()
        self._defined: dict[str, frozenset[str]] = {}
        self._beside: dict[str, set[str]] = {}

    def add(self, names: Names) -> None:
        """Take the links of one more cell."""
        self.modules |= names.imports
        self._defined |= names.inside
        for name, held in names.links:
            for other in held:
                self._beside.setdefault(name, set()).add(other)
                self._beside.setdefault(other, set()).add(name)

    def inside(self, touched: Iterable[str]) -> set[str]:
        """Return what functions use that are called."""
        return _inside(touched, self._defined)

    def reached(self, start: Iterable[str], proven: set[str]) -> set[str]:
        """Return the names that may share an object with one of these, but for the proven ones.

        A module or a function links nothing: all that was ever made with it would belong together.
        """
        blocked = proven | self.modules | self._defined.keys()
        waiting = [name for name in start if name not in proven]
        seen = set(waiting)
        while waiting:
            name = waiting.pop()
            if name in self.modules or name in self._defined:
                continue
            beside = self._beside.get(name, set()) - seen - blocked
            seen |= beside
            waiting += beside
        return seen


def _between(cell: Executed, needed: set[str]) -> set[str]:
    """Return what was needed and had been changed when a cell began, and no cell had done it."""
    seen = cell.seen
    if seen is None:
        return set()
    if seen.beside_work:  # the cell that started it is kept, and says so
        return set(seen.world_between)
    return (seen.between & needed) | seen.world_between


def _shown(cell: Executed, needed: set[str], used: Sequence[Executed]) -> set[str]:
    """Return the names of the results of cells that this one has shown: ``_``, ``Out``, ``_3``."""
    own = f"_{cell.number}"
    if cell.seen is None or own not in cell.seen.bound:
        return set()
    found = needed & {own}
    if any("Out" in each.names.used for each in used):
        found |= {"Out"}
    return found | (needed & {"_"})


def _files_for(cell: Executed, used: Sequence[Executed]) -> list[str]:
    """Return the files that a cell wrote, and that later cells have read, or name."""
    if cell.seen is None or not cell.seen.files_written:
        return []
    return sorted(path for path in cell.seen.files_written if any(_uses(c, path) for c in used))


def _uses(cell: Executed, path: str) -> bool:
    if cell.seen is not None:
        files = cell.seen.files_read | cell.seen.files_written
        if path in cell.seen.files_read or any(each.startswith(f"{path}/") for each in files):
            return True
    parts = PurePosixPath(path)
    words = {parts.name, parts.stem, *parts.parent.parts}
    return any(len(word) > 2 and word in cell.source for word in words)


def _guessed(cells: Iterable[Executed]) -> set[str]:
    """Return the names that stand in texts only, such as those of ``%load_ext nbtrack``."""
    names = [cell.names for cell in cells]
    guesses = {name for each in names for name in each.guesses}
    return guesses - {name for each in names for name in each.reads - each.guesses}


def _missing(
    needed: set[str],
    earlier: Sequence[Executed],
    effects: Sequence[_Effect],
    namespace: Iterable[str],
) -> list[str]:
    given = {name for effect in effects for name in effect.binds}
    if any(cell.names.opaque and effect.why for cell, effect in zip(earlier, effects, strict=True)):
        return []  # one that was not watched may have defined it
    unknown = (needed - given - _GIVEN) & set(namespace)
    return sorted(name for name in unknown if not _RESULT.match(name))


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


def _why(
    defined: set[str], changed: set[str], unsure: set[str], files: Sequence[str], besides: str
) -> str:
    return ", ".join(_reasons(defined, changed, unsure, files)) or besides


def _reasons(
    defined: set[str], changed: set[str], unsure: set[str], files: Sequence[str]
) -> Iterator[str]:
    if defined:
        yield f"defines {_listed(sorted(defined))}"
    if changed:
        yield f"changes {_listed(sorted(changed))}"
    if files:
        yield f"writes {_listed(files)}"
    if unsure:
        yield f"may change {_listed(sorted(unsure))}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - 5
    return ", ".join(names[:5]) + (f" and {more} more" if more > 0 else "")
