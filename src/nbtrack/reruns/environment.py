"""The environment that a run was made in, made again from its lock file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from nbtrack.errors import NbtrackError, ProjectError
from nbtrack.projects.environments import Environment, Tell, make_environment, uv_program
from nbtrack.projects.lock_file import LockFile, lock_file, with_nbtrack_needs
from nbtrack.projects.requirements import Requirements
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.tracking.environment_record import PACKAGES_FILE
from nbtrack.views.code import ENVIRONMENT_FILE, read_json, read_text


def open_recorded(artifacts: ArtifactFolder, tell: Tell) -> Environment:
    """Return the environment that a run was made in, made where it is not there yet.

    Runs with the same packages share one; uv makes it where it is installed, else virtualenv. The
    nbtrack in it is this one, since it has to know what to do there.

    Parameters
    ----------
    artifacts : ArtifactFolder
        Of the run.
    tell : callable
        Is told what takes long, and in which way the environment is not the same.

    Raises
    ------
    ProjectError
        If nothing was recorded, or it cannot be made: there is no such version, no network.
    """
    lock = _lock(artifacts)
    for note in lock.notes:
        tell(note)
    lines = [*(f"--extra-index-url {index}" for index in lock.indexes), *with_nbtrack_needs(lock)]
    manager = "virtualenv" if uv_program() is None else "uv"
    with tempfile.TemporaryDirectory(prefix="nbtrack-lock-") as place:
        wanted = Requirements(Path(place), _minor(lock.python), packages=lines)
        try:
            found = make_environment(wanted, manager, tell)
        except ProjectError as error:
            raise ProjectError(
                f"{error}\nWhat is not here yet, Python or packages, comes from the network. "
                "Without env=True (--env) it is run again in this environment."
            ) from error
    check_version(found, lock.python, tell)
    variables = {**found.variables, "PYTHONPATH": str(_own_nbtrack(Path(found.python)))}
    return Environment(found.manager, found.python, variables)


def check_version(found: Environment, recorded: str | None, tell: Tell) -> None:
    """Say where the last part of a version is another one; refuse any other difference.

    Parameters
    ----------
    found : Environment
    recorded : str or None
        The version that the run had.
    tell : callable

    Raises
    ------
    ProjectError
    """
    if recorded is None or (version := python_version(found)) == recorded:
        return
    if _minor(version) != _minor(recorded):
        raise ProjectError(
            f"The environment of {found.python} has Python {version}, and the run had {recorded}. "
            "Remove its folder, and it is made again."
        )
    tell(f"Python {version} stands for {recorded}, which the run had.")


def python_version(environment: Environment) -> str:
    """Return the version of the interpreter of an environment."""
    import subprocess

    code = "import platform; print(platform.python_version())"
    done = subprocess.run(
        [environment.python, "-c", code], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NbtrackError(f"{environment.python} does not start: {done.stderr.strip()}")
    return done.stdout.strip()


def _lock(artifacts: ArtifactFolder) -> LockFile:
    environment = read_json(artifacts, ENVIRONMENT_FILE)
    installed = read_text(artifacts, PACKAGES_FILE)
    if installed is None and not environment.get("packages"):
        raise ProjectError(
            "The run has no record of its environment, so that it cannot be made again. "
            "Without env=True (--env) it is run again as it was: a project in what it describes.",
            "INVALID_STATE",
        )
    return lock_file(environment, installed)


def _minor(version: str | None) -> str | None:
    """Return ``3.11`` of ``3.11.7``: any of them will do, and is more likely to be there."""
    return None if version is None else ".".join(version.split(".")[:2])


def _own_nbtrack(python: Path) -> Path:
    """Return a folder beside an environment that has this nbtrack, and no other package."""
    package = Path(str(sys.modules["nbtrack"].__file__)).resolve().parent
    name = hashlib.sha256(str(package).encode()).hexdigest()[:8]
    folder = python.parent.parent / f"nbtrack-{name}"
    folder.mkdir(exist_ok=True)
    if os.name == "nt":  # links need a right there
        shutil.copytree(package, folder / "nbtrack", dirs_exist_ok=True)
        return folder
    with contextlib.suppress(FileExistsError):
        (folder / "nbtrack").symlink_to(package, target_is_directory=True)
    return folder
