"""The project of a run in a capsule: its source as it was, and how it is run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbtrack.entities import Run
from nbtrack.entities.runs import GIT_COMMIT
from nbtrack.reruns.project import is_below
from nbtrack.reruns.project_files import sources_of
from nbtrack.store.artifacts import ArtifactFolder


def project_command(run: Run, record: Mapping[str, Any]) -> list[str]:
    """Return the words after the interpreter that run a project in its folder.

    Parameters
    ----------
    run : Run
    record : mapping
        What was kept of the project.
    """
    kind = record.get("kind")
    uri = record.get("file") or "." if kind == "folder" else record.get("uri")
    words = ["-m", "nbtrack", "run", str(uri)]
    commit = run.data.tags.get(GIT_COMMIT)
    if kind == "repository" and commit:
        words += ["--version", commit]
    point, given = record.get("entry_point"), record.get("parameters")
    if point and point != "main":
        words += ["-e", str(point)]
    for name, value in (given if isinstance(given, Mapping) else {}).items():
        words += ["-P", f"{name}={value}"]
    return [*words, "--env-manager", "local"]


def write_project(
    run: Run, record: Mapping[str, Any], files: ArtifactFolder, folder: Path
) -> tuple[str, list[str]]:
    """Write the source that was kept of a project.

    Parameters
    ----------
    run : Run
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
    kind = record.get("kind")
    if kind != "folder":
        words = shlex.join(["python", *project_command(run, record)])
        what = f"The project is the {kind} {record.get('uri')}, which is not in the capsule"
        return "", [f"{what}: {words} gets it from there."]
    for path, data in sources_of(files).items():
        if is_below(path):
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
    named = [record.get("file"), record.get("entry_point"), "MLproject"]
    found = [name for name in named if isinstance(name, str) and name and is_below(name)]
    code = next((name for name in found if (folder / name).is_file()), "")
    return code, [] if code else ["The source of the project was not kept with the run."]
