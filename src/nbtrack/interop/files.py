"""Imports artifacts: each is copied and recorded once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbtrack.errors import NbtrackError
from nbtrack.interop.report import Report
from nbtrack.interop.source import Files
from nbtrack.store.artifacts.folder import ArtifactFolder
from nbtrack.store.artifacts.roots import copy_in_chunks
from nbtrack.store.journal import now_ms
from nbtrack.store.model_writer import content_cache
from nbtrack.store.store import Store

MANY = 200

RecordedFiles = dict[str, Sequence[Any]]
"""Size, time in milliseconds since the epoch and SHA-256 of files that are there, by path."""


class FileImporter:
    """Copies artifacts into a store and records them in the database, many at a time.

    Parameters
    ----------
    store : Store
    report : Report
    table : str
        ``"runs"`` or ``"models"``: what the files belong to.
    """

    def __init__(self, store: Store, report: Report, table: str) -> None:
        self._store = store
        self._report = report
        self._table = table
        self._records: dict[tuple[str, str], tuple[int, str | None, int]] = {}

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
            self._records[owner, path] = (size, sha256, now_ms())

        target = ArtifactFolder(place, record=record, cache=content_cache(self._store))
        what = "artifacts" if self._table == "runs" else "files of models"
        try:
            for entry in files.walk():
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
        noun, owners = ("fold", "runs") if self._table == "runs" else ("fold_models", "models")
        paths = [path for _, path in self._records]
        ids = [owner for owner, _ in self._records]
        sizes, hashes, times = (list(c) for c in zip(*self._records.values(), strict=True))
        with self._store.write() as reader:
            of: dict[str, Any] = {owners: ids, "paths": paths}
            reader.named(f"{noun}.remove_artifacts", **of)
            reader.named(f"{noun}.add_artifacts", **of, sizes=sizes, hashes=hashes, times=times)
        self._records.clear()


def _is_here(known: Sequence[Any] | None, size: int | None, files: Files, path: str) -> bool:
    if known is None or size is None or known[0] != size:
        return False
    if isinstance(files, ArtifactFolder):
        changed = Path(files.download(path)).stat().st_mtime * 1000
        return bool(changed <= known[1] or _digest(files, path) == known[2])
    return True


def _digest(files: Files, path: str) -> str:
    with files.open(path) as stream:
        return copy_in_chunks(stream, lambda _: None).sha256
