"""Imports a source into a store; every part can be repeated without duplicates."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

import numpy as np

from nbtrack.entities.runs import RUN_NAME
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.interop.allowed_folders import left_out
from nbtrack.interop.artifact_locations import ArtifactLocation, ArtifactLocator
from nbtrack.interop.files import FileImporter, RecordedFiles
from nbtrack.interop.progress import Progress
from nbtrack.interop.report import Report
from nbtrack.interop.source import LOCAL_RUN, PointBatch, Series, Source
from nbtrack.store import Points, Store, add_points, now_ms
from nbtrack.store.artifacts import ArtifactFolder, artifact_uri, local_path, without_password
from nbtrack.store.bulk import (
    ARTIFACTS_ELSEWHERE_TAG,
    ORIGIN_TAG,
    RunRecord,
    add_experiment,
    add_runs,
    known_runs,
    recorded_files,
    stop_at_last_point,
)
from nbtrack.validation import MAX_KEY, check_experiment_name, check_key, check_run_id

_ODD = re.compile(r"[^/\w.\- :]")
RUNS_AT_ONCE = 500
POINTS_AT_ONCE = 1_000_000
NOT_CARRIED = (ORIGIN_TAG, ARTIFACTS_ELSEWHERE_TAG)
STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED", "INTERRUPTED")


class KeySanitizer:
    """Turns keys into valid ones; different keys stay different, and a key always gives the same.

    Attributes
    ----------
    changed : dict of str to str
        Those that had to be changed.
    """

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self.changed: dict[str, str] = {}

    def valid(self, key: str) -> str:
        """Return the key as it can be kept."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._made(key)
        return found

    def _made(self, key: str) -> str:
        try:
            return check_key(key)
        except InvalidParameterError:
            plain = posixpath.normpath(_ODD.sub("_", str(key)).strip("/ ") or "_")
            plain = plain.replace("..", "_").lstrip("/")
            if len(plain) > MAX_KEY or plain == "." or plain in self.changed.values():
                digest = hashlib.sha256(str(key).encode("utf-8", "replace")).hexdigest()[:8]
                plain = f"{plain[: MAX_KEY - 9]}_{digest}"
            self.changed[key] = plain
            return plain


