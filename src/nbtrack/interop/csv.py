"""CSV files: tables of runs, and histories of metrics.

Two shapes are read, told apart by their columns:

- a table of runs, one row for each: ``params.<name>``, ``metrics.<name>`` and ``tags.<name>``, as
  ``search_runs`` and ``export_to`` have them; or plain columns, where numbers with a fraction are
  metrics and everything else is a param;
- histories, one row for each point: a run, a key (``key``, ``metric`` or ``name``), ``step``,
  ``value`` and maybe ``timestamp``; or wide, a run, ``step``, and a column for each metric.

A folder may have both: ``runs.csv`` and ``metrics.csv``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from nbtrack.errors import InvalidParameterError
from nbtrack.interop.point_buffer import PointBuffer, made_id
from nbtrack.interop.report import Report
from nbtrack.interop.source import ExperimentRecord, PointBatch, Source
from nbtrack.store.bulk import RunRecord

Row = dict[str, str]
Files = list[tuple[Path, list[str]]]

IDS = ("run_id", "run_uuid", "id")
NAMES = ("run_name", "name", "run")
KEYS = ("key", "metric", "metric_name", "name")
TIMES = ("timestamp", "time", "wall_time")
FIXED = {
    *IDS, "run_name", "run", "experiment_id", "experiment", "experiment_name", "status",
    "artifact_uri", "start_time", "end_time", "user_id", "lifecycle_stage",
}  # fmt: skip


class CsvTables(Source):
    """Runs of a CSV file, or of all CSV files of a folder.

    Parameters
    ----------
    path : Path
    report : Report
    named : sequence of Path
        More folders that may be read, where links lead there.

    Raises
    ------
    InvalidParameterError
        If the columns of a file say nothing about runs.
    """

    kind = "csv"

    def __init__(self, path: Path, report: Report, named: Sequence[Path] = ()) -> None:
        super().__init__(str(path), report, [path.parent if path.is_file() else path, *named])
        self._default = path.stem if path.is_file() else path.absolute().name
        self._tables: Files = []
        self._histories: Files = []
        found = [path] if path.is_file() else self.allowed.files(sorted(path.glob("*.[ct]sv")))
        for file in found:
            columns = _columns(file)
            (self._histories if _is_history(columns) else self._tables).append((file, columns))
        self._ids: dict[str, str] = {}
        self._known: list[RunRecord] | None = None
        self._read: dict[str, PointBuffer] = {}

    def experiments(self) -> list[ExperimentRecord]:
        """Return the experiments that the tables name, else one named like the file."""
        names = sorted({record.experiment for record in self._records()})
        return [ExperimentRecord(name, name) for name in names]

    def runs(self) -> Iterator[RunRecord]:
        """Yield the runs of tables, and those that only histories have."""
        return iter(self._records())

    def points(self) -> Iterator[PointBatch]:
        """Yield the histories."""
        for run_id, history in self._points().items():
            yield history.batch(run_id)

    def _records(self) -> list[RunRecord]:
        if self._known is not None:
            return self._known
        found: dict[str, RunRecord] = {}
        self._read = {}
        for file, columns in self._tables:
            for place, row in enumerate(_rows(file)):
                record, metrics = self._run(row, columns, place)
                if record.id in found:
                    self.report.fail("runs", record.name, f"{file.name} has it twice.")
                    continue
                found[record.id] = record
                self._ids[record.name] = record.id
                history = self._read.setdefault(record.id, PointBuffer())
                for key, value in metrics.items():
                    history.add(key, 0, record.end or record.start, value)
        for file, columns in self._histories:
            self._follow(file, columns, found)
        self._known = list(found.values())
        return self._known

    def _points(self) -> dict[str, PointBuffer]:
        self._records()
        return self._read

    def _run(self, row: Row, columns: list[str], place: int) -> tuple[RunRecord, dict[str, float]]:
        name = _first(row, NAMES) or row.get("tags.mlflow.runName") or ""
        experiment = _first(row, ("experiment", "experiment_name")) or self._default
        given = _first(row, IDS)
        content = "" if name else "\0".join(f"{place}:{row.get(c)}" for c in columns)
        run_id = _valid(given) or made_id("csv", experiment, given or name or content)
        record = RunRecord(
            run_id,
            experiment,
            name or given or f"row {place + 1}",
            (row.get("status") or "FINISHED").upper(),
            _ms(row.get("start_time")) or 0,
            _ms(row.get("end_time")),
            row.get("user_id") or "",
            row.get("lifecycle_stage") or "active",
        )
        metrics: dict[str, float] = {}
        prefixed = any(c.startswith(("params.", "metrics.", "tags.")) for c in columns)
        for column in columns:
            text = row.get(column) or ""
            if column.startswith("params.") and text:
                record.params[column.removeprefix("params.")] = text
            elif column.startswith("tags.") and text:
                record.tags[column.removeprefix("tags.")] = text
            elif column.startswith("metrics.") and (number := _number(text)) is not None:
                metrics[column.removeprefix("metrics.")] = number
            elif not prefixed and text and column not in FIXED and column not in NAMES:
                number = _number(text)
                if number is None or _is_whole(text):
                    record.params[column] = text
                else:
                    metrics[column] = number
        return record, metrics

    def _follow(self, file: Path, columns: list[str], found: dict[str, RunRecord]) -> None:
        """Read histories; a run that no table has is made."""
        cleared: set[str] = set()
        bad = 0
        key_column = _key_column(columns)
        plain = [c for c in columns if c not in (*FIXED, *NAMES, *TIMES, "step", "epoch")]
        for row in _rows(file):
            label = _first(row, IDS) or _first(row, ("run_name", "run")) or file.stem
            run_id = self._ids.get(label) or _valid(label) or made_id("csv", self._default, label)
            if run_id not in found:
                found[run_id] = RunRecord(run_id, self._default, row.get("run_name") or label)
            if run_id not in cleared:
                cleared.add(run_id)
                self._read[run_id] = PointBuffer()  # the table has only the last points of these
            step = _number(row.get("step") or row.get("epoch") or "0")
            time = _ms(_first(row, TIMES)) or found[run_id].start
            pairs = (
                [(c, row.get(c) or "") for c in plain]
                if key_column is None
                else [(row.get(key_column) or "", row.get("value") or "")]
            )
            for key, text in pairs:
                number = _number(text)
                if key and number is not None and step is not None:
                    self._read[run_id].add(key, int(step), time, number)
                elif text:
                    bad += 1
        for run_id in cleared:
            record, history = found[run_id], self._read[run_id]
            record.start = record.start or history.first or 0
            record.end = record.end or history.last
        if bad:
            self.report.fail("points", file.name, f"{bad} values are no numbers.")


def _columns(file: Path) -> list[str]:
    with file.open(newline="", encoding="utf-8-sig") as stream:
        found = next(csv.reader(stream, _dialect(file)), [])
    if not found:
        raise InvalidParameterError(f"{file} has no line with the names of its columns.")
    return found


def _dialect(file: Path) -> type[csv.Dialect]:
    with file.open(newline="", encoding="utf-8-sig") as stream:
        line = stream.readline()
    if file.suffix == ".tsv" or line.count("\t") > line.count(","):
        return csv.excel_tab
    return _Semicolons if line.count(";") > line.count(",") else csv.excel


class _Semicolons(csv.excel):
    delimiter = ";"


def _rows(file: Path) -> Iterator[Row]:
    csv.field_size_limit(1 << 30)
    with file.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
        for row in csv.DictReader(stream, dialect=_dialect(file)):
            yield {key: value for key, value in row.items() if isinstance(value, str)}


def _key_column(columns: list[str]) -> str | None:
    if "value" not in columns:
        return None
    return next((name for name in KEYS if name in columns), None)


def _is_history(columns: list[str]) -> bool:
    if any(c.startswith(("params.", "metrics.")) for c in columns):
        return False
    return _key_column(columns) is not None or "step" in columns or "epoch" in columns


def _first(row: Row, names: tuple[str, ...]) -> str | None:
    return next((row[name] for name in names if row.get(name)), None)


def _valid(text: str | None) -> str | None:
    """Return an id that is one of nbtrack's or MLflow's already."""
    return text if text and len(text) == 32 and text.isalnum() else None


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _is_whole(text: str) -> bool:
    return text.strip().lstrip("+-").isdecimal()


def _ms(text: str | None) -> int | None:
    """Return a time as milliseconds since the epoch: ISO, or a number of seconds or more."""
    if not text:
        return None
    number = _number(text)
    if number is not None:
        if number != number:
            return None
        return int(number if abs(number) >= 1e11 else number * 1000)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
