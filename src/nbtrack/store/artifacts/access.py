"""Which places of artifacts may be used, and for whom: the one place where that is decided.

Where artifacts are is written in rows of the database, and a row is what somebody has written who
had the file: in a store that came with a repository, or that a client of a server has filled, it
may name any file of this machine and any address of its network. So a place is used when it is

- below the store's own artifact folder, once symbolic links are followed, or below a root that
  the store alone keeps artifacts at;
- below a root that was given to this process: by an option of a server, or in the variable
  ``NBTRACK_ARTIFACT_ROOTS``;
- below a root that this user has chosen before (`artifact_choices`);
- for a store that mirrors a tracking server: where the server keeps artifacts for its clients,
  or in object storage.

Everything else is a closed folder: it has a name, and each use says how to allow it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nbtrack.errors import InvalidParameterError, UntrustedError
from nbtrack.protocol.artifact_urls import PROXY
from nbtrack.store.artifacts import choices
from nbtrack.store.artifacts.folder import ArtifactFolder, Record, Recorded, remote_root_of
from nbtrack.store.artifacts.paths import stays_below
from nbtrack.store.artifacts.roots import ClosedArtifacts, local_path
from nbtrack.variables import ARTIFACT_ROOTS

PLAIN = "plain"
"""The folder, among those of experiments, of a server's plain files."""

OBJECT_STORES = frozenset(
    {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "wasb", "wasbs", "oci", "oss", "r2"}
)
_OF_ONE = re.compile(r"/(?:[0-9a-f]{32}|models/m-[0-9a-f]{32})/artifacts/?$")
_UNCLEAR = re.compile(r"[\\?#\x00-\x1f\x7f]")


