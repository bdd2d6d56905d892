"""What a project can run: the entry points of its ``MLproject``, and its scripts and notebooks."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbtrack.errors import ProjectError
from nbtrack.projects.parameters import Parameter
from nbtrack.projects.templates import extra_words, fill_in

_PROGRAMS = {".py": "python", ".sh": "bash", ".R": "Rscript", ".r": "Rscript"}
NOTEBOOK = ".ipynb"
RUNNABLE = (*_PROGRAMS, NOTEBOOK)


@dataclass(frozen=True)
class EntryPoint:
    """One thing that a project can run.

    Attributes
    ----------
    name : str
    command : str
        With ``{name}`` where values belong; the path of a notebook for one.
    parameters : dict of str to Parameter
    """

    name: str
    command: str
    parameters: dict[str, Parameter] = field(default_factory=dict)

    @property
    def notebook(self) -> str | None:
        """The path of the notebook that it is, or None."""
        words = self.command.strip()
        return words if words.endswith(NOTEBOOK) and "{" not in words else None

    def values(
        self, given: Mapping[str, Any], folder: Path, storage: Path | None
    ) -> dict[str, str]:
        """Return the values of all parameters: declared ones in their order, then others.

        Raises
        ------
        ProjectError
            If one is missing, or not of its type.
        """
        missing = [
            name
            for name, known in self.parameters.items()
            if known.default is None and given.get(name) is None
        ]
        if missing:
            names = ", ".join(map(repr, missing))
            raise ProjectError(
                f"The entry point {self.name!r} needs values for: {names}. Give each with "
                f"-P NAME=VALUE.",
                "INVALID_PARAMETER_VALUE",
            )
        found = {}
        for name, known in self.parameters.items():
            value = given.get(name)
            value = known.default if value is None else value
            found[name] = known.value_of(value, folder, storage)
        return {**found, **{k: str(v) for k, v in given.items() if k not in found}}

    def command_for(self, values: Mapping[str, str]) -> str:
        """Return the command for a shell; what is not declared follows as ``--name value``."""
        filled = fill_in(self.command, values)
        extra = {k: v for k, v in values.items() if k not in self.parameters}
        named = {k for k in extra if f"{{{k}}}" in self.command}
        words = extra_words({k: v for k, v in extra.items() if k not in named})
        return f"{filled} {words}" if words else filled


def script(path: str) -> EntryPoint | None:
    """Return the entry point that a script or a notebook is, or None where it is none."""
    if path.endswith(NOTEBOOK):
        return EntryPoint(path, path)
    program = _PROGRAMS.get(Path(path).suffix)
    if program is None:
        return None
    # braces in a file's name are no places for values
    name = shlex.quote(path).replace("{", "{{").replace("}", "}}")
    return EntryPoint(path, f"{program} {name}")


def scripts_in(folder: Path) -> list[str]:
    """Return the scripts and notebooks that lie in a folder, for messages."""
    return sorted(p.name for p in folder.iterdir() if p.is_file() and p.suffix in RUNNABLE)
