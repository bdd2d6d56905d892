"""What is known of a project's run before anything is run."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtrack.errors import ProjectError
from nbtrack.projects import sources
from nbtrack.projects.entry_points import EntryPoint, script
from nbtrack.projects.environments import Environment, manager_for, open_environment
from nbtrack.projects.specification import Project, read_project

KERNEL = "ipykernel"


@dataclass(frozen=True)
class Plan:
    """All that is known before anything is run.

    Attributes
    ----------
    source : Source
    project : Project
    point : EntryPoint
    values : dict
        Of its params: texts, or what a notebook takes.
    notebook : Path or None
        A copy with the params set, where the entry point is a notebook.
    environment : Environment
    """

    source: sources.Source
    project: Project
    point: EntryPoint
    values: dict[str, Any]
    notebook: Path | None
    environment: Environment

    @property
    def command(self) -> str:
        """What is run: a command for the shell, or the path of a notebook."""
        return self.point.notebook or self.point.command_for(self.values)


def planned(
    source: sources.Source,
    entry_point: str,
    parameters: Mapping[str, Any],
    environment: str | Environment | None,
    storage_dir: str | os.PathLike[str] | None,
    held: contextlib.ExitStack,
) -> Plan:
    """Read a project, check the params, make its environment.

    Parameters
    ----------
    source : Source
    entry_point : str
    parameters : mapping
    environment : str, Environment or None
        One that is there, or what makes it, as `nbtrack.projects.run` takes it.
    storage_dir
        As `nbtrack.projects.run` takes it.
    held : contextlib.ExitStack
        Is given the folders that have to stay as long as the command runs.

    Raises
    ------
    ProjectError, MissingDependencyError
        If it cannot be run.
    """
    project = read_project(source.folder)
    if not isinstance(environment, Environment):
        environment = manager_for(project, environment)
    if source.file is not None:
        if entry_point not in ("main", source.file):
            raise ProjectError(
                f"{source.name} is one file; leave the entry point {entry_point!r} out, or name "
                "its folder.",
                "INVALID_PARAMETER_VALUE",
            )
        point = script(source.file)
        assert point is not None  # noqa: S101  sources let no other file through
    else:
        point = project.entry_point(entry_point)
    storage = Path(storage_dir) if storage_dir is not None else None
    if storage is None and any(known.kind == "path" for known in point.parameters.values()):
        storage = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="nbtrack-params-")))
    values = point.values(parameters, project.folder, storage)
    notebook = None
    if point.notebook is not None:
        place = held.enter_context(tempfile.TemporaryDirectory(prefix="nbtrack-notebook-"))
        notebook = Path(place, Path(point.notebook).name)
        given = {name: parameters.get(name, value) for name, value in values.items()}
        values = _filled(project.folder / point.notebook, notebook, given)
    if isinstance(environment, str):
        extra = [KERNEL] if point.notebook is not None else []
        environment = open_environment(project, environment, _tell, extra)
    return Plan(source, project, point, values, notebook, environment)


def _filled(notebook: Path, copy: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Write a copy of a notebook with values set; return them as the notebook takes them."""
    from nbtrack.projects.notebook import read_notebook
    from nbtrack.projects.notebook_params import set_params, typed

    found = read_notebook(notebook)
    literals = typed(values, found)
    set_params(found, literals)
    copy.write_text(json.dumps(found), "utf-8")
    return literals


def _tell(text: str) -> None:
    sys.stderr.write(f"nbtrack: {text}\n")
    sys.stderr.flush()
