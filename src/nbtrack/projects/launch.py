"""Running a project: its files, its environment, its run, its command."""

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

from nbtrack.errors import InvalidParameterError, ProjectError
from nbtrack.projects import sources
from nbtrack.projects.entry_points import EntryPoint, script
from nbtrack.projects.environments import Environment, manager_for, open_environment
from nbtrack.projects.process import Command, shell_words
from nbtrack.projects.specification import Project, read_project
from nbtrack.projects.submitted import SubmittedRun
from nbtrack.projects.tracking_server import TrackingServer
from nbtrack.store.store import Store
from nbtrack.tracking import context
from nbtrack.tracking import start as _start

KERNEL = "ipykernel"
# they would lead a script elsewhere than to its run, or to its server as somebody else
_NOT_PASSED_ON = {
    "NBTRACK_EXPERIMENT_NAME",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_TRACKING_AUTH",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_USERNAME",
}


def run(
    uri: str | os.PathLike[str],
    entry_point: str = "main",
    version: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    docker_args: Mapping[str, Any] | None = None,
    experiment_name: str | None = None,
    experiment_id: str | None = None,
    backend: str = "local",
    backend_config: Mapping[str, Any] | str | None = None,
    storage_dir: str | os.PathLike[str] | None = None,
    synchronous: bool = True,
    run_id: str | None = None,
    run_name: str | None = None,
    env_manager: str | None = None,
    build_image: bool = False,
    docker_auth: Mapping[str, Any] | None = None,
) -> SubmittedRun:
    """Run a project, a script or a notebook, as a run of its own.

    What it logs with nbtrack or with mlflow goes to this run.

    Parameters
    ----------
    uri : str or path
        A folder, with an ``MLproject`` file or without; a ``.py``, ``.sh`` or ``.ipynb`` file; a
        ``.zip`` file; a git repository. ``#`` and a path name a folder in it.
    entry_point : str
        One of the ``MLproject``, or a script or a notebook of the folder.
    version : str, optional
        A branch, tag or commit of a repository.
    parameters : mapping, optional
        Its params; those that are not declared follow the command as ``--name value``.
    experiment_name, experiment_id : str, optional
        By default the active experiment.
    backend : {"local"}
    storage_dir : path, optional
        Where files are downloaded to that params of the type ``path`` name by a URI; by default a
        temporary folder.
    synchronous : bool
        Whether to wait for the end.
    run_id : str, optional
        A run to go on with.
    run_name : str, optional
    env_manager : {"local", "uv", "virtualenv", "conda"}, optional
        By default an environment is made for a project that describes one, and other projects run
        in this one.
    docker_args, build_image, docker_auth, backend_config
        Of containers and other backends, and refused.

    Returns
    -------
    SubmittedRun

    Raises
    ------
    ProjectError
        If the project cannot be run, or, when waited for, its command has failed.
    """
    _refuse(docker_args, backend, backend_config, build_image, docker_auth)
    store = context.store()
    with contextlib.ExitStack() as held:
        source = held.enter_context(sources.opened(os.fspath(uri), version))
        plan = _plan(source, entry_point, parameters or {}, env_manager, storage_dir, held)
        if experiment_name is not None and experiment_id is not None:
            raise InvalidParameterError("Give experiment_name or experiment_id, not both.")
        if experiment_name is not None:
            experiment_id = _start.get_or_create_experiment(store, experiment_name)
        made = _make_run(store, plan, experiment_id, run_id, run_name)
        try:
            command = _begin(store, plan, made, held)
        except BaseException:
            from nbtrack.tracking.run import terminate

            terminate(store, made.run_id, "FAILED")
            raise
        submitted = SubmittedRun(store, made.run_id, command, held.pop_all())
    if synchronous and not submitted.wait():
        raise ProjectError(f"Run (ID '{made.run_id}') {_how(submitted.get_status())}")
    return submitted


def _how(status: str) -> str:
    return "was killed" if status == "KILLED" else "failed"


@dataclass(frozen=True)
class _Plan:
    """All that is known before anything is run."""

    source: sources.Source
    project: Project
    point: EntryPoint
    values: dict[str, Any]
    notebook: Path | None
    environment: Environment


@dataclass(frozen=True)
class _Made:
    run_id: str
    experiment_id: str


def _refuse(
    docker_args: object, backend: str, backend_config: object, build_image: bool, auth: object
) -> None:
    if backend != "local":
        raise InvalidParameterError(
            f"backend={backend!r}: nbtrack runs projects on this machine; leave it out, or say "
            "'local'."
        )
    if docker_args or build_image or auth:
        raise InvalidParameterError(
            "docker_args, build_image and docker_auth are for containers, which nbtrack does not "
            "start. Run it inside of one with env_manager='local'."
        )
    if backend_config:
        raise InvalidParameterError("The local backend has no backend_config; leave it out.")


