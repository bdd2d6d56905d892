"""A run of a script: the commands of its processes, and what they were run with."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbtrack.entities import Run
from nbtrack.entities.runs import GIT_COMMIT, RESUMED, SOURCE_NAME
from nbtrack.errors import InvalidStateError
from nbtrack.redaction.secrets import HIDDEN
from nbtrack.reruns.project_files import ProjectAgain
from nbtrack.reruns.run_matching import Place, place_of
from nbtrack.store import Reader, get_experiment, with_parents
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.tracking.environment_record import SCRIPT_FILE
from nbtrack.tracking.files_read import FILES_FILE
from nbtrack.tracking.git import git_output
from nbtrack.views.code import CELLS_FILE, ENVIRONMENT_FILE, PARTS, read_json, read_text


@dataclass(frozen=True)
class ProgramPart:
    """What one process has logged of a run: the first, or one that went on with it.

    Attributes
    ----------
    words : list of str
        The command, after the interpreter.
    commit : str or None
    below : str
        Where in the repository the working directory is.
    source : str
        The name of the script.
    script : str or None
        Its source, as it was when it ran.
    changed : list of str
        Files that differed from the commit; without the script, where that was kept.
    takes_run_id : bool
        Whether a variable of the environment has said which run it goes on with.
    after : str
        How the part before it had ended: the status of the run.
    files : Path or None
        What a capsule has of its commit, where the first part had another one.
    """

    words: list[str]
    commit: str | None = None
    below: str = "."
    source: str = ""
    script: str | None = None
    changed: list[str] = field(default_factory=list)
    takes_run_id: bool = False
    after: str = ""
    files: Path | None = None


@dataclass(frozen=True)
class Program:
    """What is known of a script's run.

    Attributes
    ----------
    run : Run
    made_by : Run
        The run with the record: the same, or the one that it is nested in.
    experiment : str
        The name of its experiment.
    artifacts : ArtifactFolder
        Of the run with the record.
    place : Place
        Where among the runs of its process it stands.
    parts : list of ProgramPart
        In the order in which they ran; more than one where the run was resumed.
    folder : Path or None
        The working directory then, or that of a capsule; None where it is not here.
    original : str
        The path of the working directory then, as the run may have logged it.
    repository : Path or None
        The working tree that has the commits.
    files : list of dict
        What it read and wrote; of a project the files of its folder.
    packages : dict of str to str
    project : ProjectAgain or None
        Of a project's run what it has besides.
    """

    run: Run
    made_by: Run
    experiment: str
    artifacts: ArtifactFolder
    place: Place
    parts: list[ProgramPart]
    original: str
    folder: Path | None = None
    repository: Path | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    packages: dict[str, str] = field(default_factory=dict)
    project: ProjectAgain | None = None

    @property
    def shown(self) -> str:
        """The command, for people."""
        if self.project is not None:
            return self.project.command
        return "; ".join(shlex.join(part.words) for part in self.parts)


def is_program(artifacts: ArtifactFolder) -> bool:
    """Return whether the command of a run is known, and no cells: a script may run cells itself."""
    return not artifacts.exists(CELLS_FILE) and bool(
        read_json(artifacts, ENVIRONMENT_FILE).get("command")
    )


def read_program(
    reader: Reader, run: Run, here: Path | None = None, commits: Path | None = None
) -> Program:
    """Return what is known of a script's run.

    Parameters
    ----------
    reader : Reader
    run : Run
    here : Path, optional
        The folder of a capsule that was opened, in the place of the working directory.
    commits : Path, optional
        Its folder of the files of later parts, by their numbers.

    Raises
    ------
    InvalidStateError
        If an argument was a secret, neither its commit nor its script is here, or a part of it
        has no record.
    """
    *_, top = with_parents(reader, run)
    artifacts = reader.access.folder(top.info.artifact_uri)
    environment = read_json(artifacts, ENVIRONMENT_FILE)
    name = f"The run {run.info.run_name} ({run.info.run_id})"
    later = range(1, processes_of(top))
    records = [environment]
    records += [read_json(artifacts, f"{PARTS}/{number}/environment.json") for number in later]
    _check_records(name, records)
    shown = str(environment.get("working_folder") or "/nowhere")
    original = os.path.expanduser(shown)
    place = here or Path(original)
    folder = place if place.is_dir() else None
    found = [
        _part(artifacts, number, record, top.data.tags) for number, record in enumerate(records)
    ]
    repository = None
    if folder is not None and here is None and isinstance(environment.get("below_git"), str):
        repository = repository_of(folder, *(part.commit for part in found))
    if repository is None:
        found = [
            replace(part, commit=None, below=".", files=commits and commits / str(n) / part.below)
            for n, part in enumerate(found)
        ]
    for part in found:
        if repository is None and part.script is None:
            raise InvalidStateError(
                f"{name} was made by a script that cannot be run again: its source was not kept, "
                f"and its commit {top.data.tags.get(GIT_COMMIT, '(there is none)')} is not in a "
                f"repository at {place}."
            )
    packages = environment.get("packages")
    files = read_json(artifacts, FILES_FILE).get("files")
    return Program(
        run,
        top,
        get_experiment(reader, run.info.experiment_id).name,
        artifacts,
        place_of(reader, run, top),
        found,
        original,
        folder,
        repository,
        [each for each in files or [] if isinstance(each, dict)],
        {str(k): str(v) for k, v in packages.items()} if isinstance(packages, Mapping) else {},
    )


def processes_of(run: Run) -> int:
    """Return how many processes have logged to a run."""
    count = run.data.tags.get(RESUMED, "0")
    return 1 + (int(count) if count.isdigit() else 0)


def _check_records(name: str, records: list[dict[str, Any]]) -> None:
    """Refuse a run of which a part cannot be run again.

    Raises
    ------
    InvalidStateError
    """
    unknown = sum(not each.get("command") for each in records)
    if unknown:
        raise InvalidStateError(
            f"{name} was resumed: {len(records)} processes have logged to it, and {unknown} of "
            "them kept no command; they were notebooks, or had an earlier nbtrack. Have all of it "
            "run by scripts with this nbtrack, as a new run: that one can be run again."
        )
    if any(HIDDEN in str(word) for each in records for word in each["command"]):
        raise InvalidStateError(
            f"{name} had a secret among its arguments, which was not kept. Give it by a variable "
            "of the environment, and such runs can be run again."
        )
    folders = list(dict.fromkeys(str(each.get("working_folder")) for each in records))
    if len(folders) > 1:
        raise InvalidStateError(
            f"{name} was resumed in another folder: its parts ran in {' and '.join(folders)}, and "
            "a rerun has a copy of one. Have all parts run in one folder, as a new run: that one "
            "can be run again."
        )


def _part(
    artifacts: ArtifactFolder, number: int, record: Mapping[str, Any], tags: Mapping[str, str]
) -> ProgramPart:
    git = record.get("git")
    git = git if isinstance(git, Mapping) else {}
    commit = git.get("commit") if number else tags.get(GIT_COMMIT)
    source = str(record.get("source")) if number else tags.get(SOURCE_NAME, "")
    own = Path(source).name
    script = read_text(artifacts, f"{PARTS}/{number}/script.py" if number else SCRIPT_FILE)
    if script is not None and (HIDDEN in script or "getpass" in script):
        script = None  # it would ask for a secret
    changed = git.get("changed") if git.get("dirty") else []
    below = record.get("below_git")
    return ProgramPart(
        [os.path.expanduser(str(word)) for word in record["command"]],
        commit if isinstance(commit, str) else None,
        below if isinstance(below, str) else ".",
        own,
        script,
        [str(each) for each in changed or [] if not (script and Path(str(each)).name == own)],
        record.get("takes_run_id") is True,
        str(record.get("after") or ""),
    )


def check_one_process(run: Run) -> None:
    """Refuse a project's run that was resumed: only the command that began it is kept.

    Raises
    ------
    InvalidStateError
    """
    count = processes_of(run) - 1
    if count:
        raise InvalidStateError(
            f"The run {run.info.run_name} ({run.info.run_id}) of a project was resumed by {count} "
            "other processes, and only the project that began it was kept. Run the project once, "
            "as a new run (nbtrack run without --run-id): that one can be run again."
        )


def repository_of(folder: Path, *commits: str | None) -> Path | None:
    """Return the working tree that a folder is in, if it has some commits."""
    top = git_output(folder, "rev-parse", "--show-toplevel", timeout=None) if all(commits) else None
    if top and all(_has_commit(folder, commit) for commit in commits):
        return Path(top.rstrip("\n"))
    return None


def _has_commit(folder: Path, commit: str | None) -> bool:
    wanted = f"{commit}^{{commit}}"
    return git_output(folder, "cat-file", "-e", wanted, timeout=None) is not None
