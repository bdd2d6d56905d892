"""Paths that can be shown to others: the home folder is ``~``."""

from __future__ import annotations

import os


def shorten(path: str | os.PathLike[str]) -> str:
    """Return a path with ``~`` for the home folder, so that it can be shown to others."""
    text = os.fspath(path)
    home = os.path.expanduser("~").rstrip(os.sep)
    if home and (text == home or text.startswith(home + os.sep)):
        return "~" + text[len(home) :]
    return text
