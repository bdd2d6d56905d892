"""TensorBoard's event files: records of messages, each with its length before it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbtrack.interop import protobuf
from nbtrack.interop.protobuf import Fields

MAX_RECORD = 1 << 30
_FLOATS = {1: ("<f", 5), 2: ("<d", 6)}
_INTEGERS = {3: ("<i", 7), 9: ("<q", 10)}


def records(path: Path) -> Iterator[tuple[int, Fields]]:
    """Yield (place, event) of a file until its end, or to where it was cut off.

    Raises
    ------
    ValueError
        If there is something else in it.
    """
    with path.open("rb") as file:
        while True:
            place = file.tell()
            head = file.read(12)
            if len(head) < 12:
                return
            (length,) = struct.unpack("<Q", head[:8])
            if length > MAX_RECORD:
                raise ValueError("it is damaged, or no event file")
            data = file.read(length)
            if len(data) < length or len(file.read(4)) < 4:
                return
            yield place, protobuf.fields(data)


def record_at(path: Path, place: int) -> Fields:
    """Return the event at a place that ``records`` has given."""
    with path.open("rb") as file:
        file.seek(place)
        (length,) = struct.unpack("<Q", file.read(12)[:8])
        return protobuf.fields(file.read(length))


def scalar(value: Fields) -> float | None:
    """Return the number that a summary value holds, None where it is anything else."""
    if 2 in value:
        return protobuf.single(value, 2)
    if 8 not in value:
        return None
    tensor = protobuf.inner(value, 8)
    kind = protobuf.integer(tensor, 1)
    if any(protobuf.inners(protobuf.inner(tensor, 2), 2)):  # its shape: a scalar has none
        return None
    if kind in _FLOATS:
        return _number(tensor, *_FLOATS[kind])
    if kind in _INTEGERS:
        form, number = _INTEGERS[kind]
        if 4 in tensor:
            return float(struct.unpack(form, tensor[4][-1])[0])
        return float(protobuf.integer(tensor, number)) if _is_plain(tensor, number) else None
    return None


def _number(tensor: Fields, form: str, number: int) -> float | None:
    data = tensor[4][-1] if 4 in tensor else tensor.get(number, [b""])[-1]
    if len(data) != struct.calcsize(form):
        return None
    return float(struct.unpack(form, data)[0])


def _is_plain(tensor: Fields, number: int) -> bool:
    return number in tensor and isinstance(tensor[number][-1], int)


def texts(value: Fields) -> list[str]:
    """Return the texts of a summary value's tensor."""
    tensor = protobuf.inner(value, 8)
    return [data.decode("utf-8", "replace") for data in tensor.get(8, ())]


def plugin(value: Fields) -> tuple[str, bytes]:
    """Return which plugin a summary value is for, and what it tells it."""
    data = protobuf.inner(protobuf.inner(value, 9), 1)
    return protobuf.text(data, 1), (data.get(2) or [b""])[-1]


def image(value: Fields) -> bytes | None:
    """Return the encoded picture of a summary value, the first of several."""
    if 4 in value:
        pictures: list[bytes] = protobuf.inner(value, 4).get(4, [])
        return pictures[-1] if pictures else None
    pictures = protobuf.inner(value, 8).get(8, [])
    return pictures[2] if len(pictures) > 2 else None


def hparams(content: bytes) -> tuple[dict[str, Any], int | None]:
    """Return what the hparams plugin says: hyperparameters, and how the run has ended."""
    message = protobuf.fields(content)
    found: dict[str, Any] = {}
    for entry in protobuf.inners(protobuf.inner(message, 3), 1):
        found[protobuf.text(entry, 1)] = _value(protobuf.inner(entry, 2))
    end = protobuf.inner(message, 4)
    return found, protobuf.integer(end, 1) if 4 in message else None


def _value(value: Fields) -> Any:
    if 2 in value:
        number = protobuf.double(value, 2)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    if 3 in value:
        return protobuf.text(value, 3)
    if 4 in value:
        return bool(protobuf.integer(value, 4))
    return None
