"""A rerun as a process of its own: for buttons, whose program goes on meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from nbtrack.errors import InvalidStateError
from nbtrack.projects.variables import as_given
from nbtrack.reruns.plan import Part
from nbtrack.reruns.rerunning import check_possible, running
from nbtrack.store import Store, get_run
from nbtrack.tracking.environment import host_name
from nbtrack.variables import URI


def start(store: Store, run_id: str, *, cells: Part = "needed") -> int:
    """Run a run again in a process of its own; return its id.

    How far it is says the tag ``nbtrack.rerun`` of the run, until it is gone; then the tags
    ``nbtrack.reproduced`` and ``nbtrack.reproduced.verdict`` are there.

    Parameters
    ----------
    store : Store
    run_id : str
    cells : {"needed", "all"}

    Raises
    ------
    InvalidStateError
        If the run goes on, is deleted, is being rerun, or its code was not kept.
    """
    check_possible(store, run_id)
    words: Sequence[str] = [sys.executable, "-m", "nbtrack.reruns", run_id, "--cells", cells]
    # in the environment, since a URI may hold a password and others see the arguments
    process = subprocess.Popen(
        words,
        env={**os.environ, URI.name: as_given(store)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=os.name != "nt",
    )
    _children.append(process)
    return process.pid


def stop(store: Store, run_id: str) -> None:
    """End a rerun that goes on; no verdict is kept.

    Raises
    ------
    InvalidStateError
        If none does on this machine.
    """
    with store.read() as reader:
        found = running(get_run(reader, run_id))
    if found is None or found["host"] != host_name() or found["pid"] == os.getpid():
        raise InvalidStateError(f"Nobody on this machine has the run {run_id} again just now.")
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(found["pid"]), signal.SIGTERM if os.name == "nt" else signal.SIGINT)


_children: list[subprocess.Popen[bytes]] = []  # who has ended is collected with the next start
