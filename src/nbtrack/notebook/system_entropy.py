"""Notices when NumPy asks the system for entropy, and when the process is forked.

NumPy asks when a generator is made, or seeded, without a number. It also asks, and throws away what
it gets, for ``RandomState(3)``: there the code of the call is looked at; and where a generator is
copied, as by ``sklearn.base.clone`` with a model.
"""

from __future__ import annotations

import ast
import linecache
import os
import sys
from functools import lru_cache
from itertools import islice
from types import CodeType, FrameType
from typing import Any

_forks = 0
_counting = False


class EntropyWatch:
    """Counts how often NumPy asks for entropy while a cell runs.

    ``numpy.random.bit_generator.randbits`` is called then, and only then; modules that make their
    own generator while they are imported do not count.

    Attributes
    ----------
    asked : int
    watches : bool
        Whether NumPy was there to be watched when the cell began.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.watches = False
        self._module: Any = None
        self._original: Any = None
        self._wrapper: Any = None

    def start(self) -> None:
        """Begin to count from 0."""
        self.stop()
        self.asked = 0
        module: Any = sys.modules.get("numpy.random.bit_generator")
        original = getattr(module, "randbits", None)
        self.watches = original is not None
        if original is None:
            return

        def randbits(k: int) -> Any:
            frame = sys._getframe(1)
            if not (_is_copying(frame) or _is_importing(frame) or _has_seed(frame)):
                self.asked += 1
            return original(k)

        module.randbits = randbits
        self._module, self._original, self._wrapper = module, original, randbits

    def stop(self) -> None:
        """Let NumPy be as it was."""
        module, self._module = self._module, None
        if module is not None and module.randbits is self._wrapper:
            module.randbits = self._original


def _is_copying(frame: FrameType) -> bool:
    """Return whether a generator is copied or unpickled: it gets the state of another one next."""
    return frame.f_globals.get("__name__") == "numpy.random._pickle"


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _has_seed(frame: FrameType) -> bool:
    """Return whether the call that goes on in a frame is ``RandomState`` with a number."""
    try:
        call = _call_of(frame.f_code, frame.f_lasti)
    except Exception:  # noqa: BLE001  no source, or not as it was when it was compiled
        call = None
    if call is None:  # such as a call through another name
        return "RandomState" in frame.f_code.co_names
    if not ast.unparse(call.func).endswith("RandomState"):
        return False
    given = [*call.args, *(each.value for each in call.keywords)]
    if not given:
        return False
    if isinstance(given[0], ast.Constant):
        return given[0].value is not None
    if isinstance(given[0], ast.Name):
        name = given[0].id
        return {**frame.f_globals, **frame.f_locals}.get(name) is not None
    return True


@lru_cache(maxsize=256)
def _call_of(code: CodeType, instruction: int) -> ast.Call | None:
    """Return the syntax of the call that an instruction makes."""
    first, last, start, end = next(islice(code.co_positions(), instruction // 2, None))
    if first is None or last is None or start is None or end is None:
        return None
    lines = [line.encode() for line in linecache.getlines(code.co_filename)[first - 1 : last]]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    found = ast.parse(b"".join(lines), mode="eval").body
    return found if isinstance(found, ast.Call) else None


def forks() -> int:
    """Return how often this process was forked since the first call: a fork inherits generators."""
    global _counting
    if not _counting and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_parent=_count)
        _counting = True
    return _forks


def _count() -> None:
    global _forks
    _forks += 1
