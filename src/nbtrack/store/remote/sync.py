"""Sending what is left: ``nbtrack.store.sync`` and ``nbtrack sync``."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from nbtrack.config import DEFAULT_NAME, remote_root
from nbtrack.store.folding import MIRROR_MARKER
from nbtrack.store.store import Store, open_store

BUSY_S = 30.0


@dataclass(frozen=True)
class SyncReport:
    """What a sync did for one store.

    Attributes
    ----------
    uri : str
    folded : int
        Points that came into the database, or the mirror.
    sent_points, sent_files : int
        What the server has got; 0 for a store of one's own.
    left : int
        Journals that hold more than the server has got.
    refused : dict of str to int
        Why the server will never take some of it, and how many things; they are kept aside.
    problem : str or None
        Why something is left.
    """

    uri: str
    folded: int
    sent_points: int = 0
    sent_files: int = 0
    left: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    problem: str | None = None


def sync(store: Store) -> SyncReport:
    """Fold the journals of a store, and send them to the server that it mirrors.

    Raises
    ------
    StoreLockedError
        If someone holds the database: it says which process. Nothing is lost.
    """
    folded = store.fold() if store.folder.exists() else 0
    if store.remote is None:
        return SyncReport(store.uri, folded)
    end = time.monotonic() + BUSY_S
    report = store.remote.sender.send()
    while report.busy and time.monotonic() < end:  # another process sends
        time.sleep(0.2)
        report = store.remote.sender.send()
    store.fold_quietly()
    problem = None if report.problem is None else str(report.problem)
    if report.busy:
        problem = "Another process is sending the same journals, and goes on."
    left = report.left if not report.busy else 1
    return SyncReport(
        store.uri, folded, report.points, report.files, left, dict(report.refused), problem
    )


def mirrors() -> list[Store]:
    """Return the mirrors of servers that this user has on this machine."""
    folders = sorted(remote_root().glob(f"*/{DEFAULT_NAME}.d/{MIRROR_MARKER}"))
    return [open_store(Path(str(marker.parent).removesuffix(".d"))) for marker in folders]