class Importer:
    """Brings experiments and runs, with all that belongs to them, into a store.

    Parameters
    ----------
    source : Source
    store : Store
    locator : ArtifactLocator
        Where artifacts are now.
    report : Report
    progress : Progress

    Attributes
    ----------
    experiments : dict
        Experiment id there -> (id here, where its artifacts go or None).
    runs : dict
        Run -> (experiment here, its artifact URI as stored or None).
    folders : dict
        Artifact place there -> place here, as stored.
    """

    def __init__(
        self,
        source: Source,
        store: Store,
        locator: ArtifactLocator,
        report: Report,
        progress: Progress,
    ) -> None:
        self.source = source
        self.store = store
        self.locator = locator
        self.report = report
        self.progress = progress
        self.keys = KeySanitizer()
        self.experiments: dict[str, tuple[str, str | None]] = {}
        self.runs: dict[str, tuple[str, str | None]] = {}
        self.folders: dict[str, str] = {}
        self._artifacts: list[tuple[str, str]] = []
        self._interrupted: list[str] = []
        self._lost: list[str] = []
        self._closed: list[str] = []

    def run(self) -> None:
        """Bring everything but models."""
        self._bring_experiments()
        self._bring_runs()
        self._bring_points()
        self._bring_artifacts()

    def finish(self) -> None:
        """Note in the report what was adapted, and what was not found."""
        if self.keys.changed:
            some = ", ".join(f"{a!r} is {b!r}" for a, b in list(self.keys.changed.items())[:5])
            self.report.note(f"{len(self.keys.changed)} names were adapted: {some}")
        if self._closed:
            self.report.note(
                f"{len(self._closed)} runs name such places, which nobody has chosen here, such as "
                f"{without_password(self._closed[0])}. Before their artifacts are read, allow it: "
                "nbtrack.artifacts.allow('<root>'), or import again with --artifact-root <root>."
            )
        if self._lost:
            self.report.note(
                f"{len(self._lost)} artifact folders were not found, such as "
                f"{self._lost[0]}. If they were moved, say where to: artifact_roots="
                "{'<old folder>': '<new folder>'}; then import again."
            )

    def _bring_experiments(self) -> None:
        now = now_ms()
        with self.store.write() as reader:
            for record in self.source.experiments():
                try:
                    here, location, new = add_experiment(
                        reader,
                        record.id,
                        check_experiment_name(record.name),
                        stage=record.stage,
                        origin=f"{self.source.kind}:{record.id}",
                        created=record.created or now,
                        updated=record.updated or record.created or now,
                        tags={self.keys.valid(k): v for k, v in record.tags.items()},
                    )
                except NbtrackError as error:
                    self.report.fail("experiments", record.name, error)
                    continue
                self.experiments[record.id] = (here, location)
                self.report.count("experiments", came=int(new), known=int(not new))

    # -- runs ----------------------------------------------------------------------------

    def _bring_runs(self) -> None:
        self.progress.stage("runs", self.source.run_count())
        records = self.source.runs()
        while batch := list(islice(records, RUNS_AT_ONCE)):
            try:
                self._add(batch)
            except (NbtrackError, ValueError, TypeError):
                for record in batch:  # one that is broken must not keep the others out
                    try:
                        self._add([record])
                    except (NbtrackError, ValueError, TypeError) as error:
                        self.report.fail("runs", record.id, error)
            self.progress.step(len(batch))

    def _add(self, records: list[RunRecord]) -> None:
        with self.store.write() as reader:
            origins = {r.tags[LOCAL_RUN] for r in records if r.tags.get(LOCAL_RUN, r.id) != r.id}
            at_home = known_runs(reader, origins)
            self.report.count("runs", known=sum(r.tags.get(LOCAL_RUN) in at_home for r in records))
            records = [r for r in records if r.tags.get(LOCAL_RUN) not in at_home]
            known = known_runs(reader, [record.id for record in records])
            pairs = []
            for record in records:
                try:
                    pairs.append((record, self._kept(record, known.get(record.id))))
                except InvalidParameterError as error:
                    self.report.fail("runs", record.id, error)
            for problem in add_runs(reader, [run for _, run in pairs]):
                self.report.fail("params", problem.split(":")[0], problem)
        for record, run in pairs:
            self.runs[run.id] = (run.experiment, run.artifacts)
            if run.status == "INTERRUPTED" and run.end is None:
                self._interrupted.append(run.id)
            if record.artifacts is not None and ARTIFACTS_ELSEWHERE_TAG not in run.tags:
                self._artifacts.append((run.id, record.artifacts))
            is_new = run.id not in known
            self.report.count("runs", came=int(is_new), known=int(not is_new))

    def _kept(self, record: RunRecord, known: tuple[str, str | None, str] | None) -> RunRecord:
        """Return a run as it is kept here."""
        if record.experiment not in self.experiments:
            raise InvalidParameterError(f"Its experiment {record.experiment} could not be read.")
        experiment_id, location = self.experiments[record.experiment]
        tags = {self.keys.valid(k): v for k, v in record.tags.items() if k not in NOT_CARRIED}
        name = record.name or tags.get(RUN_NAME) or record.id[:8]
        tags.setdefault(RUN_NAME, name)
        tags[ORIGIN_TAG] = self.source.kind
        stored = None if location is None else f"{location}/{record.id}/artifacts"
        remote = None if record.artifacts is None else self._find(record.artifacts).remote
        if remote is not None:
            stored, tags[ARTIFACTS_ELSEWHERE_TAG] = remote, "true"
            self.report.note(
                "Artifacts in object storage stay where they are, and are read from there."
            )
            if not self.store.access.allows(remote):
                self._closed.append(remote)
        if known is not None:
            experiment_id, stored, _ = known
        status, end = record.status, record.end
        if status not in STATUSES:
            raise InvalidParameterError(f"Its status {status!r} is none that runs have.")
        if status == "RUNNING":
            status, end = "INTERRUPTED", None
            self.report.note(
                "Runs that had not ended there are shown as interrupted; importing again when "
                "they have brings the rest."
            )
        return replace(
            record,
            id=check_run_id(record.id),
            experiment=experiment_id,
            name=name,
            status=status,
            end=end,
            user=record.user or "",
            deleted=record.deleted if record.stage == "active" else record.deleted or now_ms(),
            artifacts=stored,
            params={self.keys.valid(k): v for k, v in record.params.items()},
            tags=tags,
        )

    def _find(self, uri: str) -> ArtifactLocation:
        """Return where artifacts are; what only the source can reach it gives itself."""
        return ArtifactLocation() if self.source.files(uri) is not None else self.locator.find(uri)

    # -- points --------------------------------------------------------------------------

    def _bring_points(self) -> None:
        self.progress.stage("points", self.source.point_count())
        gathered: list[PointBatch] = []
        for batch in self.source.points():
            gathered.append(batch)
            if sum(map(len, gathered)) >= POINTS_AT_ONCE:
                self._write(gathered)
                gathered = []
        self._write(gathered)
        for first in range(0, len(self._interrupted), RUNS_AT_ONCE):
            with self.store.write() as reader:
                stop_at_last_point(reader, self._interrupted[first : first + RUNS_AT_ONCE])

    def _write(self, batches: list[PointBatch]) -> None:
        count = sum(map(len, batches))
        if not count:
            return
        names: dict[Series, int] = {}
        parts = [part for batch in batches for part in self._ours(batch, names)]
        if parts:
            columns = zip(*(part.columns().values() for part in parts), strict=True)
            points = Points(*(np.concatenate(column) for column in columns))
            with self.store.write() as reader:
                added = len(add_points(reader, list(names), points, in_bulk=True))
            self.report.count("points", came=added, known=len(points) - added)
        self.progress.step(count)

    def _ours(self, batch: PointBatch, names: dict[Series, int]) -> Iterator[Points]:
        """Yield the points of runs that came, their series numbered through all batches."""
        codes = np.full(len(batch.series), -1, dtype=np.int64)
        for code in np.unique(batch.points.series).tolist():
            run_id, key = batch.series[code]
            if run_id in self.runs:
                codes[code] = names.setdefault((run_id, self.keys.valid(key)), len(names))
        series = codes[batch.points.series]
        kept = series >= 0
        point = batch.points
        if bool(kept.all()):
            yield Points(series, point.step, point.time, point.value)
        elif bool(kept.any()):
            yield Points(series[kept], point.step[kept], point.time[kept], point.value[kept])

    # -- artifacts -----------------------------------------------------------------------

    def _bring_artifacts(self) -> None:
        self.progress.stage("artifacts", len(self._artifacts))
        file_importer = FileImporter(self.store, self.report, "runs")
        for first in range(0, len(self._artifacts), RUNS_AT_ONCE):
            part = self._artifacts[first : first + RUNS_AT_ONCE]
            known = self._known_files([run_id for run_id, _ in part])
            for run_id, uri in part:
                experiment_id, stored = self.runs[run_id]
                self.folders[uri.rstrip("/")] = stored or f"artifacts/{experiment_id}/{run_id}"
                place = artifact_uri(self.store.folder, stored, experiment_id, run_id)
                self.take_files(file_importer, run_id, uri, place, known.get(run_id, {}))
                self.progress.step()
        file_importer.flush()

    def take_files(
        self, file_importer: FileImporter, owner: str, uri: str, place: str, known: RecordedFiles
    ) -> None:
        """Copy the files of a run or of a model."""
        files = self.source.files(uri)
        if files is None:
            found = self.locator.find(uri)
            if found.closed is not None:
                self.report.fail("artifacts", owner, found.why)
                return
            if found.local is None:
                if self.locator.is_lost(uri):
                    self._lost.append(uri)
                return
            files = ArtifactFolder(str(found.local))
        if isinstance(files, ArtifactFolder) and (local := local_path(files.uri)) is not None:
            for path, why in left_out(local):
                self.report.fail("artifacts", f"{owner}/{path}", why)
        file_importer.take(owner, files, place, known)

    def _known_files(self, runs: list[str]) -> Mapping[str, RecordedFiles]:
        with self.store.read() as reader:
            return recorded_files(reader, runs)
