"""Which files a run records, and how it names them: below its folder, or above it in its project.

Functions are imported by name: a cell may put something else into their modules.
"""

from __future__ import annotations

import os
from functools import lru_cache
from os.path import lexists, normpath, relpath
from pathlib import Path, PurePath
from tempfile import gettempdir

MAX_NAME = 300
MAX_UP = 6
_SKIPPED = frozenset({
    "__pycache__", "node_modules", "site-packages", "wandb", "mlruns", "lightning_logs",
})  # fmt: skip
_SKIPPED_ENDS = (
    ".pyc",
    ".duckdb.d",
    ".duckdb.wal",
    ".tmp",
    ".swp",
    "~",
    "-wal",
    "-shm",
    "-journal",
)


def name_below(path: str, folder: str, top: str = "") -> str | None:
    """Return the path of a file below a folder, or None if it is elsewhere or no file of a user.

    Parameters
    ----------
    path : str
        Absolute. One of ``__pycache__`` stands for the module that it was made from.
    folder : str
    top : str, optional
        A folder above it, below which a file may lie instead: its path begins with ``..`` then.
    """
    if path.endswith(".pyc"):
        cached = PurePath(path)
        path = str(cached.parent.parent / f"{cached.name.partition('.')[0]}.py")
    if not path.startswith((top or folder).rstrip(os.sep) + os.sep):
        return None
    name = PurePath(relpath(path, folder))
    if len(str(name)) > MAX_NAME or not all(
        part == ".." or is_of_user(part) for part in name.parts
    ):
        return None
    return name.as_posix()


def is_of_user(name: str) -> bool:
    """Return whether a file or folder of this name may be one of the user's data or code."""
    return (
        not name.startswith(".")
        and name not in _SKIPPED
        and not name.endswith(_SKIPPED_ENDS)
        and not (name.startswith("nbtrack") and ".duckdb" in name)
    )


@lru_cache(100)
def project_of(folder: str) -> str:
    """Return the folder of the project that a folder belongs to; empty where it is itself.

    That of the repository, or one or two levels up (``notebooks/``, ``data/``): never the home
    folder, one that holds it, or the one for temporary files.
    """
    outside = {Path(gettempdir()), *Path(gettempdir()).parents, *_home()}
    above = [each for each in list(Path(folder).parents)[:MAX_UP] if each not in outside]
    if Path(folder) in outside or lexists(PurePath(folder, ".git")):
        return ""
    repository = [each for each in above if lexists(PurePath(each, ".git"))]
    found = [*repository[:1], *above[:2][::-1]]
    return str(found[0]) if found else ""


def _home() -> list[Path]:
    try:
        return [Path.home(), *Path.home().parents]
    except RuntimeError:  # nobody says where it is
        return []


def is_recorded(path: object, folder: Path | None) -> bool:
    """Return whether a path may be one that was recorded: a record may come from somebody else.

    Parameters
    ----------
    path : object
        Relative to a folder, with slashes.
    folder : Path or None
        None where it is not on this machine: then nothing is looked at.
    """
    if not isinstance(path, str) or not path or "\0" in path or Path(path).is_absolute():
        return False
    parts = PurePath(path).parts
    ups = parts.count("..")
    if ups == 0:
        return True
    if ups > MAX_UP or ".." in parts[ups:]:
        return False
    if folder is None:
        return True
    top, found = project_of(str(folder)), normpath(folder / path)
    return bool(top) and PurePath(found).is_relative_to(top)
