"""A large file is written and read in blocks, several at once, and hashed on the way.

The SHA-256 of the whole file, which the store records, can only be computed from front to
back. Where there are processors to spare each block has a digest of its own too: then a file
is checked while it is read, by all of them. In any case what was checked is what was loaded.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

BLOCK = 32 << 20
_STEP = 1 << 20  # what is hashed right after it was read is still in the processor's cache
_MAX_LANES = 8
_ENOUGH = 4  # processors that make it worth while to hash everything twice when saving

Spans = list[tuple[int, int, int]]


@dataclass(frozen=True)
class Digests:
    """What is known of a file's content: its size, its SHA-256 and that of each block."""

    size: int
    sha256: str
    block: int = BLOCK
    blocks: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**vars(self), "blocks": list(self.blocks)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Digests:
        """Return what ``to_dict`` gave.

        Raises
        ------
        ValueError
            If the blocks are not those of a file of this size.
        """
        blocks = tuple(str(digest) for digest in values["blocks"])
        size, block = int(values["size"]), int(values["block"])
        if block < 1 or (blocks and len(blocks) != -(-size // block)):
            raise ValueError(f"{len(blocks)} blocks of {block} bytes are no file of {size} bytes.")
        return cls(size, str(values["sha256"]), block, blocks)


class Source(Protocol):
    """Where the bytes of one block come from."""

    def views(self, spans: Spans) -> tuple[list[memoryview], Callable[[], None]]:
        """Return the bytes of ``(segment, start, stop)`` in order, and what releases them."""


class Sink(Protocol):
    """Where the bytes of one block go."""

    def views(self, spans: Spans) -> tuple[list[memoryview], Callable[[], None]]:
        """Return writable memory for these spans in order, and what to call once it is filled."""


def spans_of(sizes: Sequence[int], block: int = BLOCK) -> Iterator[Spans]:
    """Yield, for each block of a file, the pieces ``(segment, start, stop)`` that it is made of."""
    spans: Spans = []
    room = block
    for number, size in enumerate(sizes):
        start = 0
        while start < size:
            stop = min(size, start + room)
            spans.append((number, start, stop))
            room -= stop - start
            start = stop
            if not room:
                yield spans
                spans, room = [], block
    if spans:
        yield spans


def write(path: Path, sizes: Sequence[int], source: Source, done: Callable[[int], None]) -> Digests:
    """Write a file that is made of segments of these sizes, and return its digests.

    ``done`` is told how many bytes have been written since it was called before.
    """
    path.touch(exist_ok=False)
    whole = hashlib.sha256()
    digests: list[str] = []
    running: deque[tuple[Future[str], Future[None], Callable[[], None], int]] = deque()
    each = lanes() >= _ENOUGH

    def settle() -> None:
        block, in_order, release, size = running.popleft()
        digests.append(block.result())
        in_order.result()
        release()
        done(size)

    total = 0
    with ThreadPoolExecutor(lanes()) as pool, ThreadPoolExecutor(1) as order:
        for spans in spans_of(sizes):
            if len(running) > lanes():
                settle()
            views, release = source.views(spans)
            size = sum(map(len, views))
            written = pool.submit(_write_block, path, total, views, each)
            running.append((written, order.submit(_hash, whole, views), release, size))
            total += size
        while running:
            settle()
    return Digests(total, whole.hexdigest(), BLOCK, tuple(digests) if each else ())


def read(
    path: Path,
    sizes: Sequence[int],
    sink: Sink,
    done: Callable[[int], None],
    expected: Digests | None = None,
) -> bool:
    """Read a file of segments of these sizes; return whether it is what was expected.

    Raises
    ------
    EOFError
        If the file is shorter.
    """
    whole = hashlib.sha256()
    digests: list[str] = []
    running: deque[tuple[Future[str], list[memoryview], Callable[[], None]]] = deque()
    each = expected is not None and bool(expected.blocks)
    in_order = expected is not None and not each

    def settle() -> None:
        block, views, filled = running.popleft()
        digests.append(block.result())
        if in_order:
            _hash(whole, views)
        filled()
        done(sum(map(len, views)))

    offset = 0
    size = BLOCK if expected is None else expected.block
    with ThreadPoolExecutor(lanes()) as pool:
        for spans in spans_of(sizes, size):
            if len(running) > lanes():
                settle()
            views, filled = sink.views(spans)
            running.append((pool.submit(_read_block, path, offset, views, each), views, filled))
            offset += size
        while running:
            settle()
    if expected is None:
        return True
    return tuple(digests) == expected.blocks if each else whole.hexdigest() == expected.sha256


def _write_block(path: Path, offset: int, views: list[memoryview], hashed: bool) -> str:
    digest = hashlib.sha256()
    with path.open("r+b", buffering=0) as file:
        file.seek(offset)
        for view in views:
            for step in _steps(view):
                rest = step
                while rest:
                    rest = rest[file.write(rest) or 0 :]
                if hashed:
                    digest.update(step)
    return digest.hexdigest()


def _read_block(path: Path, offset: int, views: list[memoryview], hashed: bool) -> str:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        for view in views:
            for step in _steps(view):
                rest = step
                while rest:
                    count = file.readinto(rest)
                    if not count:
                        raise EOFError(f"{path} ends at byte {file.tell()}")
                    rest = rest[count:]
                if hashed:
                    digest.update(step)
    return digest.hexdigest()


def _hash(digest: Any, views: list[memoryview]) -> None:
    for view in views:
        digest.update(view)


def _steps(view: memoryview) -> Iterator[memoryview]:
    for start in range(0, len(view), _STEP):
        yield view[start : start + _STEP]


def lanes() -> int:
    """Return how many blocks are written or read at once."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(_MAX_LANES, count or 1))
