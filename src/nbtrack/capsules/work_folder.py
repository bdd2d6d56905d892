"""The folder that a capsule's code runs in: a notebook or a program, and the data that it read."""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from nbtrack.capsules.project_folder import fetched_folder, project_command, write_project
from nbtrack.entities import Run
from nbtrack.entities.runs import GIT_COMMIT, GIT_REPO_URL, SOURCE_NAME
from nbtrack.errors import NbtrackError
from nbtrack.file_digests import sha256_of
from nbtrack.projects.record import PROJECT_FILE, is_clean, is_source
from nbtrack.redaction.secrets import Secrets
from nbtrack.redaction.source import clean_notebook, clean_source
from nbtrack.reruns.folder_copy import LATER
from nbtrack.reruns.plan import RANDOM_FOLDER
from nbtrack.reruns.program import processes_of
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.tracking.environment_record import SCRIPT_FILE
from nbtrack.tracking.files_read import FILES_FILE
from nbtrack.views.code import (
    ENVIRONMENT_FILE,
    LOAD_LINE,
    PARTS,
    NeededCell,
    RunSource,
    loads_nbtrack,
    read_json,
    read_text,
    source_of_run,
    track_line,
)

_PRIVATE = (".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "id_rsa*", "id_ed25519*",
            ".netrc", ".pypirc", ".npmrc", "credentials", "credentials.*", "secrets.*")  # fmt: skip
_TEXTS = (".cfg", ".ini", ".json", ".md", ".r", ".rst", ".sh", ".toml", ".txt", ".yaml", ".yml")


class DataFile(NamedTuple):
    """A file that a run has read, and whether it is in the capsule.

    Attributes
    ----------
    path : str
        Relative to the working folder.
    missing : str
        Why it is not in the capsule; empty where it is.
    """

    path: str
    sha256: str
    size: int
    missing: str = ""


