"""What Python reports while a cell runs: files opened, processes started, connections.

An audit hook cannot be removed: it is installed once, and does nothing between cells.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from nbtrack.notebook.observed.kinds import is_own_file
from nbtrack.tracking.opened_files import MAX_OPENED, opened_as

_LOCAL = ("127.", "::1", "localhost", "0.0.0.0")  # noqa: S104  nothing is bound to it
_FETCHERS = frozenset({"wget", "curl", "git", "kaggle", "gdown", "aria2c", "pip", "uv", "conda"})
_STARTERS = ("threading.py", "subprocess.py", "os.py", "pty.py", "process.py", "context.py",
             "popen_fork.py", "popen_spawn_posix.py", "popen_forkserver.py", "util.py",
             "_process_posix.py", "pty_spawn.py", "spawnbase.py", "ptyprocess.py", "fork_exec.py",
             "_process_common.py", "process.py", "interactiveshell.py", "zmqshell.py", "run.py",
             "osm.py")  # fmt: skip
_PROCESSES = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"})


class Events:
    """What was reported of one cell.

    Attributes
    ----------
    opened : dict of (str, bool) to None
        Paths as they were given, absolute, and whether they were written; in their order.
    processes : bool
        Whether the user's own code started one.
    children : set of int
        The processes that there were before the first.
    fetched : bool
        Whether something was read from the network.
    """

    def __init__(self) -> None:
        self.opened: dict[tuple[str, bool], None] = {}
        self.processes = False
        self.children: set[int] = set()
        self.fetched = False

    def on_open(self, path: Any, mode: Any, flags: Any) -> None:
        """Note a file."""
        if len(self.opened) < MAX_OPENED:
            self.opened.update(dict.fromkeys(opened_as(path, mode, flags)))

    def on_process(self, event: str, args: tuple[Any, ...]) -> None:
        """Note a process."""
        if not _is_started_by_user():
            return
        if not self.processes:
            self.processes, self.children = True, _children()
        if event in ("subprocess.Popen", "os.system") and fetches(_texts(args)):
            self.fetched = True

    def on_connect(self, socket: Any, address: Any) -> None:
        """Note a connection, unless it is one within this machine, or nbtrack's own."""
        if not isinstance(address, tuple) or not address:
            return
        host = str(address[0])
        is_packet = bool(getattr(socket, "type", 1) == 2)  # a way to learn one's own address
        if not is_packet and not host.startswith(_LOCAL) and not _is_from_nbtrack():
            self.fetched = True


_current: Events | None = None
_installed = False


def collect(events: Events | None) -> None:
    """Let a cell have what is reported from now on; None ends that."""
    global _current, _installed
    _current = events
    if events is not None and not _installed:
        _installed = True
        sys.addaudithook(_hook)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    events = _current
    if events is None:
        return
    try:
        if event == "open":
            events.on_open(*args)
        elif event == "socket.connect":
            events.on_connect(*args)
        elif event in _PROCESSES:
            events.on_process(event, args)
    except Exception:  # noqa: BLE001  it is the user's call that would fail
        return


def _frames() -> list[str]:
    frame: FrameType | None = sys._getframe(4)
    found: list[str] = []
    while frame is not None and len(found) < 40:
        found.append(frame.f_code.co_filename)
        frame = frame.f_back
    return found


def _is_started_by_user() -> bool:
    """Return whether code of the user's asked for it, and not a library for itself."""
    for path in _frames():
        if path.endswith(_STARTERS) and not is_own_file(path):
            continue
        return is_own_file(path)
    return True


def _children() -> set[int]:
    import psutil

    return {child.pid for child in psutil.Process().children()}


def _is_from_nbtrack() -> bool:
    own = str(Path(__file__).parents[2])
    return any(path.startswith(own) for path in _frames())


def fetches(texts: Iterable[str]) -> bool:
    """Return whether a command among these is one that reads from the network."""
    return any(not _FETCHERS.isdisjoint(text.split()) for text in texts)


def _texts(args: tuple[Any, ...]) -> list[str]:
    found: list[str] = []
    for part in args[:2]:
        texts = part if isinstance(part, list | tuple) else [part]
        found += [os.fsdecode(text) for text in texts if isinstance(text, str | bytes)]
    return found
