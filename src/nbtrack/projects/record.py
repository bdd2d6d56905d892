"""What is kept with a project's run so that it can be run again: its files, and how it began."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nbtrack.projects.plan import Plan
from nbtrack.redaction.names import is_secret
from nbtrack.redaction.secrets import HIDDEN, Secrets, is_wanted
from nbtrack.redaction.source import clean_notebook, clean_source
from nbtrack.redaction.values import display_path
from nbtrack.store import RunWriter
from nbtrack.tracking.files_read import FileUse, record_of_files

PROJECT_FILE = ".nbtrack/project.json"
SOURCES_FILE = ".nbtrack/project.zip"
VERSION = 1
MAX_FILES = 5_000
MAX_SOURCE = 300_000
MAX_SOURCES = 3_000_000
CODE = {".py", ".pyi", ".ipynb", ".sh", ".r", ".sql", ".jl"}
TEXTS = CODE | {".cfg", ".ini", ".json", ".toml", ".txt", ".yaml", ".yml"}
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
_SKIPPED = {"node_modules", "__pycache__", "mlruns", "site-packages", "lightning_logs", "wandb"}
_STORE = re.compile(r"\.(duckdb|ddb)(\.d|\.wal)?$")


class ProjectRecord:
    """Keeps a project with its run, before the command starts and again when it has ended.

    These are the digests of its files, and its source: a folder may change, a commit is not all of
    it, and a repository or an archive may be gone. Source with a secret in it is not kept.

    Parameters
    ----------
    writer : RunWriter
        Of the run.
    plan : Plan
    parameters : mapping
        As they were given.
    """

    def __init__(self, writer: RunWriter, plan: Plan, parameters: Mapping[str, Any]) -> None:
        self._writer = writer
        self._plan = plan
        self._folder = plan.project.folder
        self._record = {**_how_it_began(plan, parameters), **self._files()}

    def keep(self) -> None:
        """Keep what was found."""
        self._put()
        files = [self._folder / each["path"] for each in self._record["files"]]
        data = _sources(self._folder, files)
        if data is not None:
            self._writer.artifacts.put_bytes(SOURCES_FILE, data)

    def note_written(self) -> None:
        """Note which files the command has written: they are no part of what is run again."""
        changed = False
        for each in self._record["files"]:
            place = self._folder / each["path"]
            if place.suffix.lower() in CODE:
                continue  # somebody edits it meanwhile
            try:
                stat = place.stat()
                same = (stat.st_size, stat.st_mtime_ns // 1_000_000) == (
                    each["size"],
                    each["modified"],
                )
            except OSError:
                same = False
            if not same:
                each["mode"] = "written"
                changed = True
        if changed:
            self._put()

    def _files(self) -> dict[str, Any]:
        folder = self._folder
        found = files_below(folder, MAX_FILES, notebooks=True)
        uses = {path.relative_to(folder).as_posix(): FileUse("read") for path in found}
        return record_of_files(folder, uses)

    def _put(self) -> None:
        text = json.dumps(self._record, indent=1, ensure_ascii=False)
        self._writer.artifacts.put_bytes(PROJECT_FILE, text.encode("utf-8", "backslashreplace"))


def files_below(folder: Path, most: int, *, notebooks: bool = False) -> Iterator[Path]:
    """Yield the files of a folder that belong to its code and data.

    Hidden files, environments, stores and what tools write are left out.

    Parameters
    ----------
    folder : Path
    most : int
        How many, at most.
    notebooks : bool, optional
        Whether notebooks are among them.
    """
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_wanted(Path(place, name), folder=True))
        for name in sorted(names):
            file = Path(place, name)
            is_notebook = name.endswith(".ipynb")
            if (notebooks or not is_notebook) and _is_wanted(file) and file.is_file():
                most -= 1
                if most < 0:
                    return
                yield file


def _is_wanted(place: Path, *, folder: bool = False) -> bool:
    name = place.name
    if name.startswith(".") or _STORE.search(name):
        return False
    return not folder or not (name in _SKIPPED or (place / "pyvenv.cfg").exists())


def _is_archive(plan: Plan) -> bool:
    return plan.source.name.partition("#")[0].endswith(".zip")


def _how_it_began(plan: Plan, parameters: Mapping[str, Any]) -> dict[str, Any]:
    kind = "repository" if plan.source.cloned else "archive" if _is_archive(plan) else "folder"
    return {
        "version": VERSION,
        "kind": kind,
        "uri": display_path(plan.source.name),
        "file": plan.source.file,
        "entry_point": None if plan.source.file is not None else plan.point.name,
        "parameters": {name: _value(plan, name, each) for name, each in parameters.items()},
        "environment": plan.environment.manager,
    }


def _value(plan: Plan, name: str, given: Any) -> Any:
    """Return a param as it is kept: without secrets, a path of the project relative to it."""
    known = plan.point.parameters.get(name)
    if known is not None and known.kind in ("path", "uri"):
        text = str(plan.values.get(name, given))
        inside = Path(text).is_absolute() and Path(text).is_relative_to(plan.project.folder)
        if inside:
            return Path(text).relative_to(plan.project.folder).as_posix()
        return text if "://" not in str(given) and Path(text).exists() else str(given)
    value = given if isinstance(given, str | int | float | bool | list | dict) else str(given)
    if not is_wanted():
        return value
    if is_secret(name, str(value)) or Secrets().text(str(value)) != str(value):
        return HIDDEN
    return value


def _sources(folder: Path, files: list[Path]) -> bytes | None:
    """Return an archive of the source, the same bytes for the same source; None where it is long.

    Files that hold a secret are not in it.
    """
    kept: dict[str, bytes] = {}
    room = MAX_SOURCES
    for file in files:
        if not is_source(file):
            continue
        try:
            data = file.read_bytes() if file.stat().st_size <= MAX_SOURCE else None
        except OSError:
            continue
        if data is None or not is_clean(file, data):
            continue
        room -= len(data)
        if room < 0:
            break
        kept[file.relative_to(folder).as_posix()] = data
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(kept):
            info = zipfile.ZipInfo(name, _FIRST_DAY)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, kept[name])
    return buffer.getvalue() if kept else None


def is_source(file: Path) -> bool:
    """Return whether a file is code or a text beside it, by its name."""
    return file.suffix.lower() in TEXTS or file.name.lower() == "mlproject"


def is_clean(file: Path, data: bytes) -> bool:
    """Return whether a file is a text that holds no secret."""
    try:
        text = data.decode("utf-8")
        if not is_wanted():
            return True
        if file.suffix == ".py":
            return clean_source(text, Secrets()).text == text
        if file.suffix == ".ipynb":
            found, cleaned = json.loads(text), json.loads(text)
            for cell in found["cells"]:  # files have lists of lines, what is cleaned has one text
                cell["source"] = "".join(cell["source"])
            clean_notebook(cleaned)
            return bool(found == cleaned)
    except (ValueError, AttributeError, SyntaxError, LookupError, TypeError):
        return False
    return Secrets().text(text) == text
