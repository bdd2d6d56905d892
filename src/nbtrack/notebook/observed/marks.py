"""What a walk writes down of an object, so that a change shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

import xxhash

from nbtrack.notebook.observed.kinds import address

FULL = 1 << 18  # up to here the whole is read at once
_BLOCKS, _BLOCK = 64, 64
_NUMBERS = frozenset(map(address, (int, float, bool, complex, type(None), type(...))))
_TEXTS = frozenset(map(address, (str, bytes)))
_SIMPLE = _NUMBERS | _TEXTS
_SHORT = 200


@dataclass
class Memory:
    """A part of the memory that holds numbers.

    Attributes
    ----------
    device : str
    begin, end : int
        Its addresses.
    sample : int or None
        Digest of some blocks of it.
    whole : int or None
        Digest of all of it.
    view : memoryview or None
        What is to be read yet for the digest of all of it.
    optional : bool
        Whether the rest of the mark tells most changes, as the version of a tensor does.
    """

    device: str
    begin: int
    end: int
    sample: int | None = None
    whole: int | None = None
    view: Any = None
    optional: bool = False

    def read(self) -> None:
        """Read all of it."""
        if self.view is not None:
            self.whole, self.view = xxhash.xxh3_64_intdigest(self.view), None


@dataclass
class Mark:
    """What is written down of an object.

    Attributes
    ----------
    kind : int
        The address of its type.
    content : object
        Is compared; made of built-in types.
    children : list
        The addresses of what it holds.
    memory : Memory or None
    opaque : bool
        Whether it may change without the mark showing it.
    """

    kind: int
    content: Any
    children: list[int] = field(default_factory=list)
    memory: Memory | None = None
    opaque: bool = False


def memory_of(
    device: str, begin: int, view: Any, *, optional: bool = False, skims: bool = False
) -> Memory:
    """Return the mark of memory that can be read: small ones at once, of large ones a sample.

    Parameters
    ----------
    device : str
    begin : int
        Its address.
    view : memoryview
        Bytes in one piece.
    optional : bool, optional
        Whether a sample is enough.
    skims : bool, optional
        Whether nobody asks what is in it.
    """
    size = len(view)
    if skims:
        return Memory(device, begin, begin + size, optional=optional)
    found = Memory(device, begin, begin + size, view=view, optional=optional)
    if size <= FULL:
        found.read()
        return found
    step = (size - _BLOCK) // (_BLOCKS - 1)
    blocks = b"".join(view[at : at + _BLOCK] for at in range(0, step * _BLOCKS, step))
    found.sample = xxhash.xxh3_64_intdigest(blocks)
    return found


def differs(one: Mark, other: Mark) -> bool:
    """Return whether an object was changed between two marks of it."""
    if one.kind != other.kind or not _same(one.content, other.content):
        return True
    a, b = one.memory, other.memory
    if a is None or b is None:
        return (a is None) != (b is None)
    if a.whole is not None and b.whole is not None:
        return a.whole != b.whole
    return a.sample is not None and b.sample is not None and a.sample != b.sample


def is_proven(one: Mark, other: Mark) -> bool:
    """Return whether two marks that do not differ prove that the object is the same."""
    if one.opaque or other.opaque:
        return False
    a, b = one.memory, other.memory
    if a is None or b is None or (a.whole is not None and b.whole is not None):
        return True
    return a.optional and b.optional and a.sample is not None and b.sample is not None


def contents(items: list[Any]) -> tuple[Any, Iterable[Any]]:
    """Return what is compared of the items of a container, and those that are to be looked at.

    Numbers and texts stand for themselves, everything else for its address: nothing is kept alive.
    """
    kinds = set(map(address, map(type, items)))
    if kinds <= _NUMBERS:
        return items, ()
    if kinds <= _TEXTS and len(items) > _SHORT:
        return list(map(hash, items)), ()
    found: list[Any] = []
    inside: list[Any] = []
    for item in items:
        kind = address(type(item))
        if kind in _NUMBERS:
            found.append(item)
        elif kind in _TEXTS:
            found.append(item if len(item) < _SHORT else hash(item))
        else:
            found.append(address(item))
            inside.append(item)
    return found, inside


def is_simple(value: Any) -> bool:
    """Return whether a value is a number or a text."""
    return address(type(value)) in _SIMPLE


def _same(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except RecursionError:
        return False


@dataclass
class Seen:
    """What a look at an object gives.

    Attributes
    ----------
    content : object
        What is compared; made of built-in types.
    inside : list of object
        What it holds.
    memory : Memory or None
    opaque : bool
        Whether it may change without this showing it.
    code : CodeType or None
        Of a function of the notebook.
    ignored : bool
        Whether nothing of it ever changes, or nobody needs it.
    skims : bool
        Whether it is enough to know where its memory lies.
    """

    content: Any = None
    inside: list[Any] = field(default_factory=list)
    memory: Memory | None = None
    opaque: bool = False
    code: CodeType | None = None
    ignored: bool = False
    skims: bool = False

    def hold(self, items: list[Any]) -> None:
        """Note the items of a container, in their order."""
        shown, inside = contents(items)
        self.content = (self.content, shown) if self.content is not None else shown
        self.inside += inside
