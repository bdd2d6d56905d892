"""What is known of all variables: the last mark of each object, and what holds it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

from nbtrack.notebook.observed.marks import Mark, Memory, differs
from nbtrack.notebook.observed.walk import Walk

_ROOM = 5000


class Known:
    """The marks of the objects that variables reach, as the cells so far have left them.

    It answers which variables reach an object without looking at them again. Code that runs between
    two cells may have changed one since: ``changed_since`` says so when a cell names it.

    Attributes
    ----------
    marks : dict of int to Mark
        By the address of the object.
    values : dict of str to object
        For each variable a number or a text, or the address of its object.
    unreached : set of int
        Objects that there was no time to look at.
    """

    def __init__(self) -> None:
        self.marks: dict[int, Mark] = {}
        self.values: dict[str, Any] = {}
        self.unreached: set[int] = set()
        self._held_by: dict[int, list[int]] = {}  # may name what does not hold it any more
        self._memories: dict[int, Memory] = {}
        self._empty: set[int] = set()
        self._room = _ROOM

    def forget(self) -> None:
        """Know nothing: a cell that was not watched may have changed anything."""
        self.__init__()  # type: ignore[misc]

    def update(self, walk: Walk, values: Mapping[str, Any]) -> None:
        """Take over what a walk has seen.

        Parameters
        ----------
        walk : Walk
        values : dict
            All variables.
        """
        loose = {old for name, old in self.values.items() if values.get(name) != old}
        self.values = dict(values)
        marks, looked = self.marks, walk.marks
        self.unreached -= looked.keys()
        self.unreached |= walk.unreached
        for here in walk.unreached:
            self._drop(here)
        self._empty = (self._empty - looked.keys()) | walk.empty
        for here, mark in looked.items():
            old = marks.get(here)
            marks[here] = mark
            if mark.memory is not None:
                self._memories[here] = mark.memory
            if old is None:
                new: Iterable[int] = mark.children
            elif old.children == mark.children:
                continue
            else:
                new = set(mark.children) - set(old.children)
                loose |= set(old.children) - set(mark.children)
            for child in new:
                self._held_by.setdefault(child, []).append(here)
                if child not in looked:  # it never changes, or there was no time
                    self._drop(child)
        self._drop_loose(loose)
        if len(self._held_by) > self._room:
            self._sweep()

    def names_not_looked_at(self, values: Mapping[str, Any]) -> set[str]:
        """Return the variables whose objects have no mark."""
        return {
            name
            for name, here in values.items()
            if type(here) is int and here not in self.marks and here not in self.unreached
        }

    def holders(self, objects: Iterable[int]) -> set[str]:
        """Return the variables that reach one of these objects."""
        reaching = set(objects)
        if not reaching:
            return set()
        waiting = list(reaching)
        while waiting:
            here = waiting.pop()
            for holder in self._held_by.get(here, ()):
                if holder not in reaching and self._holds(holder, here):
                    reaching.add(holder)
                    waiting.append(holder)
        return {
            name for name, root in self.values.items() if type(root) is int and root in reaching
        }

    def sharing(self, changed: Iterable[int]) -> set[int]:
        """Return the arrays that have memory in common with changed ones."""
        spans = [memory for here in changed if (memory := self._memories.get(here)) is not None]
        if not spans:
            return set()
        merged: dict[str, list[tuple[int, int]]] = {}
        for span in sorted(spans, key=lambda each: each.begin):
            pieces = merged.setdefault(span.device, [])
            if pieces and span.begin < pieces[-1][1]:
                pieces[-1] = (pieces[-1][0], max(pieces[-1][1], span.end))
            else:
                pieces.append((span.begin, span.end))
        return {here for here, memory in self._memories.items() if _overlaps(memory, merged)}

    def changed_since(self, walk: Walk) -> set[int]:
        """Return the objects that differ from what is known of them, as far as a walk has come.

        Only what is still held by what held it is compared: elsewhere another object may have got
        the address.
        """
        found: set[int] = set()
        waiting = [
            root for name, root in walk.roots.items() if root and self.values.get(name) == root
        ]
        compared = set(waiting)
        while waiting:
            here = waiting.pop()
            old, new = self.marks.get(here), walk.marks.get(here)
            if old is None or new is None:
                filled = old is None and here in self._empty and new is not None
                emptied = old is not None and here in walk.empty and here not in self._empty
                if emptied or (filled and here not in walk.empty):
                    found.add(here)
                continue
            inside = old.children
            if differs(old, new):
                found.add(here)
                inside = list(set(inside).intersection(new.children))
            for child in inside:
                if child not in compared:
                    compared.add(child)
                    waiting.append(child)
        return found

    def _holds(self, holder: int, here: int) -> bool:
        mark = self.marks.get(holder)
        return mark is not None and here in mark.children

    def _drop_loose(self, loose: Iterable[Any]) -> None:
        """Drop what was let go of, unless something else holds it."""
        roots = {root for root in self.values.values() if type(root) is int}
        waiting = [here for here in loose if type(here) is int]
        while waiting:
            here = waiting.pop()
            if here in roots or here not in self.marks:
                continue
            if any(self._holds(holder, here) for holder in self._held_by.get(here, ())):
                continue
            waiting += self.marks[here].children
            self._drop(here)
            self._held_by.pop(here, None)

    def _drop(self, here: int) -> None:
        self.marks.pop(here, None)
        self._memories.pop(here, None)

    def _sweep(self) -> None:
        """Drop what no variable reaches, such as circles."""
        waiting = [root for root in self.values.values() if type(root) is int]
        kept: dict[int, Mark] = {}
        held_by: dict[int, list[int]] = {}
        while waiting:
            here = waiting.pop()
            mark = self.marks.get(here)
            if mark is None or here in kept:
                continue
            kept[here] = mark
            for child in mark.children:
                held_by.setdefault(child, []).append(here)
            waiting += mark.children
        self.marks, self._held_by = kept, held_by
        self._memories = {h: memory for h, memory in self._memories.items() if h in kept}
        self._empty &= held_by.keys()
        self.unreached &= held_by.keys()
        self._room = 2 * len(held_by) + _ROOM


def _overlaps(memory: Memory, merged: Mapping[str, list[tuple[int, int]]]) -> bool:
    pieces = merged.get(memory.device)
    if pieces is None:
        return False
    place = bisect_right(pieces, (memory.begin, memory.end))
    return (place > 0 and memory.begin < pieces[place - 1][1]) or (
        place < len(pieces) and pieces[place][0] < memory.end
    )
