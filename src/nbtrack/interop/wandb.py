"""Offline runs of Weights & Biases: the folders ``wandb/offline-run-*``.

Configuration, histories, summary, tags, notes, group, files and the system's figures come.
Media that were logged (pictures, tables), artifacts and code versions do not: they are counted.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nbtrack.entities.runs import NOTE
from nbtrack.errors import StoreError
from nbtrack.interop import protobuf
from nbtrack.interop.point_buffer import PointBuffer, flat, made_id, numbers
from nbtrack.interop.protobuf import Fields
from nbtrack.interop.report import Report
from nbtrack.interop.source import ExperimentRecord, PointBatch, Source
from nbtrack.store.bulk import RunRecord

BLOCK = 32768
HEAD = 7
MAGIC = b":W&B"
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
_RUN_TEXTS = {"wandb.run_id": 1, "wandb.entity": 2, "wandb.project": 3, "wandb.group": 6,
              "wandb.job_type": 7, NOTE: 9, "wandb.sweep_id": 12}  # fmt: skip


class OfflineRuns(Source):
    """Offline runs below a folder, or of one ``.wandb`` file.

    Parameters
    ----------
    path : Path
    report : Report
    named : sequence of Path
        More folders that may be read, where links lead there.
    """

    kind = "wandb"

    def __init__(self, path: Path, report: Report, named: Sequence[Path] = ()) -> None:
        super().__init__(str(path), report, [path.parent if path.is_file() else path, *named])
        found = [path] if path.is_file() else self.allowed.files(sorted(path.rglob("*.wandb")))
        self._paths = found
        self._read: list[tuple[RunRecord, PointBuffer]] | None = None

    def experiments(self) -> list[ExperimentRecord]:
        """Return one experiment for each project."""
        names = sorted({record.experiment for record, _ in self._all()})
        return [ExperimentRecord(name, name) for name in names]

    def run_count(self) -> int:
        """Return how many runs there are."""
        return len(self._paths)

    def runs(self) -> Iterator[RunRecord]:
        """Yield the runs."""
        for record, _ in self._all():
            yield record

    def points(self) -> Iterator[PointBatch]:
        """Yield the histories."""
        for record, history in self._all():
            yield history.batch(record.id)

    def _all(self) -> list[tuple[RunRecord, PointBuffer]]:
        if self._read is None:
            self._read = []
            for path in self._paths:
                try:
                    reading = _Reading(path)
                    self._read.append((reading.finished(), reading.history))
                except (ValueError, OSError, StoreError) as error:
                    self.report.fail("runs", path.stem, error)
                    continue
                for what, count in (+reading.left).items():
                    self.report.note(f"{count:,} {what} of W&B run {path.stem} were left out.")
        return self._read


class _Reading:
    """One run while its file is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._run: Fields = {}
        self._config: dict[str, Any] = {}
        self._summary: dict[str, Any] = {}
        self._exit: int | None = None
        self.history = PointBuffer()
        self.left: Counter[str] = Counter()
        for record in _records(path):
            self._take(record)

    def _take(self, record: Fields) -> None:
        if 17 in record:
            self._run.update(protobuf.inner(record, 17))
            self._configure(protobuf.inner(self._run, 4))
        elif 5 in record:
            self._configure(protobuf.inner(record, 5))
        elif 2 in record:
            self._step(protobuf.inner(record, 2))
        elif 3 in record:
            self._summary.update(_items(protobuf.inner(record, 3), 1))
        elif 7 in record:
            message = protobuf.inner(record, 7)
            time = protobuf.time_ms(message, 2)
            found = dict(_items(message, 3))
            for key, value in numbers(found):
                self.history.add(f"system/{key}", 0, time, value)
        elif 18 in record:
            self._exit = protobuf.integer(protobuf.inner(record, 18), 1)
        elif 8 in record:
            self.left["artifacts"] += 1

    def _configure(self, message: Fields) -> None:
        for key, value in _items(message, 1):
            if key != "_wandb":
                self._config[key] = value

    def _step(self, message: Fields) -> None:
        found = dict(_items(message, 1))
        step = protobuf.integer(protobuf.inner(message, 2), 1)
        step = int(found.get("_step", step) or step)
        time = int(float(found.get("_timestamp") or 0) * 1000)
        media = _media(found)
        self.left["pictures, tables and other media"] += len(media)
        for key, value in found.items():
            if key.startswith(("_", *media)):
                continue
            known = list(numbers({key: value}))
            if not known:
                self.left["logged values that are no numbers"] += 1
            for name, number in known:
                self.history.add(name, step, time, number)

    def finished(self) -> RunRecord:
        """Return the run.

        Raises
        ------
        StoreError
            If the file does not even say which run it is.
        """
        run = self._run
        wandb_id = protobuf.text(run, 1)
        if not wandb_id:
            raise StoreError("The file was cut off before it says which run it is.")
        tags = {key: protobuf.text(run, number) for key, number in _RUN_TEXTS.items()}
        tags = {key: value for key, value in tags.items() if value}
        for tag in run.get(10, ()):
            tags[f"wandb.tag.{tag.decode('utf-8', 'replace')}"] = "true"
        git = protobuf.inner(run, 21)
        for key, number in (("repoURL", 1), ("commit", 2)):
            if protobuf.text(git, number):
                tags[f"mlflow.source.git.{key}"] = protobuf.text(git, number)
        media = _media(self._summary)
        for key, value in self._summary.items():
            known = key.startswith(("_", *media)) or key in self.history
            if not known and isinstance(value, str | int | float):
                tags[f"wandb.summary.{key}"] = str(value)
        start = protobuf.time_ms(run, 17) or self.history.first or 0
        project = protobuf.text(run, 3) or "uncategorized"
        files = self._path.parent / "files"
        return RunRecord(
            made_id("wandb", protobuf.text(run, 2), project, wandb_id),
            project,
            protobuf.text(run, 8) or wandb_id,
            _status(self._exit),
            start,
            None if self._exit is None else max(start, self.history.last or start),
            artifacts=str(files) if files.is_dir() else None,
            params=flat(self._config),
            tags=tags,
        )


