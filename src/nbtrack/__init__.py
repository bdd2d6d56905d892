"""nbtrack: the experiment tracker that lives in the notebook.

``import nbtrack as mlflow`` runs the tracking code that people have; everything
is imported at its first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_API = (
    "active_run",
    "create_experiment",
    "delete_experiment",
    "delete_experiment_tag",
    "delete_run",
    "delete_tag",
    "end_run",
    "flush_artifact_async_logging",
    "flush_async_logging",
    "get_artifact_uri",
    "get_experiment",
    "get_experiment_by_name",
    "get_parent_run",
    "get_run",
    "get_tracking_uri",
    "is_tracking_uri_set",
    "last_active_run",
    "load_table",
    "log_artifact",
    "log_artifacts",
    "log_dict",
    "log_figure",
    "log_image",
    "log_input",
    "log_inputs",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "log_stream",
    "log_table",
    "log_text",
    "restore_experiment",
    "restore_run",
    "search_experiments",
    "search_runs",
    "set_experiment",
    "set_experiment_tag",
    "set_experiment_tags",
    "set_tag",
    "set_tags",
    "set_tracking_uri",
    "sql",
    "start_run",
)
_LAZY = {
    **dict.fromkeys(_API, "nbtrack.api"),
    "ActiveRun": "nbtrack.tracking.run",
    "Client": "nbtrack.client",
    "Image": "nbtrack.tracking.images",
    "NbtrackError": "nbtrack.errors",
}
_ALIASES = {
    "MlflowClient": ("nbtrack.client", "Client"),
    "MlflowException": ("nbtrack.errors", "NbtrackError"),
}
_MODULES = ("artifacts", "config", "data", "entities", "exceptions", "store", "system_metrics", "tracking")

__all__ = sorted((*_LAZY, *_ALIASES, *_MODULES, "__version__"))

if TYPE_CHECKING:
    from nbtrack.api import *  # noqa: F403
    from nbtrack.client import Client
    from nbtrack.client import Client as MlflowClient
    from nbtrack.errors import NbtrackError
    from nbtrack.errors import NbtrackError as MlflowException
    from nbtrack.tracking.images import Image
    from nbtrack.tracking.run import ActiveRun


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"nbtrack.{name}")
    if name in _LAZY:
        value = getattr(import_module(_LAZY[name]), name)
    elif name in _ALIASES:
        module, original = _ALIASES[name]
        value = getattr(import_module(module), original)
    else:
        raise AttributeError(f"module 'nbtrack' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(shell: Any) -> None:
    """Register the magics: ``%load_ext nbtrack``."""
    from nbtrack.notebook.magics import load

    load(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "nbtrack"}]
