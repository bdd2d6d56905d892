"""nbtrack: the experiment tracker that lives in the notebook.

``import nbtrack as mlflow`` runs the tracking code that people have; everything
is imported at its first use.
"""

from __future__ import annotations

import sys
from typing import Any

from nbtrack._names import attach, register_paths

__version__ = "0.1.0"

__getattr__, __dir__ = attach("nbtrack", "nbtrack")


def load_ipython_extension(shell: Any) -> None:
    """Register the magics: ``%load_ext nbtrack``."""
    from nbtrack.notebook.magics import load

    load(shell)


def _show_models() -> None:
    """Let the shell of a notebook show models as cards, without importing any of them."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        from nbtrack.notebook.formatters import register

        register(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "nbtrack"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from nbtrack.server.jupyter import NbtrackApp

    return [{"module": "nbtrack", "app": NbtrackApp}]


register_paths()
_show_models()
