"""The files that say which environment a model needs."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from nbtrack.errors import InvalidParameterError, NotFoundError, warn
from nbtrack.models.requirements import Requirements
from nbtrack.untrusted_files import read_yaml

REQUIREMENTS = "requirements.txt"
CONSTRAINTS = "constraints.txt"
CONDA = "conda.yaml"
PYTHON = "python_env.yaml"
Given = str | os.PathLike[str] | Iterable[str] | None


def write_environment(
    folder: Path,
    found: Requirements,
    pip_requirements: Given = None,
    extra_pip_requirements: Given = None,
    conda_env: str | os.PathLike[str] | Mapping[str, Any] | None = None,
) -> None:
    """Write requirements.txt, python_env.yaml and conda.yaml (and constraints.txt).

    Parameters
    ----------
    folder : Path
        The model's folder.
    found : Requirements
        What the model needs; used where the user has said nothing else.
    pip_requirements : list of str, or path, optional
        The requirements instead of those that were found.
    extra_pip_requirements : list of str, or path, optional
        Requirements besides those that were found; they win over those of the same name.
    conda_env : dict or path, optional
        A conda environment instead of all that.

    Raises
    ------
    InvalidParameterError
        If both a conda environment and requirements are given.
    NotFoundError
        If a file that was named does not exist.
    """
    import yaml

    if conda_env is not None and (pip_requirements, extra_pip_requirements) != (None, None):
        raise InvalidParameterError(
            "conda_env and pip_requirements both say which environment the model needs: pass one."
        )
    if pip_requirements is not None and extra_pip_requirements is not None:
        raise InvalidParameterError(
            "pip_requirements replaces what was found and extra_pip_requirements adds to it: "
            "pass one."
        )
    constraints: list[str] = []
    if conda_env is not None:
        conda = _conda(conda_env)
        lines = _pip_of(conda)
    else:
        given = _lines(pip_requirements, constraints)
        lines = found.lines() if pip_requirements is None else given
        lines = _over(lines, _lines(extra_pip_requirements, constraints))
        conda = _conda_of(lines + ([f"-c {CONSTRAINTS}"] if constraints else []))
    if constraints:
        (folder / CONSTRAINTS).write_text("\n".join(constraints) + "\n", "utf-8")
        lines = [*lines, f"-c {CONSTRAINTS}"]
    (folder / REQUIREMENTS).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    (folder / CONDA).write_text(yaml.safe_dump(conda, sort_keys=False), "utf-8")
    environment = {
        "python": platform.python_version(),
        "build_dependencies": _build_tools(),
        "dependencies": [f"-r {REQUIREMENTS}"],
    }
    (folder / PYTHON).write_text(yaml.safe_dump(environment, sort_keys=False), "utf-8")


def add_uv_requirements(
    options: Any,
    project: str | os.PathLike[str] | None,
    groups: Iterable[str] | None = None,
    extras: Iterable[str] | None = None,
) -> None:
    """Let the lock file of a project of uv say what a model needs, unless the user has said it.

    Parameters
    ----------
    options : dict
        Those of ``save_model``, to which ``pip_requirements`` is added.
    project : path or None
        The folder of ``uv.lock``.
    groups, extras : list of str, optional
        Groups of dependencies, and optional dependencies.

    Raises
    ------
    InvalidParameterError
        If uv cannot read it.
    """
    if not project:
        if groups or extras:
            warn("uv_groups= and uv_extras= have no effect without uv_project_path=.")
        return
    if not (Path(project) / "uv.lock").is_file():
        warn(f"There is no uv.lock in {str(project)!r} (in {Path.cwd()}): it is left out.")
        return
    if any(options.get(name) is not None for name in ("pip_requirements", "conda_env")):
        return
    uv = shutil.which("uv")
    if uv is None:
        warn("uv is not installed here: the requirements are those that the model is found to have")
        return
    chosen = [word for name in groups or () for word in ("--group", name)]
    chosen += [word for name in extras or () for word in ("--extra", name)]
    done = subprocess.run(
        [uv, "export", "--frozen", "--no-hashes", "--no-dev", "--no-emit-project", *chosen],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InvalidParameterError(f"uv cannot export {str(project)!r}: {done.stderr.strip()}")
    lines = (line.partition("#")[0].strip() for line in done.stdout.splitlines())
    options["pip_requirements"] = [line for line in lines if line]


def read_requirements(folder: Path) -> list[str]:
    """Return the lines of a model's requirements.txt; none where it has no such file."""
    file = folder / REQUIREMENTS
    return _read(file) if file.is_file() else []


