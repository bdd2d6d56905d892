"""A progress bar for what takes longer than a second."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from nbtrack.tracking.kernel import in_notebook

PATIENCE = 1.0
_LOOK_EVERY = 0.5
_hidden: ContextVar[bool] = ContextVar("nbtrack_progress_hidden", default=False)


def has_display() -> bool:
    """Return whether a progress bar is visible: not where the output goes to a file."""
    return in_notebook() or sys.stderr.isatty()


@contextmanager
def hidden() -> Iterator[None]:
    """Show no bar in a ``with`` block: of what nobody has asked for, nobody waits for the end."""
    token = _hidden.set(True)
    try:
        yield
    finally:
        _hidden.reset(token)


@contextmanager
def working(title: str, folder: Path | None = None, shown: bool = True) -> Iterator[None]:
    """Show that a framework works, which does not say how far it is.

    Once a second has passed, there is a bar with the time, and the bytes that are written.

    Parameters
    ----------
    title : str
        What is done, such as ``"save model"``.
    folder : Path, optional
        Where it writes.
    shown : bool, optional
        False for no bar.
    """
    if not shown or _hidden.get():
        yield
        return
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(title, folder, done), daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()


def _watch(title: str, folder: Path | None, done: threading.Event) -> None:
    if done.wait(PATIENCE):
        return
    with Progress(title, None) as progress:
        seen = 0
        while not done.wait(_LOOK_EVERY):
            size = 0 if folder is None else _size(folder)
            progress.show(size - seen)
            seen = size


def _size(folder: Path) -> int:
    found = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # a temporary file of the framework's may be gone again
            found += path.stat().st_size if path.is_file() else 0
    return found


class Progress:
    """Counts bytes, and shows how many there are once a second has passed.

    Parameters
    ----------
    title : str
        What is done, such as ``"save model"``.
    total : int or None
        Bytes in all, where that is known.
    shown : bool
        False for work in the background, which must not draw into another cell.
    """

    def __init__(self, title: str, total: int | None, shown: bool = True) -> None:
        self._title = title
        self._total = total
        self._shown = shown and not _hidden.get()
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

    def show(self, size: int) -> None:
        """Note that ``size`` more bytes are done, and show it however short it took so far."""
        with self._lock:
            if self._bar is None and self._shown:
                self._open()
            if self._bar is not None:
                self._bar.n += size
                self._bar.refresh()

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
        if not has_display():
            return
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
