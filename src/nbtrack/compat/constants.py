"""MLflow's constants: limits, stages, error codes, tags, variables of the environment."""

from __future__ import annotations

import os
from typing import Any

from nbtrack import validation as limits
from nbtrack.errors import ERROR_NUMBERS
from nbtrack.protocol.endpoints import PROTOCOL_VERSION as VERSION
from nbtrack.variables import ALL

__all__ = ["VERSION"]

MAX_ENTITY_KEY_LENGTH = limits.MAX_KEY
MAX_PARAM_VAL_LENGTH = limits.MAX_PARAM_VALUE
MAX_TAG_VAL_LENGTH = limits.MAX_TAG_VALUE
MAX_EXPERIMENT_NAME_LENGTH = limits.MAX_EXPERIMENT_NAME
MAX_EXPERIMENT_TAG_KEY_LENGTH = limits.MAX_KEY
MAX_EXPERIMENT_TAG_VAL_LENGTH = limits.MAX_EXPERIMENT_TAG_VALUE
MAX_DATASET_NAME_SIZE = limits.MAX_DATASET_NAME
MAX_DATASET_DIGEST_SIZE = limits.MAX_DATASET_DIGEST
MAX_ENTITIES_PER_BATCH = limits.MAX_BATCH
MAX_METRICS_PER_BATCH = limits.MAX_BATCH
MAX_PARAMS_TAGS_PER_BATCH = limits.MAX_BATCH_PARAMS
MAX_MODEL_REGISTRY_TAG_KEY_LENGTH = limits.MAX_KEY
MAX_MODEL_REGISTRY_TAG_VALUE_LENGTH = limits.MAX_REGISTRY_TAG_VALUE
MAX_REGISTERED_MODEL_ALIAS_LENGTH = limits.MAX_ALIAS
SEARCH_MAX_RESULTS_DEFAULT = 1000
SEARCH_MAX_RESULTS_THRESHOLD = limits.MAX_SEARCH_RESULTS

ALL_STAGES = list(limits.ALL_STAGES)
STAGE_NONE, STAGE_STAGING, STAGE_PRODUCTION, STAGE_ARCHIVED = limits.ALL_STAGES

MLFLOW_ARTIFACT_LOCATION = "mlflow.artifactLocation"
MLFLOW_AUTOLOGGING = "mlflow.autologging"
MLFLOW_DATASET_CONTEXT = "mlflow.data.context"
MLFLOW_DOCKER_IMAGE_ID = "mlflow.docker.image.id"
MLFLOW_DOCKER_IMAGE_URI = "mlflow.docker.image.uri"
MLFLOW_GIT_BRANCH = "mlflow.source.git.branch"
MLFLOW_GIT_COMMIT = "mlflow.source.git.commit"
MLFLOW_GIT_DIRTY = "mlflow.source.git.dirty"
MLFLOW_GIT_DIFF = "mlflow.source.git.diff"
MLFLOW_GIT_REPO_URL = "mlflow.source.git.repoURL"
MLFLOW_LOGGED_ARTIFACTS = "mlflow.loggedArtifacts"
MLFLOW_LOGGED_IMAGES = "mlflow.loggedImages"
MLFLOW_LOGGED_MODELS = "mlflow.log-model.history"
MLFLOW_MODEL_IS_EXTERNAL = "mlflow.model.isExternal"
MLFLOW_MODEL_VERSIONS = "mlflow.modelVersions"
MLFLOW_PARENT_RUN_ID = "mlflow.parentRunId"
MLFLOW_PROJECT_BACKEND = "mlflow.project.backend"
MLFLOW_PROJECT_ENTRY_POINT = "mlflow.project.entryPoint"
MLFLOW_PROJECT_ENV = "mlflow.project.env"
MLFLOW_RUN_NAME = "mlflow.runName"
MLFLOW_RUN_NOTE = "mlflow.note.content"
MLFLOW_RUN_SOURCE_TYPE = "mlflow.runSourceType"
MLFLOW_RUN_TYPE = "mlflow.runType"
MLFLOW_SOURCE_NAME = "mlflow.source.name"
MLFLOW_SOURCE_TYPE = "mlflow.source.type"
MLFLOW_USER = "mlflow.user"
MLFLOW_EXPERIMENT_PRIMARY_METRIC_NAME = "mlflow.experiment.primaryMetric.name"
MLFLOW_EXPERIMENT_PRIMARY_METRIC_GREATER_IS_BETTER = (
    "mlflow.experiment.primaryMetric.greaterIsBetter"
)
MLFLOW_EXPERIMENT_SOURCE_ID = "mlflow.experiment.sourceId"
MLFLOW_EXPERIMENT_SOURCE_TYPE = "mlflow.experiment.sourceType"

globals().update(ERROR_NUMBERS)


class ErrorCode:
    """Names and numbers, with the methods of protobuf's enumerations."""

    @staticmethod
    def Name(number: int) -> str:  # noqa: N802  protobuf's spelling
        """Return the name of a number.

        Parameters
        ----------
        number : int
        """
        return next(name for name, known in ERROR_NUMBERS.items() if known == number)

    @staticmethod
    def Value(name: str) -> int:  # noqa: N802
        """Return the number of a name.

        Parameters
        ----------
        name : str
        """
        return ERROR_NUMBERS[name]


class EnvironmentVariable:
    """A variable of the environment.

    Parameters
    ----------
    name : str
        Such as ``"MLFLOW_TRACKING_URI"``.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name

    def get(self) -> str | None:
        """Return the value, None if it is not set."""
        return os.environ.get(self.name)

    get_raw = get

    def set(self, value: Any) -> None:
        """Set it for this process and those that it starts.

        Parameters
        ----------
        value : object
            Kept as text.
        """
        os.environ[self.name] = str(value)

    def unset(self) -> None:
        """Remove it."""
        os.environ.pop(self.name, None)

    def is_set(self) -> bool:
        """Return whether it has a value."""
        return self.name in os.environ

    @property
    def defined(self) -> bool:
        """Whether it has a value."""
        return self.is_set()


globals().update({each.mlflow: EnvironmentVariable(each.mlflow) for each in ALL if each.mlflow})
