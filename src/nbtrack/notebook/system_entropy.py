"""Notices when NumPy asks the system for entropy, and when the process is forked.

NumPy asks exactly when a generator is made, or seeded, without a number.
"""

from __future__ import annotations

import os
import sys
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
            if not _is_importing():
                self.asked += 1
            return original(k)

        module.randbits = randbits
        self._module, self._original, self._wrapper = module, original, randbits

    def stop(self) -> None:
        """Let NumPy be as it was."""
        module, self._module = self._module, None
        if module is not None and module.randbits is self._wrapper:
            module.randbits = self._original


def _is_importing() -> bool:
    frame: Any = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


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
