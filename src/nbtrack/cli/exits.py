"""What the exit status of a command means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

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
