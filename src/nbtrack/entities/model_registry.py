"""The model registry: registered models, their versions, tags and aliases."""

from __future__ import annotations

from dataclasses import field
from typing import Any, ClassVar

from nbtrack._names import look_elsewhere
from nbtrack.entities.base import Entity, entity, named, numbered
from nbtrack.entities.logged_models import LoggedModelParameter as ModelParam
from nbtrack.entities.run_data import Metric

look_elsewhere(__name__)
__all__ = [
    "ModelParam",
    "ModelVersion",
    "ModelVersionStatus",
    "ModelVersionTag",
    "RegisteredModel",
    "RegisteredModelAlias",
    "RegisteredModelTag",
]


class ModelVersionStatus:
    """Status of a model version: numbers as in MLflow's protocol, and their names."""

    PENDING_REGISTRATION = 1
    FAILED_REGISTRATION = 2
    READY = 3

    _NAMES: ClassVar[dict[int, str]] = {
        1: "PENDING_REGISTRATION",
        2: "FAILED_REGISTRATION",
        3: "READY",
    }

    @classmethod
    def to_string(cls, status: int) -> str:
        """Return the name of a status number.

        Parameters
        ----------
        status : int
            As in MLflow's protocol.
        """
        return named(cls._NAMES, status, "model version status")

    @classmethod
    def from_string(cls, status_str: str) -> int:
        """Return the number of a status name.

        Parameters
        ----------
        status_str : str
            Such as ``"READY"``.
        """
        return numbered(cls._NAMES, status_str, "model version status")

    @classmethod
    def all_status(cls) -> list[int]:
        """Return every status number."""
        return list(cls._NAMES)


@entity
class RegisteredModelTag(Entity):
    """A tag of a registered model."""

    key: str
    value: str


@entity
class RegisteredModelAlias(Entity):
    """A name for one version of a registered model, such as ``champion``."""

    alias: str
    version: int


@entity
class ModelVersionTag(Entity):
    """A tag of a model version."""

    key: str
    value: str


@entity
class ModelVersion(Entity):
    """One version of a registered model; ``version`` counts from 1 and is never given twice."""

    name: str
    version: int
    creation_timestamp: int
    last_updated_timestamp: int | None = None
    description: str | None = None
    user_id: str | None = None
    current_stage: str | None = None
    source: str | None = None
    run_id: str | None = None
    status: str = "READY"
    status_message: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    run_link: str | None = None
    aliases: list[str] = field(default_factory=list)
    model_id: str | None = None
    params: list[ModelParam] | None = None
    metrics: list[Metric] | None = None
    deployment_job_state: None = None


@entity
class RegisteredModel(Entity):
    """A name in the registry, and the latest version of each of its stages."""

    name: str
    creation_timestamp: int | None = None
    last_updated_timestamp: int | None = None
    description: str | None = None
    latest_versions: list[ModelVersion] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    deployment_job_id: None = None
    deployment_job_state: None = None

    def _shown(self) -> dict[str, Any]:
        latest = [_version_and_stage(version) for version in self.latest_versions]
        return {**vars(self), "latest_versions": latest}


def _version_and_stage(version: Any) -> str:
    # what is shown never fails, whatever somebody has put there
    number, stage = (getattr(version, name, None) for name in ("version", "current_stage"))
    return f"{number} ({stage})" if stage and stage != "None" else str(number or version)
