"""The end of the process, before DuckDB's own hook: from then on only the main thread can fold.

DuckDB 2 interrupts what other threads do and refuses to read their arrays. Hooks run in the reverse
order of their registration, so this one is registered when DuckDB has been imported.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from typing import ClassVar


class ProcessExit:
    """Whether the process is about to end, and what rests from then on."""

    has_begun: ClassVar[bool] = False
    resting: ClassVar[list[Callable[[], None]]] = []


def duckdb_is_imported() -> None:
    """Come before the hook of DuckDB."""
    atexit.register(_begin)


def _begin() -> None:
    ProcessExit.has_begun = True
    for rest in ProcessExit.resting:
        rest()
