"""Imports artifacts: each is copied and recorded once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from nbtrack.entities import FileInfo
from nbtrack.errors import NbtrackError, NotFoundError
from nbtrack.interop.report import Report
from nbtrack.interop.source import Files
from nbtrack.protocol.transfer import ProxiedFolder
from nbtrack.store import Store, now_ms
from nbtrack.store.artifacts import INTERNAL, ArtifactFolder, copy_in_chunks
from nbtrack.store.bulk import RecordedFile, record_files

MANY = 200

RecordedFiles = Mapping[str, RecordedFile]
"""Files that are there, by path."""


def every_file(files: Files) -> Iterator[FileInfo]:
    """Yield all files of a folder, also what a run keeps of nbtrack's own."""
    yield from files.walk()
    if not isinstance(files, ArtifactFolder | ProxiedFolder):
        return
    try:
        yield from files.walk(INTERNAL)
    except NotFoundError:
        return


class FileImporter:
    """Copies artifacts into a store and records them in the database, many at a time.

    Parameters
    ----------
    store : Store
    report : Report
    table : str
        ``"runs"`` or ``"models"``: what the files belong to.
    """

    def __init__(self, store: Store, report: Report, table: Literal["runs", "models"]) -> None:
        self._store = store
        self._report = report
        self._table = table
        self._records: dict[tuple[str, str], RecordedFile] = {}

    def take(self, owner: str, files: Files, place: str, known: RecordedFiles) -> None:
        """Copy what is new of a folder.

        Parameters
        ----------
        owner : str
            The run or the model.
        files : Files
            Where the files are.
        place : str
            Where they go: a path or a URI.
        known : dict
            What is there already.
        """

        def record(path: str, size: int, sha256: str | None) -> None:
            self._records[owner, path] = RecordedFile(size, now_ms(), sha256)

        target = ArtifactFolder(place, record=record, cache=self._store.content_cache)
        what = "artifacts" if self._table == "runs" else "files of models"
        try:
            for entry in every_file(files):
                if _is_here(known.get(entry.path), entry.file_size, files, entry.path):
                    self._report.count(what, known=1)
                    continue
                try:
                    with files.open(entry.path) as stream:
                        target.put_stream(entry.path, stream)
                    self._report.count(what, came=1)
                except (NbtrackError, OSError) as error:
                    self._report.fail(what, f"{owner}/{entry.path}", error)
                if len(self._records) >= MANY:
                    self.flush()
        except (NbtrackError, OSError) as error:
            self._report.fail(what, owner, error)

    def flush(self) -> None:
        """Record what was copied."""
        if not self._records:
            return
        with self._store.write() as reader:
            record_files(reader, self._table, self._records)
        self._records.clear()


def _is_here(known: RecordedFile | None, size: int | None, files: Files, path: str) -> bool:
    if known is None or size is None or known.size != size:
        return False
    if isinstance(files, ArtifactFolder):
        changed = Path(files.download(path)).stat().st_mtime * 1000
        return bool(changed <= known.time or _digest(files, path) == known.sha256)
    return True


def _digest(files: Files, path: str) -> str:
    with files.open(path) as stream:
        return copy_in_chunks(stream, lambda _: None).sha256
