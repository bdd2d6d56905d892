"""Models of scikit-learn, and their fits: ``log_model``, ``load_model``, ``autolog``."""

from __future__ import annotations

from nbtrack._names import look_elsewhere
from nbtrack.autologging.sklearn import autolog
from nbtrack.models.flavors.sklearn import (
    SERIALIZATION_FORMAT_CLOUDPICKLE,
    SERIALIZATION_FORMAT_PICKLE,
    SERIALIZATION_FORMAT_SKOPS,
    _load_pyfunc,
    load_model,
    log_model,
    save_model,
)
from nbtrack.models.requirements import default_requirements

look_elsewhere(__name__)
get_default_pip_requirements = default_requirements("scikit-learn")
__all__ = [
    "SERIALIZATION_FORMAT_CLOUDPICKLE",
    "SERIALIZATION_FORMAT_PICKLE",
    "SERIALIZATION_FORMAT_SKOPS",
    "_load_pyfunc",
    "autolog",
    "get_default_pip_requirements",
    "load_model",
    "log_model",
    "save_model",
]
