"""The disk that a store lies on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from nbtrack.health.finding import Finding, problem, warning

NETWORK = {
    "9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "drvfs", "gfs2", "glusterfs", "gpfs", "lustre",
    "ncpfs", "nfs", "nfs4", "ocfs2", "pvfs2", "smb2", "smb3", "smbfs", "vboxsf", "webdav", "wekafs",
}  # fmt: skip
SYNCED = ("Dropbox", "OneDrive", "Google Drive", "GoogleDrive", "Mobile Documents", "Nextcloud")
LEAST_FREE = 500_000_000
_ELSEWHERE = (
    "Keep the store on a disk of this machine (NBTRACK_URI=...), or let `nbtrack server` run on "
    "the machine that has the disk."
)

Mount = tuple[str, str]
"""A folder, and the type of the file system there."""


def findings(database: Path) -> Iterator[Finding]:
    """Look at the disk of a database: is it of this machine, is there space, may it be written."""
    folder = next(place for place in database.parents if place.exists())
    yield from network(Path(os.path.realpath(folder)), mounts())
    usage = shutil.disk_usage(folder)
    needed = max(LEAST_FREE, database.stat().st_size if database.exists() else 0)
    free = f"{usage.free / 1e9:.1f} GB of the disk are free"
    if usage.free < needed:
        yield warning(
            "disk",
            f"{free}: compacting writes the database anew beside the old one.",
            "Free some space; `nbtrack gc` removes what was deleted.",
        )
    else:
        yield Finding("disk", f"{free}.")
    for place in (folder, database, Path(f"{database}.d"), Path(f"{database}.d", "journal")):
        if place.exists() and not os.access(place, os.W_OK):
            yield problem(
                "disk",
                f"{place} cannot be written by this user.",
                f"Make it writable (chmod u+w {place}), or choose another store.",
            )


def mounts() -> list[Mount]:
    """Return what is mounted where."""
    import psutil

    return [(each.mountpoint, each.fstype) for each in psutil.disk_partitions(all=True)]


def network(folder: Path, mounted: Iterable[Mount]) -> Iterator[Finding]:
    """See whether a folder is of another machine, or is copied to others."""
    above = [(Path(p), kind) for p, kind in mounted if folder.is_relative_to(p)]
    place, kind = max(above, key=lambda each: len(each[0].parts), default=(folder, ""))
    if kind.lower() in NETWORK or kind.lower().startswith("fuse."):
        yield warning(
            "disk",
            f"The store is on a network disk ({kind}, mounted at {place}). Machines may not see "
            "each other's locks there, and everything takes longer.",
            _ELSEWHERE,
        )
    synced = next((name for name in SYNCED if any(name in part for part in folder.parts)), None)
    if synced is not None:
        yield warning(
            "disk",
            f"The store is in a folder that {synced} copies: it copies files that are being "
            "written, and puts old ones in their place.",
            _ELSEWHERE,
        )
