"""What asynchronous logging calls answer: logging is durable at once, nothing has to be awaited."""

from __future__ import annotations

from nbtrack.config import env_flag


class RunOperations:
    """The handle that ``synchronous=False`` asks for; what it stands for is done already."""

    def wait(self) -> None:
        """Return at once."""


def done(synchronous: bool | None) -> RunOperations | None:
    """Return a handle where one was asked for, by the call or by the environment."""
    if synchronous is None:
        synchronous = not env_flag(
            "NBTRACK_ENABLE_ASYNC_LOGGING", "MLFLOW_ENABLE_ASYNC_LOGGING", default=False
        )
    return None if synchronous else RunOperations()