class ArtifactAccess:
    """Decides for one store which places of artifacts may be used.

    Parameters
    ----------
    folder : Path
        The folder of the store: ``<path>.d``.
    roots : iterable of str
        More places that may be used: folders, URIs, and ``s3://`` for all of a kind of storage.
    serves : bool
        Whether this is for others: a server. What they give must be below a root.
    server : str, optional
        The URL of the tracking server that the store mirrors.
    own : callable, optional
        Returns the roots of artifacts that are the store's own too: ``store.own_roots``.

    Raises
    ------
    InvalidParameterError
        If a root is none.
    """

    def __init__(
        self,
        folder: Path,
        roots: Iterable[str] = (),
        *,
        serves: bool = False,
        server: str | None = None,
        own: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._folder = folder
        self._own = own
        self._roots = [check_artifact_root(root) for root in roots]
        self._serves = serves
        self._server = server

    def folder(
        self,
        location: str,
        record: Record | None = None,
        *,
        shared: bool = False,
        recorded: Recorded | None = None,
    ) -> ArtifactFolder:
        """Return the artifacts at a location that a row names; closed where it may not be used.

        Parameters
        ----------
        location : str
            An absolute path or a URI.
        record, recorded : callable, optional
            See ``ArtifactFolder``.
        shared : bool
            Whether equal content is shared with what else is in the store's folder.
        """
        if not self.allows(location):
            return ArtifactFolder(location, root=ClosedArtifacts(self._refusal(location)))
        content = self.artifacts / ".content"
        cache = content if shared and self.owns(str(content)) else None
        # an address that was allowed does not lead to one that was not
        is_far = _local(location) is None
        root = remote_root_of(location, redirects=False) if is_far else None
        return ArtifactFolder(location, record, cache, root=root, recorded=recorded)

    def check(self, location: str) -> None:
        """Raise where a location may not be used.

        Raises
        ------
        UntrustedError
        """
        if not self.allows(location):
            raise UntrustedError(self._refusal(location))

    def allows(self, location: str) -> bool:
        """Return whether a location that a row names may be read and written."""
        if self.owns(location) or self.was_given(location):
            return True
        if is_chained_uri(location):
            return False
        if self._server is not None and self._is_told_by_server(location):
            return True
        chosen = choices.roots_of(self._folder)
        return any(is_below(location, root) for root in chosen)

    def owns(self, location: str) -> bool:
        """Return whether a location is below the store's own artifact folder or root.

        Only there anything is ever deleted with the runs that it belongs to. Links are followed.
        """
        if any(is_below(location, root) for root in self._own()):
            return True
        local = _local(location)
        # links on the way to the store are the user's; below it they came with the store
        top = Path(os.path.realpath(self._folder.parent), self._folder.name, "artifacts")
        return local is not None and os.path.realpath(top) == str(top) and stays_below(top, local)

    def choose(self, location: str) -> None:
        """Take a location that somebody gives for what will be stored.

        What this user gives in a process of their own is remembered; what a client gives to a
        server must be below a root of the server.

        Raises
        ------
        UntrustedError
            If it is not.
        """
        if self.owns(location) or self.was_given(location):
            return
        if self._serves:
            raise UntrustedError(self._refusal(location))
        if self.allows(location):
            return
        if is_chained_uri(location):
            self._roots.append(location.rstrip("/"))  # as long as this process lives
        else:
            choices.remember(location, self._folder)

    def check_new(self, location: str) -> None:
        """Raise where a server would begin something at a location that it may not use.

        In a process of the user's own, a run begins all the same: metrics need no place.

        Raises
        ------
        UntrustedError
        """
        if self._serves:
            self.check(location)

    @property
    def artifacts(self) -> Path:
        """The store's own artifact folder."""
        return self._folder / "artifacts"

    @property
    def plain_files(self) -> Path:
        """Where a server without a destination keeps what is not of a run at its usual place."""
        return self.artifacts / PLAIN

    def was_given(self, location: str) -> bool:
        """Return whether a location is below a root that was given to this process."""
        named = filter(None, (root.strip() for root in (ARTIFACT_ROOTS.get() or "").split(",")))
        roots = [*self._roots, *(check_artifact_root(root) for root in named)]
        if is_chained_uri(location):
            return not self._serves and any(_starts_with(location, root) for root in roots)
        return any(is_below(location, root) for root in roots)

    def _is_told_by_server(self, location: str) -> bool:
        """Return whether a tracking server may send its clients there: never to their own files."""
        where = _parts(location)
        if where is None:
            return False
        if where[0] in OBJECT_STORES:
            return True
        proxy = _parts(f"{self._server}{PROXY}")
        return proxy is not None and where[: len(proxy)] == proxy

    def _refusal(self, location: str) -> str:
        shown = without_password(location)
        root = _OF_ONE.sub("", shown)
        if self._serves:
            return (
                f"This server does not use artifacts at {shown}: they are neither below its own "
                "folder nor at a place that its operator has allowed (nbtrack server "
                "--allow-artifact-root URI; c.NbtrackApp.artifact_roots in Jupyter)."
            )
        return (
            f"These artifacts are said to be at {shown}, outside of the store in "
            f"{self._folder.parent}, and nobody has chosen that place here. If you know it, allow "
            f"it once: nbtrack.artifacts.allow({root!r}), or set {ARTIFACT_ROOTS.name}={root}"
        )


def allow(root: str | os.PathLike[str]) -> None:
    """Let artifacts be read and written at a place, whatever store names it; remembered.

    A store whose runs say that their artifacts are elsewhere, in a folder or in object storage,
    is believed only where that place was chosen by this user: with `create_experiment`, or here.

    Parameters
    ----------
    root : str or path
        A folder, or a URI such as ``s3://bucket/runs``.

    Raises
    ------
    InvalidParameterError
        If it is no such place.

    Examples
    --------
    >>> nbtrack.artifacts.allow("s3://our-bucket/runs")
    """
    text = os.fspath(root)
    if is_chained_uri(text):
        raise InvalidParameterError(
            f"{text!r} names one kind of storage inside another, which is allowed for one process "
            f"at a time: set {ARTIFACT_ROOTS.name}={text}"
        )
    choices.remember(check_artifact_root(text))


def check_artifact_root(root: str) -> str:
    """Return a root that artifacts may be below: an absolute path, or a URI.

    Raises
    ------
    InvalidParameterError
        If it is no place, or allows a whole network: ``http://`` needs a host.
    """
    local = local_path(root)
    if local is not None:
        return str(local)
    if is_chained_uri(root):
        return root.rstrip("/")
    parts = _parts(root)
    if parts is None or (len(parts) == 1 and parts[0] not in OBJECT_STORES):
        raise InvalidParameterError(
            f"{without_password(root)!r} cannot be a root of artifacts. Give a folder, a URI with "
            "its host or bucket such as s3://bucket/runs, or s3:// for all buckets."
        )
    return root


def is_chained_uri(location: str) -> bool:
    """Return whether a URI names one kind of storage inside another, as fsspec has it."""
    return "::" in location and _local(location) is None


def is_below(location: str, root: str) -> bool:
    """Return whether a location is a root or below it, symbolic links followed.

    A URI that can be read in two ways (``..``, escaped or not; a query; a backslash) is nowhere.
    """
    local, top = _local(location), _local(root)
    if local is not None or top is not None:
        return local is not None and top is not None and stays_below(top, local)
    where, wanted = _parts(location), _parts(root)
    return where is not None and wanted is not None and where[: len(wanted)] == wanted


def without_password(location: str) -> str:
    """Return a location without the user and the password that it may have."""
    return re.sub(r"(?<=://)[^/@]*@", "", location)


def _local(location: str) -> Path | None:
    try:
        return local_path(location)
    except InvalidParameterError:  # a file: URI of another machine
        return None


def _parts(uri: str) -> tuple[str, ...] | None:
    """Return scheme, host and folders of a URI; None where they are not clear."""
    if _UNCLEAR.search(uri) or _UNCLEAR.search(unquote(uri)) or is_chained_uri(uri):
        return None
    try:
        parts = urlsplit(uri)
        host = parts.netloc.lower()
    except ValueError:
        return None
    folders = [part for part in parts.path.split("/") if part]
    if not parts.scheme or any(unquote(part) in (".", "..") for part in folders):
        return None
    if any("/" in unquote(part) for part in folders) or (folders and not host):
        return None
    return (parts.scheme.lower(), *([host] if host else []), *folders)


def _starts_with(location: str, root: str) -> bool:
    inside = location == root or location.startswith(f"{root.rstrip('/')}/")
    return inside and ".." not in unquote(location).replace("\\", "/").split("/")
