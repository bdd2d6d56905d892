"""The interface of all sources of runs, and what they give: plain records, points in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from nbtrack.entities import FileInfo, LoggedModel, Metric
from nbtrack.interop.allowed_folders import AllowedFolders
from nbtrack.interop.report import Report
from nbtrack.store import Points
from nbtrack.store.bulk import RunRecord

Series = tuple[str, str]
"""A run and the key of one of its metrics."""

LOCAL_RUN, LOCAL_MODEL, LOCAL_VERSION = (
    "nbtrack.local_run_id",
    "nbtrack.local_model_id",
    "nbtrack.local_version",
)
"""Tags of what was sent to a server that gives ids of its own: what it is at home."""

TINY, HUGE = -1.7976931348623157e308, 1.7976931348623157e308
"""What MLflow stores for the infinities."""


@dataclass
class ExperimentRecord:
    """An experiment as the source has it; times in milliseconds since the epoch."""

    id: str
    name: str
    stage: str = "active"
    created: int | None = None
    updated: int | None = None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class ModelRecord:
    """A logged model as the source has it."""

    id: str
    experiment: str
    name: str
    artifacts: str | None = None
    type: str | None = None
    run: str | None = None
    status: str = "READY"
    message: str | None = None
    stage: str = "active"
    created: int = 0
    updated: int = 0
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: list[Metric] = field(default_factory=list)

    @classmethod
    def of(cls, model: LoggedModel, stage: str = "active") -> ModelRecord:
        """Return a logged model of a store or of a server."""
        return cls(
            id=model.model_id,
            experiment=model.experiment_id,
            name=model.name,
            artifacts=model.artifact_location or None,
            type=model.model_type,
            run=model.source_run_id,
            status=str(model.status),
            message=model.status_message or None,
            stage=stage,
            created=model.creation_timestamp,
            updated=model.last_updated_timestamp,
            params=dict(model.params),
            tags=dict(model.tags),
            metrics=list(model.metrics or []),
        )


@dataclass
class VersionRecord:
    """A version of a registered model as the source has it.

    Attributes
    ----------
    source : str
        What it was made of, as it is shown.
    place : str or None
        Where its files are, where that is said apart from ``source``.
    """

    version: int
    source: str
    place: str | None = None
    stage: str = "None"
    description: str | None = None
    user: str | None = None
    run: str | None = None
    run_link: str | None = None
    model: str | None = None
    status: str = "READY"
    message: str | None = None
    created: int = 0
    updated: int = 0
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class RegisteredRecord:
    """A registered model as the source has it.

    Attributes
    ----------
    greatest : int
        The greatest number that a version of it has had, deleted ones too.
    """

    name: str
    description: str | None = None
    created: int = 0
    updated: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    versions: list[VersionRecord] = field(default_factory=list)
    greatest: int = 0


@dataclass
class PointBatch:
    """Points of several series: ``points.series`` is a place in ``series``."""

    series: Sequence[Series]
    points: Points

    def __len__(self) -> int:
        return len(self.points)


def int_column(values: Iterable[object]) -> tuple[npt.NDArray[np.int64], int]:
    """Return steps or times as integers, and how many of them were no whole numbers.

    Those are rounded down; what is missing is 0.
    """
    try:
        found = np.array(values)
    except OverflowError:
        found = np.array(values, dtype=object)
    if found.dtype.kind == "i":
        return found.astype(np.int64, copy=False), 0
    numbers = np.array([_number(value) for value in values], dtype=object)
    whole = np.array([_floor(value) for value in numbers], dtype=np.int64)
    return whole, int(np.sum(whole != numbers))


def _number(value: object) -> int | float:
    if isinstance(value, int | float):
        return value
    try:
        return float(str(value))
    except ValueError:
        return 0


def _floor(value: int | float) -> int:
    if value != value:
        return 0
    return int(max(min(value // 1, 2**63 - 1024), -(2**63)))


def unclamped(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return values with infinities where MLflow has stored the greatest numbers for them."""
    values = np.where(values >= HUGE, np.inf, values)
    return np.where(values <= TINY, -np.inf, values)


class Files(Protocol):
    """A folder of artifacts somewhere."""

    def walk(self) -> Iterator[FileInfo]:
        """Yield every file."""

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading bytes."""


class Source:
    """Where runs come from. What a source does not have is empty.

    What it cannot read it tells the report, and goes on with the next.

    Attributes
    ----------
    kind : str
        Such as ``"mlflow-database"``.
    place : str
        What the user called it.
    allowed : AllowedFolders
        The folders that it is read from: its own, and those that the user has named.
    """

    kind = ""

    def __init__(self, place: str, report: Report, roots: Iterable[Path] = ()) -> None:
        self.place = place
        self.report = report
        self.allowed = AllowedFolders(report, roots)

    def close(self) -> None:
        """Let go of what is open."""

    def experiments(self) -> list[ExperimentRecord]:
        """Return the experiments."""
        return []

    def run_count(self) -> int | None:
        """Return about how many runs there are, if that is cheap to know."""
        return None

    def runs(self) -> Iterator[RunRecord]:
        """Yield the runs, parents or not, in any order."""
        return iter(())

    def point_count(self) -> int | None:
        """Return about how many points there are, if that is cheap to know."""
        return None

    def points(self) -> Iterator[PointBatch]:
        """Yield all points; batches of a few 100,000 are good."""
        return iter(())

    def models(self) -> Iterator[ModelRecord]:
        """Yield the logged models."""
        return iter(())

    def registered(self) -> Iterator[RegisteredRecord]:
        """Yield the registered models with their versions."""
        return iter(())

    def files(self, uri: str) -> Files | None:
        """Return the files of a run or a model that only the source can reach."""
        return None
