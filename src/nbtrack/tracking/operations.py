"""What asynchronous logging calls answer: logging is durable at once, nothing has to be awaited."""

from __future__ import annotations

from nbtrack.config import answers_with_handle


class RunOperations:
    """The handle that ``synchronous=False`` asks for; what it stands for is done already."""

    def wait(self) -> None:
        """Return at once."""


def done(synchronous: bool | None) -> RunOperations | None:
    """Return a handle where one was asked for, by the call or for the whole process."""
    if synchronous is None:
        synchronous = not answers_with_handle()
    return None if synchronous else RunOperations()
