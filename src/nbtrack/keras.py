"""Models of Keras: ``log_model``, ``save_model``, ``load_model``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbtrack._names import look_elsewhere
from nbtrack.autologging.keras import autolog
from nbtrack.models.flavors.keras import _load_pyfunc, load_model, log_model, save_model
from nbtrack.models.requirements import default_requirements

if TYPE_CHECKING:
    from nbtrack.autologging.keras_callback import MlflowCallback as MlflowCallback
    from nbtrack.autologging.keras_callback import NbtrackCallback as NbtrackCallback

# not in __all__: Keras cannot be imported before its backend is chosen
_CALLBACKS = "nbtrack.autologging.keras_callback"
look_elsewhere(__name__, NbtrackCallback=_CALLBACKS, MlflowCallback=_CALLBACKS)
get_default_pip_requirements = default_requirements("keras")
__all__ = [
    "_load_pyfunc",
    "autolog",
    "get_default_pip_requirements",
    "load_model",
    "log_model",
    "save_model",
]
