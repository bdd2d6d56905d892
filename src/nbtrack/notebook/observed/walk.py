"""A walk through the objects that variables reach, within a limit of time."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterable, Mapping
from time import thread_time  # a cell may put something else into ``time``
from typing import Any

from nbtrack.notebook.observed.code_names import CodeNames, names_of_code
from nbtrack.notebook.observed.kinds import address
from nbtrack.notebook.observed.marks import Mark, Memory, is_simple
from nbtrack.notebook.observed.rules import Looks

_LARGE = 2000
_MANY = 200
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
    empty : set of int
        Containers that are held by others and have nothing in them.
    cut : bool
        Whether time was up before all functions in reach were found.
    unreached : set of int
        What was left out for lack of time.
    follows : bool
        Whether the variables that functions use are looked at too, and large arrays read whole.
    """

    def __init__(self, namespace: Mapping[str, Any], looks: Looks) -> None:
        self._namespace = namespace
        self._looks = looks
        self._queue: deque[Any] = deque()
        self._late: list[tuple[int, Any]] = []
        self._memories: list[Memory] = []
        # what was looked at lives until the walk is over, so that no address is that of two objects
        self._alive: list[Any] = []
        self.follows = True
        self._end = 0.0
        self.marks: dict[int, Mark] = {}
        self.roots: dict[str, int | None] = {}
        self.uses: dict[int, CodeNames] = {}
        self.empty: set[int] = set()
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
            self._go(thread_time() + seconds)
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
        words: frozenset[str] = frozenset().union(*(names.words for names in self.uses.values()))
        for value, more in self._looks.adapt(words, self._alive):
            self.marks[address(value)].children += map(address, more)
            self._queue += more
        self.cut |= not self._exhaust(end)
        self._late.sort(key=lambda each: each[0])
        for size, value in self._late:
            left = end - thread_time()
            if size * _PER_ITEM > left or not self._look(value, size=0):
                self.unreached.add(address(value))
                continue
            self._exhaust(end)
        self._late = []
        for memory in sorted(self._memories, key=_bytes):
            needed = self.follows and (not memory.optional or self._looks.versions_may_lie)
            if needed and _bytes(memory) * _PER_BYTE < end - thread_time():
                memory.read()
            memory.view = None
        self._memories = []

    def _exhaust(self, end: float) -> bool:
        count = 0
        queue = self._queue
        while queue:
            count += 1
            if count % 32 == 0 and thread_time() > end:
                self.unreached |= {address(value) for value in queue}
                queue.clear()
                return False
            self._look(queue.popleft(), _LARGE)
        return True

    def _look(self, value: Any, size: int) -> bool:
        """Mark an object; containers above a size wait."""
        here = address(value)
        if here in self.marks or here in self.unreached:
            return True
        kind = type(value)
        where = address(kind)
        mark = Mark(where)
        try:
            known = self._looks.kinds.get(where) or self._looks.kind_of(kind)
            if known.rule is None:
                return True
            if size and known.size is not None and (large := known.size(value)) > size:
                self._late.append((large, value))
                return True
            known.rule(value, mark)
        except Exception:  # noqa: BLE001  objects may be broken, and change while they are looked at
            mark.opaque = True
        if mark.ignored:
            return True
        self.marks[here] = mark
        self._alive.append(value)
        if inside := mark.inside:
            mark.children = list(map(address, inside))
            if not self.follows and len(inside) > _MANY:
                # Python does not track dictionaries of nothing but numbers and texts
                inside = [item for item in inside if type(item) is not dict or gc.is_tracked(item)]
            self._wait_for(inside)
            mark.inside = []
        if mark.code is not None and here not in self.uses:
            names = names_of_code(mark.code)
            self.uses[here] = names
            mark.code = None
            if self.follows:
                self.start(self._namespace if names.names_all else names.names)
        if mark.memory is not None and mark.memory.view is not None:
            self._memories.append(mark.memory)
        return True

    def _wait_for(self, items: list[Any]) -> None:
        """Put what is to be looked at into the queue: not what is empty, or never changes."""
        kinds, queue = self._looks.kinds, self._queue
        for item in items:
            known = kinds.get(address(type(item)))
            if known is None or (known.size is None and known.rule is not None):
                queue.append(item)
            elif known.size is not None:
                if known.size(item):
                    queue.append(item)
                else:
                    self.empty.add(address(item))


def _bytes(memory: Memory) -> int:
    return memory.end - memory.begin
