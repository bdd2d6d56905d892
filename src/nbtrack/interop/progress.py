"""A progress bar where one can be shown."""

from __future__ import annotations

from types import TracebackType
from typing import Any


class Progress:
    """Counts what is done; shows a bar with tqdm where it is installed.

    Parameters
    ----------
    shown : bool
        Whether anything is shown.
    """

    def __init__(self, shown: bool) -> None:
        self._bar: Any = None
        self._make: Any = None
        if shown:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return
            self._make = tqdm

    def stage(self, what: str, total: int | None = None) -> None:
        """Begin another kind of thing."""
        self.close()
        if self._make is not None:
            self._bar = self._make(total=total, desc=what, unit_scale=True, leave=False)

    def step(self, count: int = 1) -> None:
        """Count what is done."""
        if self._bar is not None:
            self._bar.update(count)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
