"""Protocol Buffers, as far as they are the envelope of what other trackers write to disk.

Only the encoding is known here (https://protobuf.dev/programming-guides/encoding); what the
numbers of fields mean is said where they are used. They never change, so files of any version
can be read without the package that has written them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

Fields = dict[int, list[Any]]
"""Values by field number: int for numbers, bytes for everything else, 4 and 8 bytes too."""


def fields(data: bytes) -> Fields:
    """Return the fields of a message.

    Raises
    ------
    ValueError
        If it is no message.
    """
    found: Fields = {}
    place, end = 0, len(data)
    while place < end:
        tag, place = _varint(data, place)
        kind = tag & 7
        value: Any
        if kind == 0:
            value, place = _varint(data, place)
        elif kind == 2:
            length, place = _varint(data, place)
            value, place = data[place : place + length], place + length
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, place = data[place : place + size], place + size
        else:
            raise ValueError(f"wire type {kind}")
        if place > end:
            raise ValueError("cut off")
        found.setdefault(tag >> 3, []).append(value)
    return found


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(data):
            raise ValueError("cut off")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def text(message: Fields, number: int) -> str:
    """Return a text field, the last one; empty where there is none."""
    values = message.get(number)
    return values[-1].decode("utf-8", "replace") if values else ""


def integer(message: Fields, number: int) -> int:
    """Return an int64 field; 0 where there is none."""
    values = message.get(number)
    value = int(values[-1]) if values else 0
    return value - 2**64 if value >= 2**63 else value


def zigzag(message: Fields, number: int) -> int:
    """Return an sint64 field; 0 where there is none."""
    value = int(message[number][-1]) if number in message else 0
    return (value >> 1) ^ -(value & 1)


def double(message: Fields, number: int) -> float:
    """Return a double field; 0 where there is none."""
    return float(struct.unpack("<d", message[number][-1])[0]) if number in message else 0.0


def single(message: Fields, number: int) -> float:
    """Return a float field; 0 where there is none."""
    return float(struct.unpack("<f", message[number][-1])[0]) if number in message else 0.0


def inner(message: Fields, number: int) -> Fields:
    """Return a message field, the last one; empty where there is none."""
    return fields(message[number][-1]) if number in message else {}


def inners(message: Fields, number: int) -> Iterator[Fields]:
    """Yield the messages of a repeated field."""
    for data in message.get(number, ()):
        yield fields(data)


def time_ms(message: Fields, number: int) -> int:
    """Return a ``google.protobuf.Timestamp`` field in milliseconds; 0 where there is none."""
    stamp = inner(message, number)
    return integer(stamp, 1) * 1000 + integer(stamp, 2) // 1_000_000
