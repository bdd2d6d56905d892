"""Whether an output is shown live or only saved, and in which form."""

from __future__ import annotations

import math
import os
import sys
from typing import Any, Literal, cast

from nbtrack.errors import InvalidParameterError
from nbtrack.variables import DISPLAY

VIEW_MIME = "application/vnd.nbtrack.view.v1+json"
MAX_BYTES = 50_000  # of a finished output

Bundle = tuple[dict[str, Any], dict[str, Any]]
"""The forms of an output by MIME type, and metadata of them."""
Mode = Literal["live", "static", "off"]
_MODES = ("live", "static", "off")


def display_mode() -> Mode:
    """Return how runs are displayed: ``live``, ``static`` or ``off``.

    ``NBTRACK_DISPLAY`` wins. Else it is ``live`` in a kernel that a front end started (a Jupyter
    server, VS Code, Colab) and in marimo, and ``static`` in what nbconvert, nbclient and
    papermill execute, so that their outputs hold a picture and no empty frame.

    Raises
    ------
    InvalidParameterError
        If ``NBTRACK_DISPLAY`` is something else.
    """
    asked = DISPLAY.get()
    if asked is not None:
        mode = asked.strip().lower()
        if mode not in _MODES:
            raise InvalidParameterError(
                f"{DISPLAY.name} is {asked!r}; use one of {', '.join(_MODES)}, or unset it."
            )
        return cast(Mode, mode)
    return "live" if _in_marimo() or _in_front_end() else "static"


def live_front_end() -> bool:
    """Return whether a browser front end is likely, one where widgets can live."""
    return display_mode() == "live"


def _in_marimo() -> bool:
    marimo = sys.modules.get("marimo")
    return bool(marimo is not None and marimo.running_in_notebook())


def _in_front_end() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return False
    if "google.colab" in sys.modules or "JPY_SESSION_NAME" in os.environ:
        return True
    # a terminal of VS Code has these variables too; only its notebooks have this name
    return "__vsc_ipynb_file__" in shell.user_ns


def plain_json(value: Any) -> Any:
    """Return a value that any JSON reader takes: without numpy, NaN and infinities."""
    import numpy as np

    if isinstance(value, dict):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_json(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("∞" if value > 0 else "−∞")
    return value
