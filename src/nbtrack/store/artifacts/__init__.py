"""Artifacts: plain files below the folder of their run or model, on this machine or elsewhere."""

from __future__ import annotations

from nbtrack._names import attach

__getattr__, __dir__ = attach("nbtrack.store.artifacts")
