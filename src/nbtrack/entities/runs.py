"""Experiments, runs and what belongs to them."""

from __future__ import annotations

from dataclasses import field
from types import SimpleNamespace
from typing import Any, ClassVar

from nbtrack.entities.base import Entity, entity, named, numbered
from nbtrack.entities.run_data import RunData
from nbtrack.entities.shown import plain_tags

# Tags of runs that have a meaning: those of MLflow, and our own.
RUN_NAME = "mlflow.runName"
NOTE = "mlflow.note.content"
PARENT = "mlflow.parentRunId"
USER = "mlflow.user"
SOURCE_NAME = "mlflow.source.name"
SOURCE_TYPE = "mlflow.source.type"
GIT_COMMIT = "mlflow.source.git.commit"
GIT_BRANCH = "mlflow.source.git.branch"
GIT_REPO_URL = "mlflow.source.git.repoURL"
GIT_DIRTY = "mlflow.source.git.dirty"
DATA_CONTEXT = "mlflow.data.context"  # of a dataset that a run uses
ERROR_TAG = "nbtrack.error"
TRACEBACK_FILE = "traceback.txt"  # among the artifacts
CELL_TAG = "nbtrack.cell.number"
HOST = "nbtrack.host"
GRID_TAG = "nbtrack.grid"
BEST_TAG = "nbtrack.grid.best"
STOP_TAG = "nbtrack.grid.stop"  # on a grid: the run that goes on may end, no other is started
ARCHIVED = "nbtrack.archived"
KEPT = "nbtrack.kept"
REPRODUCED = "nbtrack.reproduced"  # yes, no or failed: what came of running it again
VERDICT = "nbtrack.reproduced.verdict"  # the same with its date, as JSON
RERUN = "nbtrack.rerun"  # how far running it again has come, as JSON
WARNINGS = "nbtrack.warnings"  # why it may not repeat: kinds, such as "hidden state"
RESUMED = "nbtrack.resumed"  # how many other processes have gone on with the run
RERUN_OF = "nbtrack.rerun_of"  # on a variation: the run whose cells made it


class LifecycleStage:
    """Whether an experiment or a run was deleted."""

    ACTIVE = "active"
    DELETED = "deleted"


def _unless_active(stage: str) -> str | None:
    return None if stage == LifecycleStage.ACTIVE else stage


class ViewType:
    """Which lifecycle stages a search looks at.

    Examples
    --------
    >>> from nbtrack.entities import ViewType
    >>> ViewType.to_string(ViewType.ALL), ViewType.from_string("deleted_only")
    ('all', 2)
    >>> nbtrack.search_runs(run_view_type=ViewType.DELETED_ONLY, output_format="list")
    []
    """

    ACTIVE_ONLY = 1
    DELETED_ONLY = 2
    ALL = 3

    _NAMES: ClassVar[dict[int, str]] = {1: "active_only", 2: "deleted_only", 3: "all"}

    @classmethod
    def to_string(cls, view_type: int) -> str:
        """Return the name of a view type, such as ``"active_only"``.

        Parameters
        ----------
        view_type : int
            One of the constants.
        """
        return named(cls._NAMES, view_type, "view type")

    @classmethod
    def from_string(cls, view_str: str) -> int:
        """Return the view type of a name.

        Parameters
        ----------
        view_str : {"active_only", "deleted_only", "all"}
            The name.
        """
        return numbered(cls._NAMES, view_str, "view type")


class SourceType:
    """Values of the tag ``mlflow.source.type``."""

    NOTEBOOK = "NOTEBOOK"
    JOB = "JOB"
    PROJECT = "PROJECT"
    LOCAL = "LOCAL"
    UNKNOWN = "UNKNOWN"


class RunStatus:
    """Status of a run: numbers as in MLflow's protocol, and their names.

    Examples
    --------
    >>> from nbtrack.entities import RunStatus
    >>> RunStatus.to_string(3), RunStatus.from_string("FAILED"), RunStatus.is_terminated("RUNNING")
    ('FINISHED', 4, False)
    >>> len(RunStatus.all_status())
    6
    """

    RUNNING = 1
    SCHEDULED = 2
    FINISHED = 3
    FAILED = 4
    KILLED = 5
    INTERRUPTED = 6

    _NAMES: ClassVar[dict[int, str]] = {
        1: "RUNNING",
        2: "SCHEDULED",
        3: "FINISHED",
        4: "FAILED",
        5: "KILLED",
        6: "INTERRUPTED",
    }

    @classmethod
    def to_string(cls, status: int) -> str:
        """Return the name of a status number.

        Parameters
        ----------
        status : int
            As in MLflow's protocol.
        """
        return named(cls._NAMES, status, "run status")

    @classmethod
    def from_string(cls, status_str: str) -> int:
        """Return the number of a status name.

        Parameters
        ----------
        status_str : str
            Such as ``"FINISHED"``.
        """
        return numbered(cls._NAMES, status_str, "run status")

    @classmethod
    def is_terminated(cls, status: int | str) -> bool:
        """Return whether a run with this status has ended.

        Parameters
        ----------
        status : int or str
            The number or the name.
        """
        name = status if isinstance(status, str) else cls._NAMES[status]
        return name not in ("RUNNING", "SCHEDULED")

    @classmethod
    def all_status(cls) -> list[int]:
        """Return every status number."""
        return list(cls._NAMES)


