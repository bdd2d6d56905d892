"""Runs again what a run has recorded: a fresh kernel executes its cells, and both are compared."""

from __future__ import annotations

from nbtrack._names import attach

__getattr__, __dir__ = attach("nbtrack.reruns")
