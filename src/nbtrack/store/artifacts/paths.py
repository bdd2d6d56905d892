"""Where an artifact may lie: a plain relative path below the folder of its run."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path, PurePath

from nbtrack.entities import FileInfo
from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.suggestions import did_you_mean

INTERNAL = ".nbtrack"
"""The folder in which a run keeps what is nbtrack's own; listings of artifacts leave it out."""

_MOST_NEAR = 500  # artifacts that a missing one is compared with
_DRIVE = re.compile(r"^[A-Za-z]:")
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*]')


def check_artifact_path(path: str | os.PathLike[str]) -> str:
    """Return ``path`` when it names a place below the artifact folder.

    Parameters
    ----------
    path : str or path
        Relative, with ``/`` between its parts, and in its shortest form.

    Raises
    ------
    InvalidParameterError
        If the path is empty, absolute, names a drive, holds ``..``, a backslash
        or a NUL, or would be another path when written in its shortest form.
    """
    text = path.as_posix() if isinstance(path, PurePath) else os.fspath(path)
    if not text:
        raise _invalid(text, "Give a relative path, such as 'plots/loss.png'.")
    if "\0" in text or not _encodes(text):
        raise _invalid(text, "It holds characters that no file name can have.")
    if "\\" in text or _DRIVE.match(text):
        raise _invalid(text, "Use a relative path with '/' between its parts.")
    normal = posixpath.normpath(text)
    leaves = normal == ".." or normal.startswith(("../", "/"))
    if leaves or normal != text or normal == ".":
        raise _invalid(
            text,
            "Names may be treated as files in certain cases, and must not resolve to other names "
            f"when treated as such. This name would resolve to {normal!r}",
        )
    if os.name == "nt" and _NOT_ON_WINDOWS.search(text):
        raise _invalid(text, 'A file name on Windows cannot hold any of <>:"|?*')
    return text


def join_artifact_path(folder: str | os.PathLike[str] | None, name: str) -> str:
    """Return the checked path of ``name`` in ``folder``; no folder is the root."""
    if folder is None or folder == "":
        return check_artifact_path(name)
    return check_artifact_path(f"{check_artifact_path(folder)}/{check_artifact_path(name)}")


def place_below(root: Path, path: str) -> Path:
    """Return where an artifact path lies below ``root``, on the local file system.

    Raises
    ------
    InvalidParameterError
        If the path is no artifact path, or a symbolic link on the way to it
        leads out of ``root``.
    """
    target = root / check_artifact_path(path)
    if not stays_below(root, target):
        raise _invalid(path, "A symbolic link on the way leads out of the artifact folder.")
    return target


def stays_below(root: Path, place: Path) -> bool:
    """Return whether ``place`` is in ``root`` once symbolic links are followed."""
    top = os.path.realpath(root)
    real = os.path.realpath(place)
    return real == top or real.startswith(top.rstrip(os.sep) + os.sep)


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _invalid(path: object, why: str) -> InvalidParameterError:
    return InvalidParameterError(f"Invalid artifact path: {path!r}. {why}")


def resolve_location(folder: Path, stored: str) -> str:
    """Return where stored artifacts are: an absolute path or a URI.

    Parameters
    ----------
    folder : Path
        The folder of the store.
    stored : str
        A relative path below it, an absolute path or a URI.
    """
    if ":" in stored or stored.startswith("/"):
        return stored
    return f"{folder}{os.sep}{stored.replace('/', os.sep)}"


def artifact_uri(folder: Path, stored: str | None, experiment_id: str, run_id: str) -> str:
    """Return where the artifacts of a run are; the usual place where none is stored."""
    return resolve_location(folder, stored or f"artifacts/{experiment_id}/{run_id}")


def no_such_artifact(path: str, uri: str, near: Callable[[], Iterable[FileInfo]]) -> NotFoundError:
    """Return the error of an artifact that is not there; it names the one that is most like it.

    Parameters
    ----------
    path : str
    uri : str
        The folder that it is not in.
    near : callable
        Returns artifacts that there are; nothing is asked about what nbtrack keeps for itself.
    """
    known: list[str] = []
    if path.partition("/")[0] != INTERNAL:
        try:
            files = [entry.path for entry in islice(near(), _MOST_NEAR)]
            folders = dict.fromkeys(path.rpartition("/")[0] for path in files)
            known = [*files, *filter(None, folders)]
        except NbtrackError:  # then there is no hint
            known = []
    hint = did_you_mean(path, known, "See list_artifacts.")
    return NotFoundError(f"No such artifact: {path!r} in {uri}. {hint}")
