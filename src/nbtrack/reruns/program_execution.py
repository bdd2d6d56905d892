"""The command of a script's run, run once more: with the files of its commit in a git worktree."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbtrack.entities import Run, ViewType
from nbtrack.entities.runs import ERROR_TAG
from nbtrack.errors import InvalidStateError
from nbtrack.projects.process import Command, signals_held_back
from nbtrack.projects.record import CODE
from nbtrack.reruns.comparison import Facts, facts_of
from nbtrack.reruns.execution import Settings
from nbtrack.reruns.folder_copy import FolderCopy
from nbtrack.reruns.kernel import store_of, variables_of_kernel
from nbtrack.reruns.program import Program, ProgramPart
from nbtrack.store import Store, open_file
from nbtrack.store.search import search_runs
from nbtrack.tracking.git import git_output
from nbtrack.variables import RUN_ID

MOST_RUNS = 1000
_TAIL = 2_000
LATE_S = 60.0  # a script may write its last file after the end of its run
# the user's checkout stays as it is, and none of its hooks runs
_QUIET = ("-c", f"core.hooksPath={os.devnull}")


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


@contextlib.contextmanager
def executed_program(program: Program, settings: Settings) -> Iterator[ProgramEnd]:
    """Run the commands once; their folder and their store go at the end of the block.

    Those of a run that was resumed run one after the other in the same folder, so that files that
    a part has left are there for the next; the id of the run is replaced by that of the new one.
    """
    sources = [part.script or "" for part in program.parts]
    copy = FolderCopy(program.folder, sources, program.files)
    until = None if settings.timeout is None else time.monotonic() + settings.timeout
    if len(program.parts) > 1:
        _remove_results(copy.folder, program.made_by)
    try:
        with _worktree(program, copy) as top, contextlib.ExitStack() as held:
            store = open_file(store_of(copy.root))
            held.callback(store.close)
            changed: list[str] = []
            made_id: str | None = None
            for number, part in enumerate(program.parts):
                process = _Process(program, part, settings, copy, top)
                changed += process.put_files(check_out=number > 0, made_id=made_id)
                code, said = process.run(made_id, until)
                made = _made(program, store)
                made_id = None if made is None else made.info.run_id
                if made_id is None:
                    break
            folder = process.folder
            end = _outcome(program, store, made, code, said)
            yield ProgramEnd(*end, folder, list(dict.fromkeys(changed)), code)
    finally:
        copy.remove()


def _remove_results(folder: Path, run: Run) -> None:
    """Remove the files that came while a run went on: a checkpoint makes its first part go on."""
    begin, end = run.info.start_time / 1000, (run.info.end_time or 0) / 1000 + LATE_S
    for file in [each for each in folder.rglob("*") if each.is_file() and not each.is_symlink()]:
        if file.suffix.lower() not in CODE and begin <= file.stat().st_mtime <= end:
            file.unlink()


def _made(program: Program, store: Store) -> Run | None:
    order = ["attributes.start_time ASC"]
    with store.read() as reader:
        runs = search_runs(reader, None, "", ViewType.ACTIVE_ONLY, MOST_RUNS, order_by=order)
    return program.place.find(list(runs))


def _outcome(
    program: Program, store: Store, made: Run | None, code: int, said: str
) -> tuple[Facts | None, str]:
    facts = None
    if made is not None:
        with store.read() as reader:
            facts = facts_of(reader, made)
    failed_then = ERROR_TAG in program.run.data.tags or program.run.info.status == "FAILED"
    if code and not failed_then:
        return facts, f"its command ended with exit status {code}: {said}"
    return facts, "" if facts is not None else f"its command made no such run: {said}"


class _Process:
    """A process that logs a part of a run once more.

    Parameters
    ----------
    program : Program
    part : ProgramPart
    settings : Settings
    copy : FolderCopy
    top : Path
        The folder that stands for the repository, or for the working directory where there is none.
    """

    def __init__(
        self, program: Program, part: ProgramPart, settings: Settings, copy: FolderCopy, top: Path
    ) -> None:
        self._program = program
        self._part = part
        self._settings = settings
        self._copy = copy
        self._top = top
        self.folder = top / part.below

    def put_files(self, *, check_out: bool, made_id: str | None) -> list[str]:
        """Make the folder what it was; return what is not as it had been.

        Parameters
        ----------
        check_out : bool
            Whether it may have another commit.
        made_id : str or None
            The id of the new run, where a part has made it.
        """
        commit = self._part.commit
        if check_out:  # a module may be replaced by one of the same size, in the same second
            for compiled in list(self._top.rglob("__pycache__")):
                shutil.rmtree(compiled, ignore_errors=True)
        if check_out and commit is not None:
            words = ["checkout", "--quiet", "--force", "--detach", commit]
            if git_output(self._top, *_QUIET, *words, timeout=None) is None:
                raise InvalidStateError(f"git cannot check the commit {commit} out.")
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._part.files is not None and self._part.files.is_dir():
            shutil.copytree(self._part.files, self.folder, dirs_exist_ok=True)
        self._put_script(made_id)
        if self._program.project is not None:
            return self._program.project.put_files(self.folder)
        return self._part.changed

    def run(self, made_id: str | None, until: float | None) -> tuple[int, str]:
        """Run the command; return its exit status, and the end of what it said.

        Parameters
        ----------
        made_id : str or None
        until : float or None
            The monotonic time at which it is ended.
        """
        program, settings = self._program, self._settings
        variables = variables_of_kernel(self._copy.root, program.experiment, {})
        words = [self._with_id(self._moved(word), made_id) for word in self._part.words]
        if program.project is None:
            words.insert(0, settings.python)
            variables |= settings.all_variables
        else:  # what starts its command is this nbtrack; the command has the recorded environment
            arguments = self._copy.root / words[-1]
            program.project.write(arguments, settings.recorded)
            words = [settings.python if settings.recorded is None else sys.executable, *words[:-1]]
            words.append(str(arguments))
            variables |= settings.variables
        if self._part.takes_run_id and made_id is not None:
            variables[RUN_ID.name] = made_id
        output = self._copy.root / "output.txt"
        with output.open("wb") as file:
            with signals_held_back():
                command = Command(words, self.folder, variables, file)
            try:
                code = command.wait(None if until is None else max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                command.stop()
                return 1, "it takes longer than it was given"
            except BaseException:
                command.stop()
                raise
        text = output.read_bytes()[-_TAIL:].decode("utf-8", "replace").strip()
        return code, text.splitlines()[-1] if text else "it said nothing"

    def _moved(self, word: str) -> str:
        """Return a word of the command with the place that a file has now."""
        program = self._program
        if program.folder is None or not Path(word).is_absolute():
            return word
        old = os.path.realpath(program.repository or program.folder)
        if not Path(os.path.realpath(word)).is_relative_to(old):
            return word
        return str(self._top / Path(os.path.realpath(word)).relative_to(old))

    def _put_script(self, made_id: str | None) -> None:
        """Put the script there as it was when it ran, also where the commit has another one."""
        own, script = self._part.source, self._part.script
        if script is None or not own.endswith(".py"):
            return
        for word in self._part.words:
            place = Path(self._moved(word))
            place = place if place.is_absolute() else self.folder / place
            inside = Path(os.path.realpath(place)).is_relative_to(os.path.realpath(self._top))
            if place.name == own and inside:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(self._with_id(script, made_id), "utf-8")

    def _with_id(self, text: str, made_id: str | None) -> str:
        return text if made_id is None else text.replace(self._program.made_by.info.run_id, made_id)


@contextlib.contextmanager
def _worktree(program: Program, copy: FolderCopy) -> Iterator[Path]:
    """Give the top of what is run: of a commit a worktree, with the data that git does not have."""
    first = program.parts[0]
    if program.repository is None or first.commit is None:
        yield copy.folder
        return
    tree = copy.root / "tree"
    words = ["worktree", "add", "--quiet", "--detach", str(tree), first.commit]
    try:
        with signals_held_back():
            done = git_output(program.repository, *_QUIET, *words, timeout=None)
        if done is None:
            raise InvalidStateError(
                f"git cannot check the commit {first.commit} of {program.repository} out."
            )
        folder = tree / first.below
        folder.mkdir(parents=True, exist_ok=True)
        listed = git_output(program.repository, "ls-files", "-z", timeout=None) or ""
        known = {os.path.normpath(program.repository / name) for name in listed.split("\0") if name}
        for file in sorted(copy.folder.rglob("*")):
            below = file.relative_to(copy.folder)
            is_tracked = os.path.normpath((program.folder or Path()) / below) in known
            if file.is_file() and not is_tracked and not (folder / below).exists():
                (folder / below).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(file, folder / below)
        yield tree
    finally:
        remove = ("worktree", "remove", "--force", "--force", str(tree))
        git_output(program.repository, *remove, timeout=None)
        shutil.rmtree(tree, ignore_errors=True)
        git_output(program.repository, "worktree", "prune", timeout=None)
