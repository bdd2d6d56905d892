"""Trackio's SQLite files: one for each project.

Configuration, histories and the system's figures come. Pictures, tables, traces, alerts and
artifacts do not.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbtrack.errors import NbtrackError
from nbtrack.interop.point_buffer import PointBuffer, flat, made_id, numbers
from nbtrack.interop.report import Report
from nbtrack.interop.source import ExperimentRecord, PointBatch, Source
from nbtrack.interop.sqlite import SqliteFile
from nbtrack.store.bulk import RunRecord

Run = tuple[str, str]
"""Id and name of a run; older files have no ids."""


class Trackio(Source):
    """Runs of trackio's files.

    Parameters
    ----------
    path : Path
        A file ``<project>.db``, or the folder that they lie in.
    report : Report
    named : sequence of Path
        More folders that may be read, where links lead there.
    """

    kind = "trackio"

    def __init__(self, path: Path, report: Report, named: Sequence[Path] = ()) -> None:
        super().__init__(str(path), report, [path.parent if path.is_file() else path, *named])
        found = [path] if path.is_file() else self.allowed.files(sorted(path.rglob("*.db")))
        self._files: dict[str, SqliteFile] = {}
        for file in found:
            try:
                database = SqliteFile(file)
            except NbtrackError as error:
                report.fail("projects", file.stem, error)
                continue
            if {"metrics", "configs"} <= database.tables:
                self._files[file.stem] = database
        self._histories: list[tuple[str, PointBuffer]] = []

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files.values():
            file.close()

    def experiments(self) -> list[ExperimentRecord]:
        """Return one experiment for each project."""
        return [ExperimentRecord(name, name) for name in self._files]

    def point_count(self) -> int:
        """Return about how many log calls there are."""
        return sum(file.count("metrics") for file in self._files.values())

    def runs(self) -> Iterator[RunRecord]:
        """Yield the runs; their histories are read with them."""
        for project, file in self._files.items():
            try:
                yield from self._of(project, file)
            except NbtrackError as error:
                self.report.fail("projects", project, error)

    def _of(self, project: str, file: SqliteFile) -> Iterator[RunRecord]:
        configs = {
            (run or "", str(name)): (_json(config), _ms(created))
            for run, name, config, created in file.rows(
                "configs", ("run_id", "run_name", "config", "created_at")
            )
        }
        histories = self._read(file)
        for run_id, name in sorted(configs.keys() | histories.keys()):
            config, created = configs.get((run_id, name), ({}, 0))
            history = histories.get((run_id, name), PointBuffer())
            tags = {"trackio.project": project, "trackio.run_id": run_id}
            if config.get("_Group"):
                tags["trackio.group"] = str(config["_Group"])
            record = RunRecord(
                made_id("trackio", project, run_id or name),
                project,
                name,
                "FINISHED",
                _ms(config.get("_Created")) or history.first or created,
                history.last or created or None,
                str(config.get("_Username") or ""),
                params=flat({k: v for k, v in config.items() if not k.startswith("_")}),
                tags={key: value for key, value in tags.items() if value},
            )
            self._histories.append((record.id, history))
            yield record

    def _read(self, file: SqliteFile) -> dict[Run, PointBuffer]:
        found: dict[Run, PointBuffer] = defaultdict(PointBuffer)
        left = 0
        wanted = ("run_id", "run_name", "timestamp", "step", "metrics")
        for table, prefix in (("metrics", ""), ("system_metrics", "system/")):
            for run, name, stamp, step, text in file.rows(table, wanted, "ORDER BY id"):
                values = _json(text)
                time = _ms(stamp)
                known = list(numbers(values))
                left += len(values) - len(known) if len(known) < len(values) else 0
                for key, value in known:
                    found[run or "", str(name)].add(prefix + key, int(step or 0), time, value)
        if left:
            self.report.note(
                f"{left:,} logged values of {file.path.name} are no numbers, and were left out."
            )
        return found

    def points(self) -> Iterator[PointBatch]:
        """Yield the histories."""
        for run_id, history in self._histories:
            yield history.batch(run_id)


def _json(text: Any) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _ms(stamp: Any) -> int:
    """Return an ISO time in milliseconds since the epoch; 0 where it is none."""
    try:
        time = datetime.fromisoformat(str(stamp))
    except ValueError:
        return 0
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
