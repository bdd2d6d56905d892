"""Models of Hugging Face transformers: ``log_model``, ``save_model``, ``load_model``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbtrack._names import look_elsewhere
from nbtrack.autologging.transformers import autolog
from nbtrack.models.flavors.transformers import _load_pyfunc, load_model, log_model, save_model
from nbtrack.models.requirements import default_requirements

if TYPE_CHECKING:
    from nbtrack.autologging.trainer_callback import NbtrackCallback

look_elsewhere(__name__, NbtrackCallback="nbtrack.autologging.trainer_callback")
get_default_pip_requirements = default_requirements("transformers")
__all__ = [
    "NbtrackCallback",
    "_load_pyfunc",
    "autolog",
    "get_default_pip_requirements",
    "load_model",
    "log_model",
    "save_model",
]
