"""Whether a file of Universal Binary JSON is whole: what reads it may trust every length in it.

The format is that of https://ubjson.org with the typed arrays of draft 12, as XGBoost writes it;
the bytes of typed arrays are stepped over, so that large models are looked at quickly.
"""

from __future__ import annotations

_INTEGERS = {b"i": 1, b"U": 1, b"I": 2, b"u": 2, b"l": 4, b"m": 4, b"L": 8, b"M": 8}
_SIZES = {**_INTEGERS, b"d": 4, b"D": 8, b"C": 1, b"B": 1, b"T": 0, b"F": 0, b"Z": 0, b"N": 0}
_SIGNED = {b"i", b"I", b"l", b"L"}
_DEPTH = 64


def check(content: bytes) -> None:
    """Raise unless a content is one whole value.

    Raises
    ------
    ValueError
        If it is not: the message says where.
    """
    end = _value(content, 0, 0)
    if end != len(content):
        raise ValueError(f"it goes on after its end at byte {end}")


def _value(content: bytes, at: int, depth: int) -> int:
    kind, at = _kind(content, at)
    return _of_kind(content, at, kind, depth)


def _of_kind(content: bytes, at: int, kind: bytes, depth: int) -> int:
    """Return where a value of this kind ends that begins here."""
    if kind in _SIZES:
        return _stepped(content, at, _SIZES[kind])
    if kind == b"S" or kind == b"H":
        return _text(content, at)
    if kind not in (b"[", b"{"):
        raise ValueError(f"{kind!r} at byte {at - 1} begins no value")
    if depth == _DEPTH:
        raise ValueError(f"it is nested too deeply at byte {at}")
    return _container(content, at, kind == b"{", depth + 1)


def _container(content: bytes, at: int, named: bool, depth: int) -> int:
    each = count = None
    if content[at : at + 1] == b"$":
        each, at = _kind(content, at + 1)
    if content[at : at + 1] == b"#":
        count, at = _count(content, at + 1)
    elif each is not None:
        raise ValueError(f"the array at byte {at} has a type and no length")
    if each in _SIZES and count is not None and not named:
        return _stepped(content, at, _SIZES[each] * count)
    if count is not None and count > len(content):
        raise ValueError(f"the container at byte {at} has more items than there are bytes")
    close = b"}" if named else b"]"
    done = 0
    while done != count:
        if count is None and content[at : at + 1] == close:
            return at + 1
        at = _text(content, at) if named else at
        at = _value(content, at, depth) if each is None else _of_kind(content, at, each, depth)
        done += 1
    return at


def _text(content: bytes, at: int) -> int:
    size, at = _count(content, at)
    return _stepped(content, at, size)


def _count(content: bytes, at: int) -> tuple[int, int]:
    kind, at = _kind(content, at)
    if kind not in _INTEGERS:
        raise ValueError(f"{kind!r} at byte {at - 1} is no length")
    end = _stepped(content, at, _INTEGERS[kind])
    count = int.from_bytes(content[at:end], "big", signed=kind in _SIGNED)
    if count < 0:
        raise ValueError(f"the length at byte {at} is negative")
    return count, end


def _kind(content: bytes, at: int) -> tuple[bytes, int]:
    end = _stepped(content, at, 1)
    return content[at:end], end


def _stepped(content: bytes, at: int, size: int) -> int:
    if at + size > len(content):
        raise ValueError(f"it ends at byte {len(content)}, within a value")
    return at + size
