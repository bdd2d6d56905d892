"""What the store gives back: frozen objects with MLflow's names and fields.

Times are milliseconds since the epoch (UTC). The attributes of every entity
are those of MLflow 3, see its REST API; ``RunStatus.INTERRUPTED`` is ours:
the owner of the run is gone and never said how the run ended.
"""

from __future__ import annotations

from nbtrack._names import look_elsewhere
from nbtrack.entities.base import Entity, PagedList
from nbtrack.entities.logged_models import (
    LoggedModel,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
)
from nbtrack.entities.model_registry import (
    ModelParam,
    ModelVersion,
    ModelVersionTag,
    RegisteredModel,
    RegisteredModelAlias,
    RegisteredModelTag,
)
from nbtrack.entities.run_data import Metric, Param, RunData, RunTag
from nbtrack.entities.runs import (
    Dataset,
    DatasetInput,
    Experiment,
    ExperimentTag,
    FileInfo,
    InputTag,
    LifecycleStage,
    LoggedModelInput,
    LoggedModelOutput,
    Run,
    RunInfo,
    RunInputs,
    RunOutputs,
    RunStatus,
    SourceType,
    ViewType,
)

look_elsewhere(__name__)
__all__ = [
    "Dataset",
    "DatasetInput",
    "Entity",
    "Experiment",
    "ExperimentTag",
    "FileInfo",
    "InputTag",
    "LifecycleStage",
    "LoggedModel",
    "LoggedModelInput",
    "LoggedModelOutput",
    "LoggedModelParameter",
    "LoggedModelStatus",
    "LoggedModelTag",
    "Metric",
    "ModelParam",
    "ModelVersion",
    "ModelVersionTag",
    "PagedList",
    "Param",
    "RegisteredModel",
    "RegisteredModelAlias",
    "RegisteredModelTag",
    "Run",
    "RunData",
    "RunInfo",
    "RunInputs",
    "RunOutputs",
    "RunStatus",
    "RunTag",
    "SourceType",
    "ViewType",
]
