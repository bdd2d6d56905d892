"""Optuna: ``autolog`` and ``NbtrackCallback`` log studies and their trials."""

from __future__ import annotations

from nbtrack._names import look_elsewhere
from nbtrack.autologging.optuna import autolog
from nbtrack.autologging.study_callback import NbtrackCallback

look_elsewhere(__name__)
__all__ = ["NbtrackCallback", "autolog"]
