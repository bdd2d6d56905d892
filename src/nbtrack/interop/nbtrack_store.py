"""Another store of nbtrack, as a source; and what exports read their own store with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from nbtrack.errors import NotFoundError
from nbtrack.interop.records import (
    ExperimentRecord,
    ModelRecord,
    PointBatch,
    RegisteredRecord,
    VersionRecord,
)
from nbtrack.interop.report import Report
from nbtrack.interop.source import Files, Source
from nbtrack.store.artifacts.folder import ArtifactFolder
from nbtrack.store.artifacts.paths import resolve_location
from nbtrack.store.artifacts.roots import local_path
from nbtrack.store.bulk.runs import RunRecord
from nbtrack.store.logged_models import get_logged_models
from nbtrack.store.points import Points
from nbtrack.store.queries import SQL
from nbtrack.store.registry import get_model_versions, get_registered_models
from nbtrack.store.runs import get_runs
from nbtrack.store.store import Store

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
        super().__init__(str(store.path), report, named)
        self.store = store
        if not store.path.exists() and not store.folder.exists():
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
            rows = reader.named("bulk.experiments")
            tags: dict[str, dict[str, str]] = defaultdict(dict)
            for experiment, key, value in reader.named("bulk.experiment_tags"):
                tags[experiment][key] = value
        found = [
            ExperimentRecord(number, name, stage, created, updated, tags[number])
            for number, name, stage, _, created, updated in rows
        ]
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

    def run_ids(self) -> list[str]:
        """Return the ids of the runs that are wanted, the first one first."""
        if self._runs is None:
            with self.store.read() as reader:
                rows = reader.named("bulk.run_ids", experiments=self.experiment_ids)
            self._runs = [row[0] for row in rows]
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
                rows = reader.named("bulk.run_ids", experiments=self.experiment_ids)
            deleted = {run_id: time for run_id, time, _ in rows}
            for run in found:
                yield RunRecord.of(run, deleted.get(run.info.run_id))

    def files(self, uri: str) -> Files | None:
        """Return the files of a run or a model that are on this machine, where they may be read."""
        access = self.store.access
        is_here = local_path(uri) is not None
        return access.folder(uri) if is_here and access.allows(uri) else None

    def folder(self, uri: str) -> ArtifactFolder:
        """Return the files of a run or a model, wherever they are; closed where not allowed."""
        return self.store.access.folder(uri)

    def series(self) -> list[tuple[int, str, str, int]]:
        """Return (number, run, key, count of points) of each series."""
        found: list[tuple[int, str, str, int]] = []
        with self.store.read() as reader:
            ids = self.run_ids()
            for first in range(0, len(ids), RUNS_AT_ONCE):
                part = ids[first : first + RUNS_AT_ONCE]
                rows = reader.named("bulk.series_of_runs", runs=part)
                found += [(row[0], row[1], row[2], row[3]) for row in rows]
        return sorted(found)

    def artifact_records(self, runs: Sequence[str]) -> dict[str, list[tuple[str, int, str]]]:
        """Return (path, size, SHA-256) of the artifacts that each run has recorded."""
        found: dict[str, list[tuple[str, int, str]]] = {run_id: [] for run_id in runs}
        for first in range(0, len(runs), RUNS_AT_ONCE):
            part = list(runs[first : first + RUNS_AT_ONCE])
            with self.store.read() as reader:
                for run_id, path, size, _, digest in reader.named(
                    "bulk.artifacts_of_runs", runs=part
                ):
                    found[run_id].append((path, size, digest))
        return {run_id: sorted(files) for run_id, files in found.items()}

    def point_count(self) -> int:
        """Return how many points there are."""
        return sum(count for _, _, _, count in self.series())

    def points(self) -> Iterator[PointBatch]:
        """Yield all points, whole series at a time."""
        part: list[tuple[int, str, str, int]] = []
        for series in self.series():
            part.append(series)
            if sum(row[3] for row in part) >= POINTS_AT_ONCE:
                yield self._points(part)
                part = []
        if part:
            yield self._points(part)

    def _points(self, part: list[tuple[int, str, str, int]]) -> PointBatch:
        numbers = [row[0] for row in part]
        with self.store.read() as reader:
            found = reader.columns(
                SQL["bulk.points_of_series"], series=numbers, first=numbers[0], last=numbers[-1]
            )
        series = np.searchsorted(np.array(numbers), found["series"])
        points = Points(series, found["step"], found["time"], found["value"])
        return PointBatch([(row[1], row[2]) for row in part], points)

    def models(self) -> Iterator[ModelRecord]:
        """Yield the logged models, deleted ones too."""
        with self.store.read() as reader:
            rows = reader.named("bulk_models.ids", experiments=self.experiment_ids)
            stages = {model_id: stage for model_id, stage, _ in rows}
            found = get_logged_models(reader, list(stages), deleted=True)
        for model in found:
            yield ModelRecord.of(model, stages[model.model_id])

    def registered(self) -> Iterator[RegisteredRecord]:
        """Yield the registered models; all of them, whatever experiments are wanted."""
        if self._chosen is not None:
            self.report.note("Registered models belong to no experiment, and were left out.")
            return
        with self.store.read() as reader:
            rows = reader.named("bulk_models.registered")
            found = {m.name: m for m in get_registered_models(reader, [row[0] for row in rows])}
            versions = {name: reader.named("bulk_models.versions", name=name) for name in found}
            tags = {
                (version.name, version.version): version.tags
                for name in found
                for version in get_model_versions(
                    reader, [(name, row[0]) for row in versions[name]]
                )
            }
        for name, description, greatest, created, updated in rows:
            yield RegisteredRecord(
                name,
                description,
                created,
                updated,
                dict(found[name].tags),
                dict(found[name].aliases),
                [
                    VersionRecord(
                        number,
                        source,
                        resolve_location(self.store.folder, place),
                        stage,
                        text,
                        user,
                        run,
                        link,
                        model,
                        status,
                        message,
                        made,
                        changed,
                        dict(tags.get((name, number), {})),
                    )
                    for (
                        number, stage, text, user, source, place, run, link, model, status, message,
                        made, changed,
                    ) in versions[name]
                ],
                greatest,
            )  # fmt: skip
