"""Series declarations: records of a points file that map series numbers to metrics.

They stand before the first point of the series, in the same file, so that no accident keeps the
points and loses what they are of. The number in them is 0, so that a version which does not
know them passes them over as holes; the last four bytes tell them from holes.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

MARK = 0x5342_4E01
"""In the padding of the first record of a declaration; the others have one more."""

_FIRST = struct.Struct("<III12sII")
_NEXT = struct.Struct("<24sII")
_HEAD, _ROOM, _WIDTH = 12, 24, 32
_MAX_BYTES = 4096


def declaration(number: int, key: str) -> bytes:
    """Return the records that declare a series."""
    text = key.encode()
    check = zlib.crc32(text, number)
    first = _FIRST.pack(number, len(text), check, text[:_HEAD], 0, MARK)
    rest = (text[start : start + _ROOM] for start in range(_HEAD, len(text), _ROOM))
    return first + b"".join(_NEXT.pack(part, 0, MARK + 1) for part in rest)


def declared(raw: bytes, heads: npt.NDArray[Any]) -> tuple[list[tuple[int, str]], int, int]:
    """Read the declarations of a piece of a points file.

    Parameters
    ----------
    raw : bytes
        Whole records.
    heads : array of int
        The records that begin a declaration.

    Returns
    -------
    list of (int, str)
        Numbers and keys.
    int
        How many records they take.
    int
        Where, in bytes, a declaration begins that is cut off at the end; else the length.
    """
    found: list[tuple[int, str]] = []
    taken = 0
    for head in heads.tolist():
        start = head * _WIDTH
        number, length, check, text, _, _ = _FIRST.unpack_from(raw, start)
        count = -(-max(0, length - _HEAD) // _ROOM)
        if length > _MAX_BYTES:
            continue
        if start + (1 + count) * _WIDTH > len(raw):
            return found, taken, start
        parts = [_NEXT.unpack_from(raw, start + (1 + i) * _WIDTH) for i in range(count)]
        whole = b"".join((text, *(part[0] for part in parts)))[:length]
        marked = all(part[1:] == (0, MARK + 1) for part in parts)
        if marked and zlib.crc32(whole, number) == check and number > 0:
            found.append((number, whole.decode("utf-8", "replace")))
            taken += 1 + count
    return found, taken, len(raw)
