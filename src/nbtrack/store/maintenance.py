"""Making a store, and keeping it small and quick: ``create_store``, ``compact``, ``sync``."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nbtrack.errors import StoreError
from nbtrack.store.artifacts.access import (
    PLAIN,
    check_artifact_root,
    is_below,
    without_password,
)
from nbtrack.store.artifacts.orphans import GRACE_S, OwnRoot, remove_orphans
from nbtrack.store.artifacts.paths import resolve_location
from nbtrack.store.creation import NewStore, StoreReport
from nbtrack.store.deleted import (
    PurgeFilter,
    PurgeItem,
    PurgePlan,
    check_chosen,
    find_deleted,
    remove_deleted,
)
from nbtrack.store.journal import now_ms
from nbtrack.store.opening import open_store
from nbtrack.store.store import Store


@dataclass(frozen=True)
class CompactReport:
    """What ``compact`` did.

    Attributes
    ----------
    runs : int
        Deleted runs that are gone for good now.
    experiments : int
        Deleted experiments without runs that are gone for good now.
    database_bytes : int
        By how much the database file has become smaller.
    artifact_bytes : int
        How many bytes of artifacts without an owner were removed.
    models : int
        Deleted logged models that are gone for good now; what is registered stays.
    left : tuple of str
        Where artifacts of what is gone are still: only what is in the store's own folder is
        removed.
    uploads : int
        Uploads to object storage that were begun, and given up now.
    merged, states, files : int
        Of a team's store: small files that were merged, states of the database that can be read
        no more, and files that were removed since no state has them.
    """

    runs: int
    experiments: int
    database_bytes: int
    artifact_bytes: int
    models: int = 0
    left: tuple[str, ...] = ()
    uploads: int = 0
    merged: int = 0
    states: int = 0
    files: int = 0


def create_store(
    uri: str | os.PathLike[str] | None = None,
    *,
    data_path: str | None = None,
    writers: Iterable[str] = (),
    readers: Iterable[str] = (),
) -> StoreReport:
    """Make a store where there is none yet, and say how it was made; again is harmless.

    Parameters
    ----------
    uri : str or path, optional
        ``"postgresql://user@host/database"`` for a team's store, or a file; by default the one
        that the process tracks to.
    data_path : str, optional
        Where the data of a new store of a team goes: ``"s3://bucket/runs"``, or a folder that
        everybody of the team can reach; by default ``NBTRACK_DATA_PATH``.
    writers, readers : iterable of str
        Roles of PostgreSQL that may use the store, or only read it.

    Raises
    ------
    NotFoundError
        If there is no such store of a team, and no place was given for its data.
    InvalidParameterError
        If its data is elsewhere, or the URI names a tracking server.
    ServerDeniedError, ServerUnreachableError, StoreError
    """
    return open_store(uri).make(NewStore(data_path, tuple(writers), tuple(readers)))


def sync(uri: str | os.PathLike[str] | None = None) -> int:
    """Fold every journal of a store into its database now; send it to the server it mirrors.

    Parameters
    ----------
    uri : str or path, optional
        The store; by default the one that the process tracks to.

    Returns
    -------
    int
        The number of points that came in.

    Raises
    ------
    StoreLockedError
        If someone holds the file: it says which process. Nothing is lost.
    StoreError
        If a server has not got everything; the message says why. Nothing is lost.

    Examples
    --------
    >>> with nbtrack.start_run():
    ...     nbtrack.log_metric("loss", 0.4)
    >>> records = nbtrack.store.sync()
    >>> nbtrack.store.sync()  # all is in the database now
    0
    """
    report = open_store(uri).sync()
    if report.problem is not None:
        raise StoreError(f"{report.problem} What is left is sent later.")
    return report.folded


def compact(
    uri: str | os.PathLike[str] | None = None,
    *,
    older_than_s: float = 0.0,
    chosen: PurgeFilter | None = None,
    keep_deleted: bool = False,
    artifact_root: str | None = None,
    grace_s: float = GRACE_S,
) -> CompactReport:
    """Give the space of what is deleted back, sort the points, drop artifacts without an owner.

    Deleted runs and logged models cannot be restored afterwards. The database is written
    anew beside the old file and takes its place in one step. That of a team is worked on in short
    steps, between which everybody goes on: small files are merged, states of the database that
    are older than a day go, and after another day the files that only they had.

    Parameters
    ----------
    uri : str or path, optional
        The store; by default the one that the process tracks to.
    older_than_s : float
        Only what was deleted so many seconds ago goes.
    chosen : Chosen, optional
        What goes; by default everything that was deleted.
    keep_deleted : bool
        Whether all that was deleted stays, so that it can be restored.
    artifact_root : str, optional
        Where a server keeps the artifacts of this store, and nobody anything else: what is deleted
        goes there too, and what nobody refers to.
    grace_s : float
        Seconds that something which nobody refers to is left there: on another machine of a team
        it may have been stored while that could not tell. By default a week.

    Raises
    ------
    StoreLockedError
        If someone holds the file: it says which process.
    NotFoundError, InvalidStateError
        If something was chosen that does not exist, or was not deleted.
    DiskFullError
        If there is no room for the new file; the old one stays.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_metric("loss", 0.4)
    >>> nbtrack.delete_run(run.info.run_id)
    >>> nbtrack.store.compact().runs  # deleted for good
    1
    """
    store = open_store(uri)
    store.check_keeps_runs()
    with store.maintained():
        size = _file_bytes(store)
        gone = PurgePlan()
        if not keep_deleted:
            gone = _purged(store, _before(older_than_s), chosen or PurgeFilter())
        for run in gone.runs:
            store.writers.forget(run.id)
        roots = own_roots(store, artifact_root, grace_s)
        items = (*gone.runs, *gone.models)
        left = tuple(_outside(store, items, roots))
        purged = size - _file_bytes(store)  # what a purge gives back by itself
        done = store.rewrite()
        freed = _remove_orphans(store)
    far, uploads = sweep_roots(store, roots, items)  # nobody waits for that
    return CompactReport(
        len(gone.runs),
        len(gone.experiments),
        purged + done.bytes,
        freed + far,
        len(gone.models),
        left,
        uploads,
        done.merged,
        done.states,
        done.files,
    )


def _file_bytes(store: Store) -> int:
    return store.path.stat().st_size if store.path.exists() else 0


def _purged(store: Store, before: int, chosen: PurgeFilter) -> PurgePlan:
    """Remove the rows of what was deleted, many at a time; return what is gone."""
    gone, is_checked = PurgePlan(), False
    while True:
        with store.write() as reader:
            if not is_checked:
                check_chosen(reader, chosen)
                is_checked = True
            found = find_deleted(reader, before, chosen)
            part = found.first(store.purge_at_once)
            remove_deleted(reader, part)
        gone += part
        if part is found:
            return gone


def plan_purge(
    uri: str | os.PathLike[str] | None = None,
    *,
    older_than_s: float = 0.0,
    chosen: PurgeFilter | None = None,
) -> PurgePlan:
    """Return what `compact` would remove for good, with the same arguments."""
    store = open_store(uri)
    store.check_keeps_runs()
    with store.read() as reader:
        check_chosen(reader, chosen or PurgeFilter())
        return find_deleted(reader, _before(older_than_s), chosen or PurgeFilter())


def _before(older_than_s: float) -> int:
    return now_ms() - int(older_than_s * 1000)


def own_roots(
    store: Store, artifact_root: str | None = None, grace_s: float = GRACE_S
) -> tuple[OwnRoot, ...]:
    """Return the roots, beside its folder, below which a store alone keeps artifacts."""
    named = () if artifact_root is None else (check_artifact_root(artifact_root),)
    uris = dict.fromkeys(uri.rstrip("/") for uri in (*store.own_roots, *named))
    return tuple(OwnRoot(uri, grace_s) for uri in uris)


def sweep_roots(
    store: Store, roots: Iterable[OwnRoot], gone: Iterable[PurgeItem]
) -> tuple[int, int]:
    """Remove the artifacts of what is gone, and what nobody refers to, below roots of the store.

    Returns
    -------
    tuple of int
        The bytes of artifacts, and the number of uploads that were given up.
    """
    freed = uploads = 0
    for root in roots:
        is_known = _references(store)
        for each in gone:
            place = None if each.location is None else root.place_of(each.location)
            if place is not None and not is_known(each.id, f"{root.uri}/{place}"):
                freed += root.remove(place)
        freed += remove_orphans(root, lambda: _references(store))
        uploads += root.give_up_uploads()
    return freed, uploads


def _references(store: Store) -> Callable[[str, str], bool]:
    """Return what says whether the store refers to a run, a model, or a place of artifacts."""
    from nbtrack.store import journal_reader

    known = {name.split(".", 1)[0] for name in journal_reader.sizes(store.journals)}
    with store.read() as reader:
        known |= {owner for (owner,) in reader.named("maintenance.with_artifacts")}
        named = [str(place) for (place,) in reader.named("maintenance.places")]
    used = set()
    for place in named:
        while place and place not in used:  # what is above it is used, too
            used.add(place)
            place = place.rstrip("/").rpartition("/")[0]
    return lambda owner, location: owner in known or location in used


def _outside(
    store: Store, gone: Iterable[PurgeItem], roots: Iterable[OwnRoot] = ()
) -> Iterator[str]:
    """Yield where artifacts of what is gone are outside of the store's folder: they stay.

    What is in the folder goes with the folders that have no owner any more.
    """
    for each in gone:
        if each.location is None or any(root.place_of(each.location) for root in roots):
            continue
        location = resolve_location(store.folder, each.location)
        if not store.access.owns(location) or is_below(location, str(store.access.plain_files)):
            yield without_password(location)


def _remove_orphans(store: Store) -> int:
    """Remove the folders of runs and models that nobody knows, and content that nobody uses."""
    from nbtrack.store import journal_reader
    from nbtrack.store.artifacts.content import sweep_artifacts

    if not store.access.owns(str(store.artifacts)):
        return 0  # the folder is a link to somewhere else
    top = Path(os.path.realpath(store.artifacts))
    folders = [
        place
        for pattern in ("*/*", "*/models/*")
        for place in store.artifacts.glob(pattern)
        if place.relative_to(store.artifacts).parts[0] not in (".content", PLAIN)
        and place.name != "models"
        and place.is_dir()
        and os.path.realpath(place) == str(top / place.relative_to(store.artifacts))
    ]
    # the journal of a run, or of a model, is older than its folder: those made meanwhile have one
    known = {name.split(".", 1)[0] for name in journal_reader.sizes(store.journals)}
    with store.read() as reader:
        known |= {owner for (owner,) in reader.named("maintenance.with_artifacts")}
        named = [
            resolve_location(store.folder, place) for (place,) in reader.named("maintenance.places")
        ]
    used = {os.path.realpath(place) for place in named if store.access.owns(place)}
    used |= {str(parent) for place in used for parent in Path(place).parents}
    freed = 0
    for folder in folders:
        if folder.name not in known and os.path.realpath(folder) not in used:
            freed += _size(folder)
            shutil.rmtree(folder, ignore_errors=True)
    return freed + sweep_artifacts(store.artifacts)


def _size(folder: Path) -> int:
    """Return the bytes that go with a folder: files that others share stay."""
    seen = [path.stat(follow_symlinks=False) for path in folder.rglob("*")]
    return sum(s.st_size for s in seen if s.st_nlink == 1 and stat.S_ISREG(s.st_mode))
