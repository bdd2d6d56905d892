"""What runs this code: a notebook kernel and its cell, a task of asyncio."""

from __future__ import annotations

import sys
from typing import Any


def shell() -> Any:
    """Return IPython's shell, or None outside of IPython."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def in_notebook() -> bool:
    """Return whether this process is a kernel (Jupyter, VS Code, Colab)."""
    return getattr(shell(), "kernel", None) is not None


def cell_number() -> int | None:
    """Return the execution count of the cell that runs, or None outside of IPython."""
    found = shell()
    return None if found is None else number_of(found)


def number_of(shell: Any) -> int:
    """Return the execution count of the cell that a shell runs.

    Recent versions of IPython count up before a cell runs, older ones after it; what numbers the
    outputs knows.
    """
    return int(shell.displayhook.prompt_count)


def running_task() -> Any:
    """Return the asyncio task that runs now, or None."""
    asyncio = sys.modules.get("asyncio")
    try:
        return asyncio.current_task() if asyncio is not None else None
    except RuntimeError:  # no event loop runs
        return None
