"""The tail of what a cell prints, while it is shown as ever."""

from __future__ import annotations

import re
import sys
from collections import deque
from typing import Any

MAX_BYTES = 64 * 1024
MAX_HEARD = 1024 * 1024  # that is looked through for numbers
_OVERWRITTEN = re.compile(r"[^\n]*\r(?!\n)")


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
            if self._size > 2 * MAX_HEARD:
                self._shorten()

    def _shorten(self) -> None:
        """Forget what was overwritten, and of very much the beginning."""
        text = _OVERWRITTEN.sub("", "".join(self._pieces))
        self._cut = self._cut or len(text) > MAX_HEARD
        text = text[-MAX_HEARD:]
        self._pieces = deque([text])
        self._size = len(text)

    def heard(self) -> str:
        """Return what was printed, overwritten parts and all; of very much the last megabyte."""
        return "".join(self._pieces)[-MAX_HEARD:]

    def _latest(self) -> list[str]:
        """Return the last pieces: enough of them, where few were overwritten."""
        found: list[str] = []
        size = 0
        for piece in reversed(self._pieces):
            found.append(piece)
            size += len(piece)
            if size > 8 * self._limit:
                self._cut = self._cut or len(found) < len(self._pieces)
                break
        return found[::-1]

    def text(self) -> str:
        """Return the tail; of a line that was overwritten (a progress bar) the last state."""
        lines = "".join(self._latest()).replace("\r\n", "\n").split("\n")
        text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)
        data = text.encode("utf-8", "backslashreplace")
        if len(data) > self._limit:
            self._cut = True
            text = data[-self._limit :].decode("utf-8", "ignore").split("\n", 1)[-1]
        return f"[the beginning is left out]\n{text}" if self._cut else text
