"""What a cell changed, seen by looking at the objects that it names before and after it."""

from __future__ import annotations

from typing import Any

from nbtrack.notebook.observed.surroundings import SurroundingsWatcher, WorkWatcher
from nbtrack.notebook.observed.watcher import ObjectWatcher

__all__ = ["observers"]


def observers(shell: Any) -> list[ObjectWatcher | SurroundingsWatcher | WorkWatcher]:
    """Return those that watch the objects, files and settings of a shell.

    Parameters
    ----------
    shell : InteractiveShell
    """
    objects = ObjectWatcher(shell.user_ns)
    surroundings = SurroundingsWatcher(shell, objects)
    return [WorkWatcher(surroundings), objects, surroundings]
