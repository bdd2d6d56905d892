"""Workers of multiprocessing track to where their parent does, whatever folder they run in.

A forked one has the parent's memory; one that is spawned learns it from the environment.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

_VARIABLE = "NBTRACK_STORES_OF_PARENT"


def tell(stores: Mapping[str, Path]) -> None:
    """Tell the workers that this process starts where the stores are that it calls so."""
    known = {name: str(path) for name, path in stores.items()}
    os.environ[_VARIABLE] = json.dumps({"pid": os.getpid(), "stores": known})


def told(name: str) -> Path | None:
    """Return where the parent of this worker has the store that it calls so; else None."""
    text = os.environ.get(_VARIABLE)
    multiprocessing = sys.modules.get("multiprocessing")
    if text is None or multiprocessing is None:
        return None
    parent = multiprocessing.parent_process()
    try:
        said = json.loads(text)
        if parent is None or said["pid"] != parent.pid:  # a process that is no worker of that one
            return None
        return Path(said["stores"][name])
    except (ValueError, KeyError, TypeError):
        return None
