"""TensorBoard's log folders: each folder with event files is a run.

Scalars, hyperparameters, texts and pictures come. Graphs, histograms, audio, meshes, embeddings and
PR curves do not: they are counted and reported.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from nbtrack.interop import event_file, protobuf
from nbtrack.interop.point_buffer import GeneratedFiles, PointBuffer, flat, made_id
from nbtrack.interop.protobuf import Fields
from nbtrack.interop.report import Report
from nbtrack.interop.source import ExperimentRecord, Files, PointBatch, Source
from nbtrack.store.bulk import RunRecord

ENDED = {1: "FINISHED", 2: "FAILED"}


class TensorBoard(Source):
    """Runs of a log folder, or of one event file.

    Parameters
    ----------
    path : Path
    report : Report
    named : sequence of Path
        More folders that may be read, where links lead there.
    """

    kind = "tensorboard"

    def __init__(self, path: Path, report: Report, named: Sequence[Path] = ()) -> None:
        super().__init__(str(path), report, [path.parent if path.is_file() else path, *named])
        self._root = path.parent if path.is_file() else path
        found = sorted(path.rglob("*tfevents*"))
        found = [path] if path.is_file() else self.allowed.files(f for f in found if not f.is_dir())
        self._files: dict[Path, list[Path]] = defaultdict(list)
        for file in found:
            self._files[file.parent].append(file)
        self._histories: list[tuple[str, PointBuffer]] = []
        self._made: dict[str, GeneratedFiles] = {}

    def experiments(self) -> list[ExperimentRecord]:
        """Return one experiment, named like the folder."""
        return [ExperimentRecord("tensorboard", self._root.absolute().name or "tensorboard")]

    def run_count(self) -> int:
        """Return how many folders have event files."""
        return len(self._files)

    def runs(self) -> Iterator[RunRecord]:
        """Yield a run for each folder; what cannot be read of it is reported."""
        for folder, paths in sorted(self._files.items()):
            name = folder.relative_to(self._root).as_posix()
            name = self._root.absolute().name if name == "." else name
            # the names of event files hold time and machine, so a folder that moved is the same
            record = RunRecord(made_id("tensorboard", name, paths[0].name), "tensorboard", name)
            history, made = PointBuffer(), GeneratedFiles()
            reading = _Reading(record, history, made)
            for path in paths:
                try:
                    reading.read(path)
                except (ValueError, OSError) as error:
                    self.report.fail("event files", f"{name}/{path.name}", error)
            reading.finish()
            for what, count in reading.left.items():
                self.report.note(f"{count:,} {what} of TensorBoard run {name} were left out.")
            if len(made):
                record.artifacts = f"tensorboard:{record.id}"
                self._made[record.artifacts] = made
            self._histories.append((record.id, history))
            yield record

    def points(self) -> Iterator[PointBatch]:
        """Yield the scalars."""
        for run_id, history in self._histories:
            yield history.batch(run_id)

    def files(self, uri: str) -> Files | None:
        """Return the texts and pictures of a run."""
        return self._made.get(uri)


class _Reading:
    """One run while its event files are read."""

    def __init__(self, record: RunRecord, history: PointBuffer, made: GeneratedFiles) -> None:
        self._record = record
        self._history = history
        self._made = made
        self._texts: dict[str, list[str]] = defaultdict(list)
        self._kinds: dict[str, tuple[str, bytes]] = {}
        self._first = self._last = 0
        self.left: Counter[str] = Counter()

    def read(self, path: Path) -> None:
        """Read one file."""
        for place, event in event_file.records(path):
            time = int(protobuf.double(event, 1) * 1000)
            self._first = min(self._first or time, time)
            self._last = max(self._last, time)
            step = protobuf.integer(event, 2)
            if 4 in event or 9 in event:
                self.left["graphs"] += 1
            for index, value in enumerate(protobuf.inners(protobuf.inner(event, 5), 1)):
                self._take(value, step, time, path, place, index)

    def _take(
        self, value: Fields, step: int, time: int, path: Path, place: int, index: int
    ) -> None:
        tag = protobuf.text(value, 1)
        told = event_file.plugin(value)
        if told[0]:
            self._kinds[tag] = told  # it is said with the first value only
        name, content = self._kinds.get(tag, ("", b""))
        if name == "hparams":
            params, end = event_file.hparams(content)
            self._record.params.update(flat(params))
            self._record.status = ENDED.get(end or 0, self._record.status)
        elif name == "text":
            self._texts[tag].append(f"step {step}: " + "\n".join(event_file.texts(value)))
        elif name == "images" or 4 in value:
            self._picture(value, tag, step, path, place, index)
        elif (number := event_file.scalar(value)) is not None:
            self._history.add(tag, step, time, number)
        else:
            self.left[name or "histograms, sounds and other values"] += 1

    def _picture(
        self, value: Fields, tag: str, step: int, path: Path, place: int, index: int
    ) -> None:
        data = event_file.image(value)
        if data is None:
            self.left["pictures that could not be read"] += 1
            return
        suffix = "jpg" if data.startswith(b"\xff\xd8") else "gif" if data[:3] == b"GIF" else "png"

        def read() -> bytes:
            summary = protobuf.inner(event_file.record_at(path, place), 5)
            return event_file.image(list(protobuf.inners(summary, 1))[index]) or b""

        self._made.add_later(f"images/{_path(tag)}/{step}.{suffix}", len(data), read)

    def finish(self) -> None:
        """Complete the run with what only the whole of it says."""
        self._record.start = self._first
        self._record.end = self._last
        for tag, found in self._texts.items():
            text = "\n\n".join(found)
            self._made.add(f"text/{_path(tag)}.txt", text.encode("utf-8", "replace"))


def _path(tag: str) -> str:
    parts = [part for part in tag.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return "/".join(part.replace(":", "_") for part in parts) or "_"
