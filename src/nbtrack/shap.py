"""Explainers of SHAP, and ``log_explanation``, which keeps SHAP values of a model's features."""

from __future__ import annotations

from nbtrack._names import look_elsewhere
from nbtrack.models.evaluation.explanation import log_explanation
from nbtrack.models.flavors.shap import (
    _load_pyfunc,
    load_explainer,
    log_explainer,
    save_explainer,
    save_model,
)
from nbtrack.models.requirements import default_requirements

look_elsewhere(__name__)
get_default_pip_requirements = default_requirements("shap")
__all__ = [
    "_load_pyfunc",
    "get_default_pip_requirements",
    "load_explainer",
    "log_explainer",
    "log_explanation",
    "save_explainer",
    "save_model",
]
