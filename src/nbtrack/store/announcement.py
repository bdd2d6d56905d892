"""How a kernel tells Jupyter servers which store it uses: a small file in Jupyter's runtime folder.

A store may lie anywhere, so that no server can find it by looking below its own root.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from nbtrack.store.owner import Owner
from nbtrack.store.store import Store

_PATTERN = "nbtrack-store-*.json"
_MAX_BYTES = 65_536


def announce_store(store: Store, folder: Path) -> Path:
    """Say in a folder that this process uses a store; return the file.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    owner = Owner.this()
    file = folder / f"nbtrack-store-{owner.pid}-{store.id}.json"
    part = file.with_suffix(".part")
    part.write_text(json.dumps({"path": str(store.path), **vars(owner)}), "utf-8")
    part.replace(file)
    return file


def announced_stores(folder: Path) -> list[Path]:
    """Return the database files that live processes use; what dead ones said is removed."""
    found: dict[Path, None] = {}
    for file in sorted(folder.glob(_PATTERN)):
        try:
            if file.stat().st_size > _MAX_BYTES:
                continue
            record = json.loads(file.read_text("utf-8"))
            place = str(record.get("place") or "")
            owner = Owner(str(record["host"]), int(record["pid"]), int(record["started"]), place)
            path = Path(str(record["path"]))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            continue
        if owner.is_gone():
            with contextlib.suppress(OSError):
                file.unlink()
        elif path.is_absolute():
            found[path] = None
    return list(found)