def _status(code: int | None) -> str:
    """Return the status of a run; without a record of its end it was cut off."""
    return "INTERRUPTED" if code is None else "FAILED" if code else "FINISHED"


def _items(message: Fields, number: int) -> Iterator[tuple[str, Any]]:
    """Yield (key, value) of the items of a history, a summary or a configuration."""
    for item in protobuf.inners(message, number):
        nested = [part.decode("utf-8", "replace") for part in item.get(2, ())]
        key = protobuf.text(item, 1) or ".".join(nested)
        yield key, _value(item)


def _media(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the keys begin with that describe a picture or a table, not a number."""
    return tuple(key.removesuffix("_type") for key in found if key.endswith("._type"))


def _value(item: Fields) -> Any:
    if 6 in item:
        return protobuf.double(item, 6)
    if 5 in item:
        return protobuf.zigzag(item, 5)
    if 4 in item:
        return bool(protobuf.integer(item, 4))
    if 7 in item:
        return protobuf.text(item, 7)
    for number in (8, 16):
        if number in item:
            try:
                return json.loads(protobuf.text(item, number))
            except ValueError:
                return protobuf.text(item, number)
    return None


def _records(path: Path) -> Iterator[Fields]:
    """Yield the records of a file until its end, or to where it was cut off.

    Raises
    ------
    ValueError
        If it is no such file, or of a version that is not known.
    """
    for data in _joined(path):
        try:
            yield protobuf.fields(data)
        except ValueError:
            continue  # one record that makes no sense does not spoil the others


def _joined(path: Path) -> Iterator[bytes]:
    """Yield whole records, their pieces put together."""
    with path.open("rb") as file:
        ident, _, version = struct.unpack("<4sHB", file.read(HEAD).ljust(HEAD, b"\0"))
        if ident != MAGIC or version != 0:
            raise ValueError("it is no .wandb file, or one of a version that is not known")
        gathered = b""
        while True:
            left = BLOCK - file.tell() % BLOCK
            if left < HEAD:
                file.read(left)
                continue
            head = file.read(HEAD)
            if len(head) < HEAD:
                return
            _, length, kind = struct.unpack("<IHB", head)
            data = file.read(length)
            if len(data) < length or kind not in (FULL, FIRST, MIDDLE, LAST):
                return
            gathered = data if kind in (FULL, FIRST) else gathered + data
            if kind in (FULL, LAST):
                yield gathered
                gathered = b""
