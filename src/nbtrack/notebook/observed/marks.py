"""What a walk writes down of an object, so that a change shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import CodeType
from typing import Any

import xxhash

from nbtrack.notebook.observed.kinds import address

FULL = 1 << 18  # up to here the whole is read at once
_FULL_OPTIONAL = 1 << 14
_BLOCKS, _BLOCKS_OPTIONAL, _BLOCK = 64, 16, 64
_NUMBERS = frozenset(map(address, (int, float, bool, complex, type(None), type(...))))
_TEXTS = frozenset(map(address, (str, bytes)))
SIMPLE = _NUMBERS | _TEXTS
_SHORT = 200
_FEW = 8


@dataclass(slots=True)
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


class Mark:
    """What is written down of an object.

    Parameters
    ----------
    kind : int
        The address of its type.

    Attributes
    ----------
    kind : int
    content : object
        Is compared; made of built-in types.
    children : list of int
        The addresses of what it holds.
    memory : Memory or None
    opaque : bool
        Whether it may change without the mark showing it.
    inside : list of object
        What it holds, until that is in ``children``.
    code : CodeType or None
        Of a function of the notebook.
    ignored : bool
        Whether nothing of it ever changes, or nobody needs it.
    """

    __slots__ = ("children", "code", "content", "ignored", "inside", "kind", "memory", "opaque")

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.content: Any = None
        self.children: list[int] = []
        self.memory: Memory | None = None
        self.opaque = False
        self.inside: list[Any] = []
        self.code: CodeType | None = None
        self.ignored = False

    def hold(self, items: list[Any]) -> None:
        """Note the items of a container, in their order."""
        shown, inside = contents(items)
        self.content = (self.content, shown) if self.content is not None else shown
        self.inside += inside


def memory_of(device: str, begin: int, view: Any, *, optional: bool = False) -> Memory:
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
    """
    size = len(view)
    found = Memory(device, begin, begin + size, view=view, optional=optional)
    if size <= (_FULL_OPTIONAL if optional else FULL):
        found.read()
        return found
    count = _BLOCKS_OPTIONAL if optional else _BLOCKS
    step = (size - _BLOCK) // (count - 1)
    blocks = b"".join([view[at : at + _BLOCK] for at in range(0, step * count, step)])
    found.sample = xxhash.xxh3_64_intdigest(blocks)
    return found


def differs(one: Mark, other: Mark) -> bool:
    """Return whether an object was changed between two marks of it."""
    if one.kind != other.kind:
        return True
    try:
        if one.content != other.content:
            return True
    except RecursionError:
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
    if len(items) < _FEW:
        return _each(items)
    addresses = list(map(address, map(type, items)))
    kinds = set(addresses)
    if kinds.isdisjoint(SIMPLE):
        return list(map(address, items)), items
    if len(kinds) == 1:
        if kinds <= _TEXTS:
            return _shown(items), ()
        return (addresses[0], items), ()
    return _each(items)


def _each(items: list[Any]) -> tuple[Any, Iterable[Any]]:
    found: list[Any] = []
    inside: list[Any] = []
    for item in items:
        kind = address(type(item))
        if kind in _NUMBERS:
            found += (kind, item)  # True is 1, and 1.0 too
        elif kind in _TEXTS:
            found.append(item if len(item) < _SHORT else hash(item))
        else:
            found.append(address(item))
            inside.append(item)
    return found, inside


def _shown(texts: list[Any]) -> list[Any]:
    if len(texts) <= _SHORT and max(map(len, texts)) < _SHORT:
        return texts
    return list(map(hash, texts))


def is_simple(value: Any) -> bool:
    """Return whether a value is a number or a text."""
    return address(type(value)) in SIMPLE
