"""Looking for stores below a folder."""

from __future__ import annotations

import os
import time
from collections import deque
from pathlib import Path

from nbtrack.config import DEFAULT_NAME

MAX_DEPTH = 8
MAX_FOLDERS = 20_000
MAX_STORES = 200
MAX_SECONDS = 3.0

_SKIPPED = frozenset({
    "__pycache__", "node_modules", "site-packages", "venv", "env", "dist", "build", "mlruns",
    "wandb", "lost+found", "proc", "sys", "dev",
})  # fmt: skip


def stores_below(root: Path) -> list[Path]:
    """Return the database files of the stores below a folder, the nearest first.

    ``nbtrack.duckdb``, and any ``*.duckdb`` that has its folder ``*.duckdb.d`` beside it. Hidden
    folders, links, environments and the folders of stores are left out, and it gives up on the rest
    after eight levels, 20,000 folders, 200 stores or three seconds.
    """
    found: list[Path] = []
    waiting = deque([(str(root), 0)])
    until = time.monotonic() + MAX_SECONDS
    for _ in range(MAX_FOLDERS):
        if not waiting or len(found) >= MAX_STORES or time.monotonic() > until:
            break
        folder, depth = waiting.popleft()
        try:
            with os.scandir(folder) as entries:
                names = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
        except OSError:
            continue
        found += [Path(folder, name) for name in sorted(_stores_among(names))]
        if depth < MAX_DEPTH:
            waiting += [
                (f"{folder}{os.sep}{name}", depth + 1)
                for name in sorted(names)
                if names[name] and _is_searched(name)
            ]
    return found[:MAX_STORES]


def _stores_among(names: dict[str, bool]) -> set[str]:
    """Return the names of database files; one that is not made yet has only its folder."""
    beside = {name[:-2] for name, is_folder in names.items() if is_folder and name.endswith(".d")}
    stores = {name for name in beside if name.endswith(".duckdb") and not names.get(name, False)}
    if not names.get(DEFAULT_NAME, True):
        stores.add(DEFAULT_NAME)
    return stores


def _is_searched(name: str) -> bool:
    return not name.startswith(".") and not name.endswith(".duckdb.d") and name not in _SKIPPED
