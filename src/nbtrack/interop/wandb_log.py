"""The ``.wandb`` file of an offline run: blocks with pieces of records, as LevelDB has them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from nbtrack.interop import messages
from nbtrack.interop.messages import Fields

BLOCK = 32768
HEAD = 7
MAGIC = b":W&B"
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def records(path: Path) -> Iterator[Fields]:
    """Yield the records of a file until its end, or to where it was cut off.

    Raises
    ------
    ValueError
        If it is no such file, or of a version that is not known.
    """
    for data in _joined(path):
        try:
            yield messages.fields(data)
        except ValueError:
            continue  # one record that makes no sense does not spoil the others


def _joined(path: Path) -> Iterator[bytes]:
    """Yield whole records, their pieces put together."""
    with path.open("rb") as file:
        ident, _, version = struct.unpack("<4sHB", file.read(HEAD).ljust(HEAD, b"\0"))
        if ident != MAGIC or version != 0:
            raise ValueError("it is no .wandb file, or one of a version that is not known")
        gathered = b""
        while True:
            left = BLOCK - file.tell() % BLOCK
            if left < HEAD:
                file.read(left)
                continue
            head = file.read(HEAD)
            if len(head) < HEAD:
                return
            _, length, kind = struct.unpack("<IHB", head)
            data = file.read(length)
            if len(data) < length or kind not in (FULL, FIRST, MIDDLE, LAST):
                return
            gathered = data if kind in (FULL, FIRST) else gathered + data
            if kind in (FULL, LAST):
                yield gathered
                gathered = b""
