"""One store of nbtrack into another, file or team store: all of it, and again only what is new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from nbtrack.errors import InvalidParameterError
from nbtrack.interop.artifact_locations import ArtifactLocator
from nbtrack.interop.importer import STATUSES, KeySanitizer
from nbtrack.interop.nbtrack_store import NbtrackStore
from nbtrack.interop.progress import Progress
from nbtrack.interop.report import Report
from nbtrack.store import Points, Reader, Store, add_points
from nbtrack.store.artifacts import artifact_uri
from nbtrack.store.bulk import (
    ARTIFACTS_ELSEWHERE_TAG,
    BulkSeries,
    Columns,
    ExperimentRow,
    add_rows,
    chosen,
    differing,
    experiment_rows,
    follow_runs,
    known_runs,
    match_experiments,
    new_ids,
    point_digests,
    read_points,
    read_rows,
    read_series,
    remove_differing_tags,
    row_count,
    rows_of,
    stop_at_last_point,
    texts,
)
from nbtrack.validation import check_experiment_name, check_run_id

RUNS_AT_ONCE = 2_000
POINTS_AT_ONCE = 2_000_000
_OF_RUNS = ("params", "tags", "inputs", "model_inputs", "model_outputs")
_PAIRS = (
    "params", "tags", "experiment_tags", "logged_model_params", "logged_model_tags",
    "registered_model_tags", "model_version_tags",
)  # fmt: skip


class CopiedPlace(NamedTuple):
    """A run or a logged model: where its files are there, and here as it is stored."""

    experiment_id: str
    there: str
    stored: str | None


class StoreCopy:
    """Brings experiments and runs from one store into another.

    Rows go from table to table in arrays, a few thousand runs or two million points in one
    transaction. Nothing that the other store has is changed, but for a copy of a run that went
    on where it belongs.

    Parameters
    ----------
    source : NbtrackStore
    target : Store
    locator : ArtifactLocator
        Where artifacts are now that are not in the source's own folders.
    report : Report
    progress : Progress

    Attributes
    ----------
    experiments : dict of str to ExperimentRow
        The experiment here by the id there.
    runs : dict of str to CopiedPlace
    """

    def __init__(
        self,
        source: NbtrackStore,
        target: Store,
        locator: ArtifactLocator,
        report: Report,
        progress: Progress,
    ) -> None:
        self.source = source
        self.target = target
        self.locator = locator
        self.report = report
        self.progress = progress
        self.keys = KeySanitizer()
        self.experiments: dict[str, ExperimentRow] = {}
        self.runs: dict[str, CopiedPlace] = {}
        self._interrupted: list[str] = []
        self._differing: list[tuple[str, str]] = []
        self._other_stage: list[str] = []
        self._closed: set[str] = set()

    def run(self) -> None:
        """Bring everything but files, models and the registry."""
        self._bring_experiments()
        ids = self.source.run_ids()
        self.progress.stage("runs", len(ids))
        for part in _parts(ids, RUNS_AT_ONCE):
            self._bring_runs(part)
            self.progress.step(len(part))
        self.progress.stage("points", self.source.point_count())
        for part in _parts(list(self.runs), RUNS_AT_ONCE):
            self._bring_points(part)
        for part in _parts(self._interrupted, RUNS_AT_ONCE):
            with self.target.write() as reader:
                stop_at_last_point(reader, part)

    def finish(self) -> None:
        """Note in the report what was adapted, and what stayed as it is here."""
        if self.keys.changed:
            some = ", ".join(f"{a!r} is {b!r}" for a, b in list(self.keys.changed.items())[:5])
            self.report.note(f"{len(self.keys.changed)} names were adapted: {some}")
        if self._differing:
            key, owner = self._differing[0]
            self.report.note(
                f"{len(self._differing)} tags, such as {key!r} of {owner}, have other values in "
                f"{self.report.target}, and keep them."
            )
        if self._other_stage:
            self.report.note(
                f"{len(self._other_stage)} runs, such as {self._other_stage[0]}, are deleted in "
                f"one of the two stores only, and stay so."
            )
        if self._closed:
            self.report.note(
                "Artifacts in object storage stay where they are. Before they are read here, "
                f"allow it: nbtrack.artifacts.allow({min(self._closed)!r}), or do this again with "
                "--artifact-root."
            )

    # -- experiments -------------------------------------------------------------------------

    def _bring_experiments(self) -> None:
        wanted = self.source.experiment_ids
        with self.source.store.read() as reader:
            there = [each for each in experiment_rows(reader) if each.id in set(wanted)]
            rows = {
                table: read_rows(reader, table, wanted)
                for table in ("experiments", "experiment_tags", "datasets")
            }
        for each in list(there):
            try:
                check_experiment_name(each.name)
            except InvalidParameterError as error:
                self.report.fail("experiments", each.name, error)
                there.remove(each)
        with self.target.write() as reader:
            here = experiment_rows(reader)
            found = match_experiments(there, here)
            new = [each for each in there if each.id not in found]
            ids = new_ids([each.id for each in new], [each.id for each in here])
            for each in new:
                found[each.id] = each._replace(id=ids[each.id], location=None)
            self.experiments = found
            fresh = self._moved(rows_of(rows["experiments"], "experiment_id", {e.id for e in new}))
            fresh["artifact_location"] = texts([None] * row_count(fresh))
            add_rows(reader, "experiments", fresh)
            for table in ("experiment_tags", "datasets"):
                self.add_pairs(reader, table, self._moved(rows[table]))
        self.report.count("experiments", came=len(new), known=len(found) - len(new))
        for each in there:
            self._say_difference(each, found[each.id])

    def _say_difference(self, there: ExperimentRow, here: ExperimentRow) -> None:
        if there.name != here.name:
            self.report.note(
                f"The experiment {there.name!r} is called {here.name!r} in {self.report.target}."
            )
        if there.stage != here.stage:
            self.report.note(
                f"The experiment {here.name!r} is {there.stage} in {self.report.source} and "
                f"{here.stage} in {self.report.target}; it stays so."
            )
        if there.location is not None and not self.source.keeps(there.location):
            self.report.note(
                f"The experiment {there.name!r} keeps new artifacts at {there.location}; in "
                f"{self.report.target} they go to its own place."
            )

    def _moved(self, rows: Columns) -> Columns:
        """Return rows with the ids that experiments have here, without those that have none."""
        rows = rows_of(rows, "experiment_id", self.experiments)
        here = [self.experiments[each].id for each in rows["experiment_id"]]
        return {**rows, "experiment_id": texts(here)}

    def add_pairs(self, reader: Reader, table: str, rows: Columns) -> None:
        """Add rows; of names and values, say where another value is here."""
        if "key" in rows:
            rows = {**rows, "key": texts([self.keys.valid(key) for key in rows["key"]])}
        if table in _PAIRS:
            for owner, key, here, there in differing(reader, table, rows):
                self._say_differing(table, owner, key, here, there)
        add_rows(reader, table, rows)

    def _say_differing(self, table: str, owner: str, key: str, here: str, there: str) -> None:
        """Report a param that cannot come, or a tag that stays as it is here."""
        if "params" in table:
            self.report.fail(
                "params",
                owner,
                f"Param '{key}' of {owner} is {here!r} here and {there!r} there; params are "
                "written once, so this one stays.",
            )
            return
        self._differing.append((key, owner))

    # -- runs --------------------------------------------------------------------------------

    def _bring_runs(self, ids: Sequence[str]) -> None:
        with self.source.store.read() as reader:
            runs = read_rows(reader, "runs", ids)
            rows = {table: read_rows(reader, table, ids) for table in _OF_RUNS}
        runs = chosen(
            runs, np.array([self._is_sound(*row) for row in _triples(runs, "status")], dtype=bool)
        )
        with self.target.write() as reader:
            known = known_runs(reader, runs["run_id"].tolist())
            runs, elsewhere = self._placed(runs, known)
            grown = follow_runs(reader, runs)
            came = add_rows(reader, "runs", runs)
            here = {run_id: self.runs[run_id].experiment_id for run_id in runs["run_id"]}
            for table, found in rows.items():
                mine = rows_of(found, "run_id", here)
                if table == "inputs":
                    mine["experiment_id"] = texts([here[each] for each in mine["run_id"]])
                if table == "tags":
                    remove_differing_tags(reader, rows_of(mine, "run_id", grown))
                    mine = _with_tag(mine, ARTIFACTS_ELSEWHERE_TAG, elsewhere)
                self.add_pairs(reader, table, mine)
        self.report.count("runs", came=came, known=row_count(runs) - came)
        for run_id, stage in zip(runs["run_id"], runs["lifecycle_stage"], strict=True):
            if run_id in known and known[run_id][2] != stage:
                self._other_stage.append(run_id)

    def _is_sound(self, run_id: str, experiment_id: str, status: str) -> bool:
        """Return whether a run can be kept; the report says why not."""
        try:
            check_run_id(run_id)
            if status not in STATUSES:
                raise InvalidParameterError(f"Its status {status!r} is none that runs have.")
            if experiment_id not in self.experiments:
                raise InvalidParameterError(f"Its experiment {experiment_id} could not be read.")
        except InvalidParameterError as error:
            self.report.fail("runs", run_id, error)
            return False
        return True

    def _placed(
        self, runs: Columns, known: dict[str, tuple[str, str | None, str]]
    ) -> tuple[Columns, list[str]]:
        """Return runs as they are kept here, and those whose files stay where they are."""
        stored, elsewhere = [], []
        folder = self.source.store.folder
        for run_id, experiment_id, uri in _triples(runs, "artifact_uri"):
            there = artifact_uri(folder, uri, experiment_id, run_id)
            home = self.experiments[experiment_id]
            here, place = home.id, self.place_of_new(home, f"{run_id}/artifacts")
            if run_id in known:
                here, place, _ = known[run_id]
            elif uri is not None and (remote := self.remote(there)) is not None:
                place = remote
                elsewhere.append(run_id)
            stored.append(place)
            self.runs[run_id] = CopiedPlace(here, there, place)
        running = runs["status"] == "RUNNING"
        if running.any():
            self.report.note(
                "Runs that had not ended there are shown as interrupted; doing this again when "
                "they have brings the rest."
            )
            self._interrupted += runs["run_id"][running].tolist()
        ended = np.ma.array(runs["end_time"], copy=True)
        ended[running] = np.ma.masked
        homes = [self.experiments[each].id for each in runs["experiment_id"]]
        return {
            **runs,
            "experiment_id": texts(homes),
            "status": texts(np.where(running, "INTERRUPTED", runs["status"]).tolist()),
            "end_time": ended,
            "artifact_uri": texts(stored),
        }, elsewhere

    def place_of_new(self, experiment: ExperimentRow, below: str) -> str | None:
        """Return where files of a new run or model go, as it is stored; None: the usual place."""
        location, root = experiment.location, self.target.artifact_root
        if location is None and root is not None:
            location = f"{root.rstrip('/')}/{experiment.id}"
        return None if location is None else f"{location.rstrip('/')}/{below}"

    def remote(self, there: str) -> str | None:
        """Return the place in object storage where files stay; None for files that are copied."""
        found = None if self.source.is_own(there) else self.locator.find(there).remote
        if found is not None and not self.target.access.allows(found):
            self._closed.add(found)
        return found

    # -- points ------------------------------------------------------------------------------

    def _bring_points(self, run_ids: Sequence[str]) -> None:
        with self.source.store.read() as reader:
            series = read_series(reader, run_ids)
        with self.target.read() as reader:
            here = point_digests(reader, run_ids)
        there = {}
        if here:
            with self.source.store.read() as reader:
                there = point_digests(reader, sorted({run_id for run_id, _ in here}))
        new: list[BulkSeries] = []
        for each in series:
            digest = here.get((each.run_id, self.keys.valid(each.key)))
            if digest is not None and digest == there.get((each.run_id, each.key)):
                self.report.count("points", known=each.point_count)
                self.progress.step(each.point_count)
            else:
                new.append(each)
        for part in _of_points(new):
            with self.source.store.read() as reader:
                points = read_points(reader, part)
            names = [(each.run_id, self.keys.valid(each.key)) for each in part]
            self._add_points(names, points)

    def _add_points(self, names: list[tuple[str, str]], points: Points) -> None:
        with self.target.write() as reader:
            added = len(add_points(reader, names, points, in_bulk=True))
        self.report.count("points", came=added, known=len(points) - added)
        self.progress.step(len(points))


def _parts(found: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for first in range(0, len(found), size):
        yield found[first : first + size]


def _of_points(found: Sequence[BulkSeries]) -> Iterator[list[BulkSeries]]:
    """Yield series with about as many points as are written at once."""
    part: list[BulkSeries] = []
    count = 0
    for each in found:
        part.append(each)
        count += each.point_count
        if count >= POINTS_AT_ONCE:
            yield part
            part, count = [], 0
    if part:
        yield part


def _triples(runs: Columns, third: str) -> Iterator[tuple[str, str, Any]]:
    names = ("run_id", "experiment_id", third)
    return zip(*(runs[name].tolist() for name in names), strict=True)


def _with_tag(tags: Columns, key: str, owners: Sequence[str]) -> Columns:
    """Return tags with one more for some runs."""
    more = {"run_id": list(owners), "key": [key] * len(owners), "value": ["true"] * len(owners)}
    kept = chosen(tags, np.array([each != key for each in tags["key"]], dtype=bool))
    return {name: np.concatenate([kept[name], texts(more[name])]) for name in more}
