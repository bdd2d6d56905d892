"""The project of a run in a capsule: its source as it was, and how it is run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from nbtrack.entities import Run
from nbtrack.entities.runs import GIT_COMMIT
from nbtrack.projects.sources import opened
from nbtrack.reruns.project import is_below
from nbtrack.reruns.project_files import sources_of
from nbtrack.store.artifacts import ArtifactFolder


def project_command(record: Mapping[str, Any]) -> list[str]:
    """Return the words after the interpreter that run a project in its folder.

    Parameters
    ----------
    record : mapping
        What was kept of the project.
    """
    words = ["-m", "nbtrack", "run", str(record.get("file") or ".")]
    point, given = record.get("entry_point"), record.get("parameters")
    if point and point != "main":
        words += ["-e", str(point)]
    for name, value in (given if isinstance(given, Mapping) else {}).items():
        words += ["-P", f"{name}={value}"]
    return [*words, "--env-manager", "local"]


def fetched_folder(run: Run, record: Mapping[str, Any], held: ExitStack) -> Path:
    """Return the folder that the files of a project are in.

    Parameters
    ----------
    run : Run
    record : mapping
        What was kept of the project.
    held : ExitStack
        Removes at its end what was fetched from a repository or an archive.

    Raises
    ------
    NbtrackError
        If the repository or the archive cannot be had.
    """
    if record.get("kind") == "folder":
        return Path(os.path.expanduser(str(record.get("folder"))))
    version = run.data.tags.get(GIT_COMMIT) if record.get("kind") == "repository" else None
    uri = os.path.expanduser(str(record.get("uri")))
    return held.enter_context(opened(uri, version)).folder


def write_project(
    record: Mapping[str, Any], files: ArtifactFolder, folder: Path
) -> tuple[str, list[str]]:
    """Write the source that was kept of a project.

    Parameters
    ----------
    record : mapping
        What was kept of the project.
    files : ArtifactFolder
        The artifacts of the run.
    folder : Path

    Returns
    -------
    code : str
        The path of what is run, in the folder; empty where it is not there.
    left_out : list of str
        What could not come, each a sentence.
    """
    for path, data in sources_of(files).items():
        if is_below(path):
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
    named = [record.get("file"), record.get("entry_point"), "MLproject"]
    found = [name for name in named if isinstance(name, str) and name and is_below(name)]
    code = next((name for name in found if (folder / name).is_file()), "")
    return code, [] if code else [f"The source of the project {record.get('uri')} was not kept."]
