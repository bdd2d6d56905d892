"""The files that a run has read and written, as they are kept with it."""

from __future__ import annotations

import json
import stat as modes
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from os import getcwd  # by name: a cell may put something else into its module
from pathlib import Path
from typing import Any, Literal, TypeAlias

from nbtrack.file_digests import TimeBudget, file_digest, listing_digest
from nbtrack.redaction.values import display_path
from nbtrack.tracking.run import ActiveRun

FILES_FILE = ".nbtrack/files.json"
VERSION = 1
MAX_FILES = 1000
MANY = 200
SECONDS = 1.0
#: Of a cell: its execution count, the files that it read, and those that it wrote. A script has
#: no cells, and such a part for each file, in the order in which it opened them.
CellFiles: TypeAlias = tuple[int | None, Iterable[str], Iterable[str]]


class FilesRecord:
    """Keeps the files of a run with it; paths are relative to the working directory.

    Parameters
    ----------
    run : ActiveRun
    """

    def __init__(self, run: ActiveRun) -> None:
        self._run = run
        self._kept = ""
        try:
            self._folder: Path | None = Path(getcwd())  # noqa: PTH109  a cell may change it
        except OSError:  # it was deleted
            self._folder = None

    def keep(self, cells: Iterable[CellFiles]) -> None:
        """Keep the files of cells that were watched.

        Parameters
        ----------
        cells : iterable of CellFiles
            The cells that the run needed, its own, and those that went on with it.
        """
        uses = uses_of(cells)
        if not uses or self._folder is None:
            return
        record = record_of_files(self._folder, uses)
        text = json.dumps(record, indent=1)
        if text != self._kept and (record["files"] or record["folders"]):
            writer = self._run.store.writer(self._run.info.run_id)
            writer.artifacts.put_bytes(FILES_FILE, text.encode("utf-8", "backslashreplace"))
            self._kept = text


@dataclass
class FileUse:
    """What the cells of a run did with a file.

    Attributes
    ----------
    mode : {"read", "written"}
        ``"written"`` where a cell wrote it before any other read it: then it is no input.
    cells : list of int
        Their execution counts.
    replaced : bool
        Whether a later cell has written what an earlier one had read.
    """

    mode: Literal["read", "written"]
    cells: list[int] = field(default_factory=list)
    replaced: bool = False


def uses_of(cells: Iterable[CellFiles]) -> dict[str, FileUse]:
    """Return what cells did with files.

    Parameters
    ----------
    cells : iterable of CellFiles
        In the order of execution.
    """
    found: dict[str, FileUse] = {}
    for number, read, written in cells:
        for path in written:
            use = found.setdefault(path, FileUse("written"))
            use.replaced = use.replaced or use.mode == "read"
            if number is not None:
                use.cells.append(number)
        for path in read:
            use = found.setdefault(path, FileUse("read"))
            if number is not None and number not in use.cells:
                use.cells.append(number)
    return found


def record_of_files(folder: Path, uses: dict[str, FileUse]) -> dict[str, Any]:
    """Return what is kept of files: size, time of the last change, and SHA-256.

    The smaller ones are hashed first, as many as a second suffices for; the digest of the others
    is null. Where many files of a folder were read, the folder is listed instead of them, with a
    digest of their names, sizes and times.

    Parameters
    ----------
    folder : Path
        That the paths are relative to.
    uses : dict of str to FileUse
    """
    sizes: dict[str, tuple[int, int]] = {}
    for path in sorted(uses):
        try:
            about = (folder / path).stat()
        except (OSError, ValueError):  # it was removed again
            continue
        if modes.S_ISREG(about.st_mode):
            sizes[path] = (about.st_size, about.st_mtime_ns // 1_000_000)
    folders = [_folder(sizes, uses, path, group) for path, group in _many(sizes, uses)]
    inside = {path for path in sizes if path.rpartition("/")[0] in {f["path"] for f in folders}}
    single = [path for path in sizes if path not in inside or uses[path].mode == "written"]
    digests = _digests(folder, sizes, [path for path in single if not uses[path].replaced])
    single.sort(key=lambda path: (uses[path].mode, path))
    return {
        "version": VERSION,
        "folder": display_path(folder),
        "files": [
            {
                "path": path,
                "sha256": digests.get(path),
                "size": sizes[path][0],
                "modified": sizes[path][1],
                "mode": uses[path].mode,
                "cells": uses[path].cells,
            }
            for path in single[:MAX_FILES]
        ],
        "folders": folders,
        "left_out": max(0, len(single) - MAX_FILES),
    }


def _many(
    sizes: dict[str, tuple[int, int]], uses: dict[str, FileUse]
) -> list[tuple[str, list[str]]]:
    """Return the folders of which many files were read, with these files."""
    groups: dict[str, list[str]] = defaultdict(list)
    for path in sizes:
        if uses[path].mode == "read":
            groups[path.rpartition("/")[0]].append(path)
    return [(path, group) for path, group in groups.items() if path and len(group) > MANY]


def _folder(
    sizes: dict[str, tuple[int, int]], uses: dict[str, FileUse], path: str, group: list[str]
) -> dict[str, Any]:
    files = [(each.rpartition("/")[2], *sizes[each]) for each in group]
    return {
        "path": path,
        "count": len(files),
        "size": sum(size for _, size, _ in files),
        "listing": listing_digest(files),
        "mode": "read",
        "cells": sorted({number for each in group for number in uses[each].cells}),
    }


def _digests(folder: Path, sizes: dict[str, tuple[int, int]], paths: list[str]) -> dict[str, str]:
    budget, found = TimeBudget(SECONDS), {}
    for path in sorted(paths, key=lambda each: (sizes[each][0], each)):
        try:
            digest = file_digest(folder / path, budget)
        except OSError:
            continue
        if digest is not None:
            found[path] = digest
    return found
