"""A run of a script, run again: its command, with the files of its commit in a git worktree."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbtrack.entities import Run, ViewType
from nbtrack.entities.runs import ERROR_TAG, GIT_COMMIT, RESUMED, SOURCE_NAME
from nbtrack.errors import InvalidStateError
from nbtrack.projects.process import Command, signals_held_back
from nbtrack.redaction.secrets import HIDDEN
from nbtrack.reruns.comparison import Facts, facts_of
from nbtrack.reruns.execution import Settings
from nbtrack.reruns.folder_copy import FolderCopy
from nbtrack.reruns.kernel import store_of, variables_of_kernel
from nbtrack.reruns.project_files import ProjectAgain
from nbtrack.reruns.run_matching import Place, place_of
from nbtrack.store import Reader, Store, get_experiment, open_file, with_parents
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.store.search import search_runs
from nbtrack.views.code import CELLS_FILE, ENVIRONMENT_FILE, read_json, read_text

FILES_FILE = ".nbtrack/files.json"
SCRIPT_FILE = ".nbtrack/script.py"
MOST_RUNS = 1000
_TAIL = 2_000


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
    words : list of str
        The command, after the interpreter.
    folder : Path or None
        The working directory then; None where it is not here.
    repository : Path or None
        The working tree that has the commit.
    commit : str or None
    below : str
        Where in the repository the working directory is.
    script : str or None
        The source of the script, as it was when it ran.
    changed : list of str
        Files that differed from the commit; without the script, where that was kept.
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
    words: list[str]
    folder: Path | None = None
    repository: Path | None = None
    commit: str | None = None
    below: str = "."
    script: str | None = None
    changed: list[str] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    packages: dict[str, str] = field(default_factory=dict)
    project: ProjectAgain | None = None

    @property
    def shown(self) -> str:
        """The command, for people."""
        return shlex.join(self.words) if self.project is None else self.project.command


@dataclass(frozen=True)
class ProgramEnd:
    """What came of a program.

    Attributes
    ----------
    facts : Facts or None
        Of its run.
    error : str
        What it said if it failed.
    folder : Path
        In which it ran.
    changed : list of str
        Files that were not as they had been.
    code : int
        Its exit status.
    """

    facts: Facts | None
    error: str
    folder: Path
    changed: list[str]
    code: int = 0


def is_program(artifacts: ArtifactFolder) -> bool:
    """Return whether the command of a run is known, and no cells: a script may run cells itself."""
    return not artifacts.exists(CELLS_FILE) and bool(
        read_json(artifacts, ENVIRONMENT_FILE).get("command")
    )


def read_program(reader: Reader, run: Run, here: Path | None = None) -> Program:
    """Return what is known of a script's run.

    Parameters
    ----------
    reader : Reader
    run : Run
    here : Path, optional
        The folder of a capsule that was opened, in the place of the working directory.

    Raises
    ------
    InvalidStateError
        If an argument was a secret, or neither its commit nor its script is here.
    """
    *_, top = with_parents(reader, run)
    check_one_process(top)
    artifacts = reader.access.folder(top.info.artifact_uri)
    environment = read_json(artifacts, ENVIRONMENT_FILE)
    words = [os.path.expanduser(str(word)) for word in environment["command"]]
    name = f"The run {run.info.run_name} ({run.info.run_id})"
    if any(HIDDEN in word for word in words):
        raise InvalidStateError(
            f"{name} had a secret among its arguments, which was not kept. Give it by a variable "
            "of the environment, and such runs can be run again."
        )
    shown = str(environment.get("working_folder") or "/nowhere")
    place = here or Path(os.path.expanduser(shown))
    folder = place if place.is_dir() else None
    commit, below = top.data.tags.get(GIT_COMMIT), environment.get("below_git")
    repository = None
    if folder is not None and isinstance(below, str) and here is None:
        repository = repository_of(folder, commit)
    script = read_text(artifacts, SCRIPT_FILE)
    if script is not None and (HIDDEN in script or "getpass" in script):
        script = None  # it would ask for a secret
    if repository is None and script is None:
        raise InvalidStateError(
            f"{name} was made by a script that cannot be run again: its source was not kept, and "
            f"its commit {commit or '(there is none)'} is not in a repository at {place}."
        )
    git = environment.get("git")
    changed = git.get("changed") if isinstance(git, Mapping) and git.get("dirty") else []
    own = Path(top.data.tags.get(SOURCE_NAME, "")).name
    packages = environment.get("packages")
    files = read_json(artifacts, FILES_FILE).get("files")
    return Program(
        run,
        top,
        get_experiment(reader, run.info.experiment_id).name,
        artifacts,
        place_of(reader, run, top),
        words,
        folder,
        repository,
        commit if repository is not None else None,
        below if isinstance(below, str) and repository is not None else ".",
        script,
        [str(each) for each in changed or [] if not (script and Path(str(each)).name == own)],
        [each for each in files or [] if isinstance(each, dict)],
        {str(k): str(v) for k, v in packages.items()} if isinstance(packages, Mapping) else {},
    )


def check_one_process(run: Run) -> None:
    """Refuse a run that was resumed: of a script only the command that began it is kept.

    Raises
    ------
    InvalidStateError
    """
    count = run.data.tags.get(RESUMED, "0")
    if count.isdigit() and int(count):
        raise InvalidStateError(
            f"The run {run.info.run_name} ({run.info.run_id}) was resumed by {count} other "
            "processes, and only the command that began it was kept. Have all of it run by one "
            "command, as a new run: that one can be run again."
        )


def repository_of(folder: Path, commit: str | None) -> Path | None:
    """Return the working tree that a folder is in, if it has a commit."""
    top = _git(folder, "rev-parse", "--show-toplevel") if commit else None
    if top and _git(folder, "cat-file", "-e", f"{commit}^{{commit}}") is not None:
        return Path(top.rstrip("\n"))
    return None


@contextlib.contextmanager
def executed_program(program: Program, settings: Settings) -> Iterator[ProgramEnd]:
    """Run the command once; its folder and its store go at the end of the block."""
    copy = FolderCopy(program.folder, [program.script or ""], program.files)
    try:
        with _worktree(program, copy) as folder:
            _put_script(program, folder)
            changed = program.changed
            if program.project is not None:
                changed = program.project.put_files(folder)
            store = open_file(store_of(copy.root))
            try:
                code, said = _run(program, settings, copy, folder)
                yield ProgramEnd(*_outcome(program, store, code, said), folder, changed, code)
            finally:
                store.close()
    finally:
        copy.remove()


def _outcome(program: Program, store: Store, code: int, said: str) -> tuple[Facts | None, str]:
    with store.read() as reader:
        runs = search_runs(
            reader,
            None,
            "",
            ViewType.ACTIVE_ONLY,
            MOST_RUNS,
            order_by=["attributes.start_time ASC"],
        )
        made = program.place.find(list(runs))
        facts = None if made is None else facts_of(reader, made)
    failed_then = ERROR_TAG in program.run.data.tags or program.run.info.status == "FAILED"
    if code and not failed_then:
        return facts, f"its command ended with exit status {code}: {said}"
    return facts, "" if facts is not None else f"its command made no such run: {said}"


def _run(program: Program, settings: Settings, copy: FolderCopy, folder: Path) -> tuple[int, str]:
    """Run the command; return its exit status, and the end of what it said."""
    variables = variables_of_kernel(copy.root, program.experiment, {})
    words = [_moved(word, program, folder) for word in program.words]
    if program.project is None:
        words.insert(0, settings.python)
        variables |= settings.all_variables
    else:  # what starts its command is this nbtrack; the command has the recorded environment
        arguments = copy.root / words[-1]
        program.project.write(arguments, settings.recorded)
        words = [settings.python if settings.recorded is None else sys.executable, *words[:-1]]
        words.append(str(arguments))
        variables |= settings.variables
    output = copy.root / "output.txt"
    with output.open("wb") as file:
        with signals_held_back():
            command = Command(words, folder, variables, file)
        try:
            code = command.wait(settings.timeout)
        except subprocess.TimeoutExpired:
            command.stop()
            return 1, "it takes longer than it was given"
        except BaseException:
            command.stop()
            raise
    text = output.read_bytes()[-_TAIL:].decode("utf-8", "replace").strip()
    return code, text.splitlines()[-1] if text else "it said nothing"


def _moved(word: str, program: Program, folder: Path) -> str:
    """Return a word of the command with the place that a file has now."""
    if program.folder is None or not Path(word).is_absolute():
        return word
    old = os.path.realpath(program.repository or program.folder)
    if not Path(os.path.realpath(word)).is_relative_to(old):
        return word
    top = folder if program.repository is None else _top(program, folder)
    return str(top / Path(os.path.realpath(word)).relative_to(old))


def _top(program: Program, folder: Path) -> Path:
    return folder if program.below == "." else folder.parents[len(Path(program.below).parts) - 1]


@contextlib.contextmanager
def _worktree(program: Program, copy: FolderCopy) -> Iterator[Path]:
    """Give the folder to run in: of a commit a worktree, with the data that git does not have."""
    if program.repository is None or program.commit is None:
        yield copy.folder
        return
    tree = copy.root / "tree"
    # the user's checkout stays as it is, and none of its hooks runs
    quiet = ["-c", f"core.hooksPath={os.devnull}"]
    words = ["worktree", "add", "--quiet", "--detach", str(tree), program.commit]
    try:
        with signals_held_back():
            done = _git(program.repository, *quiet, *words)
        if done is None:
            raise InvalidStateError(
                f"git cannot check the commit {program.commit} of {program.repository} out."
            )
        folder = tree / program.below
        folder.mkdir(parents=True, exist_ok=True)
        tracked = (_git(program.repository, "ls-files", "-z") or "").split("\0")
        known = {os.path.normpath(program.repository / name) for name in tracked if name}
        for file in sorted(copy.folder.rglob("*")):
            below = file.relative_to(copy.folder)
            is_tracked = os.path.normpath((program.folder or Path()) / below) in known
            if file.is_file() and not is_tracked and not (folder / below).exists():
                (folder / below).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(file, folder / below)
        yield folder
    finally:
        _git(program.repository, "worktree", "remove", "--force", "--force", str(tree))
        shutil.rmtree(tree, ignore_errors=True)
        _git(program.repository, "worktree", "prune")


def _put_script(program: Program, folder: Path) -> None:
    """Put the script there as it was when it ran, also where the commit has another one."""
    own = Path(program.run.data.tags.get(SOURCE_NAME, "")).name
    if program.script is None or not own.endswith(".py"):
        return
    for word in program.words:
        place = Path(_moved(word, program, folder))
        place = place if place.is_absolute() else folder / place
        inside = Path(os.path.realpath(place)).is_relative_to(_top(program, folder))
        if place.name == own and inside:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(program.script, "utf-8")


def _git(folder: Path, *words: str) -> str | None:
    """Return what git says in a folder; None where it cannot."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
