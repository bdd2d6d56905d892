"""Logged models: what ``log_model`` has made, with its params, tags and metrics."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Any

from nbtrack.entities.base import Entity, entity
from nbtrack.entities.run_data import Metric


class LoggedModelStatus(StrEnum):
    """Whether the files of a logged model are all there.

    Examples
    --------
    >>> from nbtrack.entities import LoggedModelStatus
    >>> LoggedModelStatus.from_int(2), LoggedModelStatus.READY.to_int()
    (<LoggedModelStatus.READY: 'READY'>, 2)
    >>> LoggedModelStatus.is_finalized(LoggedModelStatus.PENDING)
    False
    """

    UNSPECIFIED = "UNSPECIFIED"
    PENDING = "PENDING"
    READY = "READY"
    FAILED = "FAILED"

    @staticmethod
    def from_int(status_int: int) -> LoggedModelStatus:
        """Return the status of a number of MLflow's protocol.

        Parameters
        ----------
        status_int : int
            The number.
        """
        return list(LoggedModelStatus)[status_int]

    def to_int(self) -> int:
        """Return the number of the status in MLflow's protocol."""
        return list(LoggedModelStatus).index(self)

    @staticmethod
    def is_finalized(status: LoggedModelStatus) -> bool:
        """Return whether nothing of the model is still to come.

        Parameters
        ----------
        status : LoggedModelStatus
            Of the model.
        """
        return status in (LoggedModelStatus.READY, LoggedModelStatus.FAILED)


@entity
class LoggedModelParameter(Entity):
    """A parameter of a logged model: written once, always text."""

    key: str
    value: str


@entity
class LoggedModelTag(Entity):
    """A tag of a logged model."""

    key: str
    value: str


@entity
class LoggedModel(Entity):
    """A model that was logged: where its files are, and what is known of it."""

    experiment_id: str
    model_id: str
    name: str
    artifact_location: str
    creation_timestamp: int
    last_updated_timestamp: int
    model_type: str | None = None
    source_run_id: str | None = None
    status: LoggedModelStatus = LoggedModelStatus.READY
    status_message: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: list[Metric] | None = None

    @property
    def model_uri(self) -> str:
        """The URI that loads it: ``models:/<model_id>``."""
        return f"models:/{self.model_id}"

    def to_dictionary(self) -> dict[str, Any]:
        """Return the model as plain values, the status as its number."""
        return {**super().to_dictionary(), "status": self.status.to_int()}
