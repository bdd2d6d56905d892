"""Watches what a cell does outside of its variables: files, the process, work that goes on.

Functions are imported by name: a cell may put something else into their modules.
"""

from __future__ import annotations

import os
import sys
import threading
from asyncio import all_tasks, current_task, get_running_loop
from os import getcwd
from sys import _current_frames
from threading import current_thread
from threading import enumerate as all_threads
from typing import Any

from nbtrack.notebook.executed import Executed
from nbtrack.notebook.observation import Finding, Observation
from nbtrack.notebook.observed.events import Events, collect, fetches
from nbtrack.notebook.observed.files import Times, files_of, times_below
from nbtrack.notebook.observed.kinds import is_own, is_own_file, module_of, package_of
from nbtrack.notebook.observed.watcher import ObjectWatcher
from nbtrack.notebook.observed.world import World

# whose threads wait for work, or serve the front end
_POOLS = frozenset({
    "concurrent", "multiprocessing", "joblib", "torch", "tqdm", "ipykernel", "IPython", "zmq",
    "asyncio", "tornado", "nbtrack", "fsspec", "huggingface_hub", "wandb", "socketserver", "queue",
    "logging", "sqlite3", "traitlets", "jupyter_client", "pexpect", "subprocess",
})  # fmt: skip

# what sets these up is watched, or nobody's result: trackers, and what shows things
_NOT_SET_UP = sys.stdlib_module_names | {
    "IPython", "aim", "clearml", "comet_ml", "google", "ipywidgets", "matplotlib", "mlflow",
    "nbtrack", "neptune", "swanlab", "trackio", "wandb", "",
}  # fmt: skip

# whose magics keep nothing for themselves
_MAGICS = frozenset({
    "IPython", "ipykernel", "nbtrack", "matplotlib", "matplotlib_inline", "memory_profiler",
    "line_profiler", "autotime", "watermark", "nb_black",
})  # fmt: skip


class WorkWatcher:
    """Looks first when a cell has ended: work beside it may end while its objects are looked at.

    Parameters
    ----------
    surroundings : SurroundingsWatcher
        Says what goes on.
    """

    def __init__(self, surroundings: SurroundingsWatcher) -> None:
        self._surroundings = surroundings

    def before(self, cell: Executed, seen: Observation) -> None:
        """Do nothing."""

    def after(self, cell: Executed, seen: Observation) -> None:
        """Note what goes on."""
        self._surroundings.note_work()


