"""Running a project: its files, its environment, its run, its command.

``python -m nbtrack.projects.launch FILE`` runs one with the arguments that are in a file.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtrack.entities.runs import GIT_BRANCH, GIT_DIRTY, PARENT, RUN_NAME, SOURCE_NAME, SOURCE_TYPE
from nbtrack.errors import InvalidParameterError, NbtrackError, ProjectError
from nbtrack.projects import sources
from nbtrack.projects.environments import Environment
from nbtrack.projects.plan import Plan, planned
from nbtrack.projects.process import Command, shell_words, signals_held_back
from nbtrack.projects.record import ProjectRecord
from nbtrack.projects.submitted import SubmittedRun
from nbtrack.projects.variables import variables_for
from nbtrack.store import Store
from nbtrack.tracking import context
from nbtrack.tracking import start as _start


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
        Only this machine.
    storage_dir : path, optional
        Where files are downloaded to that params of the type ``path`` name by a URI; by default a
        temporary folder.
    synchronous : bool
        Whether to wait for the end.
    run_id : str, optional
        A run to go on with.
    run_name : str, optional
        By default a readable random one.
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

    Examples
    --------
    >>> from pathlib import Path
    >>> Path("project").mkdir()
    >>> _ = Path("project", "train.py").write_text("import nbtrack as nb; nb.log_metric('loss', 1)")
    >>> submitted = nbtrack.run("project", "train.py", env_manager="local")
    >>> submitted.wait(), submitted.get_status()
    (True, 'FINISHED')
    >>> nbtrack.get_run(submitted.run_id).data.metrics
    {'loss': 1.0}
    """
    _refuse(docker_args, backend, backend_config, build_image, docker_auth)
    if experiment_name is not None and experiment_id is not None:
        raise InvalidParameterError("Give experiment_name or experiment_id, not both.")
    submitted = _submit(
        uri, entry_point, version, parameters or {}, env_manager, storage_dir,
        (experiment_name, experiment_id), run_id, run_name,
    )  # fmt: skip
    if synchronous and not submitted.wait():
        raise ProjectError(f"Run (ID '{submitted.run_id}') {_how(submitted.get_status())}")
    return submitted


def _submit(
    uri: str | os.PathLike[str],
    entry_point: str,
    version: str | None,
    parameters: Mapping[str, Any],
    environment: str | Environment | None,
    storage_dir: str | os.PathLike[str] | None = None,
    experiment: tuple[str | None, str | None] = (None, None),
    run_id: str | None = None,
    run_name: str | None = None,
) -> SubmittedRun:
    """Start a project, in an environment that is there or of a kind to be made."""
    store = context.store()
    with contextlib.ExitStack() as held:
        source = held.enter_context(sources.opened(os.fspath(uri), version))
        plan = planned(source, entry_point, parameters, environment, storage_dir, held)
        name, experiment_id = experiment
        if name is not None:
            experiment_id = _start.get_or_create_experiment(store, name)
        made = _make_run(store, plan, experiment_id, run_id, run_name)
        submitted = None
        try:
            _keep_project(store, plan, made, parameters, held)
            with signals_held_back():  # a command that has started is always stopped by one
                command = _begin(store, plan, made, held)
                submitted = SubmittedRun(store, made.run_id, command, held.pop_all())
        except BaseException:
            if submitted is None:
                from nbtrack.tracking.start import terminate

                terminate(store, made.run_id, "FAILED")
            else:
                submitted.cancel()
            raise
        return submitted


def _keep_project(
    store: Store,
    plan: Plan,
    made: _Made,
    parameters: Mapping[str, Any],
    held: contextlib.ExitStack,
) -> None:
    """Keep what it takes to run the project again; a project that runs is more than its record."""

    def noted() -> None:
        try:
            record.note_written()
        except (NbtrackError, OSError) as error:
            store.warn_once(f"What run {made.run_id} has written is not known: {error}")

    try:
        record = ProjectRecord(store.writer(made.run_id), plan, parameters)
        record.keep()
    except (NbtrackError, OSError) as error:
        store.warn_once(f"The project of run {made.run_id} was not kept: {error}")
        return
    held.callback(noted)


def _how(status: str) -> str:
    return "was killed" if status == "KILLED" else "failed"


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


def _make_run(
    store: Store, plan: Plan, experiment_id: str | None, run_id: str | None, name: str | None
) -> _Made:
    from nbtrack.tracking import new_runs as runs

    tags = _tags(plan)
    if run_id is not None:
        info, writer, _ = runs.resume(store, run_id, experiment_id)
        _start.note_resumed(store, run_id)
        writer.set_tags({**tags, **({RUN_NAME: name} if name else {})})
    else:
        if experiment_id is None:
            experiment_id = _start.active_experiment_id(store)
        parent = context.own()
        if parent is not None:
            tags[PARENT] = parent.info.run_id
        info, writer = runs.create(store, str(experiment_id), run_name=name, tags=tags)
    writer.log_params(plan.values)
    return _Made(info.run_id, info.experiment_id)


def _tags(plan: Plan) -> dict[str, str]:
    from nbtrack.redaction.values import display_path
    from nbtrack.tracking.environment import quick_tags
    from nbtrack.tracking.git import git_state

    known = quick_tags()
    state = git_state(plan.project.folder)
    git = {} if state is None else state.tags()
    if plan.source.cloned:
        # the copy knows no branch, and its remote is where it was fetched from
        git.pop(GIT_BRANCH, None)
        git.pop(GIT_DIRTY, None)
    if plan.source.version is not None:
        git.setdefault(GIT_BRANCH, plan.source.version)
    return {
        **known,
        **git,
        SOURCE_NAME: display_path(plan.source.name),
        SOURCE_TYPE: "PROJECT",
        "mlflow.project.entryPoint": plan.point.name,
        "mlflow.project.env": plan.environment.manager,
        "mlflow.project.backend": "local",
        "nbtrack.project.command": _command_to_keep(plan),
    }


def _command_to_keep(plan: Plan) -> str:
    """Return the command without the params that are secrets."""
    from nbtrack.redaction.names import is_secret
    from nbtrack.redaction.secrets import HIDDEN, Secrets, is_wanted

    if not is_wanted() or plan.point.notebook:
        return plan.command
    values = {k: HIDDEN if is_secret(k, v) else v for k, v in plan.values.items()}
    return Secrets().text(plan.point.command_for(values))


def _begin(store: Store, plan: Plan, made: _Made, held: contextlib.ExitStack) -> Command:
    joining = variables_for(store, made.run_id, made.experiment_id, held)
    variables = {**joining, **plan.environment.variables}
    if plan.notebook is None:
        words = shell_words(plan.command)
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a project with arguments that are in a file; return 0, 1 if it fails, 2 if it cannot run.

    They may be values of any kind, and nobody else on the machine sees them.

    Parameters
    ----------
    arguments : sequence of str, optional
        The path of a JSON file with ``uri``, ``entry_point``, ``version``, ``parameters``,
        ``run_name`` and ``environment``: the name of a manager, null, or the attributes of an
        `Environment` that is there. By default the arguments of the process.
    """
    (path,) = sys.argv[1:] if arguments is None else arguments
    given = json.loads(Path(path).read_text("utf-8"))
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        environment = given.pop("environment")
        if isinstance(environment, dict):
            environment = Environment(**environment)
        started = _submit(**given, environment=environment)
    except NbtrackError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        return 0 if started.wait() else 1
    except KeyboardInterrupt:
        return 130


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
