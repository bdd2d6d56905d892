"""What an environment of Python has to have: ``python_env.yaml`` or ``requirements.txt``."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from nbtrack.errors import InvalidParameterError, ProjectError
from nbtrack.untrusted_files import read_yaml

_LOCAL = re.compile(r"^(-e\b|--editable|\.|/|~|file:)|@\s*file:")


@dataclass(frozen=True)
class Requirements:
    """The packages of an environment.

    Attributes
    ----------
    folder : Path
        Where relative paths in them start.
    python : str or None
        Such as ``3.11`` or ``3.11.4``; None for the one that nbtrack runs in.
    build : list of str
        Installed before the others.
    packages : list of str
        Lines of a requirements file.
    """

    folder: Path
    python: str | None = None
    build: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)

    @property
    def is_local(self) -> bool:
        """Whether something of this machine is among them, which may change at any time."""
        return any(_LOCAL.search(line.strip()) for line in self.packages)

    def digest(self, manager: str) -> str:
        """Return what tells this environment from others, with what the named files hold."""
        parts = [manager, self.python or "", *self.build, "", *self.packages]
        for line in self.packages:
            found = re.match(r"^(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)", line.strip())
            file = self.folder / found.group(1) if found else None
            if file is not None and file.is_file():
                parts.append(file.read_text("utf-8", "replace"))
        if self.is_local:
            parts.append(str(self.folder))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def read_requirements(folder: Path, file: Path | None) -> Requirements:
    """Return what an environment has to have.

    Parameters
    ----------
    folder : Path
        The project.
    file : Path or None
        A ``python_env.yaml``, or a text of requirements; by default ``requirements.txt`` of the
        folder, and nothing at all where there is none.

    Raises
    ------
    ProjectError
        If the file cannot be understood.
    """
    if file is None:
        file = folder / "requirements.txt"
        if not file.is_file():
            return Requirements(folder)
    if file.suffix == ".txt":
        return Requirements(folder, packages=[f"-r {file}"])
    try:
        content = read_yaml(file.read_bytes(), file.name) or {}
        python = content.get("python")
        return Requirements(
            file.parent,
            None if python is None else str(python),
            [str(line) for line in content.get("build_dependencies") or []],
            [str(line) for line in content.get("dependencies") or []],
        )
    except (InvalidParameterError, AttributeError, TypeError) as error:
        raise ProjectError(
            f"The environment file {file} cannot be used: {error}. It has the keys python, "
            "build_dependencies and dependencies.",
            "INVALID_PARAMETER_VALUE",
        ) from error
