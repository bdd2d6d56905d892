"""Runs, had again from their record: a fresh kernel executes their cells, and they are compared."""

from __future__ import annotations

from nbtrack._names import attach

__getattr__, __dir__ = attach("nbtrack.reruns")