class WorkFolder:
    """Writes what a run executes, and what it reads.

    Parameters
    ----------
    run : Run
    experiment : str
        Its name.
    files : ArtifactFolder
        The artifacts of the run.
    folder : Path

    Attributes
    ----------
    code : str
        What is run: the path of a notebook or script in the folder; empty where nothing was kept.
    command : list of str
        The words after the interpreter that ran a script.
    start : str
        Where in the folder the code was started.
    left_out : list of str
        What could not come, each a sentence.
    data : list of DataFile
    """

    def __init__(self, run: Run, experiment: str, files: ArtifactFolder, folder: Path) -> None:
        self._run = run
        self._experiment = experiment
        self._files = files
        self._folder = folder
        self._secrets = Secrets()
        self._environment = read_json(files, ENVIRONMENT_FILE)
        self.code = ""
        self.command: list[str] = []
        self.start = "."
        self.left_out: list[str] = []
        self.data: list[DataFile] = []

    def write(self, data_below: int) -> None:
        """Write the code, and data of at most so many bytes in all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        source = source_of_run(self._run, self._files)
        project = read_json(self._files, PROJECT_FILE)
        if project:
            self.command = project_command(project)
            self.code, left_out = write_project(project, self._files, self._folder)
            self.left_out += left_out
        elif source.text is not None:
            self._write_notebook(source)
        else:
            self._write_program()
        if project:
            data_below -= self._write_project_data(project, data_below)
        record = read_json(self._files, FILES_FILE)
        self._write_data(record, _folder_of(record), data_below)
        self.data.sort()

    # -- cells -------------------------------------------------------------------------------

    def _write_notebook(self, source: RunSource) -> None:
        name = PurePosixPath(self._run.data.tags.get(SOURCE_NAME, "").replace("\\", "/")).stem
        self.code = f"{name or 'run'}.ipynb"
        needed = [cell for cell in source.needed if not loads_nbtrack(cell.source)]
        cells = [_code("start", "\n".join([LOAD_LINE, "import nbtrack", "", _STORE]))]
        for place, cell in enumerate(needed):
            cells += self._random(f"random-{place}", cell.random_state, cell.number)
            cells.append(_code(f"cell-{place}", cell.source, allowed_to_fail=cell.failed))
        cells += self._random("random-run", source.random_state, None)
        line = source.line or track_line(self._run, self._experiment)
        cells.append(_code("run", f"{line}\n{source.text}"))
        cells += [_code(f"after-{i}", cell.source) for i, cell in enumerate(source.continued)]
        found = {
            "cells": cells,
            "metadata": {
                "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                "language_info": {"name": "python"},
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        clean_notebook(found)
        text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
        (self._folder / self.code).write_text(text, "utf-8")
        self._note(source, needed)

    def _note(self, source: RunSource, needed: list[NeededCell]) -> None:
        if source.missing:
            self.left_out.append(f"No cell defines what the run used: {', '.join(source.missing)}.")
        if source.left_out:
            self.left_out.append(f"{source.left_out} earlier cells were too long to keep.")

    def _random(self, cell_id: str, digest: str | None, number: int | None) -> list[dict[str, Any]]:
        """Return the cell that restores the generators, where their state was kept."""
        if digest is None or not self._files.exists(f"{RANDOM_FOLDER}/{digest}.json"):
            return []
        run_id = self._run.info.run_id
        which = "" if number is None else f", cell={number}"
        return [_code(cell_id, f"nbtrack.restore_random_state({run_id!r}{which})")]

    # -- scripts and projects ------------------------------------------------------------------

    def _write_program(self) -> None:
        words = self._environment.get("command")
        self.command = [str(word) for word in words] if isinstance(words, list) else []
        commit = self._run.data.tags.get(GIT_COMMIT)
        below = self._environment.get("below_git")
        if commit and isinstance(below, str) and self._unpack_commit(commit, self._folder):
            self.start = below
            self._write_later_commits(commit)
            git = self._environment.get("git")
            if isinstance(git, Mapping) and git.get("dirty"):
                self.left_out.append(
                    "Files differed from the commit when the run was made; the capsule has those "
                    f"of the commit: {', '.join(map(str, git.get('changed') or []))}."
                )
        script = read_text(self._files, SCRIPT_FILE)
        name = PurePosixPath(self._run.data.tags.get(SOURCE_NAME, "").replace("\\", "/")).name
        if script is not None and name.endswith(".py"):
            # the script as it was, also where the commit has another one
            place = self._script_place(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(script, "utf-8")
            self.code = place.relative_to(self._folder).as_posix()
        if not self.code and not self.command:
            self.left_out.append(
                "No code was kept with the run: it was neither a cell with %%track nor a script."
            )

    def _write_later_commits(self, first: str) -> None:
        """Write the files of the commits that later parts of a resumed run had."""
        for number in range(1, processes_of(self._run)):
            git = read_json(self._files, f"{PARTS}/{number}/environment.json").get("git")
            commit = git.get("commit") if isinstance(git, Mapping) else None
            if isinstance(commit, str) and commit != first:
                self._unpack_commit(commit, self._folder.parent / LATER / str(number))

    def _script_place(self, name: str) -> Path:
        start = self._folder / self.start
        for word in self.command:
            path = start / word
            if PurePosixPath(word).name == name and _is_within(path, self._folder):
                return path
        return start / name

    def _unpack_commit(self, commit: str, folder: Path) -> bool:
        """Unpack the files of a commit, without those that hold secrets by their name."""
        place = os.path.expanduser(str(self._environment.get("working_folder") or ""))
        where = self._run.data.tags.get(GIT_REPO_URL, "a repository of that machine")
        top = _git(place, "rev-parse", "--show-toplevel")
        tar = top and _git(os.fsdecode(top.rstrip(b"\n")), "archive", "--format=tar", commit)
        if not tar:
            self.left_out.append(f"The commit {commit} of {where} is not in {place or 'reach'}.")
            return False
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            for member in archive.getmembers():
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None:
                    self._put(folder, member.name, file.read())
                elif not member.isdir():
                    self.left_out.append(f"{member.name} of the repository is a link.")
        return True

    def _put(self, folder: Path, path: str, data: bytes) -> None:
        place = folder / path
        name = PurePosixPath(path).name.lower()
        if any(fnmatch.fnmatch(name, pattern) for pattern in _PRIVATE):
            self.left_out.append(f"{path} of the repository may hold secrets.")
            return
        if not _is_within(place, folder):
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(self._clean(path, data))

    def _clean(self, path: str, data: bytes) -> bytes:
        suffix = PurePosixPath(path).suffix.lower()
        try:
            text = data.decode("utf-8")
            if suffix == ".py":
                return clean_source(text, self._secrets).text.encode("utf-8")
            if suffix == ".ipynb":
                found = json.loads(text)
                clean_notebook(found)
                return (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode("utf-8")
        except (ValueError, AttributeError, SyntaxError):
            return data
        return self._secrets.text(text).encode("utf-8") if suffix in _TEXTS else data

    # -- data ----------------------------------------------------------------------------------

    def _write_project_data(self, project: Mapping[str, Any], limit: int) -> int:
        """Write the other files of a project, fetched where they come from a repository."""
        uri, top = str(project.get("uri")), _folder_of(project)
        if "#" in uri:
            self.left_out.append(f"Of {uri} only that folder is in it, not what is around it.")
        with contextlib.ExitStack() as held:
            if any(not self._is_there(each) for each in _read(project)):
                try:
                    top = fetched_folder(self._run, project, held)
                except NbtrackError as error:
                    self.left_out.append(f"{uri} cannot be had: {error}")
            return self._write_data(project, top, limit, is_project=True)

    def _write_data(
        self, record: Mapping[str, Any], top: Path, limit: int, *, is_project: bool = False
    ) -> int:
        """Write the files of a record that are not there yet; return how many bytes they have."""
        room, known_paths = limit, {each.path for each in self.data}
        for each in sorted(_read(record), key=lambda each: (_size(each), str(each.get("path")))):
            if str(each.get("path")) in known_paths:
                continue
            if self._is_there(each):  # as source
                continue
            path, sha256 = str(each.get("path")), str(each.get("sha256") or "")
            known = DataFile(path, sha256, _size(each))
            why = "its content was not recorded"
            if sha256:
                why = self._take(top, known, room, is_project)
            self.data.append(known._replace(missing=why))
            room -= 0 if why else known.size
        for each in record.get("folders") or []:
            if isinstance(each, Mapping):
                what = f"The data {each.get('path')}/ is not in it"
                self.left_out.append(f"{what}: the run read {each.get('count')} files there.")
        if record.get("left_out"):
            self.left_out.append(f"{record['left_out']} more files that it read were not recorded.")
        return limit - room

    def _is_there(self, each: Mapping[str, Any]) -> bool:
        place = self._folder / self.start / str(each.get("path"))
        return (
            _is_within(place, self._folder)
            and place.is_file()
            and sha256_of(place) == each.get("sha256")
        )

    def _take(self, top: Path, file: DataFile, limit: int, is_project: bool) -> str:
        """Copy a file where it is still the one that was read; return why not."""
        place, source = self._folder / self.start / file.path, top / file.path
        inside = _is_within(place, self._folder) and _is_within(source, top)
        if not inside or Path(file.path).is_absolute():
            return "it lies outside of the working folder"
        if any(fnmatch.fnmatch(source.name.lower(), pattern) for pattern in _PRIVATE):
            return "it may hold secrets"
        if file.size > limit:
            return "the data in a capsule may have only so many bytes"
        try:
            data = source.read_bytes()
        except OSError as error:
            return f"it is not there any more ({error.strerror})"
        if hashlib.sha256(data).hexdigest() != file.sha256:
            return "it has changed since"
        if is_project and is_source(source) and not is_clean(source, data):
            return "it may hold secrets"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return ""


_STORE = 'nbtrack.set_tracking_uri("../nbtrack.duckdb")  # made by: nbtrack open'


def _code(cell_id: str, source: str, *, allowed_to_fail: bool = False) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": cell_id,
        "metadata": {"tags": ["raises-exception"]} if allowed_to_fail else {},
        "outputs": [],
        "source": source,
    }


def _git(folder: str, *words: str) -> bytes | None:
    """Return what git says in a folder; None where it cannot."""
    try:
        done = subprocess.run(
            ["git", "-C", folder, *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _folder_of(record: Mapping[str, Any]) -> Path:
    return Path(os.path.expanduser(str(record.get("folder") or os.devnull)))


def _read(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the files of a record that were read."""
    found = [each for each in record.get("files") or [] if isinstance(each, Mapping)]
    return [each for each in found if each.get("mode") == "read"]


def _size(each: Mapping[str, Any]) -> int:
    size = each.get("size")
    return size if type(size) is int and size >= 0 else 0


def _is_within(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
