"""Files of runs and models on their way into another store: each once, checked by its SHA-256."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from nbtrack.errors import NbtrackError, StoreError
from nbtrack.interop.allowed_folders import left_out
from nbtrack.interop.files import every_file
from nbtrack.interop.store_copy import CopiedPlace, StoreCopy
from nbtrack.store import Reader, now_ms, usual_model_location
from nbtrack.store.artifacts import (
    ArtifactFolder,
    StoredFile,
    copy_in_chunks,
    each_of,
    is_below,
    local_path,
    resolve_location,
)
from nbtrack.store.bulk import RecordedFile, read_rows, record_files

OWNERS_AT_ONCE = 500
TRANSFERS = 8
_ROWS = {"runs": "artifacts", "models": "files of models"}

Recorded = Mapping[str, RecordedFile]
Record = Callable[[str, int, "str | None"], None]


class _File(NamedTuple):
    """A file that is to be copied.

    Attributes
    ----------
    recorded : RecordedFile or None
        What it was when it was logged.
    record : callable or None
        Records what is at its place here already; None where it is recorded.
    """

    owner: str
    path: str
    files: ArtifactFolder
    target: ArtifactFolder
    recorded: RecordedFile | None
    record: Record | None


class FileCopy:
    """Copies what runs or models have as files, and records it.

    Parameters
    ----------
    copy : StoreCopy
    of : str
        What the files belong to.
    """

    def __init__(self, copy: StoreCopy, of: Literal["runs", "models"]) -> None:
        self._copy = copy
        self._report = copy.report
        self._of = of
        self._what = _ROWS[of]
        self._records: dict[tuple[str, str], RecordedFile] = {}
        roots = (copy.source.store.artifact_root, copy.target.artifact_root)
        self._is_far = any(root is not None and local_path(root) is None for root in roots)

    def run(self, places: Mapping[str, CopiedPlace]) -> None:
        """Copy the files of runs or models, by their ids."""
        self._copy.progress.stage(self._what, len(places))
        ids = list(places)
        for first in range(0, len(ids), OWNERS_AT_ONCE):
            part = ids[first : first + OWNERS_AT_ONCE]
            with self._copy.source.store.read() as reader:
                there = self._recorded(reader, part)
            with self._copy.target.read() as reader:
                here = self._recorded(reader, part)
            work: list[_File] = []
            for owner in part:
                work += self._work(owner, places[owner], there.get(owner, {}), here.get(owner, {}))
            self._do(work)
            self._copy.progress.step(len(part))
            self._flush()

    def _do(self, work: Sequence[_File]) -> None:
        """Copy files, several at a time where they go far away or come from there."""
        for file, error in each_of(work, _copy, TRANSFERS if self._is_far else 1):
            if isinstance(error, NbtrackError | OSError):
                self._report.fail(self._what, f"{file.owner}/{file.path}", error)
            elif error is not None:
                raise error
            else:
                self._report.count(self._what, came=1)

    def _recorded(self, reader: Reader, ids: Sequence[str]) -> Mapping[str, Recorded]:
        table = "artifacts" if self._of == "runs" else "logged_model_artifacts"
        rows = read_rows(reader, table, ids)
        owners = rows.pop("run_id" if self._of == "runs" else "model_id").tolist()
        times = rows["creation_time"].astype("datetime64[ms]").astype(np.int64).tolist()
        columns = (rows[name].tolist() for name in ("path", "size", "sha256"))
        found: dict[str, dict[str, RecordedFile]] = defaultdict(dict)
        for owner, path, size, sha256, time in zip(owners, *columns, times, strict=True):
            found[owner][path] = RecordedFile(size, time, sha256)
        return found

    def _work(self, owner: str, place: CopiedPlace, there: Recorded, here: Recorded) -> list[_File]:
        """Return what is to be copied for one run or model."""
        if place.stored == place.there and local_path(place.there) is None:  # they stay there
            new = {(owner, path): file for path, file in there.items() if path not in here}
            self._records.update(new)
            return []
        files = self._files(owner, place.there, there)
        if files is None:
            return []
        try:
            found = self._found(files, there)
        except (NbtrackError, OSError) as error:
            self._report.fail(self._what, owner, error)
            return []
        for path in sorted(there.keys() - found):
            self._report.fail(
                self._what, f"{owner}/{path}", "It is recorded, but its file is not there."
            )
        new_paths = [p for p in sorted(found) if not _is_known(there.get(p), here.get(p))]
        self._report.count(self._what, known=len(found) - len(new_paths))
        if not new_paths:
            return []
        record = partial(self._record, owner, there)
        target = self._target(owner, place, record)
        return [
            _File(owner, path, files, target, there.get(path), None if path in here else record)
            for path in new_paths
        ]

    def _found(self, files: ArtifactFolder, there: Recorded) -> set[str]:
        """Return the files that there are; far away those that are recorded."""
        if local_path(files.uri) is None:
            return set(there)
        return {entry.path for entry in every_file(files)}

    def _files(self, owner: str, uri: str, there: Recorded) -> ArtifactFolder | None:
        """Return the files as they are now; None where there are none, or none may be read."""
        folder = local_path(uri)
        if not there and (folder is None or not folder.is_dir()):
            return None
        if self._copy.source.is_own(uri):
            files = self._copy.source.folder(uri)
            if folder is None:
                return files
        else:
            found = self._copy.locator.find(uri)
            if found.closed is not None:
                self._report.fail(self._what, owner, found.why)
                return None
            folder = found.local
            files = ArtifactFolder(str(folder))
        if folder is None or not folder.is_dir():
            if there:
                self._report.fail(
                    self._what,
                    owner,
                    f"{len(there)} files are recorded, but their folder {folder or uri} is not "
                    "there. If it was moved, say where to: --artifact-root OLD=NEW.",
                )
            return None
        for path, why in left_out(folder):
            self._report.fail(self._what, f"{owner}/{path}", why)
        return files

    def _target(self, owner: str, place: CopiedPlace, record: Record) -> ArtifactFolder:
        """Return where the files go, which a row here names: closed where that is not allowed."""
        store = self._copy.target
        usual = f"artifacts/{place.experiment_id}/{owner}"
        if self._of == "models":
            usual = usual_model_location(place.experiment_id, owner)
        uri = resolve_location(store.folder, place.stored or usual)
        return store.access.folder(uri, record, shared=is_below(uri, str(store.access.artifacts)))

    def _record(
        self, owner: str, there: Recorded, path: str, size: int, sha256: str | None
    ) -> None:
        time = there[path].time if path in there else now_ms()
        self._records[owner, path] = RecordedFile(size, time, sha256)

    def _flush(self) -> None:
        if self._records:
            with self._copy.target.write() as reader:
                record_files(reader, self._of, self._records)
            self._records.clear()


def _is_known(there: RecordedFile | None, here: RecordedFile | None) -> bool:
    """Return whether a file need not be copied: it is here, or what is here is newer."""
    if here is None:
        return False
    return there is None or there.sha256 == here.sha256 or there.time <= here.time


def _copy(file: _File) -> None:
    """Copy a file, unless its content is another one than was recorded."""
    files, target = file.files, file.target
    is_near = local_path(target.uri) is not None
    if is_near and file.record is not None and target.exists(file.path):
        _keep(file, file.record)
    elif not is_near and local_path(files.uri) is not None:
        local = Path(files.download(file.path))
        _check(_digest(local), file.recorded)
        target.put_file(local, file.path.rpartition("/")[0])
    else:
        target.put_written(file.path, partial(_lay, file))


def _keep(file: _File, record: Record) -> None:
    """Record a file that is here, but not recorded: a copy that was cut off may have left it."""
    with file.target.open(file.path) as stream:
        here = copy_in_chunks(stream, lambda _: None)
    with file.files.open(file.path) as stream:
        there = copy_in_chunks(stream, lambda _: None)
    _check(there, file.recorded)
    if here != there:
        raise StoreError(
            "Another file is at its place, which was not logged; it stays. Move it away to get "
            "this one."
        )
    record(file.path, *here)


def _lay(file: _File, part: Path) -> StoredFile:
    """Put a file at another place: as a second name of it where that is safe, or as a copy."""
    files = file.files
    if local_path(files.uri) is not None and _link(Path(files.download(file.path)), part):
        stored = _digest(part)
    else:
        with files.open(file.path) as stream, part.open("xb") as copy:
            stored = copy_in_chunks(stream, copy.write)
    _check(stored, file.recorded)
    return stored


def _link(file: Path, part: Path) -> bool:
    """Give a file of this user that nobody writes to a second name, where the system can.

    Files of a store are replaced, never changed.
    """
    if os.name != "posix":
        return False
    try:
        os.link(file, part, follow_symlinks=False)
    except OSError:
        return False
    found = part.lstat()
    if stat.S_ISREG(found.st_mode) and not found.st_mode & 0o222 and found.st_uid == os.getuid():
        return True
    part.unlink()
    return False


def _digest(file: Path) -> StoredFile:
    with file.open("rb") as stream:
        return copy_in_chunks(stream, lambda _: None)


def _check(stored: StoredFile, recorded: RecordedFile | None) -> None:
    if recorded is not None and recorded.sha256 not in (None, stored.sha256):
        raise StoreError(
            "Its content is another one than was logged (SHA-256 "
            f"{stored.sha256[:12]}..., recorded {str(recorded.sha256)[:12]}...), so it was left "
            "out. If that is meant, log the file again."
        )
