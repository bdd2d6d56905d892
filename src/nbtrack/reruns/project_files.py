"""The files of a project as they were when it ran, and what it is run with."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

from nbtrack.file_digests import TimeBudget, sha256_of
from nbtrack.projects.environments import Environment
from nbtrack.projects.record import PROJECT_FILE, SOURCES_FILE
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views.data_state import data_files

HASH_S = 600.0


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
    """

    def __init__(
        self,
        arguments: dict[str, Any],
        command: str,
        artifacts: ArtifactFolder,
        files: list[dict[str, Any]],
        original: Path | None,
    ) -> None:
        self.arguments = arguments
        self.command = command
        self.files = files
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
            original = None if self._original is None else self._original / path
            if original is not None and _digest(original) == digest:
                data = original.read_bytes()
            elif path in kept and hashlib.sha256(kept[path]).hexdigest() == digest:
                data = kept[path]
            else:
                changed.append(path)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if Path(os.path.realpath(target.parent)).is_relative_to(os.path.realpath(folder)):
                target.unlink(missing_ok=True)  # a link leads to the user's own file
                target.write_bytes(data)
        return changed


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
