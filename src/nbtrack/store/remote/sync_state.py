"""How far the journals of a mirror are synchronized, in small files beside them.

``sent/<journal>.json`` is how far a journal is sent; ``ids.jsonl`` which ids the server gave to
what was made while it was away; ``refused.jsonl`` what it will never take; ``files/`` artifacts
that wait.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MARKER = "remote.json"
Offset = tuple[int, int]
LOCAL_EXPERIMENT = "local-"


def server_of_mirror(folder: Path) -> str | None:
    """Return the URL of the server that a store's folder mirrors; None for a store of its own."""
    try:
        return str(json.loads((folder / MARKER).read_text("utf-8"))["url"])
    except (FileNotFoundError, NotADirectoryError):
        return None


class SyncState:
    """The files about sending in the folder of a mirror.

    Parameters
    ----------
    folder : Path
        The store's folder, ``<database>.d``.
    """

    def __init__(self, folder: Path) -> None:
        self.store_folder = folder
        self.folder = folder / "remote"
        self.files = self.folder / "files"
        self.lock = self.folder / "lock"
        self._ids: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._read_to = 0

    def mark(self, url: str) -> None:
        """Say that the folder mirrors a server: its journals wait until they are sent."""
        marker = self.store_folder / MARKER
        if not marker.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            _replace(marker, {"url": url})

    # -- how far ---------------------------------------------------------------------------

    def sent(self, journal: str) -> Offset:
        """Return how far a journal is sent, in bytes of its events and its points."""
        found = self._record(journal)
        return int(found.get("events", 0)), int(found.get("points", 0))

    def _record(self, journal: str) -> dict[str, Any]:
        try:
            found = json.loads(self._offset_file(journal).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def set_sent(self, journal: str, offset: Offset, *, told: bool = False) -> None:
        """Remember that the server has a journal up to here, and was told that its writer died."""
        record = {"events": offset[0], "points": offset[1], **({"told": True} if told else {})}
        _replace(self._offset_file(journal), record)

    def is_sent(self, journal: str, end: Offset) -> bool:
        """Return whether the server has all of a journal that ends here."""
        events, points = self.sent(journal)
        return events >= end[0] and points >= end[1]

    def may_go(self, journal: str, end: Offset, *, closed: bool) -> bool:
        """Return whether a journal that ends here, and gets nothing more, is of no use now."""
        if not self.is_sent(journal, end):
            return False
        return closed or bool(self._record(journal).get("told"))

    def forget(self, present: Mapping[str, object]) -> None:
        """Remove what is said about journals that are gone."""
        folder = self.folder / "sent"
        for file in folder.glob("*.json") if folder.is_dir() else ():
            if file.stem not in present:
                file.unlink(missing_ok=True)

    def _offset_file(self, journal: str) -> Path:
        return self.folder / "sent" / f"{journal}.json"

    # -- ids -------------------------------------------------------------------------------

    def add_id(self, local: str, server: str) -> None:
        """Remember which id the server has given to a run, a model or an experiment."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _append(self.folder / "ids.jsonl", {"local": local, "server": server})
        self._load()

    def server_id(self, local: str) -> str | None:
        """Return the server's id of what was made while it was away, once it has one."""
        self._load()
        return self._ids.get(local)

    def local_id(self, server: str) -> str:
        """Return the id that the mirror knows something by."""
        self._load()
        return self._names.get(server, server)

    def _load(self) -> None:
        file = self.folder / "ids.jsonl"
        try:
            if file.stat().st_size <= self._read_to:
                return
            raw = file.read_bytes()
        except FileNotFoundError:
            return
        whole = raw.rfind(b"\n") + 1
        for line in raw[self._read_to : whole].splitlines():
            found = json.loads(line)
            self._ids[found["local"]] = found["server"]
            self._names[found["server"]] = found["local"]
        self._read_to = whole

    # -- what a server refuses ---------------------------------------------------------------

    def refuse(self, journal: str, reason: str, what: Mapping[str, Any]) -> Path:
        """Put aside what the server will never take; return the file that has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "refused.jsonl"
        _append(file, {"journal": journal, "reason": reason, **what})
        return file


def _append(file: Path, record: Mapping[str, Any]) -> None:
    line = json.dumps(record, separators=(",", ":"), default=str).encode() + b"\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(file: Path, record: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    part.write_text(json.dumps(record), "utf-8")
    part.replace(file)
