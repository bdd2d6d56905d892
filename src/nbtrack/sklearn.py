"""Models of scikit-learn: ``log_model``, ``save_model``, ``load_model``."""

from __future__ import annotations

from nbtrack.models.flavors.sklearn import (
    SERIALIZATION_FORMAT_CLOUDPICKLE,
    SERIALIZATION_FORMAT_PICKLE,
    SERIALIZATION_FORMAT_SKOPS,
    _load_pyfunc,
    load_model,
    log_model,
    save_model,
)

__all__ = [
    "SERIALIZATION_FORMAT_CLOUDPICKLE",
    "SERIALIZATION_FORMAT_PICKLE",
    "SERIALIZATION_FORMAT_SKOPS",
    "_load_pyfunc",
    "load_model",
    "log_model",
    "save_model",
]
