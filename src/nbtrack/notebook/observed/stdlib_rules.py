"""How to look at objects of the standard library that are more than they hold.

Most of ``threading``, ``asyncio`` and ``logging`` serves whoever waits or reports, and is nobody's
result. What is listed here keeps values, or calls back what the notebook has given it.
"""

from __future__ import annotations

import io
import threading
from typing import Any

from nbtrack.notebook.observed.builtin_rules import Rule
from nbtrack.notebook.observed.marks import Mark
from nbtrack.tracking.random_reach import attributes_of

_ATTRIBUTES_OF_LOCAL: Any = threading.local.__getattribute__
_UNSET = object()


def _thread(value: Any, seen: Mark) -> None:
    """Look at what a thread calls: it forgets that when it ends, which may be at any time."""
    held = attributes_of(value)
    seen.inside += [held.get(name) for name in ("_target", "_args", "_kwargs")]
    seen.opaque = True


def _local(value: Any, seen: Mark) -> None:
    held = _ATTRIBUTES_OF_LOCAL(value, "__dict__")  # those of this thread
    seen.hold([*held.keys(), *held.values()])


def _context_variable(value: Any, seen: Mark) -> None:
    seen.hold([value.get(_UNSET)])


def _context(value: Any, seen: Mark) -> None:
    seen.hold([*value.keys(), *value.values()])


def _logger(value: Any, seen: Mark) -> None:
    """Look at the handlers that get what is logged, those of the loggers above it too."""
    held = attributes_of(value)
    seen.content = (held.get("level"), held.get("disabled"), held.get("propagate"))
    while held:
        seen.hold(list(held.get("handlers") or ()))
        held = attributes_of(held.get("parent")) if held.get("propagate") else {}


def _handler(value: Any, seen: Mark) -> None:
    held = attributes_of(value)
    stream = held.get("stream")
    seen.hold([held.get("level"), stream if type(stream) is io.StringIO else None])


STDLIB: dict[str, Rule] = {
    "threading.Thread": _thread,
    "_thread._local": _local,
    "_contextvars.ContextVar": _context_variable,
    "_contextvars.Context": _context,
    "logging.Logger": _logger,
    "logging.Handler": _handler,
}
# Those of which the attributes count too, but for what the class needs for itself.
BESIDES = {
    "threading.Thread": frozenset(vars(threading.Thread(name="unused"))),
    "logging.Handler": frozenset({
        "_builtin_open", "_closed", "_name", "baseFilename", "delay", "encoding", "errors",
        "filters", "formatter", "level", "lock", "mode", "stream",
    }),
}  # fmt: skip
# Classes of which the attributes say all, in packages where others are nobody's result.
DATA = frozenset({
    "asyncio.queues.Queue", "asyncio.locks.Event", "asyncio.locks.Semaphore", "threading.Event",
    "threading.Semaphore", "IPython.core.display.DisplayObject",
    "IPython.utils.capture.CapturedIO", "enum.Enum",
})  # fmt: skip
