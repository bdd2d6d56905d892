"""The files below the working directory that a cell read and wrote.

Functions are imported by name: a cell may put something else into their modules.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from os import scandir, stat
from os.path import abspath, isfile, lexists
from pathlib import PurePath
from stat import S_ISREG
from time import perf_counter, thread_time

from nbtrack.notebook.observed.kinds import is_own_file
from nbtrack.recorded_paths import MAX_NAME, is_of_user, name_below, project_of

MAX_ENTRIES = 2000
MAX_SECONDS = 0.004  # of a processor: the machine may be busy
MAX_WAIT = 0.05  # for a disk, or a network
MAX_FILES = 2000


@dataclass
class Times:
    """When files were changed last, and their sizes.

    Attributes
    ----------
    files : dict of str to (int, int)
    folders : set of str
        Those of which all files are among them.
    unseen : set of str
        Those that there was no time to look into.
    absent : set of str
        Files that the cell names, and that are not there.
    """

    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)


def times_below(folder: str, texts: Iterable[str] = ()) -> Times:
    """Return when the files of a folder were changed last; a few thousand at most.

    Parameters
    ----------
    folder : str
    texts : iterable of str
        The texts in the code of a cell: the files that they name are looked at in any case.
    """
    found = Times()
    end, latest = thread_time() + MAX_SECONDS, perf_counter() + MAX_WAIT
    waiting = deque([folder])
    count = 0
    while waiting and count < MAX_ENTRIES and thread_time() < end and perf_counter() < latest:
        here = waiting.popleft()
        try:
            with scandir(here) as entries:
                for entry in entries:
                    count += 1
                    if count > MAX_ENTRIES:
                        break
                    if not is_of_user(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        about = entry.stat(follow_symlinks=False)
                        found.files[entry.path] = (about.st_mtime_ns, about.st_size)
        except OSError:
            continue
        if count <= MAX_ENTRIES:
            found.folders.add(here)
        else:
            found.unseen.add(here)
    found.unseen.update(waiting)
    for name in _named(texts, folder) if found.unseen else ():
        path = str(PurePath(folder, name))
        try:
            about = stat(path)  # noqa: PTH116
        except OSError:
            found.absent.add(path)
        else:
            if S_ISREG(about.st_mode):
                found.files[path] = (about.st_mtime_ns, about.st_size)
    return found


def files_of(
    folder: str,
    opened: Iterable[tuple[str, bool]],
    before: Times,
    now: Times,
    texts: Iterable[str],
) -> tuple[set[str], set[str]]:
    """Return the files that a cell read and those that it wrote, relative to a folder.

    Files that Python opened may lie above it too, in the same project.

    Parameters
    ----------
    folder : str
    opened : iterable of (str, bool)
        The absolute paths of files that Python opened, and whether to write.
    before, now : Times
        What ``times_below`` said before and after the cell.
    texts : iterable of str
        The texts in its code: a library written in C++ may have read the file that one names.
    """
    read: set[str] = set()
    written: set[str] = set()
    replaced: set[str] = set()
    for path, writes in opened:
        name = name_below(path, folder) or _name_above(path, folder)
        if name is not None and writes:
            written.add(name)
            replaced.add(name)
        elif name is not None and len(read) < MAX_FILES:
            read.add(name)
    for path, about in now.files.items():
        known = path in before.files or path in before.absent or _is_within(path, before, folder)
        if known and before.files.get(path) != about and not path.endswith(".ipynb"):
            name = name_below(path, folder)
            if name is not None:
                written.add(name)
    new = now.folders - before.folders - before.unseen
    changed = {path for path in new if _is_within(path, before, folder)}
    changed |= {path for path in before.files.keys() - now.files.keys() if _is_gone(path, now)}
    written |= {name for path in changed if (name := name_below(path, folder)) is not None}
    for name in _named(texts, folder):
        file = str(PurePath(folder, name))
        if name not in replaced and (
            file in before.files or (name not in written and isfile(file))  # noqa: PTH113
        ):
            read.add(name)
    return read, written


def _named(texts: Iterable[str], folder: str) -> Iterator[str]:
    """Yield what may be files below a folder in texts, relative to it."""
    for text in texts:
        for word in _paths_in(text):
            name = name_below(abspath(str(PurePath(folder, word))), folder)
            if name is not None:
                yield name


def _name_above(path: str, folder: str) -> str | None:
    top = project_of(folder)
    return name_below(path, folder, top) if top and is_own_file(path) else None


def _is_within(path: str, before: Times, top: str) -> bool:
    """Return whether a new file lies where all was seen before, or in a folder that is new too."""
    while len(path) > len(top):
        path = str(PurePath(path).parent)
        if path in before.folders:
            return True
        if path in before.unseen:
            return False
    return False


def _is_gone(path: str, now: Times) -> bool:
    """Return whether a file is not in its folder any more, or its folder is not there."""
    return str(PurePath(path).parent) in now.folders or not lexists(path)


def _paths_in(text: str) -> list[str]:
    """Return what may be paths of files in a text: itself, or words of a line for the shell."""
    candidates = [text] if len(text) < MAX_NAME else []
    if " " in text:
        candidates += text[: 10 * MAX_NAME].split()[:50]
    return [each.strip("'\"") for each in candidates if "." in each and each.isprintable()]
