"""Whether what a run says of this machine is looked up here, for whoever asks.

A run names files, a notebook, a process and packages; who writes runs chooses the names. Whether
they are there, or still the same, is for the user of this machine alone: for anybody else the
answers of a server would say which files it has, and what is in them.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from nbtrack.redaction.values import display_path

_allowed: ContextVar[bool] = ContextVar("nbtrack_looks_at_this_machine", default=True)


@contextmanager
def looking(allowed: bool) -> Iterator[None]:
    """Say for a while whether whoever asks may be told of this machine; a server does."""
    before = _allowed.set(allowed)
    try:
        yield
    finally:
        _allowed.reset(before)


def may_look() -> bool:
    """Return whether whoever asks may be told what there is on this machine."""
    return _allowed.get()


def named_folder(place: object) -> Path | None:
    """Return a folder that a run names, where it is on this machine and may be looked at."""
    path = _absolute(place)
    return path if path is not None and path.is_dir() else None


def named_file(place: object) -> Path | None:
    """Return a file that a run names, as `named_folder` does; a pipe, which has no end, is none."""
    path = _absolute(place)
    return path if path is not None and path.is_file() else None


def _absolute(place: object) -> Path | None:
    if not may_look() or not isinstance(place, str) or "\0" in place:
        return None
    path = Path(os.path.expanduser(place))
    return path if path.is_absolute() else None


def is_same_installation(then: Mapping[str, Any], host: str | None) -> bool:
    """Return whether a run was made on this machine by the Python that this process runs.

    False also where whoever asks is not told of this machine.

    Parameters
    ----------
    then : mapping
        What was kept of the environment of the run.
    host : str or None
        The machine of the run.
    """
    python = then.get("python")
    executable = python.get("executable") if isinstance(python, Mapping) else None
    return may_look() and host == platform.node() and executable == display_path(sys.executable)
