"""Options that several commands have; their names are those of MLflow's commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from nbtrack import variables
from nbtrack.cli import completion

F = TypeVar("F", bound=Callable[..., Any])
Decorator = Callable[[F], F]

VIEWS = ("active_only", "deleted_only", "all")


def as_json() -> Decorator[Any]:
    """Return the option ``--json``."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print JSON; the documentation of the command line has its keys.",
    )


def experiment_id(*, required: bool = False, multiple: bool = False) -> Decorator[Any]:
    """Return the option ``--experiment-id``."""
    return click.option(
        "-x",
        "--experiment-id",
        required=required,
        multiple=multiple,
        shell_complete=completion.experiment_ids,
        help="The id of an experiment.",
    )


def experiment_name(
    *, short: bool = True, required: bool = False, multiple: bool = False
) -> Decorator[Any]:
    """Return the option ``--experiment-name``, by default with ``-n``."""
    return click.option(
        *(("-n",) if short else ()),
        "--experiment-name",
        required=required,
        multiple=multiple,
        shell_complete=completion.experiment_names,
        help="The name of an experiment.",
    )


def run_id(*, required: bool = True) -> Decorator[Any]:
    """Return the option ``--run-id``."""
    return click.option(
        "-r",
        "--run-id",
        required=required,
        shell_complete=completion.run_ids,
        help="The id of a run; its beginning or the run's name will do.",
    )


def view() -> Decorator[Any]:
    """Return the option ``--view``: what was deleted, or not."""
    return click.option(
        "-v",
        "--view",
        type=click.Choice(VIEWS, case_sensitive=False),
        default=VIEWS[0],
        show_default=True,
        help="Whether what was deleted is shown.",
    )


def view_number(name: str) -> int:
    """Return the view type of a name."""
    return VIEWS.index(name.lower()) + 1


def host(help: str) -> Decorator[Any]:
    """Return the option ``--host`` of a server."""
    return click.option(
        "-h",
        "--host",
        default="127.0.0.1",
        envvar=variables.HOST.names,
        show_default=True,
        help=help,
    )


def port(help: str, default: int | None = None) -> Decorator[Any]:
    """Return the option ``--port`` of a server."""
    return click.option(
        "-p",
        "--port",
        type=click.IntRange(0, 65535),
        default=default,
        envvar=variables.PORT.names,
        show_default=default is not None,
        help=help,
    )


def allowed_hosts() -> Decorator[Any]:
    """Return the option ``--allowed-hosts`` of a server, a list."""
    return click.option(
        "--allowed-hosts",
        metavar="NAMES",
        default="",
        envvar=variables.SERVER_ALLOWED_HOSTS.names,
        callback=lambda context, option, text: [n.strip() for n in text.split(",") if n.strip()],
        help="More names of this server, with commas between them.",
    )


def artifact_roots() -> Decorator[Any]:
    """Return the option ``--allow-artifact-root`` of a server, a tuple."""
    return click.option(
        "--allow-artifact-root",
        "artifact_roots",
        multiple=True,
        metavar="URI",
        help="A place of artifacts, beside the server's own, that clients may name and the page "
        "may show: a folder, s3://bucket/runs, or s3:// for all buckets. May be repeated; "
        f"{variables.ARTIFACT_ROOTS.name} has more, with commas.",
    )


def artifacts_destination() -> Decorator[Any]:
    """Return the option ``--artifacts-destination`` of what removes artifacts."""
    return click.option(
        "--artifacts-destination",
        metavar="URI",
        help="Where a server keeps the artifacts of this store, and nobody anything else: its "
        "--artifacts-destination or --default-artifact-root. What is deleted goes there too, and "
        "what belongs to no run once it is a week old.",
    )
