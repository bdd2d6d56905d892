"""A walk through the objects that variables reach, within a limit of time."""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from nbtrack.notebook.observed.code_names import CodeNames, names_of_code
from nbtrack.notebook.observed.kinds import address
from nbtrack.notebook.observed.marks import Mark, Seen, is_simple
from nbtrack.notebook.observed.rules import Looks

_LARGE = 2000
_PLAIN = frozenset(map(address, (list, tuple, dict, set, frozenset)))
_PER_ITEM = 4e-7  # seconds
_PER_BYTE = 1.2e-10


class Walk:
    """Marks what variables reach; the functions among it bring the variables that they use.

    Parameters
    ----------
    namespace : dict
        The variables.
    looks : Looks
        Says how to look at objects.

    Attributes
    ----------
    marks : dict of int to Mark
        By the address of the object.
    roots : dict of str to (int or None)
        The address of the object of each variable; None for numbers, texts and what never changes.
    uses : dict of int to CodeNames
        What functions use.
    cut : bool
        Whether time was up before all functions in reach were found.
    unreached : set of int
        What was left out for lack of time.
    follows : bool
        Whether the variables that functions use are looked at too.
    skims : bool
        Whether it is enough to know where memory lies, but for what is wanted.
    wanted : set of int
        Objects.
    """

    def __init__(self, namespace: Mapping[str, Any], looks: Looks) -> None:
        self._namespace = namespace
        self._looks = looks
        self._queue: deque[Any] = deque()
        self._late: list[tuple[int, Any]] = []
        self._memories: list[Mark] = []
        # what was looked at lives until the walk is over, so that no address is that of two objects
        self._alive: list[Any] = []
        self.follows = True
        self._end = 0.0
        self.skims = False
        self.wanted: set[int] = set()
        self.marks: dict[int, Mark] = {}
        self.roots: dict[str, int | None] = {}
        self.uses: dict[int, CodeNames] = {}
        self.cut = False
        self.unreached: set[int] = set()

    def start(self, names: Iterable[str]) -> None:
        """Take variables as where the walk begins."""
        for name in names:
            if name in self.roots or name not in self._namespace:
                continue
            value = self._namespace[name]
            if is_simple(value):
                self.roots[name] = None
                continue
            self.roots[name] = address(value)
            self._queue.append(value)

    def go(self, seconds: float) -> None:
        """Look at all that is in reach.

        Small objects come first, since the functions may be among them, then large containers and
        arrays, the smaller ones before the larger ones.
        """
        collects = gc.isenabled()
        # what is written down would set off collections, which take as long as the walk and more
        gc.disable()
        try:
            self._go(time.thread_time() + seconds)
        finally:
            if collects:
                gc.enable()

    def close(self) -> None:
        """Let go of the objects."""
        self._alive = []
        self._queue.clear()

    def _go(self, end: float) -> None:
        self._end = end
        if not self._exhaust(end):
            self.cut = True
        self._late.sort(key=lambda each: each[0])
        for size, value in self._late:
            left = end - time.thread_time()
            if size * _PER_ITEM > left or not self._look(value, size=0):
                self.unreached.add(address(value))
                continue
            self._exhaust(end)
        self._late = []
        waiting = [mark for mark in self._memories if mark.memory is not None]
        for mark in sorted(waiting, key=_bytes):
            if _bytes(mark) * _PER_BYTE < end - time.thread_time():
                mark.memory.read()  # type: ignore[union-attr]
            mark.memory.view = None  # type: ignore[union-attr]
        self._memories = []

    def _exhaust(self, end: float) -> bool:
        count = 0
        while self._queue:
            count += 1
            if count % 32 == 0 and time.thread_time() > end:
                self.unreached |= {address(value) for value in self._queue}
                self._queue.clear()
                return False
            self._look(self._queue.popleft(), size=_LARGE)
        return True

    def _look(self, value: Any, size: int) -> bool:
        """Mark an object; containers above a size wait."""
        here = address(value)
        if here in self.marks or here in self.unreached:
            return True
        seen = Seen(skims=self.skims and here not in self.wanted)
        try:
            if seen.skims and address(type(value)) in _PLAIN:
                return self._skim(here, value)
            if size and (large := self._looks.size_of(value)) > size:
                self._late.append((large, value))
                return True
            self._looks.look(value, seen)
        except Exception:  # noqa: BLE001  objects may be broken, and change while they are looked at
            seen.opaque = True
        if seen.ignored:
            return True
        mark = Mark(address(type(value)), seen.content, [], seen.memory, seen.opaque)
        self.marks[here] = mark
        self._alive.append(value)
        for child in seen.inside:
            mark.children.append(address(child))
            self._queue.append(child)
        if seen.code is not None and here not in self.uses:
            names = names_of_code(seen.code)
            self.uses[here] = names
            if self.follows:
                self.start(self._namespace if names.names_all else names.names)
        if mark.memory is not None and mark.memory.view is not None:
            if mark.memory.optional and not self._looks.versions_may_lie:
                mark.memory.view = None
            else:
                self._memories.append(mark)
        return True

    def _skim(self, here: int, value: Any) -> bool:
        """Note what a container holds, and nothing that could be compared: nobody will."""
        if len(value) > _LARGE and len(value) * _PER_ITEM > self._end - time.thread_time():
            self.unreached.add(here)
            return True
        inside = [item for item in _held(value) if not is_simple(item)]
        self.marks[here] = Mark(address(type(value)), None, [address(item) for item in inside])
        self._alive.append(value)
        for item in inside:  # Python does not track dictionaries of nothing but numbers and texts
            if type(item) is not dict or gc.is_tracked(item) or address(item) in self.wanted:
                self._queue.append(item)
        return True


def _held(value: Any) -> list[Any]:
    if type(value) is dict:
        return [*value.keys(), *value.values()]
    return list(value)


def _bytes(mark: Mark) -> int:
    return mark.memory.end - mark.memory.begin if mark.memory is not None else 0
