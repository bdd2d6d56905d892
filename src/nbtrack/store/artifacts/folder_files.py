"""The files of a local folder that are logged as artifacts; symbolic links are followed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MAX_REPEATED = 1000
"""So often a folder may be met again by another way: links can double it at every level."""

_Id = tuple[int, int]
_Folder = tuple[Path, str, tuple[_Id, ...]]


@dataclass
class FolderFiles:
    """What lies in a folder.

    Attributes
    ----------
    files : list of (Path, str)
        Regular files, and their paths below the folder with ``/`` between the parts.
    left_out : list of str
        Paths of what cannot be an artifact: pipes, sockets, links to nothing, the store itself.
    unread : dict of str to str
        Paths of what should be one, and why it cannot be read.
    """

    files: list[tuple[Path, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    _met: set[_Id] = field(default_factory=set)
    _repeated: int = 0

    @classmethod
    def of(cls, top: Path) -> FolderFiles:
        """Look into a folder and all below it, in the order of the names.

        A folder that is reached twice is there twice; only one that is above itself is left out.
        """
        found = cls()
        waiting: list[_Folder] = [(top, "", ())]
        while waiting:
            waiting += reversed(found._visit(*waiting.pop()))
        return found

    def _visit(self, folder: Path, path: str, above: tuple[_Id, ...]) -> list[_Folder]:
        """Take the files of a folder; return the folders in it."""
        try:
            seen = folder.stat()
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.unread[path or str(folder)] = str(error.strerror)
            return []
        this = (seen.st_dev, seen.st_ino)
        if this in above:
            return []
        if this in self._met:
            self._repeated += 1
            if self._repeated > MAX_REPEATED:
                self.unread[path] = "Links lead to the same folders more than a thousand times."
                return []
        self._met.add(this)
        folders = list(self._sorted(entries, path))
        return [(b, name, (*above, this)) for b, name in folders if not is_store_folder(b)]

    def _sorted(self, entries: list[os.DirEntry[str]], path: str) -> Iterator[tuple[Path, str]]:
        """Put files where they belong, and yield the folders."""
        for entry in entries:
            place, name = Path(entry.path), f"{path}/{entry.name}" if path else entry.name
            try:
                mode = entry.stat().st_mode
            except FileNotFoundError:
                self.left_out.append(name)
            except OSError as error:
                if error.errno == errno.ELOOP:  # a link that leads to itself
                    self.left_out.append(name)
                else:
                    self.unread[name] = str(error.strerror)
            else:
                if stat.S_ISDIR(mode):
                    yield place, name
                elif stat.S_ISREG(mode) and not is_store(place):
                    self.files.append((place, name))
                else:
                    self.left_out.append(name)


def is_store(path: Path) -> bool:
    """Return whether a file is the database of a store."""
    return Path(f"{path}.d", "journal").is_dir()


def is_store_folder(path: Path) -> bool:
    """Return whether a folder is the one beside the database of a store."""
    return path.suffix == ".d" and (path / "journal").is_dir()
