"""Models of XGBoost: ``log_model``, ``save_model``, ``load_model``."""

from __future__ import annotations

from nbtrack.models.flavors.xgboost import _load_pyfunc, load_model, log_model, save_model

__all__ = ["_load_pyfunc", "load_model", "log_model", "save_model"]
