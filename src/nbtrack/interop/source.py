"""The interface of all sources of runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from nbtrack.entities import FileInfo
from nbtrack.interop.allowed_folders import AllowedFolders
from nbtrack.interop.records import ExperimentRecord, ModelRecord, PointBatch, RegisteredRecord
from nbtrack.interop.report import Report
from nbtrack.store.bulk import RunRecord


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
