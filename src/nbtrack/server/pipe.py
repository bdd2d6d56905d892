"""A body of a request as a stream: written by the server's loop, read by a thread."""

from __future__ import annotations

import io
import threading
from collections import deque

HELD = 8 * 1024 * 1024
WAIT_S = 300.0


class Pipe(io.RawIOBase):
    """Holds a few megabytes between who writes, and never waits, and who reads, and does.

    Raises
    ------
    ConnectionError
        Of ``read``: the writer has gone away before the end.
    """

    def __init__(self) -> None:
        super().__init__()
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._ended = False
        self._aborted = False
        self._unread = False
        self._wanted = 1
        self._ready = threading.Condition()

    @property
    def is_full(self) -> bool:
        """Whether the writer should wait."""
        return self._held > HELD and not self._unread

    def feed(self, chunk: bytes) -> None:
        """Add a piece; after the reader has gone it counts for nothing."""
        with self._ready:
            if not self._unread:
                self._chunks.append(chunk)
                self._held += len(chunk)
                if self._held >= self._wanted:  # every handover between threads costs
                    self._ready.notify()

    def end(self) -> None:
        """Say that nothing follows."""
        with self._ready:
            self._ended = True
            self._ready.notify()

    def abort(self) -> None:
        """Say that what is missing never comes."""
        with self._ready:
            self._aborted = not self._ended
            self._ready.notify()

    def give_up(self) -> None:
        """Say that nobody reads any more."""
        with self._ready:
            self._unread = True
            self._chunks.clear()
            self._held = 0

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return ``size`` bytes; fewer at the end, and then none."""
        parts: list[bytes] = []
        found = 0
        limit = HELD if size is None or size < 0 else min(size, HELD)
        with self._ready:
            self._wanted = limit
            while self._held < limit and not self._ended and not self._aborted:
                before = self._held
                if not self._ready.wait(WAIT_S) and self._held == before:
                    self._aborted = True
            if self._aborted:
                raise ConnectionError("The connection was closed before the file was whole.")
            while self._chunks and found < limit:
                chunk = self._chunks.popleft()
                if found + len(chunk) > limit:
                    cut = limit - found
                    self._chunks.appendleft(chunk[cut:])
                    chunk = chunk[:cut]
                parts.append(chunk)
                found += len(chunk)
            self._held -= found
        return b"".join(parts)
