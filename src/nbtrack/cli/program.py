"""The commands, put together."""

from __future__ import annotations

import sys

import click

from nbtrack.cli.artifacts import artifacts
from nbtrack.cli.capsule import capsule, open_
from nbtrack.cli.command import Group, uri_option
from nbtrack.cli.compare import compare
from nbtrack.cli.completion import completion
from nbtrack.cli.doctor import doctor
from nbtrack.cli.experiments import experiments
from nbtrack.cli.init import init
from nbtrack.cli.interchange import export, import_
from nbtrack.cli.maintenance import compact_, gc, sync
from nbtrack.cli.models import models, trust
from nbtrack.cli.rerun import rerun
from nbtrack.cli.run import run
from nbtrack.cli.runs import runs
from nbtrack.cli.server import server
from nbtrack.cli.show import lineage, show
from nbtrack.cli.sql import sql
from nbtrack.cli.ui import ui


@click.group(
    cls=Group,
    params=[uri_option()],
    context_settings={"help_option_names": ["--help"], "max_content_width": 100},
)
@click.version_option(sys.modules["nbtrack"].__version__, prog_name="nbtrack")
def program() -> None:
    """Experiment tracking where experiments happen.

    Exit status: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 exists already or in the wrong
    state, 5 the store cannot be used now, 6 a package is missing, 130 interrupted.
    """


for _command in (
    run,
    rerun,
    ui,
    show,
    lineage,
    compare,
    runs,
    experiments,
    artifacts,
    models,
    trust,
    sql,
    server,
    init,
    import_,
    export,
    capsule,
    open_,
    sync,
    gc,
    compact_,
    doctor,
    completion,
):
    program.add_command(_command)
