"""What is done inside the kernel of a rerun, between its cells."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from nbtrack.entities.runs import RERUN_OF
from nbtrack.variables import ONLY_URI, RUN_CONTEXT

_WRITES = set("wax+")
_CHANGES = {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree"}


def begin(protected: list[str]) -> None:
    """Get a kernel ready: nbtrack's magics, and folders in which nothing is to be written."""
    extensions = _shell().extension_manager
    if "nbtrack" not in extensions.loaded:
        extensions.load_extension("nbtrack")
    if protected:
        sys.addaudithook(_Guard(protected))


def before(number: int | None, random_state: str | None) -> None:
    """Get ready for a cell: its execution count, and the generators as they were.

    Parameters
    ----------
    number : int or None
        The execution count that the cell had.
    random_state : str or None
        The file with the state of the generators.
    """
    shell = _shell()
    if number is not None:
        shell.execution_count = number
    if random_state is not None:
        from nbtrack.tracking.random_state import RandomState

        RandomState.from_bytes(Path(random_state).read_bytes()).restore(shell.user_ns)


def mark(run_id: str, uri: str | None, tags: dict[str, str]) -> None:
    """Let the runs that begin from now on say whose cells made them.

    Parameters
    ----------
    run_id : str
        The run that is run again.
    uri : str or None
        The store that they go to from now on; None for that of the kernel.
    tags : dict of str to str
        What else they are told.
    """
    if uri is not None:
        from nbtrack.tracking import context

        ONLY_URI.set(uri)
        context.set_uri(uri)
    text = RUN_CONTEXT.get()
    known = json.loads(text) if text else {}
    RUN_CONTEXT.set(json.dumps({**known, **tags, RERUN_OF: run_id}))


def finish() -> None:
    """End the runs that are still open: nothing comes after the last cell."""
    from nbtrack.tracking import context

    for run in reversed(context.open_runs()):
        if not run.ended and run.pid == os.getpid():
            run.end("FINISHED")


class _Guard:
    """Refuses what Python code wants to write in folders that a rerun only reads."""

    def __init__(self, folders: list[str]) -> None:
        self._folders = [f"{os.path.realpath(folder)}{os.sep}" for folder in folders]

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            written = bool(_WRITES & set(mode)) if isinstance(mode, str) else False
            if not (written or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR))):
                return
        elif event in _CHANGES:
            path = arguments[0]
        else:
            return
        if isinstance(path, str | os.PathLike) and self._covers(os.fspath(path)):
            raise PermissionError(
                f"A rerun writes nothing into the notebook's own folder: {os.fspath(path)!r}. Use "
                "a path relative to the working directory, of which the rerun has a copy."
            )

    def _covers(self, path: str | bytes) -> bool:
        real = os.path.realpath(os.fsdecode(path))
        return any(
            real.startswith(folder) and not real[len(folder) :].startswith(".")  # such as .venv
            for folder in self._folders
        )


def _shell() -> Any:
    return sys.modules["IPython"].get_ipython()