def _plan(
    source: sources.Source,
    entry_point: str,
    parameters: Mapping[str, Any],
    env_manager: str | None,
    storage_dir: str | os.PathLike[str] | None,
    held: contextlib.ExitStack,
) -> _Plan:
    project = read_project(source.folder)
    manager = manager_for(project, env_manager)
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
    extra = [KERNEL] if point.notebook is not None else []
    environment = open_environment(project, manager, _tell, extra)
    return _Plan(source, project, point, values, notebook, environment)


def _filled(notebook: Path, copy: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Write a copy of a notebook with values set; return them as the notebook takes them."""
    from nbtrack.projects.notebook import read_notebook
    from nbtrack.projects.notebook_params import set_params, typed

    found = read_notebook(notebook)
    literals = typed(values, found)
    set_params(found, literals)
    copy.write_text(json.dumps(found), "utf-8")
    return literals


def _make_run(
    store: Store, plan: _Plan, experiment_id: str | None, run_id: str | None, name: str | None
) -> _Made:
    from nbtrack.tracking import run as runs

    tags = _tags(plan)
    if run_id is not None:
        info, writer, _ = runs.resume(store, run_id, experiment_id)
        writer.set_tags({**tags, **({"mlflow.runName": name} if name else {})})
    else:
        if experiment_id is None:
            experiment_id = _start.active_experiment_id(store)
        parent = context.own()
        if parent is not None:
            tags["mlflow.parentRunId"] = parent.info.run_id
        info, writer = runs.create(store, str(experiment_id), run_name=name, tags=tags)
    writer.log_params(plan.values)
    return _Made(info.run_id, info.experiment_id)


def _tags(plan: _Plan) -> dict[str, str]:
    from nbtrack.tracking.environment import quick_tags
    from nbtrack.tracking.git import git_state
    from nbtrack.tracking.home import shorten

    known = quick_tags()
    state = git_state(plan.project.folder)
    git = {} if state is None else state.tags()
    if plan.source.cloned:
        # the copy knows no branch, and its remote is where it was fetched from
        git.pop("mlflow.source.git.branch", None)
        git.pop("mlflow.source.git.dirty", None)
    if plan.source.version is not None:
        git.setdefault("mlflow.source.git.branch", plan.source.version)
    return {
        **known,
        **git,
        "mlflow.source.name": shorten(plan.source.name),
        "mlflow.source.type": "PROJECT",
        "mlflow.project.entryPoint": plan.point.name,
        "mlflow.project.env": plan.environment.manager,
        "mlflow.project.backend": "local",
        "nbtrack.project.command": _shown(plan),
    }


def _shown(plan: _Plan) -> str:
    if plan.point.notebook is not None:
        return plan.point.notebook
    return plan.point.command_for(plan.values)


def _begin(store: Store, plan: _Plan, made: _Made, held: contextlib.ExitStack) -> Command:
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    variables = {
        **inherited,
        **_joining(store, made),
        **_address(store, held),
        **plan.environment.variables,
    }
    if plan.notebook is None:
        words = shell_words(plan.point.command_for(plan.values))
        return Command(words, plan.project.folder, variables)
    original = plan.project.folder / str(plan.point.notebook)
    words = [
        sys.executable,
        "-m",
        "nbtrack.projects.notebook",
        str(plan.notebook),
        "--name",
        original.name,
        "--folder",
        str(original.parent),
        "--run-id",
        made.run_id,
        "--python",
        plan.environment.python,
    ]
    return Command(words, plan.project.folder, variables)


def _joining(store: Store, made: _Made) -> dict[str, str]:
    """Return the variables by which a process joins the run, with nbtrack or with mlflow.

    Runs that it starts beside that one belong under it.
    """
    text = os.environ.get("MLFLOW_RUN_CONTEXT", "")
    try:
        known = json.loads(text) if text else {}
    except ValueError:
        known = {}
    known = known if isinstance(known, dict) else {}
    return {
        "NBTRACK_URI": store.uri,
        "NBTRACK_REGISTRY_URI": context.registry().uri,
        "NBTRACK_RUN_ID": made.run_id,
        "NBTRACK_EXPERIMENT_ID": made.experiment_id,
        "MLFLOW_RUN_ID": made.run_id,
        "MLFLOW_EXPERIMENT_ID": made.experiment_id,
        "MLFLOW_RUN_CONTEXT": json.dumps({**known, "mlflow.parentRunId": made.run_id}),
    }


def _address(store: Store, held: contextlib.ExitStack) -> dict[str, str]:
    """Return the variables by which the real mlflow finds the store, as long as the run goes on."""
    if os.name == "nt":  # sockets are not passed on there
        return {"MLFLOW_TRACKING_URI": store.uri}
    server = TrackingServer(store.uri, context.registry().uri)
    held.callback(server.close)
    return server.variables()


def _tell(text: str) -> None:
    sys.stderr.write(f"nbtrack: {text}\n")
    sys.stderr.flush()
