"""``nbtrack run``: a project, a script or a notebook, as a run."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import click

from nbtrack.cli import options
from nbtrack.cli.command import Command, Exit
from nbtrack.cli.output import note, print_json, run_record
from nbtrack.cli.selection import pairs

_ENDING = {"FINISHED": Exit.OK, "KILLED": Exit.INTERRUPTED}
# also when the terminal is closed: the command runs in a session of its own and would go on
_ENDS = (signal.SIGTERM, *((signal.SIGHUP,) if sys.platform != "win32" else ()))


@click.command(cls=Command)
@click.argument("uri")
@click.option(
    "-e",
    "--entry-point",
    default="main",
    show_default=True,
    metavar="NAME",
    help="An entry point of the MLproject, or a script or notebook of the folder.",
)
@click.option("-v", "--version", help="A branch, tag or commit, where URI is a repository.")
@click.option(
    "-P", "--param-list", multiple=True, metavar="NAME=VALUE", help="A param; may be repeated."
)
@click.option("-A", "--docker-args", multiple=True, hidden=True)
@options.experiment_name(short=False)
@options.experiment_id()
@click.option(
    "-b", "--backend", default="local", show_default=True, help="Only 'local': on this machine."
)
@click.option("-c", "--backend-config", hidden=True)
@click.option(
    "--env-manager",
    type=click.Choice(["local", "uv", "virtualenv", "conda"]),
    help="What makes the environment; 'local' is this one. By default one is made for a project "
    "that describes it.",
)
@click.option("--no-conda", is_flag=True, help="The same as --env-manager local.")
@click.option("--storage-dir", help="Where params of the type path are downloaded to.")
@click.option("--run-id", metavar="RUN_ID", help="A run to go on with.")
@click.option("--run-name", help="By default a readable random one.")
@click.option("--build-image", is_flag=True, hidden=True)
@options.as_json()
def run(
    uri: str,
    entry_point: str,
    version: str | None,
    param_list: tuple[str, ...],
    docker_args: tuple[str, ...],
    experiment_name: str | None,
    experiment_id: str | None,
    backend: str,
    backend_config: str | None,
    env_manager: str | None,
    no_conda: bool,
    storage_dir: str | None,
    run_id: str | None,
    run_name: str | None,
    build_image: bool,
    as_json: bool,
) -> None:
    """Run a project, a script or a notebook; what it logs is a run.

    URI is a folder, with an MLproject file or without; a .py, .sh or .ipynb file; a .zip file; or a
    git repository. "#" and a path name a folder in it. In a notebook, -P sets the variables of the
    cell that is tagged "parameters", and the executed notebook is kept with the run.

    The exit status is 0 when the run has finished, 1 when it has failed, 130 when it was killed.
    """
    from nbtrack.api.runs import get_run
    from nbtrack.projects.launch import run as start

    for number in _ENDS:
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup means it
            signal.signal(number, _as_interrupt)
    started = start(
        uri,
        entry_point,
        version,
        pairs(param_list, "-P"),
        {"args": docker_args} if docker_args else None,
        experiment_name,
        experiment_id,
        backend,
        backend_config,
        storage_dir,
        synchronous=False,
        run_id=run_id,
        run_name=run_name,
        env_manager="local" if no_conda else env_manager,
        build_image=build_image,
    )
    try:
        started.wait()
    except KeyboardInterrupt:
        started.cancel()
    found = get_run(started.run_id)
    sys.stdout.flush()
    if as_json:
        print_json(run_record(found))
    else:
        note(f"run {found.info.run_name} ({found.info.run_id}): {found.info.status}")
    raise click.exceptions.Exit(int(_ENDING.get(found.info.status, Exit.FAILED)))


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
