"""Handles of asynchronous logging: logging is durable at once, nothing has to be awaited."""

from __future__ import annotations

from nbtrack.config import is_async_logging


class RunOperations:
    """The handle that ``synchronous=False`` asks for; what it stands for is done already."""

    def wait(self) -> None:
        """Return at once."""


def operation_handle(synchronous: bool | None) -> RunOperations | None:
    """Return a handle where one was asked for, by the call or for the whole process."""
    if synchronous is None:
        synchronous = not is_async_logging()
    return None if synchronous else RunOperations()
