"""What two walks, before and after a cell, say together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from nbtrack.notebook.observed.marks import Memory, differs, is_proven
from nbtrack.notebook.observed.walk import Walk


@dataclass
class Compared:
    """What two walks say together; objects are given by their addresses.

    Attributes
    ----------
    changed : set of int
        Objects that were changed, and arrays that share the memory of a changed one.
    opaque : set of int
        Objects of which nobody can say.
    gone : set of int
        Objects that were there before, and that no variable reaches any more that was looked at:
        another one may.
    """

    changed: set[int] = field(default_factory=set)
    opaque: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)


def compare(before: Walk, now: Walk) -> Compared:
    """Return what differs between two walks.

    Parameters
    ----------
    before, now : Walk
    """
    found = Compared()
    for here, old in before.marks.items():
        new = now.marks.get(here)
        if new is None:
            found.gone.add(here)
        elif differs(old, new):
            found.changed.add(here)
        elif not is_proven(old, new):
            found.opaque.add(here)
    for here, mark in now.marks.items():
        if mark.opaque and here not in before.marks:
            found.opaque.add(here)
    found.changed |= _sharing(now, found.changed)
    return found


def holders(walk: Walk, objects: Iterable[int]) -> set[str]:
    """Return the variables that reach one of these objects.

    Parameters
    ----------
    walk : Walk
    objects : iterable of int
    """
    held_by: dict[int, list[int]] = {}
    for here, mark in walk.marks.items():
        for child in mark.children:
            held_by.setdefault(child, []).append(here)
    reaching = set(objects)
    waiting = list(reaching)
    while waiting:
        for holder in held_by.get(waiting.pop(), ()):
            if holder not in reaching:
                reaching.add(holder)
                waiting.append(holder)
    return {name for name, root in walk.roots.items() if root in reaching}


def _sharing(walk: Walk, changed: set[int]) -> set[int]:
    """Return the arrays that have memory in common with changed ones."""
    spans = [m for here in changed if (m := _memory(walk, here)) is not None]
    if not spans:
        return set()
    return {
        here
        for here, mark in walk.marks.items()
        if mark.memory is not None and any(_overlap(mark.memory, span) for span in spans)
    }


def _memory(walk: Walk, here: int) -> Memory | None:
    mark = walk.marks.get(here)
    return mark.memory if mark is not None else None


def _overlap(one: Memory, other: Memory) -> bool:
    return one.device == other.device and one.begin < other.end and other.begin < one.end
