"""Which files of a source may be read: those in its own folders, and in folders the user names.

A source may be a stranger's: what its rows name and where its links lead is not believed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from nbtrack.interop.report import Report

_LINK = "It is a link that leads out of the folders of the source."
_ODD = "It is no regular file."


class AllowedFolders:
    """Folders that a source is read from, symbolic links followed.

    Parameters
    ----------
    report : Report
        Is told what was left out.
    roots : iterable of Path
    """

    def __init__(self, report: Report, roots: Iterable[Path] = ()) -> None:
        self._report = report
        self.roots = [Path(os.path.realpath(root)) for root in roots]

    def holds(self, path: Path) -> bool:
        """Return whether a path is in one of the folders."""
        real = Path(os.path.realpath(path))
        return any(real.is_relative_to(root) for root in self.roots)

    def files(self, paths: Iterable[Path]) -> list[Path]:
        """Return the regular files among paths that may be read; the others are reported."""
        return [path for path in paths if self.is_readable(path)]

    def is_readable(self, path: Path) -> bool:
        """Return whether a path is a regular file in the folders, or else report it."""
        why = None
        try:
            mode = path.stat(follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                why = None if self.holds(path) else _LINK
                mode = path.stat().st_mode if why is None else mode
        except OSError as error:
            why = str(error.strerror)
        else:
            if why is None and not stat.S_ISREG(mode):
                why = _ODD
        if why is not None:
            self._report.fail("files", str(path), why)
        return why is None

    def is_folder(self, path: Path) -> bool:
        """Return whether a path is a folder that may be read; one elsewhere is reported."""
        if not path.is_dir():
            return False
        held = self.holds(path)
        if not held:
            self._report.fail("files", str(path), _LINK)
        return held


def own_folders(folder: Path, *names: str) -> list[Path]:
    """Return folders of these names in a folder; a link to another place is none of them."""
    real = Path(os.path.realpath(folder))
    return [real / name for name in names if os.path.realpath(real / name) == str(real / name)]


def left_out(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield path and reason of what does not come with the artifacts of a local folder."""
    top = os.path.realpath(folder)
    for place, folders, names in os.walk(top):
        for name in (*folders, *names):
            path = Path(place, name)
            try:
                real = os.path.realpath(path)
                if not Path(real).is_relative_to(top):
                    yield path.relative_to(top).as_posix(), _LINK
                elif name in names and not stat.S_ISREG(path.stat().st_mode):
                    yield path.relative_to(top).as_posix(), _ODD
            except OSError as error:
                yield path.relative_to(top).as_posix(), str(error.strerror)
