"""A project as its folder says it is: ``MLproject``, or what lies in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nbtrack.errors import InvalidParameterError, ProjectError
from nbtrack.projects.entry_points import EntryPoint, Parameter, script, scripts_in
from nbtrack.untrusted_files import read_yaml

EnvironmentKind = Literal["none", "python", "conda", "docker", "uv"]
_KEYS = {"python_env": "python", "conda_env": "conda", "docker_env": "docker"}


@dataclass(frozen=True)
class Project:
    """A project.

    Attributes
    ----------
    folder : Path
    name : str
        Empty where the file gives none.
    entry_points : dict of str to EntryPoint
    environment : {"none", "python", "conda", "docker", "uv"}
        What it says its environment is.
    environment_file : Path or None
        The file that describes it.
    """

    folder: Path
    name: str = ""
    entry_points: dict[str, EntryPoint] = field(default_factory=dict)
    environment: EnvironmentKind = "none"
    environment_file: Path | None = None

    def entry_point(self, name: str) -> EntryPoint:
        """Return an entry point: a declared one, or a script or notebook of the folder.

        Raises
        ------
        ProjectError
            If there is none; the message has those that there are.
        """
        if name in self.entry_points:
            return self.entry_points[name]
        found = script(name)
        if found is not None and (self.folder / name).is_file():
            return found
        known = list(self.entry_points) or scripts_in(self.folder)
        there = f"There are: {', '.join(known)}." if known else "There is nothing it could run."
        raise ProjectError(
            f"The project {self.folder} has no entry point {name!r}. {there} "
            "Choose one with -e, or name a script or notebook.",
            "RESOURCE_DOES_NOT_EXIST",
        )


def read_project(folder: Path) -> Project:
    """Return the project of a folder.

    Raises
    ------
    ProjectError
        If its ``MLproject`` cannot be understood.
    """
    file = next((p for p in sorted(folder.iterdir()) if p.name.lower() == "mlproject"), None)
    content = {} if file is None else _read(file)
    points = content.get("entry_points") or {}
    if not isinstance(points, Mapping):
        raise _error(file, "entry_points is no mapping of names to entry points")
    kind, place = _environment(folder, file, content)
    return Project(
        folder,
        str(content.get("name") or ""),
        {str(name): _entry_point(file, str(name), point) for name, point in points.items()},
        kind,
        place,
    )


def _read(file: Path) -> Mapping[str, Any]:
    try:
        content = read_yaml(file.read_bytes(), file.name)
    except InvalidParameterError as error:
        raise _error(file, error.message) from error
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise _error(file, "it is no mapping")
    return content


def _entry_point(file: Path | None, name: str, point: Any) -> EntryPoint:
    if not isinstance(point, Mapping) or not isinstance(point.get("command"), str):
        raise _error(file, f"the entry point {name!r} has no command")
    declared = point.get("parameters") or {}
    if not isinstance(declared, Mapping):
        raise _error(file, f"the parameters of {name!r} are no mapping of names to types")
    parameters = {str(key): Parameter.of(str(key), value) for key, value in declared.items()}
    return EntryPoint(name, point["command"].strip(), parameters)


def _environment(
    folder: Path, file: Path | None, content: Mapping[str, Any]
) -> tuple[EnvironmentKind, Path | None]:
    named = [key for key in _KEYS if content.get(key)]
    if len(named) > 1:
        raise _error(file, f"it names several environments: {', '.join(named)}")
    if named == ["docker_env"]:
        return "docker", None
    if named:
        place = folder / str(content[named[0]])
        if not place.is_file():
            raise _error(file, f"{named[0]} names {content[named[0]]!r}, which is not there")
        return ("python" if named[0] == "python_env" else "conda"), place
    for kind, name in (("python", "python_env.yaml"), ("conda", "conda.yaml")):
        if (folder / name).is_file():
            return kind, folder / name  # type: ignore[return-value]
    if file is not None and (folder / "uv.lock").is_file():
        return "uv", folder / "pyproject.toml"
    return "none", None


def _error(file: Path | None, what: str) -> ProjectError:
    return ProjectError(f"The file {file} cannot be used: {what}.", "INVALID_PARAMETER_VALUE")
