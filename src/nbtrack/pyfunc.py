"""Models of the user's own making, and one interface to models of every flavor."""

from __future__ import annotations

from nbtrack._names import look_elsewhere
from nbtrack.models.flavors.pyfunc import (
    _load_pyfunc,
    get_model_dependencies,
    load_model,
    log_model,
    save_model,
)
from nbtrack.models.model import PYFUNC as FLAVOR_NAME
from nbtrack.models.pyfunc_model import PyFuncModel
from nbtrack.models.python_model import PythonModel, PythonModelContext
from nbtrack.models.requirements import default_requirements

look_elsewhere(__name__)
get_default_pip_requirements = default_requirements()
__all__ = [
    "FLAVOR_NAME",
    "PyFuncModel",
    "PythonModel",
    "PythonModelContext",
    "_load_pyfunc",
    "get_default_pip_requirements",
    "get_model_dependencies",
    "load_model",
    "log_model",
    "save_model",
]