def with_requirements(text: str, lines: list[str]) -> str:
    """Return the text of a conda environment with other requirements for pip."""
    import yaml

    conda = read_yaml(text, CONDA)
    if not isinstance(conda, dict):
        raise InvalidParameterError(f"{CONDA} of the model is no conda environment.")
    packages = [p for p in conda.get("dependencies") or [] if not isinstance(p, Mapping)]
    conda["dependencies"] = [*packages, {"pip": lines}] if lines else packages
    return str(yaml.safe_dump(conda, sort_keys=False))


def name_of(line: str) -> str:
    """Return the name of the package that a line of requirements is about, as pip compares it."""
    match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line)
    return re.sub(r"[-_.]+", "-", match.group(1)).lower() if match else line.strip()


def _lines(given: Given, constraints: list[str]) -> list[str]:
    """Return lines of requirements; what constrains them is put aside."""
    if given is None:
        return []
    if isinstance(given, str | os.PathLike):
        file = Path(given)
        if not file.is_file():
            raise NotFoundError(
                f"There is no requirements file {str(given)!r} (in {Path.cwd()}). Single "
                "requirements are passed as a list: pip_requirements=['torch==2.9']."
            )
        return _resolved(_read(file), file.parent, constraints)
    return _resolved(list(given), Path(), constraints)


def _resolved(lines: list[str], folder: Path, constraints: list[str]) -> list[str]:
    found = []
    for line in map(str, lines):
        match = re.match(r"\s*(-r|--requirement|-c|--constraint)[\s=]+(\S+)", line)
        if match is None:
            found.append(line.strip())
            continue
        file = folder / match.group(2)
        if not file.is_file():
            raise NotFoundError(f"{line!r} names a file that does not exist ({file}).")
        if match.group(1) in ("-c", "--constraint"):
            constraints += _read(file)
        else:
            found += _resolved(_read(file), file.parent, constraints)
    return [line for line in found if line]


def _read(file: Path) -> list[str]:
    text = file.read_text("utf-8").replace("\\\n", "")
    lines = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in text.splitlines())
    return [line for line in lines if line]


def _over(lines: list[str], extra: list[str]) -> list[str]:
    named = {name_of(line) for line in extra}
    return [line for line in lines if name_of(line) not in named] + extra


def _conda_of(lines: list[str]) -> dict[str, Any]:
    packages: list[Any] = [f"python={platform.python_version()}", "pip"]
    if lines:
        packages.append({"pip": lines})
    return {"channels": ["conda-forge"], "dependencies": packages, "name": "mlflow-env"}


def _conda(given: str | os.PathLike[str] | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return dict(given)
    if not Path(given).is_file():
        raise NotFoundError(f"There is no conda environment {str(given)!r} (in {Path.cwd()}).")
    found = read_yaml(Path(given).read_bytes(), str(given))
    if not isinstance(found, dict):
        raise InvalidParameterError(f"{str(given)!r} is no conda environment.")
    return found


def _pip_of(conda: Mapping[str, Any]) -> list[str]:
    packages = conda.get("dependencies") or []
    groups = [package["pip"] for package in packages if isinstance(package, Mapping)]
    return [str(line) for group in groups for line in group]


def _build_tools() -> list[str]:
    found = []
    for name in ("pip", "setuptools", "wheel"):
        try:
            found.append(f"{name}=={metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(name)
    return found
