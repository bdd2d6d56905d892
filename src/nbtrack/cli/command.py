"""What every command is: it knows ``--uri``, and its errors have an exit status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import click

from nbtrack.errors import (
    AlreadyExistsError,
    InvalidParameterError,
    InvalidStateError,
    MissingDependencyError,
    NbtrackError,
    NotFoundError,
    StoreError,
)

_URI = "nbtrack.uri"


class Exit(IntEnum):
    """The exit statuses of ``nbtrack``; docs/cli.md explains them to users."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4
    STORE = 5
    MISSING = 6
    INTERRUPTED = 130


_BY_ERROR: tuple[tuple[type[NbtrackError], Exit], ...] = (
    (InvalidParameterError, Exit.USAGE),
    (NotFoundError, Exit.NOT_FOUND),
    (AlreadyExistsError, Exit.CONFLICT),
    (InvalidStateError, Exit.CONFLICT),
    (MissingDependencyError, Exit.MISSING),
    (StoreError, Exit.STORE),
)
_BY_CODE = {
    "INVALID_PARAMETER_VALUE": Exit.USAGE,
    "BAD_REQUEST": Exit.USAGE,
    "RESOURCE_DOES_NOT_EXIST": Exit.NOT_FOUND,
    "RESOURCE_ALREADY_EXISTS": Exit.CONFLICT,
    "INVALID_STATE": Exit.CONFLICT,
}


def status_of(error: NbtrackError) -> Exit:
    """Return the exit status of an error that ends a command."""
    for kind, status in _BY_ERROR:
        if isinstance(error, kind):
            return status
    return _BY_CODE.get(error.error_code, Exit.FAILED)


class Refused(click.ClickException):
    """An error of nbtrack, as the command line says it."""

    def __init__(self, error: NbtrackError) -> None:
        super().__init__(str(error))
        self.exit_code = int(status_of(error))  # type: ignore[misc]  # as click's own do


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors into messages and exit statuses: the only seam where they meet."""
    try:
        yield
    except NbtrackError as error:
        raise Refused(error) from error
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        raise click.exceptions.Exit(int(Exit.INTERRUPTED)) from None


def _remember(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if value:
        context.meta[_URI] = value


def uri_option(*more: str) -> click.Option:
    """Return the option ``--uri``, which is also called as ``more`` says."""
    return click.Option(
        ["store_uri", "--uri", *more],
        metavar="URI",
        expose_value=False,
        is_eager=True,
        callback=_remember,
        help="The store: a file, a folder or a URI.  [default: NBTRACK_URI, MLFLOW_TRACKING_URI, "
        "or nbtrack.duckdb here or in a folder above]",
    )


def chosen_uri() -> str | None:
    """Return what ``--uri`` says, if it was given."""
    found: str | None = click.get_current_context().meta.get(_URI)
    return found


class Command(click.Command):
    """A command that works on a store.

    Parameters
    ----------
    uri_names : tuple of str
        More names of ``--uri``.
    """

    def __init__(self, *args: Any, uri_names: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(uri_option(*uri_names))

    def invoke(self, ctx: click.Context) -> Any:
        """Choose the store, run the command, say what went wrong."""
        with translated():
            if chosen_uri() is not None:
                from nbtrack.tracking import context

                context.set_uri(chosen_uri())
            return super().invoke(ctx)


class Group(click.Group):
    """A group of such commands; they are listed in the order in which they were added."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not any(isinstance(p, click.Option) and "--uri" in p.opts for p in self.params):
            self.params.append(uri_option())

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.commands)