@entity
class ExperimentTag(Entity):
    """A tag of an experiment."""

    key: str
    value: str


@entity
class Experiment(Entity):
    """A named group of runs."""

    experiment_id: str
    name: str
    artifact_location: str | None = None
    lifecycle_stage: str = LifecycleStage.ACTIVE
    tags: dict[str, str] = field(default_factory=dict)
    creation_time: int | None = None
    last_update_time: int | None = None

    def _shown(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "experiment_id": self.experiment_id,
            "tags": plain_tags(self.tags),
            "lifecycle_stage": _unless_active(self.lifecycle_stage),
            "creation_time": self.creation_time,
            "artifact_location": self.artifact_location,
        }


@entity
class InputTag(Entity):
    """A tag of an input of a run, such as ``mlflow.data.context``."""

    key: str
    value: str


@entity
class Dataset(Entity):
    """A dataset as it is stored: ``source``, ``schema``, ``profile`` are JSON texts."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None


@entity
class DatasetInput(Entity):
    """A dataset that a run has read, with the tags of that use."""

    dataset: Dataset
    tags: list[InputTag] = field(default_factory=list)

    def to_dictionary(self) -> dict[str, Any]:
        """Return the dataset, and the tags as a dictionary."""
        tags = {tag.key: tag.value for tag in self.tags}
        return {"dataset": self.dataset.to_dictionary(), "tags": tags}


@entity
class LoggedModelInput(Entity):
    """A logged model that a run has read."""

    model_id: str


@entity
class LoggedModelOutput(Entity):
    """A logged model that a run has made."""

    model_id: str
    step: int = 0


@entity
class RunInfo(Entity):
    """What a run is, apart from what was logged to it."""

    run_id: str
    experiment_id: str
    run_name: str
    user_id: str
    status: str
    start_time: int
    end_time: int | None
    lifecycle_stage: str
    artifact_uri: str

    @property
    def run_uuid(self) -> str:
        """The old name of ``run_id``."""
        return self.run_id

    def to_proto(self) -> SimpleNamespace:
        """Return the fields as attributes; the status is its number."""
        number = RunStatus.from_string(self.status)
        return SimpleNamespace(**{**vars(self), "run_uuid": self.run_id, "status": number})


@entity
class RunInputs(Entity):
    """The datasets and models that a run has read."""

    dataset_inputs: list[DatasetInput] = field(default_factory=list)
    model_inputs: list[LoggedModelInput] = field(default_factory=list)

    def to_dictionary(self) -> dict[str, Any]:
        """Return the inputs as lists of dictionaries."""
        return {
            "model_inputs": [item.to_dictionary() for item in self.model_inputs],
            "dataset_inputs": [item.to_dictionary() for item in self.dataset_inputs],
        }


@entity
class RunOutputs(Entity):
    """The models that a run has made."""

    model_outputs: list[LoggedModelOutput] = field(default_factory=list)


@entity
class Run(Entity):
    """A run: ``info``, ``data``, ``inputs`` and ``outputs``."""

    info: RunInfo
    data: RunData
    inputs: RunInputs = field(default_factory=RunInputs)
    outputs: RunOutputs = field(default_factory=RunOutputs)

    def _shown(self) -> dict[str, Any]:
        names = ("run_name", "status", "run_id", "experiment_id")
        return {
            **{name: getattr(self.info, name) for name in names},
            "metrics": self.data.metrics,
            "params": self.data.params,
            "tags": plain_tags(self.data.tags),
            "note": self.data.tags.get(NOTE),
            "datasets": [item.dataset.name for item in self.inputs.dataset_inputs],
            "models": [item.model_id for item in self.outputs.model_outputs],
            "start_time": self.info.start_time,
            "end_time": self.info.end_time,
            "lifecycle_stage": _unless_active(self.info.lifecycle_stage),
        }

    def to_dictionary(self) -> dict[str, Any]:
        """Return the run as a dictionary of plain values.

        Examples
        --------
        >>> with nbtrack.start_run(run_name="baseline") as run:
        ...     pass
        >>> nbtrack.get_run(run.info.run_id).to_dictionary()["info"]["run_name"]
        'baseline'
        """
        return {
            "info": self.info.to_dictionary(),
            "data": self.data.to_dictionary(),
            "inputs": self.inputs.to_dictionary(),
            "outputs": self.outputs.to_dictionary(),
        }


@entity
class FileInfo(Entity):
    """A file or folder among the artifacts; ``path`` is relative to their root."""

    path: str
    is_dir: bool
    file_size: int | None = None
