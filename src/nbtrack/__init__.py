"""nbtrack: the experiment tracker that lives in the notebook.

``import nbtrack as mlflow`` runs the tracking code that people have; everything
is imported at its first use.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbtrack.api import *  # noqa: F403
    from nbtrack.api.sources import source
    from nbtrack.api.views import chart, compare, export_html, param_importance, plot, runs
    from nbtrack.client import Client
    from nbtrack.client import Client as MlflowClient
    from nbtrack.errors import NbtrackError
    from nbtrack.errors import NbtrackError as MlflowException
    from nbtrack.health.examination import doctor
    from nbtrack.projects.launch import run
    from nbtrack.system_metrics import *  # noqa: F403
    from nbtrack.tracking.active_model import ActiveModel
    from nbtrack.tracking.images import Image
    from nbtrack.tracking.operations import RunOperations
    from nbtrack.tracking.run import ActiveRun

__version__ = "0.1.0"

__all__ = [  # noqa: F405  the star import above is for type checkers
    "ActiveModel",
    "ActiveRun",
    "Client",
    "Image",
    "MlflowClient",
    "MlflowException",
    "NbtrackError",
    "RunOperations",
    "__version__",
    "active_run",
    "artifacts",
    "chart",
    "clear_active_model",
    "client",
    "compare",
    "config",
    "create_experiment",
    "create_external_model",
    "data",
    "delete_experiment",
    "delete_experiment_tag",
    "delete_logged_model_tag",
    "delete_run",
    "delete_tag",
    "disable_system_metrics_logging",
    "doctor",
    "enable_system_metrics_logging",
    "end_run",
    "entities",
    "exceptions",
    "export_html",
    "finalize_logged_model",
    "flush_artifact_async_logging",
    "flush_async_logging",
    "get_active_model_id",
    "get_artifact_uri",
    "get_experiment",
    "get_experiment_by_name",
    "get_logged_model",
    "get_parent_run",
    "get_registry_uri",
    "get_run",
    "get_tracking_uri",
    "import_checkpoints",
    "initialize_logged_model",
    "interop",
    "is_tracking_uri_set",
    "keras",
    "last_active_run",
    "last_logged_model",
    "lineage",
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
    "log_model_params",
    "log_outputs",
    "log_param",
    "log_params",
    "log_stream",
    "log_table",
    "log_text",
    "models",
    "param_importance",
    "plot",
    "projects",
    "pyfunc",
    "pytorch",
    "register_model",
    "restore_experiment",
    "restore_run",
    "run",
    "runs",
    "search_experiments",
    "search_logged_models",
    "search_model_versions",
    "search_registered_models",
    "search_runs",
    "set_active_model",
    "set_experiment",
    "set_experiment_tag",
    "set_experiment_tags",
    "set_logged_model_tags",
    "set_model_version_tag",
    "set_registry_uri",
    "set_system_metrics_node_id",
    "set_system_metrics_samples_before_logging",
    "set_system_metrics_sampling_interval",
    "set_tag",
    "set_tags",
    "set_tracking_uri",
    "sklearn",
    "source",
    "sql",
    "start_run",
    "store",
    "system_metrics",
    "tensorflow",
    "tracking",
    "transformers",
    "trust",
    "types",
    "xgboost",
]

_MODULES = {
    "artifacts",
    "client",
    "config",
    "data",
    "entities",
    "exceptions",
    "interop",
    "keras",
    "models",
    "projects",
    "pyfunc",
    "pytorch",
    "sklearn",
    "store",
    "system_metrics",
    "tensorflow",
    "tracking",
    "transformers",
    "types",
    "xgboost",
}
_ELSEWHERE = {
    "ActiveModel": ("nbtrack.tracking.active_model", "ActiveModel"),
    "ActiveRun": ("nbtrack.tracking.run", "ActiveRun"),
    "Client": ("nbtrack.client", "Client"),
    "Image": ("nbtrack.tracking.images", "Image"),
    "MlflowClient": ("nbtrack.client", "Client"),
    "MlflowException": ("nbtrack.errors", "NbtrackError"),
    "NbtrackError": ("nbtrack.errors", "NbtrackError"),
    "RunOperations": ("nbtrack.tracking.operations", "RunOperations"),
    "chart": ("nbtrack.api.views", "chart"),
    "compare": ("nbtrack.api.views", "compare"),
    "doctor": ("nbtrack.health.examination", "doctor"),
    "export_html": ("nbtrack.api.views", "export_html"),
    "param_importance": ("nbtrack.api.views", "param_importance"),
    "plot": ("nbtrack.api.views", "plot"),
    "run": ("nbtrack.projects.launch", "run"),
    "runs": ("nbtrack.api.views", "runs"),
    "source": ("nbtrack.api.sources", "source"),
    **{
        name: ("nbtrack.system_metrics", name)
        for name in (
            "disable_system_metrics_logging",
            "enable_system_metrics_logging",
            "set_system_metrics_node_id",
            "set_system_metrics_samples_before_logging",
            "set_system_metrics_sampling_interval",
        )
    },
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"nbtrack.{name}")
    if name not in __all__:
        from nbtrack._later import LATER, missing_attribute

        raise AttributeError(missing_attribute("nbtrack", name, LATER))
    module, original = _ELSEWHERE.get(name, ("nbtrack.api", name))
    value = globals()[name] = getattr(import_module(module), original)
    return value


def __dir__() -> list[str]:
    return __all__


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


_show_models()
