"""What two walks, before and after a cell, say together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from nbtrack.notebook.observed.marks import differs, is_proven
from nbtrack.notebook.observed.walk import Walk


@dataclass
class Compared:
    """What two walks say together; objects are given by their addresses.

    Attributes
    ----------
    changed : set of int
        Objects that were changed.
    regrouped : set of int
        Those of them that hold other objects than before.
    opaque : set of int
        Objects of which nobody can say.
    gone : set of int
        Objects that were there before, and that no variable reaches any more that was looked at:
        another one may.
    """

    changed: set[int] = field(default_factory=set)
    regrouped: set[int] = field(default_factory=set)
    opaque: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)

    def look_at(self, objects: Iterable[int], before: Walk, now: Walk) -> None:
        """Compare what two walks say of some objects."""
        for here in objects:
            old, new = before.marks.get(here), now.marks.get(here)
            is_empty = here in now.empty
            if old is None:
                if new is not None and not is_empty:  # filled
                    self.changed.add(here)
                    self.regrouped.add(here)
                elif not is_empty:
                    self.gone.add(here)
            elif new is None:
                emptied = is_empty and here not in before.empty
                (self.changed if emptied else self.gone).add(here)
            elif differs(old, new):
                self.changed.add(here)
                if old.children != new.children and new.memory is None:  # no gradients
                    self.regrouped.add(here)
            elif not is_proven(old, new):
                self.opaque.add(here)


def compare(before: Walk, now: Walk) -> Compared:
    """Return what differs between two walks.

    Parameters
    ----------
    before, now : Walk
    """
    found = Compared()
    found.look_at(before.marks.keys() | before.empty, before, now)
    for here, mark in now.marks.items():
        if mark.opaque and here not in before.marks:
            found.opaque.add(here)
    return found
