"""Who writes: a process, told apart from a later one that got the same pid."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# A process of another machine counts as gone when its journal was not touched for so long.
SILENCE_S = 120.0
HEARTBEAT_S = 15.0


@cache
def host() -> str:
    """Return this machine's name."""
    if hasattr(os, "uname"):
        return os.uname().nodename or "localhost"
    return os.environ.get("COMPUTERNAME", "localhost")


@dataclass(frozen=True)
class Owner:
    """A process: machine, pid and when it started.

    ``started`` is in clock ticks since boot on Linux, which no change of the
    clock moves, and in seconds since the epoch elsewhere.
    """

    host: str
    pid: int
    started: int

    @staticmethod
    def this() -> Owner:
        """Return the process that runs this code."""
        return _this(os.getpid())

    @property
    def is_local(self) -> bool:
        """Whether the process belongs to this machine."""
        return self.host == host()

    def is_alive(self, silence_s: float = 0.0) -> bool:
        """Return whether the process still runs.

        Parameters
        ----------
        silence_s : float
            Seconds since it last touched its journal; only this can be known
            of a process on another machine.
        """
        if not self.is_local:
            return silence_s < SILENCE_S
        started = _started(self.pid)
        return started is not None and abs(started - self.started) <= 2


@cache
def _this(pid: int) -> Owner:
    return Owner(host(), pid, _started(pid) or 0)


def _started(pid: int) -> int | None:
    """Return when a local process started, or None when there is none (or only a zombie)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except OSError:
        pass
    else:
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else int(fields[19])
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return int(process.create_time())
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        return 0
