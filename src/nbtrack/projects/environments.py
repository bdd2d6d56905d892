"""The environment that a project's command runs in: this one, or one that is made for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nbtrack.environment import env
from nbtrack.errors import MissingDependencyError, ProjectError
from nbtrack.projects.requirements import Requirements, read_requirements
from nbtrack.projects.specification import Project
from nbtrack.variables import ENV_ROOT

if TYPE_CHECKING:
    from filelock import BaseFileLock

MANAGERS = ("local", "uv", "virtualenv", "conda")
_READY = ".nbtrack-ready"
_SCRIPTS = "Scripts" if os.name == "nt" else "bin"
_LOCKED = ("pyproject.toml", "uv.lock")
_CONDAS = ("conda", "mamba", "micromamba")

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Environment:
    """How a command comes to its Python.

    Attributes
    ----------
    manager : str
        One of `MANAGERS`.
    python : str
        The interpreter.
    variables : dict of str to str
        What the command's environment has beside what this process has.
    """

    manager: str
    python: str
    variables: dict[str, str] = field(default_factory=dict)


def manager_for(project: Project, asked: str | None) -> str:
    """Return which environment a project gets.

    Parameters
    ----------
    project : Project
    asked : str or None
        Without a wish, one that the project describes is made (with uv where it is installed),
        and a project that describes none runs in this one.

    Raises
    ------
    ProjectError
        If there is no such kind of environment.
    """
    if asked is not None and asked not in MANAGERS:
        raise ProjectError(
            f"There is no environment manager {asked!r}; choose one of {', '.join(MANAGERS)}.",
            "INVALID_PARAMETER_VALUE",
        )
    if project.environment == "docker" and asked != "local":
        raise ProjectError(
            f"The project {project.folder} asks for a Docker container, which nbtrack does not "
            "start. Run it inside of one with --env-manager local.",
            "NOT_IMPLEMENTED",
        )
    if asked is not None:
        return asked
    if project.environment == "conda":
        return "conda"
    if project.environment == "uv":
        return "uv"
    if project.environment == "python":
        return "virtualenv" if uv_program() is None else "uv"
    return "local"


def open_environment(
    project: Project, manager: str, tell: Tell, extra: Sequence[str] = ()
) -> Environment:
    """Return an environment, made where it is not there yet.

    Parameters
    ----------
    project : Project
    manager : str
        One of `MANAGERS`.
    tell : callable
        Is told what takes long.
    extra : sequence of str
        Packages that it needs beside those of the project.

    Raises
    ------
    ProjectError, MissingDependencyError
        If it cannot be made.
    """
    if manager == "local":
        return Environment("local", sys.executable, _first_on_path(Path(sys.executable).parent))
    if manager == "conda":
        return _conda(project, tell)
    if manager == "uv" and project.environment in ("uv", "none") and _is_locked(project):
        return _locked(project, tell, extra)
    file = project.environment_file if project.environment == "python" else None
    wanted = read_requirements(project.folder, file)
    if extra:
        wanted = Requirements(
            wanted.folder, wanted.python, wanted.build, [*wanted.packages, *extra]
        )
    return make_environment(wanted, manager, tell)


def make_environment(wanted: Requirements, manager: str, tell: Tell) -> Environment:
    """Return an environment with some packages, made where it is not there yet.

    Parameters
    ----------
    wanted : Requirements
    manager : {"uv", "virtualenv"}
    tell : callable
        Is told what takes long.

    Raises
    ------
    ProjectError, MissingDependencyError
        If it cannot be made.
    """
    place = _root() / wanted.digest(manager)
    with _guarded(place):
        if wanted.is_local or not (place / _READY).exists():
            make = _make_with_uv if manager == "uv" else _make_with_virtualenv
            tell(f"Making the environment {place} ...")
            make(place, wanted)
            (place / _READY).touch()
    return _of(manager, place)


def uv_program() -> str | None:
    """Return the path of the program uv, or None where it is not installed."""
    found = shutil.which("uv")
    if found is not None:
        return found
    beside = Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")
    return str(beside) if beside.is_file() else None


def _of(manager: str, place: Path) -> Environment:
    scripts = place / _SCRIPTS
    variables = {**_first_on_path(scripts), "VIRTUAL_ENV": str(place), "PYTHONHOME": ""}
    return Environment(manager, str(scripts / "python"), variables)


def _first_on_path(scripts: Path) -> dict[str, str]:
    return {"PATH": os.pathsep.join([str(scripts), os.environ.get("PATH", os.defpath)])}


def _root() -> Path:
    chosen = ENV_ROOT.get()
    if chosen is not None:
        return Path(os.path.abspath(os.path.expanduser(chosen)))
    import platformdirs

    return Path(platformdirs.user_cache_dir("nbtrack", appauthor=False)) / "envs"


def _guarded(place: Path) -> BaseFileLock:
    from filelock import FileLock

    place.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(place.with_name(f"{place.name}.lock"))


def _make_with_uv(place: Path, wanted: Requirements) -> None:
    uv = _needed_uv()
    python = wanted.python if wanted.python and not _is_this(wanted.python) else sys.executable
    _do([uv, "venv", "--quiet", "--allow-existing", "--python", python, str(place)], wanted.folder)
    target = str(place / _SCRIPTS / "python")
    for packages in (wanted.build, wanted.packages):
        if packages:
            command = [uv, "pip", "install", "--quiet", "--python", target]
            if any(line.startswith("--extra-index-url") for line in packages):
                # such an index may have some versions of a package of which PyPI has more
                command += ["--index-strategy", "unsafe-best-match"]
            _install(command, packages, wanted.folder)


def _make_with_virtualenv(place: Path, wanted: Requirements) -> None:
    python = _python_for(wanted.python)
    maker = "virtualenv" if _has_module(python, "virtualenv") else "venv"
    _do([python, "-m", maker, str(place)], wanted.folder)
    pip = [str(place / _SCRIPTS / "python"), "-m", "pip", "install", "--quiet"]
    for packages in (wanted.build, wanted.packages):
        if packages:
            _install(pip, packages, wanted.folder)


def _install(command: list[str], packages: Sequence[str], folder: Path) -> None:
    import tempfile

    # beside the project, for paths in it start where the file lies
    with tempfile.NamedTemporaryFile(
        "w", suffix=".txt", prefix=".nbtrack-requirements-", dir=folder, encoding="utf-8"
    ) as file:
        file.write("\n".join(packages) + "\n")
        file.flush()
        _do([*command, "-r", file.name], folder)


def _is_locked(project: Project) -> bool:
    return all((project.folder / name).is_file() for name in _LOCKED)


def _locked(project: Project, tell: Tell, extra: Sequence[str]) -> Environment:
    """Make the environment of a project that uv has locked."""
    import hashlib

    uv = _needed_uv()
    # by what they say: a repository is fetched to another folder each time
    locked = b"".join((project.folder / name).read_bytes() for name in _LOCKED)
    place = _root() / hashlib.sha256(locked).hexdigest()[:20]
    with _guarded(place):
        tell(f"Bringing the environment {place} up to date ...")
        command = [uv, "sync", "--quiet", "--frozen"]
        _do(command, project.folder, UV_PROJECT_ENVIRONMENT=str(place))
        if extra:
            target = str(place / _SCRIPTS / "python")
            _do([uv, "pip", "install", "--quiet", "--python", target, *extra], project.folder)
    return _of("uv", place)


def _conda(project: Project, tell: Tell) -> Environment:
    conda = next((found for name in _CONDAS if (found := shutil.which(name))), None)
    conda = env("CONDA_EXE", "MAMBA_EXE") or conda
    if conda is None:
        raise MissingDependencyError(
            "The project asks for a conda environment, and none of conda, mamba and micromamba is "
            "installed. Install one of them, describe the environment in a python_env.yaml, or "
            "run it in this environment with --env-manager local."
        )
    file = project.environment_file if project.environment == "conda" else None
    if file is None:
        raise ProjectError(
            f"The project {project.folder} has no conda.yaml to make an environment from.",
            "INVALID_PARAMETER_VALUE",
        )
    import hashlib

    place = _root() / hashlib.sha256(file.read_bytes()).hexdigest()[:20]
    with _guarded(place):
        if not (place / _READY).exists():
            tell(f"Making the environment {place} ...")
            _do(
                [conda, "env", "create", "--prefix", str(place), "--file", str(file)],
                CONDA_ALWAYS_YES="true",  # not all versions have the option --yes here
                MAMBA_ALWAYS_YES="true",
            )
            (place / _READY).touch()
    folder = place if os.name == "nt" else place / "bin"
    variables = {**_first_on_path(folder), "CONDA_PREFIX": str(place)}
    return Environment("conda", str(folder / "python"), variables)


def _needed_uv() -> str:
    found = uv_program()
    if found is None:
        raise MissingDependencyError(
            "uv is not installed: pip install uv, or choose --env-manager virtualenv or local."
        )
    return found


def _is_this(version: str) -> bool:
    mine = ".".join(map(str, sys.version_info[:3]))
    return f"{mine}.".startswith(f"{version.strip()}.")


def _python_for(version: str | None) -> str:
    if version is None or _is_this(version):
        return sys.executable
    short = ".".join(version.split(".")[:2])
    found = shutil.which(f"python{short}")
    if found is None or not _has_module(found, "sys"):  # pyenv has commands that start nothing
        raise ProjectError(
            f"Python {version} is asked for, and no python{short} on the PATH starts. Install it, "
            "or install uv, which fetches it: pip install uv."
        )
    return found


def _has_module(python: str, name: str) -> bool:
    code = f"import importlib.util as u, sys; sys.exit(u.find_spec({name!r}) is None)"
    return subprocess.run([python, "-c", code], check=False, capture_output=True).returncode == 0


def _do(command: Sequence[str], folder: Path | None = None, **variables: str) -> None:
    clean = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONHOME")}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**clean, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        output = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        program = " ".join([Path(command[0]).name, *command[1:3]])
        raise ProjectError(f"The environment could not be made. {program} says:\n{output[-4000:]}")
