"""A kernel says which store it uses, so that the Jupyter server shows it wherever it lies."""

from __future__ import annotations

import atexit
import contextlib
from pathlib import Path

from nbtrack.store.store import Store
from nbtrack.tracking.kernel import in_notebook, shell


def announce(store: Store) -> None:
    """Say in Jupyter's runtime folder that this kernel uses a store; outside of one do nothing."""
    if not in_notebook():
        return
    from nbtrack.store import announcement

    with contextlib.suppress(OSError):  # no server can read what cannot be written
        file = announcement.announce_store(store, _folder())
        atexit.register(file.unlink, missing_ok=True)


def _folder() -> Path:
    """Return the folder of the kernel's connection file: the server that started it knows it."""
    try:
        file = shell().kernel.config["IPKernelApp"]["connection_file"]
    except (AttributeError, KeyError, TypeError):
        file = ""
    path = Path(file)
    if path.is_absolute() and path.name.startswith("kernel-"):  # not one in a temporary folder
        return path.parent
    from nbtrack.tracking.notebook_path import runtime_folder

    return runtime_folder()
