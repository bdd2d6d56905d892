"""Zip archives that somebody else may have made: looked at before they are unpacked."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from nbtrack.errors import InvalidParameterError

MAX_FILES = 100_000
MAX_BYTES = 1 << 30
MAX_RATIO = 100


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