class SurroundingsWatcher:
    """Watches files, settings, threads and processes; comes after the objects are watched.

    Parameters
    ----------
    shell : InteractiveShell
    objects : ObjectWatcher
        Knows what the code of the cell names.
    """

    def __init__(self, shell: Any, objects: ObjectWatcher) -> None:
        self._shell = shell
        self._objects = objects
        self._events = Events()
        self._folder = ""
        self._times = Times()
        self._world: World | None = None
        self._left_by_cell: World | None = None
        self._tasks: set[int] = set()
        self._threads: set[int | None] = set()
        self._left = False
        self._going_on = ""
        self._setting_up: dict[str, frozenset[str]] = {}  # functions, and by which names

    def note_work(self) -> None:
        """Note what the cell has started and goes on now; `after` looks once more."""
        self._going_on = self._background(self._threads, self._tasks)

    def before(self, cell: Executed, seen: Observation) -> None:
        """Note the state of the process."""
        seen.beside_work = self._left
        self._going_on = ""
        left, self._world = self._left_by_cell, World(self._shell)
        if left is not None and seen.follows:
            seen.world_between |= left.differs(self._world)
        self._world.keep_modules(self._shell.user_ns, self._objects.code)
        self._folder = _folder()
        self._times = times_below(self._folder, self._objects.code.texts)
        self._tasks = {id(task) for task in _tasks()}
        self._threads = {thread.ident for thread in all_threads()}
        self._events = Events()
        collect(self._events)

    def after(self, cell: Executed, seen: Observation) -> None:
        """Note what differs."""
        collect(None)
        code, events = self._objects.code, self._events
        if self._world is not None:
            now = self._left_by_cell = World(self._shell)
            seen.world |= self._world.changes(now, code, self._shell.user_ns)
        if "sys" in cell.names.changes and "modules" in code.words:
            seen.world.add("sys.modules")
        seen.sets_up |= self._set_up(cell)
        now_times = times_below(self._folder, code.texts)
        read, written = files_of(
            self._folder, list(events.opened), self._times, now_times, code.texts
        )
        seen.files_read |= read
        seen.files_written |= written
        going_on = self._going_on or self._background(self._threads, self._tasks)
        if going_on:
            text = f"When the cell had ended, {going_on} it had started went on."
            seen.findings.append(Finding("background work", "warning", text))
        if any(self._keeps_state(*magic) for magic in cell.names.magics):
            seen.complete = False
            self._objects.forget()
        if going_on or self._left:  # that changes objects at any time, and between two cells
            seen.complete = False
        self._left = bool(going_on or (self._left and self._background(set(), set())))
        by_shell = "get_ipython" in code.names
        if (events.processes or by_shell) and (self._times.unseen or now_times.unseen):
            seen.complete = False  # what a process writes shows in the folder alone
        if events.fetched or (by_shell and fetches(code.texts)):
            text = "The cell read from the network, where others may find something else."
            seen.findings.append(Finding("reads from the network", "info", text))

    def _set_up(self, cell: Executed) -> set[str]:
        """Return the libraries that a cell may have set up, by functions of other cells too."""
        names = set(cell.names.sets_up)
        for function in self._objects.code.names & self._setting_up.keys():
            names |= self._setting_up[function]
        self._setting_up |= cell.names.inside_sets_up
        variables = self._shell.user_ns
        return {package_of(variables.get(name)) for name in names} - _NOT_SET_UP

    def _keeps_state(self, kind: str, name: str) -> bool:
        """Return whether a magic is of an extension, which may keep something: a connection."""
        function = self._shell.magics_manager.magics.get(kind, {}).get(name)
        module = getattr(function, "__module__", None) or ""
        return function is not None and module.partition(".")[0] not in _MAGICS

    def _background(self, threads: set[int | None], tasks: set[int]) -> str:
        """Return what goes on beside these and is the user's, not a library's."""
        frames = _current_frames()
        for thread in all_threads():
            if thread.ident in threads or thread is current_thread():
                continue
            if self._is_users(thread, frames.get(thread.ident or 0)):
                return f"the thread {thread.name}"
        for task in _tasks():
            path = getattr(getattr(task.get_coro(), "cr_code", None), "co_filename", "")
            is_new = id(task) not in tasks and task is not _current_task()
            if is_new and not task.done() and _is_cell(path):
                return f"the task {task.get_name()}"
        if self._events.processes and _has_children(self._events.children):
            return "a process"
        return ""

    def _is_users(self, thread: threading.Thread, frame: Any) -> bool:
        while frame is not None:
            path = frame.f_code.co_filename
            if _is_cell(path) or (path.startswith(self._folder) and is_own_file(path)):
                return True
            frame = frame.f_back
        if is_own(module_of(type(thread))):
            return True
        target = getattr(thread, "_target", None)
        module = getattr(target, "__module__", None) or ""
        plain = type(thread) in (threading.Thread, threading.Timer)
        return plain and target is not None and module.partition(".")[0] not in _POOLS


def _is_cell(path: str) -> bool:
    return "ipykernel_" in path or "<ipython-input" in path


def _folder() -> str:
    try:
        return getcwd()  # noqa: PTH109
    except OSError:  # it was removed
        return f"{os.sep}removed"


def _tasks() -> set[Any]:
    try:
        return all_tasks(get_running_loop())
    except RuntimeError:
        return set()


def _current_task() -> Any:
    try:
        return current_task()
    except RuntimeError:
        return None


def _has_children(beside: set[int]) -> bool:
    """Return whether a process goes on that is none of these."""
    import psutil

    def is_one(child: psutil.Process) -> bool:
        try:
            return (
                child.pid not in beside
                and child.status() != psutil.STATUS_ZOMBIE
                and "resource_tracker" not in " ".join(child.cmdline())
            )
        except psutil.Error:  # it is gone
            return False

    return any(is_one(child) for child in psutil.Process().children())
