"""A copy of the notebook's working folder, in which its cells are executed again."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nbtrack.projects.record import files_below

MOST_BYTES = 1_000_000_000
MOST_OF_ONE = 256_000_000
MOST_FILES = 5_000
MOST_OF_REST = 200_000_000
MOST_OF_ONE_OF_REST = 50_000_000
MOST_UP = 6
LATER = "parts"
"""The folder of a capsule that has the files of commits of later parts, by their numbers."""
_QUOTED = re.compile(r"""["']([^"'\n]{1,300})["']|[\s=](\.{0,2}[\w./-]{2,300})""")


def capsule_folder(uri: str, run_id: str) -> Path | None:
    """Return the working folder of the capsule that a store was opened from, None where it was not.

    Parameters
    ----------
    uri : str
        Of the store.
    run_id : str
    """
    record = Path(uri).parent / "capsule.json"
    try:
        found = json.loads(record.read_text("utf-8"))
        if not isinstance(found, dict) or run_id not in (found.get("runs") or ()):
            return None
        work = Path(os.path.realpath(record.parent / "work"))
        folder = Path(os.path.realpath(work / str(found.get("start") or ".")))
    except (OSError, ValueError, RecursionError):
        return None
    return folder if folder.is_dir() and folder.is_relative_to(work) else None


class FolderCopy:
    """A temporary folder with a copy of the working folder, and places for kernel and store.

    What the cells read, name or import is copied, up to 1 GB and 5,000 files, then what else is
    there, up to 200 MB and files of 50 MB; of a folder above that is named as such (``".."``) the
    modules. Of a file of more than 256 MB that the record has as read and not as written there is a
    link. Stores, hidden files and environments stay where they are.

    Parameters
    ----------
    original : Path or None
        The working folder; without one the copy is empty.
    sources : list of str
        The cells: files outside of the folder that they name relative to it (``../data``) are
        copied too.
    files : list of dict
        The files that were read and written, as the record of the run has them.
    fresh : bool, optional
        Whether what the cells have written stays away: they may do something else where it is.

    Attributes
    ----------
    root : Path
        The temporary folder.
    folder : Path
        The copy.
    left_out : list of str
        Files that are not there, since there are too many, or they are too large.
    """

    def __init__(
        self,
        original: Path | None,
        sources: Sequence[str],
        files: Sequence[dict[str, Any]] = (),
        *,
        fresh: bool = False,
    ) -> None:
        self.root = Path(os.path.realpath(tempfile.mkdtemp(prefix="nbtrack-rerun-")))
        self.left_out: list[str] = []
        self._original = original
        self._bytes = self._count = 0
        named = list(dict.fromkeys(_named(sources)))
        read = [str(each.get("path")) for each in files if each.get("mode") == "read"]
        ups = max((up for name in [*named, *read] if (up := _ups(name)) <= MOST_UP), default=0)
        self.folder = self.root.joinpath("copy", *["up"] * ups, "work")
        self.folder.mkdir(parents=True)
        self._made = {self.folder / name for name in made_by(files)} if fresh else set[Path]()
        if original is not None:
            try:
                self._fill(original, named, ups, files)
            except BaseException:
                self.remove()
                raise

    def remove(self) -> None:
        """Remove the temporary folder."""
        shutil.rmtree(self.root, ignore_errors=True)

    def as_original(self, text: str) -> str:
        """Return a text in which the copy is called as the folder that it is a copy of."""
        if self._original is None:
            return text
        return text.replace(str(self.folder), str(self._original))

    @property
    def protected(self) -> list[str]:
        """The folders in which nothing is to be written."""
        if self._original is None:
            return []
        real = Path(os.path.realpath(self._original))
        inside = (self.root, Path(os.path.realpath(Path.home())))
        return [] if any(place.is_relative_to(real) for place in inside) else [str(real)]

    def _fill(
        self, original: Path, named: list[str], ups: int, files: Sequence[dict[str, Any]]
    ) -> None:
        written = made_by(files)
        read = [str(each.get("path")) for each in files if each.get("mode") == "read"]
        linked = set(read) - written
        outside = [name for name in named if 0 < _ups(name) <= ups]
        inside = [name for name in named if _ups(name) == 0]
        for name in [*read, *inside, *outside]:
            place = original / name
            target = Path(os.path.normpath(self.folder / name))
            if not target.is_relative_to(self.root / "copy"):
                continue
            with contextlib.suppress(OSError, ValueError):
                if place.is_dir():
                    above = _is_above(name)
                    below = _modules(place) if above else files_below(place, 2 * MOST_FILES)
                    for file in below:
                        self._take(file, target / file.relative_to(place), name)
                elif place.is_file():
                    self._take(place, target, name, linked=name in linked)
        modules = sorted(
            files_below(original, 2 * MOST_FILES), key=lambda file: file.suffix != ".py"
        )
        for file in modules:
            relative = file.relative_to(original)
            with contextlib.suppress(OSError):
                size = file.stat().st_size
                if size > MOST_OF_ONE_OF_REST or self._bytes + size > MOST_OF_REST:
                    self.left_out.append(relative.as_posix())
                    continue
            self._take(file, self.folder / relative, relative.as_posix())

    def _take(self, file: Path, target: Path, name: str, *, linked: bool = False) -> None:
        if target in self._made or os.path.lexists(target):
            return
        with contextlib.suppress(OSError):
            size = file.stat().st_size
            fits = size <= MOST_OF_ONE and self._bytes + size <= MOST_BYTES
            if not (fits and self._count < MOST_FILES):
                if linked:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.symlink_to(file.resolve())
                else:
                    self.left_out.append(name)
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)
            target.chmod(target.stat().st_mode | 0o200)
            self._bytes += size
            self._count += 1


def made_by(files: Sequence[dict[str, Any]]) -> set[str]:
    """Return the files that the cells of a run have written, as its record has them."""
    return {str(each.get("path")) for each in files if each.get("mode") == "written"}


def _modules(folder: Path) -> Iterator[Path]:
    """Yield the modules and packages that can be imported from a folder."""
    for place in sorted(folder.iterdir()):
        if place.suffix == ".py" and not place.name.startswith("."):
            yield place
        elif (place / "__init__.py").is_file():
            yield from files_below(place, 2 * MOST_FILES)


def _named(sources: Iterable[str]) -> Iterator[str]:
    """Yield what may be the name of a file or folder, relative to the working folder."""
    for source in sources:
        for text in _texts(source):
            name = text.strip()
            if name and len(name) < 300 and not name.startswith(("/", "~")) and "\0" not in name:
                clean = os.path.normpath(name)
                if _ups(clean) <= MOST_UP and (set(clean) - {".", "/"} or _is_above(clean)):
                    yield clean


def _texts(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):  # magics, lines of a shell
        yield from (one or other for one, other in _QUOTED.findall(source))
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _is_above(name: str) -> bool:
    """Return whether a name is that of a folder above, as in ``sys.path.append("..")``."""
    return set(Path(name).parts) == {".."}


def _ups(name: str) -> int:
    parts = Path(name).parts
    return next((place for place, part in enumerate(parts) if part != ".."), len(parts))
