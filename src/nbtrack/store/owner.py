"""Identifies the process that writes a journal, also after its pid is reused.

A pid means something on one machine, since its last start, in one PID namespace; a machine's
name says nothing of that, since a container may have the name of the machine it runs on. So an
owner has a *place*, and is certainly gone only if its place is this one and there is no such
process, or if this machine was started again since. All else can only be silent.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SILENT_AFTER_S = 180.0
"""After so long without a touch of its journal, a run shows no sign of life."""
HEARTBEAT_S = 15.0
UNPLACED_MAX_IDLE_S = 3600.0
"""An owner without a place, as older versions wrote it, is not waited for any longer."""

_FIRST_NAMESPACE = "4026531836"  # Linux gives this number to the namespace that is in no other


@cache
def host() -> str:
    """Return this machine's name."""
    if hasattr(os, "uname"):
        return os.uname().nodename or "localhost"
    return os.environ.get("COMPUTERNAME", "localhost")


@dataclass(frozen=True)
class Owner:
    """A process.

    Attributes
    ----------
    host : str
        The name of its machine, for people.
    pid : int
    started : int
        In clock ticks since boot on Linux, which no change of the clock moves, and in seconds
        since the epoch elsewhere.
    place : str
        Where the pid means something: ``machine/boot/namespace``. The machine is empty where
        it is not certain, as in a container; all of it in what older versions wrote.
    """

    host: str
    pid: int
    started: int
    place: str = ""

    @staticmethod
    def this() -> Owner:
        """Return the process that runs this code."""
        return _this(os.getpid())

    def is_alive(self) -> bool:
        """Return whether the process certainly runs, seen from here."""
        return self._is_here and runs(self.pid, self.started) is True

    def is_gone(self, idle_s: float = 0.0) -> bool:
        """Return whether the process has certainly ended.

        Parameters
        ----------
        idle_s : float
            Seconds since it last touched its journal; this counts only for an owner without a
            place that has this machine's name.
        """
        if self.place:
            if self._is_here:
                return runs(self.pid, self.started) is False
            return _is_earlier_boot(self.place, Owner.this().place)
        if self.host != host() or idle_s < UNPLACED_MAX_IDLE_S:
            return False
        return runs(self.pid, self.started) is False

    @property
    def _is_here(self) -> bool:
        return self.place != "" and self.place == Owner.this().place


def _is_earlier_boot(place: str, here: str) -> bool:
    """Return whether a place was this machine before it was started again."""
    there, now = place.split("/"), here.split("/")
    if len(there) != 3 or len(now) != 3 or not now[0] or there[0] != now[0]:
        return False
    return bool(there[1]) and there[1] != now[1]


@cache
def _this(pid: int) -> Owner:
    return Owner(host(), pid, _started("self") or _started(str(pid)) or 0, _place())


def _place() -> str:
    """Return where a pid of this process means something."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        namespace = str(Path("/proc/self/ns/pid").stat().st_ino)
    except (OSError, ValueError):
        return _place_without_proc()
    machine = ""
    if namespace == _FIRST_NAMESPACE:  # else the id may be that of an image
        with contextlib.suppress(OSError, ValueError):
            machine = Path("/etc/machine-id").read_text("ascii").strip().replace("/", "-")
        machine = f"{machine}@{host().replace('/', '-')}" if machine else ""
    return f"{machine}/{boot}/{namespace}"


def _place_without_proc() -> str:
    """Return the machine: without namespaces, pid and start tell a process for ever."""
    import uuid

    node = uuid.getnode()
    known = f"{node:012x}" if not node >> 40 & 1 else host().replace("/", "-")
    return f"{known}//"


def runs(pid: int, started: int) -> bool | None:
    """Return whether a process of this place runs; None where that cannot be found out."""
    if pid <= 0:
        return None
    if os.name == "posix":
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except (OSError, OverflowError):  # it is there, and belongs to somebody else
            pass
        if Path("/proc/self/stat").exists() and not _proc_is_ours():
            return None
    found = _started(str(pid))
    if found is None:
        return False
    if found == 0 or started == 0:  # hidden from this user, or from itself
        return None
    return abs(found - started) <= 2


def _proc_is_ours() -> bool:
    """Return whether ``/proc`` shows the processes of this namespace."""
    try:
        return str(Path("/proc/self").readlink()) == str(os.getpid())
    except OSError:
        return False


def _started(pid: str) -> int | None:
    """Return when a process started: None when there is none (or a zombie), 0 when unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return 0 if _exists(pid) else None
    except OSError:
        pass
    else:
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else int(fields[19])
    if pid == "self":
        return None
    import psutil

    try:
        process = psutil.Process(int(pid))
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return int(process.create_time())
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        return 0


def _exists(pid: str) -> bool:
    """Return whether a process is there that ``/proc`` may be hiding (``hidepid``)."""
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError, OverflowError):
        pass
    return True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_this.cache_clear)
