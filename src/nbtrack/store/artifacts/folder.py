"""The artifacts of one run: files in a folder, here or far away."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nbtrack.entities import FileInfo
from nbtrack.errors import (
    InvalidParameterError,
    NotFoundError,
    StoreError,
    StoreLockedError,
    warn,
)
from nbtrack.protocol.artifact_urls import PROXY
from nbtrack.store.artifacts.bucket_signing import SignsUrls
from nbtrack.store.artifacts.content import part_file_in, replace_file
from nbtrack.store.artifacts.folder_files import FolderFiles, is_store
from nbtrack.store.artifacts.local import LocalArtifacts, artifact_errors
from nbtrack.store.artifacts.paths import (
    INTERNAL,
    check_artifact_path,
    join_artifact_path,
    no_such_artifact,
)
from nbtrack.store.artifacts.roots import (
    ArtifactRoot,
    ProxiedRoots,
    StoredFile,
    local_path,
)
from nbtrack.store.artifacts.transfers import each_of

LOCK_TIMEOUT = 60.0
Record = Callable[[str, int, "str | None"], None]
Recorded = Callable[[], Mapping[str, str]]


class ArtifactFolder:
    """The artifacts of one run.

    Files appear whole or not at all. On a local disk they are read-only and equal
    content is stored once; overwriting gives the name to a new file and leaves the
    other files with the old content alone.

    Parameters
    ----------
    uri : str
        A local path, or a URI: ``file://``, or any that fsspec knows, such as ``s3://``.
    record : callable, optional
        Called as ``record(path, size, sha256)`` once a file is in place.
    cache : Path, optional
        Where local content is shared, usually ``<store.folder>/artifacts/.content``.
    root : ArtifactRoot, optional
        What keeps the files; by default what the URI names. A location that a row of a store
        names is no URI to be believed: ``ArtifactAccess.folder`` opens it.
    recorded : callable, optional
        Returns the SHA-256 of what was put there, by path: what is far away is compared with it
        when it is fetched.

    Raises
    ------
    MissingDependencyError
        If the URI needs a package that is not installed.
    """

    def __init__(
        self,
        uri: str,
        record: Record | None = None,
        cache: Path | None = None,
        *,
        root: ArtifactRoot | None = None,
        recorded: Recorded | None = None,
    ) -> None:
        self.uri = uri
        self._record = record
        self._recorded = recorded
        self._lock: Path | None = None
        if root is None:
            local = local_path(uri)
            self._lock = None if cache is None or local is None else cache / "lock"
            root = remote_root_of(uri) if local is None else LocalArtifacts(local, cache)
        self._root: ArtifactRoot = root

    def __repr__(self) -> str:
        return f"ArtifactFolder({self.uri!r})"

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other threads and processes from here too, to read a file and write it anew.

        Without a cache, where nothing is locked, the last one to write wins.
        """
        if self._lock is None:
            yield
            return
        from filelock import FileLock, Timeout

        lock = FileLock(self._lock, timeout=LOCK_TIMEOUT)
        with artifact_errors(""):
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(poll_interval=0.01)
            except Timeout:
                raise StoreLockedError(
                    f"Another process has changed an artifact for {LOCK_TIMEOUT:g} s and goes on "
                    f"({self._lock}). Try again when it is done."
                ) from None
        try:
            yield
        finally:
            lock.release()

    def put_file(
        self, local: str | os.PathLike[str], artifact_path: str | os.PathLike[str] | None = None
    ) -> None:
        """Store a local file in the folder ``artifact_path``, under its own name.

        A local folder is stored with all in it, likewise under its own name.
        """
        source = Path(local)
        name = Path(os.path.abspath(source)).name
        path = join_artifact_path(artifact_path, name)
        if source.is_dir():
            self.put_folder(source, path)
            return
        if not source.is_file():
            why = "is no regular file" if source.exists() else "does not exist"
            raise NotFoundError(
                f"The file {str(local)!r} cannot be logged: it {why} (in {Path.cwd()})."
            )
        if is_store(source):
            raise InvalidParameterError(
                f"{str(local)!r} is the store itself, which changes while it is copied. "
                "Copy it while no run is active and log the copy."
            )
        self._put_local(source, path)

    def put_folder(
        self, local_dir: str | os.PathLike[str], artifact_path: str | os.PathLike[str] | None = None
    ) -> None:
        """Store what lies in a local folder, below ``artifact_path`` or at the root.

        Links are followed; a folder that is reached twice is stored twice. Pipes, sockets, links
        to nothing, the store itself and what vanishes meanwhile are left out with a warning.

        Raises
        ------
        InvalidParameterError
            If files cannot be read, or have names that no artifact can have: it names them all,
            and the others are stored.
        """
        source = Path(local_dir)
        if artifact_path:
            check_artifact_path(artifact_path)
        if not source.is_dir():
            raise NotFoundError(
                f"The folder {str(local_dir)!r} cannot be logged: there is none (in {Path.cwd()})."
            )
        found = FolderFiles.of(source)
        failed = dict(found.unread)

        def put(item: tuple[Path, str]) -> None:
            self._put_local(item[0], join_artifact_path(artifact_path, item[1]))

        for (_, path), error in each_of(found.files, put, self._root.transfers):
            if isinstance(error, FileNotFoundError):
                found.left_out.append(path)
            elif isinstance(error, InvalidParameterError):
                failed[path] = str(error)
            elif isinstance(error, OSError):
                failed[path] = str(error.strerror)
            elif error is not None:
                raise error
        if found.left_out:
            warn(
                "Left out of the artifacts, being no regular files, gone, or the store itself: "
                f"{_some(found.left_out)}",
                stacklevel=3,
            )
        if failed:
            reasons = "; ".join(f"{path!r}: {why}" for path, why in failed.items())
            raise InvalidParameterError(
                f"{len(failed)} of what {str(local_dir)!r} holds cannot be stored as artifacts, "
                f"all other files are: {reasons}"
            )

    def put_bytes(self, artifact_file: str | os.PathLike[str], data: bytes) -> None:
        """Store ``data`` as the file ``artifact_file``."""
        self.put_stream(artifact_file, io.BytesIO(data))

    def put_stream(self, artifact_file: str | os.PathLike[str], stream: BinaryIO) -> None:
        """Store what a binary stream holds, in constant memory."""
        path = check_artifact_path(artifact_file)
        self._done(path, self._root.write(path, stream))

    def put_written(
        self, artifact_file: str | os.PathLike[str], write: Callable[[Path], StoredFile]
    ) -> None:
        """Store what ``write`` puts into the local path that it is given.

        A large file is so written once, where it stays. It appears when it is whole.
        """
        path = check_artifact_path(artifact_file)
        self._done(path, self._root.write_by(path, write))

    def list(self, path: str | os.PathLike[str] | None = None) -> list[FileInfo]:
        """Return the files and folders in a folder, by path; a file has none in it.

        What nbtrack keeps for itself is not among them; it is listed as ``list(INTERNAL)``.
        """
        found = self._root.entries(_or_root(path))
        return sorted((f for f in found if f.path != INTERNAL), key=lambda entry: entry.path)

    def walk(self, path: str | os.PathLike[str] | None = None) -> Iterator[FileInfo]:
        """Yield every file below a folder, by path."""
        yield from self._walk(path, ())

    def _walk(
        self, path: str | os.PathLike[str] | None, above: tuple[str, ...]
    ) -> Iterator[FileInfo]:
        place = self._root.in_place(_or_root(path))
        real = None if place is None else os.path.realpath(place)
        if real in above:  # a link to a folder that it is in
            return
        for entry in self.list(path):
            if entry.is_dir:
                yield from self._walk(entry.path, above if real is None else (*above, real))
            else:
                yield entry

    def exists(self, path: str | os.PathLike[str]) -> bool:
        """Return whether there is a file or a folder at ``path``."""
        return self._root.kind(check_artifact_path(path)) is not None

    def open(self, path: str | os.PathLike[str]) -> BinaryIO:
        """Open a file for reading bytes."""
        checked = check_artifact_path(path)
        if self._root.kind(checked) == "folder":
            raise InvalidParameterError(f"Artifact {checked!r} is a folder; name a file in it.")
        try:
            return self._root.open(checked)
        except NotFoundError:
            raise self._no_such(checked) from None

    def read_bytes(self, path: str | os.PathLike[str]) -> bytes:
        """Return the content of a file."""
        with self.open(path) as file:
            return file.read()

    def download(
        self, path: str | os.PathLike[str] | None = None, dst: str | os.PathLike[str] | None = None
    ) -> str:
        """Return a local path of a file or a folder.

        Parameters
        ----------
        path : str, optional
            The artifact; nothing for all of them.
        dst : path, optional
            The folder to copy to, made if need be; the artifact keeps its path below it.
            Without it a local artifact is returned where it lies (read-only), and a
            remote one is copied to a new temporary folder.

        Raises
        ------
        NotFoundError
            If there is no such artifact.
        StoreError
            If some of a folder cannot be copied: it names them, and the others are there.
        """
        wanted = _or_root(path)
        kind = self._root.kind(wanted)
        if kind is None:
            raise self._no_such(wanted)
        own = self._root.in_place(wanted)
        if dst is None and own is not None:
            return str(own)
        base = _new_folder() if dst is None else Path(dst)
        place = base / wanted if wanted else base
        if kind == "file":
            self._copy_out(wanted, place)
            return os.path.abspath(place)
        place.mkdir(parents=True, exist_ok=True)
        failed: list[tuple[str, Exception | None]] = []
        files = self.walk(wanted or None)
        for entry, error in each_of(
            files, lambda entry: self._copy_out(entry.path, base / entry.path), self._root.transfers
        ):
            is_lost = isinstance(error, StoreError) and error.error_code == "DATA_LOSS"
            if is_lost or isinstance(error, InvalidParameterError | NotFoundError):
                failed.append((f"{entry.path!r}: {error}", error))
            elif error is not None:
                raise error
        if failed:
            lost = any(isinstance(error, StoreError) for _, error in failed)
            raise StoreError(
                f"{len(failed)} artifacts could not be copied to {str(base)!r}, all others were: "
                f"{'; '.join(text for text, _ in failed)}",
                "DATA_LOSS" if lost else None,
            )
        return os.path.abspath(place)

    def delete(self, path: str | os.PathLike[str] | None = None) -> None:
        """Remove a file, or a folder with all in it; nothing for all artifacts."""
        wanted = _or_root(path)
        if self._root.kind(wanted) is None:
            raise self._no_such(wanted)
        self._root.delete(wanted)

    @property
    def signing(self) -> SignsUrls | None:
        """What signs URLs by which others reach the files themselves; None where nothing does."""
        return self._root if isinstance(self._root, SignsUrls) else None

    def note(self, path: str | os.PathLike[str], size: int) -> None:
        """Record a file that somebody else has put there; nobody has seen its content."""
        if self._record is not None:
            self._record(check_artifact_path(path), size, None)

    def uri_of(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the URI of an artifact."""
        wanted = _or_root(path)
        return f"{self.uri.rstrip('/')}/{wanted}" if wanted else self.uri

    def _no_such(self, path: str) -> NotFoundError:
        return no_such_artifact(path, self.uri, lambda: self._near(path))

    def _near(self, path: str) -> Iterable[FileInfo]:
        """Return what may have been meant by a path; far away, one folder is looked at."""
        here = self._root.in_place("") is not None
        return self.walk() if here else self.list(path.rpartition("/")[0])

    def _put_local(self, local: Path, path: str) -> None:
        self._done(path, self._root.write_file(path, local))

    def _done(self, path: str, stored: StoredFile) -> None:
        if self._record is not None:
            self._record(path, stored.size, stored.sha256)

    def _copy_out(self, path: str, place: Path) -> None:
        check_artifact_path(path)  # names that a server or a bucket gives
        wanted = None if self._recorded is None else self._recorded().get(path)
        with artifact_errors(path):
            place.parent.mkdir(parents=True, exist_ok=True)
            part = part_file_in(place.parent)
            try:
                self._root.fetch(path, part, wanted)
                replace_file(part, place)
            finally:
                part.unlink(missing_ok=True)


def folder_and_path(uri: str) -> tuple[ArtifactFolder, str | None]:
    """Return the folder that holds what a URI names, and its path there; None for all of it."""
    local = local_path(uri)
    if local is not None:
        real = Path(os.path.realpath(local))
        if uri.endswith("/") or not real.name:
            return ArtifactFolder(str(real)), None
        return ArtifactFolder(str(real.parent)), real.name
    folder, _, name = uri.rpartition("/")
    if not name or folder.endswith(("/", ":")):
        return ArtifactFolder(uri), None
    return ArtifactFolder(folder), name


def remote_root_of(uri: str, *, redirects: bool = True) -> ArtifactRoot:
    """Return what keeps artifacts behind a URI that names no local folder."""
    if uri.startswith(("http:", "https:")) and PROXY in uri:
        return ProxiedRoots.open(uri)
    if uri.lower().startswith(("s3:", "s3a:")) and "::" not in uri:
        from nbtrack.store.artifacts.s3 import S3Artifacts

        return S3Artifacts(uri)
    from nbtrack.store.artifacts.remote import RemoteArtifacts

    return RemoteArtifacts(uri, redirects=redirects)


def _new_folder() -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix="nbtrack-"))


def _or_root(path: str | os.PathLike[str] | None) -> str:
    return "" if path is None or path == "" else check_artifact_path(path)


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"
