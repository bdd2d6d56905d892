"""Another store of nbtrack, as a source; and what exports read their own store with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nbtrack.errors import NotFoundError
from nbtrack.interop.format_detection import is_team
from nbtrack.interop.report import Report
from nbtrack.interop.source import (
    ExperimentRecord,
    Files,
    ModelRecord,
    PointBatch,
    RegisteredRecord,
    Source,
    VersionRecord,
)
from nbtrack.store import Store, get_logged_models, get_registered_models, get_runs
from nbtrack.store.artifacts import ArtifactFolder, is_below, local_path, resolve_location
from nbtrack.store.bulk import (
    BulkSeries,
    BulkVersion,
    RunRecord,
    read_experiments,
    read_model_stages,
    read_points,
    read_registered_models,
    read_run_ids,
    read_series,
    recorded_files,
)

RUNS_AT_ONCE = 500
POINTS_AT_ONCE = 500_000


class NbtrackStore(Source):
    """Runs of a nbtrack store; each question is a look of its own, none is held open.

    Parameters
    ----------
    store : Store
    report : Report
    chosen : sequence of str, optional
        Ids or names of experiments; by default all.
    named : sequence of Path
        More folders that artifacts may come from.
    """

    kind = "nbtrack"

    def __init__(
        self,
        store: Store,
        report: Report,
        chosen: Sequence[str] | None = None,
        named: Sequence[Path] = (),
    ) -> None:
        is_file = not is_team(store.uri)
        super().__init__(str(store.path) if is_file else store.uri, report, named)
        self.store = store
        if is_file and not store.path.exists() and not store.folder.exists():
            raise NotFoundError(f"There is no store at {store.path}.")
        self._chosen = None if chosen is None else [str(name) for name in chosen]
        self._ids: list[str] | None = None
        self._runs: list[str] | None = None

    def experiments(self) -> list[ExperimentRecord]:
        """Return the experiments that are wanted.

        Raises
        ------
        NotFoundError
            If one that was named is not there.
        """
        with self.store.read() as reader:
            found = [ExperimentRecord(*each) for each in read_experiments(reader)]
        if self._chosen is not None:
            for name in self._chosen:
                if not any(name in (record.id, record.name) for record in found):
                    raise NotFoundError(f"There is no experiment {name!r} in {self.place}.")
            found = [r for r in found if r.id in self._chosen or r.name in self._chosen]
        self._ids = [record.id for record in found]
        return found

    @property
    def experiment_ids(self) -> list[str]:
        """The ids of the experiments that are wanted."""
        if self._ids is None:
            self.experiments()
        return list(self._ids or [])

    @property
    def is_partial(self) -> bool:
        """Whether only some experiments are wanted."""
        return self._chosen is not None

    def run_ids(self) -> list[str]:
        """Return the ids of the runs that are wanted, the first one first."""
        if self._runs is None:
            with self.store.read() as reader:
                self._runs = list(read_run_ids(reader, self.experiment_ids))
        return self._runs

    def run_count(self) -> int:
        """Return how many runs there are."""
        return len(self.run_ids())

    def runs(self) -> Iterator[RunRecord]:
        """Yield the runs, deleted ones too."""
        ids = self.run_ids()
        for first in range(0, len(ids), RUNS_AT_ONCE):
            with self.store.read() as reader:
                found = get_runs(reader, ids[first : first + RUNS_AT_ONCE])
                deleted = read_run_ids(reader, self.experiment_ids)
            for run in found:
                yield RunRecord.of(run, deleted.get(run.info.run_id))

    def files(self, uri: str) -> Files | None:
        """Return the files of a run or a model that are on this machine, where they may be read."""
        access = self.store.access
        is_here = local_path(uri) is not None
        return access.folder(uri) if is_here and access.allows(uri) else None

    def is_own(self, uri: str) -> bool:
        """Return whether files are on this machine, or where the store itself keeps artifacts.

        Those that may not be read, or are elsewhere in object storage, are not.
        """
        is_near = local_path(uri) is not None or self.keeps(uri)
        return is_near and self.store.access.allows(uri)

    def keeps(self, uri: str) -> bool:
        """Return whether a place is below the root of artifacts that the store has."""
        root = self.store.artifact_root
        return root is not None and is_below(uri, root)

    def folder(self, uri: str) -> ArtifactFolder:
        """Return the files of a run or a model, wherever they are; closed where not allowed."""
        return self.store.access.folder(uri)

    def series(self) -> list[BulkSeries]:
        """Return the metrics of all runs."""
        found: list[BulkSeries] = []
        with self.store.read() as reader:
            ids = self.run_ids()
            for first in range(0, len(ids), RUNS_AT_ONCE):
                part = ids[first : first + RUNS_AT_ONCE]
                found += read_series(reader, part)
        return sorted(found)

    def artifact_records(self, runs: Sequence[str]) -> dict[str, list[tuple[str, int, str | None]]]:
        """Return (path, size, SHA-256) of the artifacts that each run has recorded."""
        found: dict[str, list[tuple[str, int, str | None]]] = {}
        for first in range(0, len(runs), RUNS_AT_ONCE):
            with self.store.read() as reader:
                recorded = recorded_files(reader, runs[first : first + RUNS_AT_ONCE])
            for run_id, files in recorded.items():
                found[run_id] = sorted((path, f.size, f.sha256) for path, f in files.items())
        return found

    def point_count(self) -> int:
        """Return how many points there are."""
        return sum(series.point_count for series in self.series())

    def points(self) -> Iterator[PointBatch]:
        """Yield all points, whole series at a time."""
        part: list[BulkSeries] = []
        for series in self.series():
            part.append(series)
            if sum(each.point_count for each in part) >= POINTS_AT_ONCE:
                yield self._points(part)
                part = []
        if part:
            yield self._points(part)

    def _points(self, part: list[BulkSeries]) -> PointBatch:
        with self.store.read() as reader:
            points = read_points(reader, part)
        return PointBatch([(each.run_id, each.key) for each in part], points)

    def models(self) -> Iterator[ModelRecord]:
        """Yield the logged models, deleted ones too."""
        with self.store.read() as reader:
            stages = read_model_stages(reader, self.experiment_ids)
            found = get_logged_models(reader, list(stages), deleted=True)
        for model in found:
            yield ModelRecord.of(model, stages[model.model_id])

    def registered(self) -> Iterator[RegisteredRecord]:
        """Yield the registered models; all of them, whatever experiments are wanted."""
        if self._chosen is not None:
            self.report.note("Registered models belong to no experiment, and were left out.")
            return
        with self.store.read() as reader:
            rows = read_registered_models(reader)
            found = {m.name: m for m in get_registered_models(reader, [row.name for row in rows])}
        for row in rows:
            yield RegisteredRecord(
                row.name,
                row.description,
                row.created,
                row.updated,
                dict(found[row.name].tags),
                dict(found[row.name].aliases),
                [self._version(version) for version in row.versions],
                row.greatest,
            )

    def _version(self, version: BulkVersion) -> VersionRecord:
        return VersionRecord(
            version.version,
            version.source,
            resolve_location(self.store.folder, version.storage_location),
            version.stage,
            version.description,
            version.user_id,
            version.run_id,
            version.run_link,
            version.model_id,
            version.status,
            version.message,
            version.created,
            version.updated,
            dict(version.tags),
        )
