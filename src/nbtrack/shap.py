"""Why a model predicts what it does: ``log_explanation`` keeps SHAP values of its features."""

from __future__ import annotations

from nbtrack._names import look_elsewhere
from nbtrack.models.evaluation.explanation import log_explanation

look_elsewhere(__name__)
__all__ = ["log_explanation"]
