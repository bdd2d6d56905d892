"""A run of a project, run again: its entry point and params, with its files as they were."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbtrack.entities import Run
from nbtrack.entities.runs import GIT_COMMIT, SOURCE_TYPE
from nbtrack.errors import InvalidStateError
from nbtrack.projects.record import PROJECT_FILE, SOURCES_FILE
from nbtrack.redaction.secrets import HIDDEN
from nbtrack.reruns.folder_copy import LATER, capsule_folder
from nbtrack.reruns.program import (
    Program,
    ProgramPart,
    check_one_process,
    is_program,
    read_program,
    repository_of,
)
from nbtrack.reruns.project_files import Fetched, ProjectAgain
from nbtrack.reruns.run_matching import Place, Step, steps_below
from nbtrack.store import Reader, Store, get_experiment, with_parents
from nbtrack.views.code import ENVIRONMENT_FILE, read_json, source_of_run

VERSION = 1
ARGUMENTS = "arguments.json"


def project_of(reader: Reader, run: Run) -> Run | None:
    """Return the run that was made for a project: the given one, or one that it is nested in."""
    for found in with_parents(reader, run):
        if reader.access.folder(found.info.artifact_uri).exists(PROJECT_FILE):
            return found
    return None


def up_to_code(reader: Reader, run: Run) -> list[Run]:
    """Return a run and those that it is nested in, up to the one whose record has its code.

    That is the run of a project, a cell or a script; where there is none it is the run alone.
    """
    chain = list(with_parents(reader, run))
    folders = [reader.access.folder(each.info.artifact_uri) for each in chain]
    kept = [folder.exists(PROJECT_FILE) for folder in folders]
    if not any(kept):
        found = zip(chain, folders, strict=True)
        kept = [source_of_run(each, folder).text is not None for each, folder in found]
    if any(kept):
        return chain[: kept.index(True) + 1]
    is_script = chain[-1].data.tags.get(SOURCE_TYPE) == "LOCAL" and is_program(folders[-1])
    return chain if is_script else chain[:1]


def program_of(store: Store, run: Run) -> Program:
    """Return how a script's or a project's run is run again.

    Parameters
    ----------
    store : Store
        Where a capsule was opened, its folder stands in the place of the working directory.
    run : Run

    Raises
    ------
    InvalidStateError
        If it cannot be run.
    """
    here = capsule_folder(store.uri, run.info.run_id)
    with store.read() as reader:
        top = project_of(reader, run)
        if top is None:
            commits = None if here is None else Path(store.uri).parent / LATER
            return read_program(reader, run, here, commits)
        return read_project(reader, run, top, here)


def read_project(reader: Reader, run: Run, top: Run, here: Path | None = None) -> Program:
    """Return how a project's run is run again.

    Parameters
    ----------
    reader : Reader
    run : Run
    top : Run
        The run that was made for the project.
    here : Path, optional
        The folder of a capsule that was opened, in the place of the project's.

    Raises
    ------
    InvalidStateError
        If a param was a secret and is not in the environment, or there is nothing to run.
    """
    check_one_process(top)
    artifacts = reader.access.folder(top.info.artifact_uri)
    record = read_json(artifacts, PROJECT_FILE)
    name = f"The run {run.info.run_name} ({run.info.run_id})"
    if record.get("version") != VERSION:
        raise InvalidStateError(
            f"{name} was made by a newer nbtrack, whose record of a project this one cannot read."
        )
    kind, uri = record.get("kind"), os.path.expanduser(str(record.get("uri")))
    original = os.path.expanduser(str(record.get("folder") or "/nowhere"))
    place = here or Path(original)
    original = str(record.get("ran_in") or original)
    fetched = kind != "folder" and here is None
    folder = place if not fetched and place.is_dir() else None
    commit = top.data.tags.get(GIT_COMMIT)
    repository = None if folder is None or here is not None else repository_of(folder, commit)
    if kind == "folder" and folder is None and not artifacts.exists(SOURCES_FILE):
        raise InvalidStateError(
            f"{name} was made by the project {record.get('uri')}, which is not here, and whose "
            "source was not kept. Bring the folder back to its place, and run it again."
        )
    arguments = {
        "uri": str(record.get("file") or "."),
        "entry_point": record.get("entry_point") or "main",
        "version": None,
        "parameters": _parameters(name, record.get("parameters")),
        "run_name": top.info.run_name,
        "environment": record.get("environment") or None,
    }
    if repository is not None and folder is not None:
        below = Path(os.path.realpath(folder)).relative_to(os.path.realpath(repository)).as_posix()
    else:
        below = folder_in(uri, record) if fetched else "."
    packages = read_json(artifacts, ENVIRONMENT_FILE).get("packages")
    listed = record.get("files")
    files = [each for each in listed or [] if isinstance(each, dict) and is_below(each.get("path"))]
    command = top.data.tags.get("nbtrack.project.command", "")
    words = ["-m", "nbtrack.projects.launch", ARGUMENTS]
    return Program(
        run,
        top,
        get_experiment(reader, run.info.experiment_id).name,
        artifacts,
        Place((Step((top.info.run_name,), 0), *steps_below(reader, run, top))),
        [ProgramPart(words, commit if repository is not None else None, below)],
        original,
        folder,
        repository,
        files=files,
        packages={str(k): str(v) for k, v in packages.items()}
        if isinstance(packages, Mapping)
        else {},
        project=ProjectAgain(
            arguments,
            command,
            artifacts,
            files,
            folder,
            {key: record.get(key) for key in ("kind", "uri", "file")},
            Fetched(uri, commit if kind == "repository" else None, below) if fetched else None,
        ),
    )


def _parameters(name: str, found: Any) -> dict[str, Any]:
    values = dict(found) if isinstance(found, Mapping) else {}
    for key, value in values.items():
        if not (isinstance(value, str) and HIDDEN in value):
            continue
        variable = re.sub(r"\W", "_", str(key)).upper()
        given = os.environ.get(variable)
        if not given:
            raise InvalidStateError(
                f"{name} had a secret as the param {key}, which was not kept. Set the environment "
                f"variable {variable} and run it again."
            )
        values[key] = given
    return values


def folder_in(uri: str, record: Mapping[str, Any]) -> str:
    """Return where in a repository or an archive the folder of a project is."""
    below = Path(uri.partition("#")[2].strip("/"))
    return (below.parent if record.get("file") else below).as_posix()


def is_below(path: Any) -> bool:
    """Return whether a path stays in its folder: a record may come from somebody else."""
    if not isinstance(path, str) or not path or "\0" in path or Path(path).is_absolute():
        return False
    return ".." not in Path(path).parts
