"""The tail of what a cell prints, while it is shown as ever."""

from __future__ import annotations

import sys
from collections import deque
from typing import Any

MAX_BYTES = 64 * 1024


class PrintedTail:
    """Listens to ``sys.stdout`` and ``sys.stderr`` from ``start`` to ``stop``.

    The streams stay the objects they are, so loggers that hold them are heard too.
    """

    def __init__(self, limit: int = MAX_BYTES) -> None:
        self._limit = limit
        self._pieces: deque[str] = deque()
        self._size = 0
        self._cut = False
        self._streams: list[tuple[Any, Any]] = []

    def start(self) -> None:
        """Begin to listen."""
        streams: list[Any] = [sys.stdout, sys.stderr]
        for stream in dict.fromkeys(streams):
            original = vars(stream).get("write") if hasattr(stream, "__dict__") else None
            try:
                stream.write = self._listening(stream.write)
            except AttributeError:  # a stream that cannot be changed is not heard
                continue
            self._streams.append((stream, original))

    def stop(self) -> None:
        """Leave the streams as they were."""
        for stream, original in self._streams:
            if original is None:
                vars(stream).pop("write", None)
            else:
                stream.write = original
        self._streams = []

    def _listening(self, write: Any) -> Any:
        def heard(text: str) -> Any:
            self._add(text)
            return write(text)

        return heard

    def _add(self, text: str) -> None:
        if isinstance(text, str) and text:
            self._pieces.append(text)
            self._size += len(text)
            while self._size > 2 * self._limit and len(self._pieces) > 1:
                self._size -= len(self._pieces.popleft())
                self._cut = True

    def text(self) -> str:
        """Return the tail; of a line that was overwritten (a progress bar) the last state."""
        lines = "".join(self._pieces).replace("\r\n", "\n").split("\n")
        text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)
        data = text.encode("utf-8", "backslashreplace")
        if len(data) > self._limit:
            self._cut = True
            text = data[-self._limit :].decode("utf-8", "ignore").split("\n", 1)[-1]
        return f"[the beginning is left out]\n{text}" if self._cut else text
