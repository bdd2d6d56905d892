"""Models of Keras: ``log_model``, ``save_model``, ``load_model``."""

from __future__ import annotations

from nbtrack._names import look_elsewhere
from nbtrack.autologging.keras import autolog
from nbtrack.models.flavors.keras import _load_pyfunc, load_model, log_model, save_model
from nbtrack.models.requirements import default_requirements

look_elsewhere(__name__)
get_default_pip_requirements = default_requirements("keras")
__all__ = [
    "_load_pyfunc",
    "autolog",
    "get_default_pip_requirements",
    "load_model",
    "log_model",
    "save_model",
]
