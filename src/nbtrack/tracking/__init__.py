"""What a live run does: the run itself, its environment, its artifacts."""

from __future__ import annotations

from nbtrack._names import attach

__getattr__, __dir__ = attach("nbtrack.tracking")
