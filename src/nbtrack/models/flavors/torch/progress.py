"""A progress bar for what takes longer than a second."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

PATIENCE = 1.0


class Progress:
    """Counts bytes, and shows how many there are once a second has passed.

    Parameters
    ----------
    title : str
        What is done, such as ``"save model"``.
    total : int
        Bytes in all.
    shown : bool
        False for work in the background, which must not draw into another cell.
    """

    def __init__(self, title: str, total: int, shown: bool = True) -> None:
        self._title = title
        self._total = total
        self._shown = shown
        self._done = 0
        self._began = time.monotonic()
        self._bar: Any = None
        self._lock = threading.Lock()

    def add(self, size: int) -> None:
        """Note that ``size`` more bytes are done."""
        with self._lock:
            self._done += size
            if self._bar is not None:
                self._bar.update(size)
            elif self._shown and time.monotonic() - self._began > PATIENCE:
                self._open()

    def close(self) -> None:
        """Take the bar away."""
        with self._lock:
            self._shown = False
            if self._bar is not None:
                self._bar.close()
                self._bar = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _open(self) -> None:
        self._shown = False  # one attempt: without tqdm there is no bar
        with suppress(ImportError):
            from tqdm.auto import tqdm

            self._bar = tqdm(
                desc=self._title,
                total=self._total,
                initial=self._done,
                unit="B",
                unit_scale=True,
                leave=False,
            )
