"""Whether the files that a run has read are still the same."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_ISREG
from typing import Any, Literal, TypeAlias

from nbtrack.file_digests import TimeBudget, file_digest, listing_digest
from nbtrack.recorded_paths import is_recorded
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views.code import read_json
from nbtrack.views.this_machine import may_look, named_folder

FILES_FILE = ".nbtrack/files.json"
MAX_FILES = 1000
SECONDS = 0.2
FileState: TypeAlias = Literal[
    "same", "changed", "missing", "may have changed", "not here", "not looked at"
]


@dataclass(frozen=True)
class DataFile:
    """A file that a run has read or written, or a folder of which it has read many files.

    Attributes
    ----------
    path : str
        Relative to the working directory of the run, with slashes; that of a folder ends with one.
    mode : {"read", "written"}
    size : int
        Bytes.
    count : int
        How many files it stands for.
    sha256 : str or None
        Of its content; None for a folder, and where it was too large to be read.
    cells : list of int
        Execution counts of the cells that used it.
    state : {"same", "changed", "missing", "may have changed", "not here", "not looked at"}
        What it is now. ``"may have changed"``: it was written since, has the same size, and is too
        large to be read now or has no digest. ``"not here"``: the folder of the run is not on this
        machine, or only one of the same name. ``"not looked at"``: a server is asked by somebody
        else than its user.
    written : int or None
        When it was last written (ms), where it was looked at; None for a folder.
    """

    path: str
    mode: Literal["read", "written"]
    size: int
    count: int
    sha256: str | None
    cells: list[int]
    state: FileState
    written: int | None = None


def data_files(
    folder: ArtifactFolder,
    record: str = FILES_FILE,
    *,
    here: Path | None = None,
    budget: TimeBudget | None = None,
    host: str | None = None,
) -> list[DataFile]:
    """Return the files of a run with what they are now.

    Size and time of the last change decide; content is read where only the time differs.

    Parameters
    ----------
    folder : ArtifactFolder
        The artifacts of the run.
    record : str, optional
        The artifact that lists them.
    here : Path, optional
        Where they are now, if not in the folder that the record names.
    budget : TimeBudget, optional
        How long contents may be read; a fifth of a second by default.
    host : str, optional
        The machine of the run. Where it is another one, a folder that is called the same may hold
        something else: it counts as that of the run if at least one of its files is the same.
    """
    kept = read_json(folder, record)
    root = named_folder(kept.get("folder") if here is None else str(here))
    budget = budget or TimeBudget(SECONDS)
    found = [
        *(_folder(each, root) for each in _items(kept.get("folders"), root)),
        *(_file(each, root, budget) for each in _items(kept.get("files"), root)),
    ]
    if not may_look():
        return [replace(each, state="not looked at") for each in found]
    if host in (None, platform.node()) or any(each.state == "same" for each in found):
        return found
    return [replace(each, state="not here") for each in found]


def _items(found: Any, root: Path | None) -> Iterator[Mapping[str, Any]]:
    for each in found[:MAX_FILES] if isinstance(found, list) else ():
        if isinstance(each, Mapping) and is_recorded(each.get("path"), root):
            yield each


def _file(each: Mapping[str, Any], root: Path | None, budget: TimeBudget) -> DataFile:
    digest = each.get("sha256")
    sha256 = digest if isinstance(digest, str) else None
    path, size, cells = each["path"], _number(each, "size"), _cells(each)
    found = DataFile(path, _mode(each), size, 1, sha256, cells, "not here")
    if root is None:
        return found
    try:
        stat = (root / path).stat()
        written = stat.st_mtime_ns // 1_000_000
        state: FileState = "changed"
        if stat.st_size == each.get("size") and S_ISREG(stat.st_mode):  # a pipe has no end
            is_known = written == each.get("modified")
            state = "same" if is_known else _compared(root / path, sha256, budget)
    except OSError:
        return replace(found, state="missing")
    return replace(found, state=state, written=written)


def _compared(path: Path, sha256: str | None, budget: TimeBudget) -> FileState:
    now = None if sha256 is None else file_digest(path, budget)
    if now is None:
        return "may have changed"
    return "same" if now == sha256 else "changed"


def _folder(each: Mapping[str, Any], root: Path | None) -> DataFile:
    count = _number(each, "count")
    state: FileState = "not here"
    if root is not None:
        state = _state_of_folder(root / each["path"], each, count)
    path = each["path"].rstrip("/") + "/"
    return DataFile(path, _mode(each), _number(each, "size"), count, None, _cells(each), state)


def _state_of_folder(path: Path, each: Mapping[str, Any], count: int) -> FileState:
    found: list[tuple[str, int, int]] = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_file():
                    stat = entry.stat()
                    found.append((entry.name, stat.st_size, stat.st_mtime_ns // 1_000_000))
    except OSError:
        return "missing"
    if len(found) < count:
        return "changed"
    if listing_digest(found) == each.get("listing"):
        return "same"
    return "may have changed"  # it may hold other files than those that were read


def _mode(each: Mapping[str, Any]) -> Literal["read", "written"]:
    return "written" if each.get("mode") == "written" else "read"


def _number(each: Mapping[str, Any], key: str) -> int:
    value = each.get(key)
    return value if type(value) is int and value >= 0 else 0


def _cells(each: Mapping[str, Any]) -> list[int]:
    cells = each.get("cells")
    return [n for n in cells if type(n) is int] if isinstance(cells, list) else []
