"""Zip archives and YAML that somebody else may have made: looked at before they are unfolded."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

from nbtrack.errors import InvalidParameterError

MAX_FILES = 100_000
MAX_BYTES = 1 << 30
MAX_RATIO = 100
MAX_VALUES = 1_000_000


def check_archive(path: Path) -> None:
    """Raise if a file is no zip archive, or is made to fill the disk or the memory.

    Parameters
    ----------
    path : Path
        The archive. What it unfolds into may be a gigabyte, or a hundred times its size.

    Raises
    ------
    InvalidParameterError
        If it is damaged, or unfolds into more, or names files twice or outside of it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise _unusable(path, f"it is damaged ({error})") from None
    names = {info.filename for info in found}
    if len(names) < len(found):
        raise _unusable(path, "it names a file twice")
    outside = next((name for name in sorted(names) if not _is_inside(name)), None)
    if outside is not None:
        raise _unusable(path, f"it names {outside!r}, which lies outside of it")
    size = sum(info.file_size for info in found)
    if len(found) > MAX_FILES or size > max(MAX_BYTES, MAX_RATIO * path.stat().st_size):
        raise _unusable(path, f"it unfolds into {size:,} bytes in {len(found):,} files")


def unpack(path: Path, folder: Path) -> None:
    """Unpack an archive into a folder; links in it become plain files.

    Raises
    ------
    InvalidParameterError
        If it cannot be unpacked; see also ``check_archive``.
    """
    check_archive(path)
    try:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
    except Exception as error:  # noqa: BLE001  zlib's own, a password, a method nobody knows
        raise _unusable(path, f"it is damaged ({error})") from None


def _is_inside(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." not in parts and parts[0] != "" and ":" not in parts[0]


def _unusable(path: Path, why: str) -> InvalidParameterError:
    return InvalidParameterError(f"The archive {os.fspath(path)!r} is not unpacked: {why}.")


def read_yaml(text: str | bytes, name: str) -> Any:
    """Return what a text of YAML says.

    YAML can name a part again (``*name``), so that a few lines unfold into more than any memory
    holds. What it would be unfolded is counted before anything is made of it.

    Parameters
    ----------
    text : str or bytes
    name : str
        Of the file, for the message.

    Raises
    ------
    InvalidParameterError
        If it is no YAML, or unfolds into more than a million values.
    """
    import yaml

    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        node = yaml.compose(text, yaml.SafeLoader)
        if node is None:
            return None
        if _size(node, {}) > MAX_VALUES:
            raise ValueError(f"it unfolds into more than {MAX_VALUES:,} values")
        # constructing fails with whatever the types of Python fail with: a month 13, a key [1]
        return yaml.SafeLoader("").construct_document(node)
    except (yaml.YAMLError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        what = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidParameterError(f"{name} is no YAML that can be read: {what}") from None


def _size(node: Any, known: dict[int, int]) -> int:
    """Return how many values there are below a node, each as often as it is named."""
    found = known.get(id(node))
    if found is not None:
        return found
    known[id(node)] = MAX_VALUES + 1  # a part that is within itself has no end
    size = 1
    if isinstance(node.value, list):
        for item in node.value:
            for part in item if isinstance(item, tuple) else (item,):
                size += _size(part, known)
                if size > MAX_VALUES:
                    break
    known[id(node)] = size
    return size
