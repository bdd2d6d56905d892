"""The files of a project as they were when it ran, and what it is run with."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

from nbtrack.errors import InvalidStateError, NbtrackError
from nbtrack.file_digests import TimeBudget, sha256_of
from nbtrack.projects.environments import Environment
from nbtrack.projects.record import PROJECT_FILE, SOURCES_FILE
from nbtrack.projects.sources import opened
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views.data_state import data_files

HASH_S = 600.0


class Fetched(NamedTuple):
    """What a project comes from that is no folder of this machine.

    Attributes
    ----------
    uri : str
        A repository or an archive.
    version : str or None
        The commit.
    below : str
        Where in it the folder of the project is.
    """

    uri: str
    version: str | None
    below: str


class ProjectAgain:
    """What a project needs besides what a script does.

    Parameters
    ----------
    arguments : dict
        What ``python -m nbtrack.projects.launch`` is given.
    command : str
        For people.
    artifacts : ArtifactFolder
        Of the run that was made for it.
    files : list of dict
        What was in its folder.
    original : Path or None
        Where that is now.
    origin : dict
        What the record says of where the project comes from.
    fetched : Fetched, optional
    """

    def __init__(
        self,
        arguments: dict[str, Any],
        command: str,
        artifacts: ArtifactFolder,
        files: list[dict[str, Any]],
        original: Path | None,
        origin: dict[str, Any],
        fetched: Fetched | None = None,
    ) -> None:
        self.arguments = arguments
        self.command = command
        self.files = files
        self.origin = origin
        self._fetched = fetched
        self._artifacts = artifacts
        self._original = original

    def write(self, place: Path, environment: Environment | None) -> None:
        """Write the arguments for the process that runs it, with an environment that is there."""
        arguments = self.arguments
        if environment is not None:
            # its new run is one of the project's own environment, as the run was
            manager = self.arguments["environment"] or environment.manager
            arguments = {**arguments, "environment": {**vars(environment), "manager": manager}}
        place.write_text(json.dumps(arguments), "utf-8")

    def put_files(self, folder: Path) -> list[str]:
        """Make the files of a folder what they were; return those that cannot be, or may not be.

        Each is that of the commit, the present one, or the one that was kept: whichever has the
        digest that was recorded.
        """
        kept = sources_of(self._artifacts)
        if self._fetched is not None:
            _fetch(self._fetched, folder, is_needed=not kept)
        found = data_files(
            self._artifacts, PROJECT_FILE, here=self._original, budget=TimeBudget(HASH_S)
        )
        changed = [
            each.path
            for each in found
            if each.mode == "read"
            and each.sha256 is None
            and each.state not in ("same", "not here")
        ]
        for each in self.files:
            path, digest = each["path"], each.get("sha256")
            if each.get("mode") != "read" or not isinstance(digest, str):
                continue
            target = folder / path
            if _digest(target) == digest:
                continue
            if not Path(os.path.realpath(target.parent)).is_relative_to(os.path.realpath(folder)):
                changed.append(path)  # by a link, which leads to the user's own files
                continue
            original = None if self._original is None else self._original / path
            if original is not None and _digest(original) == digest:
                data = original.read_bytes()
            elif path in kept and hashlib.sha256(kept[path]).hexdigest() == digest:
                data = kept[path]
            else:
                changed.append(path)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)  # a link leads to the user's own file
            target.write_bytes(data)
        return changed


def _fetch(what: Fetched, folder: Path, *, is_needed: bool) -> None:
    """Put the files of a repository or an archive where they belong around a project's folder."""
    up = Path(*[".."] * len(Path(what.below).parts))
    try:
        with opened(what.uri, what.version) as found:
            root, top = (os.path.normpath(each / up) for each in (found.folder, folder))
            ignored = shutil.ignore_patterns(".git")
            shutil.copytree(root, top, symlinks=True, ignore=ignored, dirs_exist_ok=True)
    except NbtrackError as error:
        if is_needed:
            raise InvalidStateError(
                f"The project comes from {what.uri}, which cannot be had, and no source of it was "
                f"kept with the run: {error}"
            ) from error
        sys.stderr.write(
            f"nbtrack: {what.uri} cannot be had, so that only the source is there that was kept "
            f"with the run: {error}\n"
        )


def sources_of(artifacts: ArtifactFolder) -> dict[str, bytes]:
    """Return the source that was kept of a project, by path."""
    if not artifacts.exists(SOURCES_FILE):
        return {}
    try:
        with zipfile.ZipFile(io.BytesIO(artifacts.read_bytes(SOURCES_FILE))) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        return {}


def _digest(file: Path) -> str | None:
    try:
        return sha256_of(file)
    except OSError:
        return None
